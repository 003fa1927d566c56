package auth_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func TestWhatIsNoSessionIsSignedOut(t *testing.T) {
	w := on(t)
	for _, cookie := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("é", 43), strings.Repeat("A", 1<<20), "'; DROP TABLE sessions --", "\x00"} {
		_, err := w.Authenticate(t.Context(), cookie, browser)
		wantErr(t, fmt.Sprintf("%.20q", cookie), err, portal.ErrSignedOut)
	}
}

func TestSessionEndsWhenItIsIdleOrOld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Limits = auth.Limits{Idle: time.Hour, Absolute: 10 * time.Hour}
		p := w.enrolled(ada("u1"))
		in, err := w.VerifyTOTP(t.Context(), p.Who, w.code(p))
		if err != nil {
			t.Fatal(err)
		}
		w.keep(in.Secret)
		alive := func() bool {
			_, err := w.Authenticate(t.Context(), in.Secret.Reveal(), browser)
			return err == nil
		}
		for hour := 1; hour < 12; hour++ {
			w.pass(59 * time.Minute)
			if got, want := alive(), hour <= 10; got != want { // 10 × 59 min and the minute of the enrolment
				t.Errorf("after %d × 59 min of use: alive is %v, want %v", hour, got, want)
			}
		}
		in2 := authtest.SignIn(t, w.Service, w.idp, "corp", ada("u1"), browser)
		in2, err = w.VerifyTOTP(t.Context(), authtest.Who(t, w.Service, in2, browser), w.code(p))
		if err != nil {
			t.Fatal(err)
		}
		in = in2
		w.keep(in.Secret)
		w.pass(61 * time.Minute)
		if alive() {
			t.Error("an idle session is alive")
		}
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		err = w.Store.View(t.Context(), func(tx *store.Tx) error {
			left, err := tx.Sessions(p.User.ID)
			if len(left) != 0 {
				t.Errorf("left after the sweep: %v", left)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestSessionWithoutFactorIsShort(t *testing.T) {
	w := on(t)
	in := authtest.SignIn(t, w.Service, w.idp, "corp", ada("u1"), browser)
	w.keep(in.Secret)
	w.pass(15 * time.Minute)
	_, err := w.Authenticate(t.Context(), in.Secret.Reveal(), browser)
	wantErr(t, "after 15 min", err, portal.ErrSignedOut)
}

func TestPeopleSeeAndEndTheirOwnSessionsOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, other := w.enrolled(ada("me")), w.enrolled(ada("other"))
		elsewhere := w.signIn("me")
		live, err := w.Sessions(t.Context(), me.Who)
		if err != nil || len(live) != 2 || live[0].ID != elsewhere.Session.ID || live[0].UserAgent != browser.UserAgent || live[0].Addr != browser.Addr {
			t.Fatalf("got %+v, %v", live, err)
		}
		wantErr(t, "somebody else's", w.EndSession(t.Context(), me.Who, other.Session.ID), portal.ErrNotFound)
		for _, id := range []string{"nothing", "", "\x00", "\xff", strings.Repeat("x", 100000)} {
			wantErr(t, "unknown session", w.EndSession(t.Context(), me.Who, portal.SessionID(id)), portal.ErrNotFound)
			wantErr(t, "unknown token", w.DeleteToken(t.Context(), me.Who, portal.TokenID(id)), portal.ErrNotFound)
			wantErr(t, "unknown factor", w.RemoveFactor(t.Context(), me.Who, portal.FactorID(id)), portal.ErrNotFound)
			wantErr(t, "unknown person", second(w.Person(t.Context(), portal.System, portal.UserID(id))), portal.ErrNotFound)
		}
		if err := w.EndSession(t.Context(), me.Who, elsewhere.Session.ID); err != nil {
			t.Error(err)
		}
		w.signIn("me")
		w.signIn("me")
		if n, err := w.EndOtherSessions(t.Context(), me.Who); err != nil || n != 2 {
			t.Errorf("%d ended, %v; want 2", n, err)
		}
		if live, err = w.Sessions(t.Context(), me.Who); err != nil || len(live) != 1 || live[0].ID != me.Session.ID {
			t.Errorf("left: %v, %v", live, err)
		}
		if _, err := w.SignOut(t.Context(), me.Who); err != nil {
			t.Error(err)
		}
		if _, err := w.SignOut(t.Context(), me.Who); err != nil {
			t.Errorf("signing out twice: %v", err)
		}
		if theirs, err := w.Sessions(t.Context(), other.Who); err != nil || len(theirs) != 1 {
			t.Errorf("the other person has %v, %v", theirs, err)
		}
	})
}

func TestUserAgentIsKeptHarmless(t *testing.T) {
	w := on(t)
	odd := browser
	odd.UserAgent = "a\x00\xff\u202e<script>" + strings.Repeat("x", 100000)
	in := authtest.SignIn(t, w.Service, w.idp, "corp", ada("u1"), odd)
	w.keep(in.Secret)
	if got := in.Session.UserAgent; !strings.HasPrefix(got, "a<script>xx") || len(got) != 256 {
		t.Errorf("kept %q", got)
	}
}

func TestTokenStandsForItsPerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		me, other := w.enrolled(ada("me")), w.enrolled(ada("other"))
		token, secret, err := w.CreateToken(t.Context(), me.Who, "curl at home", nil, 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		w.keep(secret)
		who, err := w.AuthenticateToken(t.Context(), secret.Reveal(), browser)
		if err != nil || who.User.ID != me.User.ID || who.Stage != auth.Ready || who.Session.ID != "" || who.Actor().Token != token.ID {
			t.Fatalf("got %+v, %v", who, err)
		}
		wantErr(t, "step-up by token", auth.RequireFresh(who.Actor(), w.clock), portal.ErrStepUp)
		_, _, err = w.CreateToken(t.Context(), who, "another", nil, 0)
		wantErr(t, "a token makes a token", err, portal.ErrForbidden)
		tokens, err := w.Tokens(t.Context(), me.Who)
		if err != nil || len(tokens) != 1 || tokens[0].Name != "curl at home" || tokens[0].UsedAt.IsZero() {
			t.Errorf("got %+v, %v", tokens, err)
		}
		wantErr(t, "somebody else's", w.DeleteToken(t.Context(), other.Who, token.ID), portal.ErrNotFound)
		w.pass(25 * time.Hour)
		_, err = w.AuthenticateToken(t.Context(), secret.Reveal(), browser)
		wantErr(t, "after its time", err, auth.ErrBadToken)
	})
}

func TestWhatIsNoTokenIsBad(t *testing.T) {
	w := on(t)
	me := w.enrolled(ada("me"))
	token, secret, err := w.CreateToken(t.Context(), me.Who, "x", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.keep(secret)
	for _, text := range []string{"", "sp_", secret.Reveal()[3:], secret.Reveal() + "A", "sp_" + strings.Repeat("A", 43), "SP_" + secret.Reveal()[3:], strings.Repeat("x", 1<<20)} {
		_, err := w.AuthenticateToken(t.Context(), text, browser)
		wantErr(t, fmt.Sprintf("%.10q", text), err, auth.ErrBadToken)
	}
	_, err = w.Authenticate(t.Context(), secret.Reveal()[3:], browser)
	wantErr(t, "a token as a cookie", err, portal.ErrSignedOut)
	if err := w.DeleteToken(t.Context(), me.Who, token.ID); err != nil {
		t.Fatal(err)
	}
	_, err = w.AuthenticateToken(t.Context(), secret.Reveal(), browser)
	wantErr(t, "deleted", err, auth.ErrBadToken)
}

func TestTokensAreCheckedAndCounted(t *testing.T) {
	w := on(t)
	me := w.enrolled(ada("me"))
	for name, life := range map[string]time.Duration{
		"": time.Hour, strings.Repeat("n", 10000): time.Hour, "a\nb": time.Hour, " a": time.Hour, "a\u202e": time.Hour, "short": time.Second, "long": 91 * 24 * time.Hour, "past": -time.Hour,
	} {
		_, _, err := w.CreateToken(t.Context(), me.Who, name, nil, life)
		wantErr(t, fmt.Sprintf("%.10q", name), err, portal.ErrInvalid)
	}
	for i := range 50 {
		if _, _, err := w.CreateToken(t.Context(), me.Who, fmt.Sprintf("<b>토큰 %d</b>", i), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := w.CreateToken(t.Context(), me.Who, "one more", nil, 0)
	wantErr(t, "51st", err, auth.ErrTooManyTokens)
}

func TestSweepTaskEndsWithItsContext(t *testing.T) {
	w := on(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}

// A browser that signs in again has one session: whoever kept a copy of the cookie from before is out.
func TestSigningInAgainEndsTheBrowsersSessionFromBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := authtest.SignIn(t, w.Service, w.idp, "corp", ada("a"), browser)
		again := browser
		again.Before = first.Secret
		second := authtest.SignIn(t, w.Service, w.idp, "corp", ada("a"), again)
		w.keep(first.Secret, second.Secret)
		_, err := w.Authenticate(t.Context(), first.Secret.Reveal(), browser)
		wantErr(t, "the session from before", err, portal.ErrSignedOut)
		if _, err := w.Authenticate(t.Context(), second.Secret.Reveal(), browser); err != nil {
			t.Error(err)
		}
		if w.audited("session.replace", "") != 1 {
			t.Errorf("not in the audit trail:\n%s", w.auditText())
		}
	})
}
