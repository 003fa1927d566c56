package auth_test

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// with is ada with the provider's own name for the session.
func with(a authtest.Answer, claims map[string]any) authtest.Answer {
	for name, value := range claims {
		a.Claims[name] = value
	}
	return a
}

func browserAt(n int) auth.Browser {
	return auth.Browser{Addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}), UserAgent: "idp", RequestID: "r2"}
}

func TestProviderEndsSessionsByItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		in := func(subject, session string) string {
			t.Helper()
			done := authtest.SignIn(t, w.Service, w.idp, "corp", with(ada(subject), map[string]any{"sid": session}), browser)
			w.keep(done.Secret)
			return done.Secret.Reveal()
		}
		bob1, bob2, bob3, eve := in("bob", "s1"), in("bob", "s2"), in("bob", "s3"), in("eve", "s1-eve")
		live := func(cookies ...string) (n int) {
			for _, c := range cookies {
				if _, err := w.Authenticate(t.Context(), c, browser); err == nil {
					n++
				}
			}
			return n
		}
		logout := func(token string) error { return w.BackChannelLogout(t.Context(), "corp", token, browser) }

		if err := logout(w.idp.LogoutToken(authtest.Answer{}, "s1")); err != nil {
			t.Fatal(err)
		}
		if live(bob1) != 0 || live(bob2, bob3, eve) != 3 {
			t.Errorf("by the session alone: %d, %d live", live(bob1), live(bob2, bob3, eve))
		}
		if err := logout(w.idp.LogoutToken(authtest.Answer{Subject: "eve"}, "s2")); err != nil || live(bob2) != 1 {
			t.Errorf("somebody else's session: %v, %d live", err, live(bob2))
		}
		token := w.idp.LogoutToken(authtest.Answer{Subject: "bob"}, "")
		if err := logout(token); err != nil || live(bob2, bob3) != 0 || live(eve) != 1 {
			t.Errorf("by the subject: %v, %d of two and %d of one live", err, live(bob2, bob3), live(eve))
		}
		if what := authtest.Trace(t, w.Store, w.userOf("bob").ID); what != authtest.Ended {
			t.Errorf("tunnels were told %q", what)
		}
		wantErr(t, "the same token again", logout(token), auth.ErrLogoutToken)
		if err := logout(w.idp.LogoutToken(authtest.Answer{Subject: "bob"}, "")); err != nil || w.audited("session.provider_logout", `"grants":1,"people":["`+string(w.userOf("bob").ID)+`"],"sessions":0`) != 1 {
			t.Errorf("whose web session has gone already: %v; tunnels are ended all the same\n%s", err, w.auditText())
		}
		if n := w.audited("session.provider_logout", `"sessions":2`); n != 1 {
			t.Errorf("%d events tell of two sessions, want 1", n)
		}

		again := w.idp.LogoutToken(authtest.Answer{Subject: "eve"}, "")
		won, lost := race(t, 20, func() error { return logout(again) }, auth.ErrLogoutToken, auth.ErrTooManyTries)
		if won != 1 || live(eve) != 0 {
			t.Errorf("one token by twenty callers: %d took it, %v", won, lost)
		}
	})
}

func TestLogoutTokensThatCantBeTrustedEndNothing(t *testing.T) {
	w := on(t)
	done := authtest.SignIn(t, w.Service, w.idp, "corp", ada("bob"), browser)
	w.keep(done.Secret)
	twist := func(name string, value any) authtest.Answer {
		return authtest.Answer{Subject: "bob", Twist: func(c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}}
	}
	const event = "http://schemas.openid.net/event/backchannel-logout"
	idToken := authtest.Answer{Subject: "bob", Twist: func(c map[string]any) { delete(c, "events"); c["nonce"] = "n" }}
	tried := 0
	for reason, list := range map[string][]authtest.Answer{
		"logout_signature": {
			twist("aud", "another"), twist("aud", nil), twist("iss", "https://evil.example"), twist("iss", nil),
			{Subject: "bob", Unsigned: true},
			{Subject: "bob", ForeignKey: true},
			{Subject: "bob", SymmetricKey: true},
			twist("nonce", map[string]any{}), twist("exp", "soon"), // what the library can't parse
		},
		"logout_nonce": {twist("nonce", "n"), twist("nonce", "")},
		"logout_events": {
			twist("events", nil), twist("events", map[string]any{}), twist("events", map[string]any{"x": map[string]any{}}), twist("events", event),
			twist("events", []string{event}), twist("events", map[string]any{event: nil}), twist("events", map[string]any{event: "yes"}), idToken,
		},
		"logout_jti": {twist("jti", nil), twist("jti", ""), twist("jti", 7), twist("jti", strings.Repeat("x", 600))},
		"logout_issued_at": {
			twist("iat", nil), twist("iat", w.clock.Add(-time.Hour).Unix()), twist("iat", w.clock.Add(time.Hour).Unix()), twist("iat", -5),
		},
		"logout_expired": {twist("exp", w.clock.Add(-2*time.Minute).Unix())},
		"logout_nobody":  {twist("sub", nil), twist("sub", ""), twist("sub", strings.Repeat("x", 300)), twist("sub", "bob\n")},
	} {
		for i, a := range list {
			tried++ // refusals are counted by address
			before := w.audited("session.logout_refused", `"`+reason+`"`)
			wantErr(t, reason, w.BackChannelLogout(t.Context(), "corp", w.idp.LogoutToken(a, ""), browserAt(tried)), auth.ErrLogoutToken)
			if w.audited("session.logout_refused", `"`+reason+`"`) != before+1 {
				t.Errorf("%s %d: refused for %s", reason, i, w.audits()[0].Detail)
			}
		}
	}
	for _, token := range []string{"", "x", "a.b", "..", strings.Repeat("x", 20<<10)} {
		wantErr(t, "what is no token", w.BackChannelLogout(t.Context(), "corp", token, browserAt(99)), auth.ErrLogoutToken)
	}
	wantErr(t, "a provider that there is not", w.BackChannelLogout(t.Context(), "none", "x", browser), auth.ErrNoProvider)
	if _, err := w.Authenticate(t.Context(), done.Secret.Reveal(), browser); err != nil || authtest.Trace(t, w.Store, w.userOf("bob").ID) == authtest.Ended {
		t.Errorf("the session has ended: %v", err)
	}

	// Another provider's word is about its own people only, however they are called.
	other := authtest.New(t)
	other.Now = w.idp.Now
	config := other.Config("other")
	w.Providers = append(w.Providers, config)
	wantErr(t, "a token of another provider", w.BackChannelLogout(t.Context(), "corp", other.LogoutToken(authtest.Answer{Subject: "bob"}, ""), browserAt(98)), auth.ErrLogoutToken)
	if err := w.BackChannelLogout(t.Context(), "other", other.LogoutToken(authtest.Answer{Subject: "bob"}, ""), browser); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), done.Secret.Reveal(), browser); err != nil || authtest.Trace(t, w.Store, w.userOf("bob").ID) == authtest.Ended {
		t.Errorf("another provider's subject of the same name ended it: %v", err)
	}
}

func TestSigningOutGoesOnAtTheProvider(t *testing.T) {
	w := on(t)
	who := w.signIn("bob")
	ended, err := w.SignOut(t.Context(), who)
	if err != nil || ended.Upstream.IDToken != "" {
		t.Errorf("the ID token is kept for nothing: %q, %v", ended.Upstream.IDToken, err)
	}
	if to := w.SignOutUpstream(t.Context(), ended); to != "" {
		t.Errorf("leads to %s, though it is off", to)
	}
	w.Providers[0].Logout = true
	who = w.signIn("bob")
	if all, err := w.liveSessions(who); err != nil || len(all) != 1 || who.Session.Upstream.IDToken != "" || all[0].Upstream.IDToken != "" {
		t.Errorf("each request reads the ID token: %v, %v", all, err)
	}
	if ended, err = w.SignOut(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(w.SignOutUpstream(t.Context(), ended))
	if err != nil {
		t.Fatal(err)
	}
	q := to.Query()
	if !strings.HasPrefix(to.String(), w.idp.URL+"/end?") || q.Get("kept") != "1" || q.Get("client_id") != authtest.ClientID || q.Get("post_logout_redirect_uri") != "https://vpn.example.com/sign-in" {
		t.Errorf("leads to %s", to)
	}
	if strings.Count(q.Get("id_token_hint"), ".") != 2 {
		t.Error("without the ID token, the provider asks everybody whether they mean it")
	}
	if strings.Contains(ended.Upstream.IDToken, q.Get("id_token_hint")) {
		t.Error("the ID token is not sealed")
	}
	if to := w.SignOutUpstream(t.Context(), portal.Session{Provider: "corp"}); to != "" {
		t.Errorf("a session that it did not begin leads to %s", to)
	}
	moved := ended
	moved.Upstream.Issuer = "https://evil.example"
	if to := w.SignOutUpstream(t.Context(), moved); to != "" {
		t.Errorf("a session of an issuer that was there before leads to %s", to)
	}
}

// liveSessions are the person's, whatever stage the session is in.
func (w *world) liveSessions(who auth.Who) (all []portal.Session, err error) {
	err = w.Store.View(w.t.Context(), func(tx *store.Tx) (err error) {
		all, err = tx.Sessions(who.User.ID)
		return err
	})
	return all, err
}

func TestALogoutEndpointThatCantBeUsedEndsNoSignIn(t *testing.T) {
	w := on(t)
	w.idp.End = "javascript:alert(1)"
	w.Providers[0].Logout = true
	ended, err := w.SignOut(t.Context(), w.signIn("bob"))
	if err != nil {
		t.Fatal(err)
	}
	if to := w.SignOutUpstream(t.Context(), ended); to != "" {
		t.Errorf("leads to %s", to)
	}
}

// While an address waits, what it sends is refused by reading alone: neither the provider is asked nor the database written to.
func TestAnAddressThatWaitsCostsNoWrite(t *testing.T) {
	w := on(t)
	w.signIn("bob")
	key := portal.TryKey(browser.Addr)
	fill(w, portal.LimitRefused, key, 200)
	fill(w, portal.LimitTokenAddr, key, 200)
	asked := w.idp.Calls("/jwks")
	forged := w.idp.LogoutToken(authtest.Answer{Subject: "bob", ForeignKey: true}, "")
	err := w.Store.Tx(t.Context(), func(*store.Tx) error { // whoever wants to write would wait for this
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if err := w.BackChannelLogout(ctx, "corp", forged, browser); limited(err) == 0 {
			t.Errorf("a forged logout token: %v", err)
		}
		if _, err := w.AuthenticateToken(ctx, "sp_wrong", browser); limited(err) == 0 {
			t.Errorf("a wrong token: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if n := w.idp.Calls("/jwks"); n != asked {
		t.Errorf("keys were asked for %d times", n-asked)
	}
}

// What is behind a jwks_uri that an admin entered is shown to nobody, and a logout token that can't be checked is not a bad one.
func TestWhatIsInPlaceOfKeysIsNotShown(t *testing.T) {
	w := on(t)
	w.openLoopback()
	owner := w.admin("root", "owners")
	w.idp.Rotate()
	w.idp.SetKeyPage("hunter2 is the password of the printer")
	w.keep(portal.NewSecretText("hunter2")) // in the log or the trail it fails the test

	w.idp.Set(ada("bob"))
	id, start, err := w.TryProvider(t.Context(), owner.Who, "second", w.entered(true))
	if err != nil {
		t.Fatal(err)
	}
	cb := w.idp.Visit(t, "second", start.Redirect)
	cb.Session = w.secretOf(owner)
	if _, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser); err != nil {
		t.Fatal(err)
	}
	out, err := w.ProviderTried(t.Context(), owner.Who, id)
	if err != nil || out.Outcome != auth.TryFailed || out.Reason != "keys" || out.Cause == "" || strings.Contains(out.Cause, "hunter2") {
		t.Errorf("the test says %q, %q, %v", out.Reason, out.Cause, err)
	}
	signing, cb := w.start(ada("bob"))
	_, err = w.FinishSignIn(t.Context(), cb, signing.Flow.Reveal(), browser)
	wantErr(t, "sign-in", err, auth.ErrProviderDown)
	wantErr(t, "logout", w.BackChannelLogout(t.Context(), "corp", w.idp.LogoutToken(ada("root"), ""), browser), auth.ErrProviderDown)
}
