package auth_test

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
)

func TestFirstFactorMakesTheSessionReady(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		who := w.signIn("u1")
		begun, err := w.BeginTOTP(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(begun.URI.Reveal())
		if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Sallyport:u1@example.com" || u.Query().Get("secret") != begun.Secret.Reveal() ||
			u.Query().Get("issuer") != "Sallyport" || len(begun.Secret.Reveal()) != 32 {
			t.Errorf("URI has path %q and query %d long, %v", u.Path, len(u.RawQuery), err)
		}
		old := who.Session
		done, err := w.ConfirmTOTP(t.Context(), who, authtest.Code(t, begun.Secret, w.clock))
		if err != nil {
			t.Fatal(err)
		}
		w.keep(begun.Secret, done.Secret)
		w.keep(done.Codes...)
		if done.Stage != auth.Ready || len(done.Codes) != 10 || done.Session.ID != old.ID || !done.Session.FactorAt.Equal(w.clock) {
			t.Errorf("got %+v", done)
		}
		ready := authtest.Who(t, w.Service, done.SignedIn, browser)
		if ready.Stage != auth.Ready || ready.RequireReady() != nil {
			t.Errorf("stage is %s", ready.Stage)
		}
		if authtest.Trace(t, w.Store, who.User.ID) != authtest.Renewed {
			t.Error("the tunnels did not hear of the fresh factor")
		}
		if w.audited("factor.begin", "") != 1 || w.audited("factor.confirm", "") != 1 {
			t.Errorf("the audit trail lacks the enrolment:\n%s", w.auditText())
		}
		list, err := w.Factors(t.Context(), ready)
		if err != nil || len(list.Factors) != 1 || list.RecoveryCodes != 10 || list.Factors[0].Sealed != nil {
			t.Errorf("got %+v, %v", list, err)
		}
	})
}

func TestShowingAFactorChangesTheSessionsSecret(t *testing.T) {
	w := on(t)
	in := authtest.SignIn(t, w.Service, w.idp, "corp", ada("u1"), browser)
	w.keep(in.Secret)
	_, done := authtest.Enrol(t, w.Service, authtest.Who(t, w.Service, in, browser), w.clock)
	_, err := w.Authenticate(t.Context(), in.Secret.Reveal(), browser)
	wantErr(t, "the secret from before", err, portal.ErrSignedOut)
	if done.Secret.Reveal() == in.Secret.Reveal() {
		t.Error("the secret stayed")
	}
}

func TestSecondVisitShowsTheFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.enrolled(ada("u1"))
		who := w.signIn("u1")
		if who.Stage != auth.FactorVerification {
			t.Fatalf("stage is %s", who.Stage)
		}
		_, err := w.Tokens(t.Context(), who)
		wantErr(t, "before the factor", err, auth.ErrFactorNeeded)
		_, err = w.BeginTOTP(t.Context(), who)
		wantErr(t, "a factor of one's own before showing the real one", err, auth.ErrFactorNeeded)
		_, err = w.NewRecoveryCodes(t.Context(), who)
		wantErr(t, "recovery codes before the factor", err, auth.ErrFactorNeeded)
		in, err := w.VerifyTOTP(t.Context(), who, w.code(p))
		if err != nil || in.Stage != auth.Ready {
			t.Fatalf("got %+v, %v", in, err)
		}
		w.keep(in.Secret)
		if w.audited("factor.verify", "") != 1 {
			t.Error("not in the audit trail")
		}
	})
}

func TestCodeOfTheStepBeforeAndAfterIsGoodAndNoOther(t *testing.T) {
	w := on(t)
	p := w.enrolled(ada("u1"))
	w.pass(10 * time.Minute)
	for steps, good := range map[int]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		code := authtest.Code(t, p.seed, w.clock.Add(time.Duration(steps)*30*time.Second))
		_, err := w.VerifyTOTP(t.Context(), p.Who, code)
		if good != (err == nil) {
			t.Errorf("%d steps off: got %v, want good to be %v", steps, err, good)
		}
	}
}

func TestOneTOTPStepIsAcceptedOnceByHundredCallers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.enrolled(ada("u1"))
		code := w.code(p)
		won, lost := race(t, 100, func() error {
			in, err := w.VerifyTOTP(t.Context(), p.Who, code)
			w.keep(in.Secret)
			return err
		}, auth.ErrCodeUsed)
		if won != 1 || lost[auth.ErrCodeUsed.Code] != 99 {
			t.Errorf("%d won, others %v; want 1 and 99 code_used", won, lost)
		}
		_, err := w.VerifyTOTP(t.Context(), p.Who, code)
		wantErr(t, "once more", err, auth.ErrCodeUsed)
		w.pass(20 * time.Second)
		_, err = w.VerifyTOTP(t.Context(), p.Who, code)
		wantErr(t, "a little later, in the next step", err, auth.ErrCodeUsed)
	})
}

func TestConfirmationUsesItsStepAndWinsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		who := w.signIn("u1")
		begun, err := w.BeginTOTP(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		code := authtest.Code(t, begun.Secret, w.clock)
		won, lost := race(t, 30, func() error {
			done, err := w.ConfirmTOTP(t.Context(), who, code)
			w.keep(done.Codes...)
			return err
		}, portal.ErrSignedOut)
		if won != 1 {
			t.Errorf("%d won, others %v; want 1", won, lost)
		}
		_, err = w.VerifyTOTP(t.Context(), who, code)
		wantErr(t, "the confirmation's code again", err, auth.ErrCodeUsed)
	})
}

func TestOneRecoveryCodeWorksOnceForHundredCallers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.enrolled(ada("u1"))
		won, lost := race(t, 100, func() error {
			in, err := w.VerifyRecovery(t.Context(), p.Who, p.codes[3].Reveal())
			w.keep(in.Secret)
			return err
		}, auth.ErrWrongCode, auth.ErrTooManyTries)
		if won != 1 || lost[auth.ErrWrongCode.Code] > 5 {
			t.Errorf("%d won, others %v; want 1, and at most 5 that were not limited", won, lost)
		}
		if w.audited("factor.recovery", "") != 1 {
			t.Error("the audit trail does not have it once")
		}
	})
}

func TestRecoveryCodeIsReadAsPeopleTypeIt(t *testing.T) {
	w := on(t)
	p := w.enrolled(ada("u1"))
	for i, typed := range []string{
		strings.ToLower(p.codes[0].Reveal()), strings.ReplaceAll(p.codes[1].Reveal(), "-", ""), " " + strings.ReplaceAll(p.codes[2].Reveal(), "-", " ") + " ",
		strings.ReplaceAll(strings.ReplaceAll(p.codes[4].Reveal(), "0", "o"), "1", "l"),
	} {
		if _, err := w.VerifyRecovery(t.Context(), p.Who, typed); err != nil {
			t.Errorf("way %d: %v", i, err)
		}
	}
	other := w.enrolled(ada("u2"))
	_, err := w.VerifyRecovery(t.Context(), other.Who, p.codes[5].Reveal())
	wantErr(t, "somebody else's code", err, auth.ErrWrongCode)
}

func TestWrongCodesAreSlowedDownAndTheLockEndsByItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.enrolled(ada("u1"))
		wrong := authtest.WrongCode(t, p.seed, w.clock)
		for range 5 {
			_, err := w.VerifyTOTP(t.Context(), p.Who, wrong)
			wantErr(t, "wrong", err, auth.ErrWrongCode)
		}
		_, err := w.VerifyTOTP(t.Context(), p.Who, w.code(p))
		var limited *portal.Error
		if !errors.As(err, &limited) || limited.Code != auth.ErrTooManyTries.Code || limited.RetryAfter != 30 {
			t.Fatalf("sixth, right or not: got %v (%+v), want too_many_tries for 30 s", err, limited)
		}
		_, err = w.VerifyRecovery(t.Context(), p.Who, p.codes[0].Reveal())
		wantErr(t, "the other way in", err, auth.ErrTooManyTries)
		w.pass(30 * time.Second)
		_, err = w.VerifyTOTP(t.Context(), p.Who, authtest.WrongCode(t, p.seed, w.clock))
		wantErr(t, "one more try", err, auth.ErrWrongCode)
		_, err = w.VerifyTOTP(t.Context(), p.Who, w.code(p))
		if !errors.As(err, &limited) || limited.RetryAfter != 60 {
			t.Errorf("got %v, want a pause of 60 s", err)
		}
		w.pass(time.Minute)
		in, err := w.VerifyTOTP(t.Context(), p.Who, w.code(p))
		if err != nil {
			t.Fatalf("after the pause: %v", err)
		}
		w.keep(in.Secret)
		if n := w.audited("factor.refuse", "wrong"); n != 6 {
			t.Errorf("%d wrong codes in the audit trail, want 6", n)
		}
		w.pass(time.Minute)
		for range 4 {
			_, err = w.VerifyTOTP(t.Context(), p.Who, authtest.WrongCode(t, p.seed, w.clock))
			wantErr(t, "after a right one the count starts anew", err, auth.ErrWrongCode)
		}
	})
}

func TestParallelGuessesAreCountedLikeOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.enrolled(ada("u1"))
		wrong := authtest.WrongCode(t, p.seed, w.clock)
		won, lost := race(t, 60, func() error { _, err := w.VerifyTOTP(t.Context(), p.Who, wrong); return err }, auth.ErrWrongCode, auth.ErrTooManyTries)
		if won != 0 || lost[auth.ErrWrongCode.Code] != 5 {
			t.Errorf("%d won, others %v; want 5 looked at", won, lost)
		}
	})
}

func TestGuessesAtManyAccountsFromOneAddressAreSlowedDown(t *testing.T) {
	w := on(t)
	tried := 0
	for n := range 45 {
		p := w.enrolled(ada(strconv.Itoa(n)))
		w.clock = w.clock.Add(-time.Minute)
		for range 5 {
			_, err := w.VerifyTOTP(t.Context(), p.Who, authtest.WrongCode(t, p.seed, w.clock))
			if errors.Is(err, auth.ErrWrongCode) {
				tried++
			}
		}
		if tried == 200 {
			break
		}
	}
	if tried != 200 {
		t.Fatalf("%d guesses were looked at", tried)
	}
	who := w.signIn("new")
	if _, err := w.BeginTOTP(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	_, err := w.ConfirmTOTP(t.Context(), who, "000000")
	wantErr(t, "201st", err, auth.ErrTooManyTries)
}

func TestWhatIsNoCodeIsAWrongCode(t *testing.T) {
	w := on(t)
	p := w.enrolled(ada("u1"))
	for _, code := range []string{"", "12345", "1234567", "abcdef", "１２３４５６", strings.Repeat("1", 100000), "12\x00456", "-12345"} {
		w.pass(20 * time.Minute)
		_, err := w.VerifyTOTP(t.Context(), p.Who, code)
		wantErr(t, "TOTP", err, auth.ErrWrongCode)
		w.pass(20 * time.Minute)
		_, err = w.VerifyRecovery(t.Context(), p.Who, code)
		wantErr(t, "recovery", err, auth.ErrWrongCode)
	}
}

func TestMoreFactorsNeedAFreshOne(t *testing.T) {
	w := on(t)
	p := w.enrolled(ada("u1"))
	w.pass(auth.StepUpAge)
	_, err := w.BeginTOTP(t.Context(), p.Who)
	wantErr(t, "begin", err, portal.ErrStepUp)
	_, err = w.NewRecoveryCodes(t.Context(), p.Who)
	wantErr(t, "recovery codes", err, portal.ErrStepUp)
	_, _, err = w.CreateToken(t.Context(), p.Who, "cli", nil, 0)
	wantErr(t, "token", err, portal.ErrStepUp)
	in, err := w.VerifyTOTP(t.Context(), p.Who, w.code(p))
	if err != nil {
		t.Fatal(err)
	}
	p.Who = authtest.Who(t, w.Service, in, browser)
	seed, done := authtest.Enrol(t, w.Service, p.Who, w.clock.Add(30*time.Second))
	if done.Codes != nil {
		t.Error("the second factor replaced the recovery codes")
	}
	w.keep(seed, done.Secret)
	list, err := w.Factors(t.Context(), p.Who)
	if err != nil || len(list.Factors) != 2 {
		t.Fatalf("got %+v, %v", list, err)
	}
	codes, err := w.NewRecoveryCodes(t.Context(), p.Who)
	if err != nil || len(codes) != 10 || codes[0].Reveal() == p.codes[0].Reveal() {
		t.Errorf("got %d codes, %v", len(codes), err)
	}
	w.keep(codes...)
	wantErr(t, "somebody else's factor", w.RemoveFactor(t.Context(), p.Who, "nothing"), portal.ErrNotFound)
	if err := w.RemoveFactor(t.Context(), p.Who, list.Factors[0].ID); err != nil {
		t.Error(err)
	}
	wantErr(t, "the last", w.RemoveFactor(t.Context(), p.Who, list.Factors[1].ID), auth.ErrLastFactor)
	w.pass(time.Minute)
	_, err = w.VerifyTOTP(t.Context(), p.Who, w.code(p))
	wantErr(t, "code of the removed factor", err, auth.ErrWrongCode)
}

func TestEnrolmentNeedsItsBeginning(t *testing.T) {
	w := on(t)
	who := w.signIn("u1")
	_, err := w.ConfirmTOTP(t.Context(), who, "000000")
	wantErr(t, "nothing begun", err, auth.ErrNoEnrolment)
	_, err = w.VerifyTOTP(t.Context(), who, "000000")
	wantErr(t, "nothing to verify", err, auth.ErrFactorEnrolment)
	first, err := w.BeginTOTP(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.BeginTOTP(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	_, err = w.ConfirmTOTP(t.Context(), who, authtest.Code(t, first.Secret, w.clock))
	wantErr(t, "a seed that was begun before", err, auth.ErrWrongCode)
}

func TestFactorNeedsASessionThatIsStillThere(t *testing.T) {
	w := on(t)
	p, other := w.enrolled(ada("u1")), w.enrolled(ada("u2"))
	mixed := p.Who
	mixed.Session = other.Session
	_, err := w.VerifyTOTP(t.Context(), mixed, w.code(p))
	wantErr(t, "in somebody else's session", err, portal.ErrSignedOut)
	w.pass(13 * time.Hour)
	_, err = w.VerifyTOTP(t.Context(), p.Who, w.code(p))
	wantErr(t, "idle meanwhile", err, portal.ErrSignedOut)
	w.pass(-13 * time.Hour)
	if _, err := w.SignOut(t.Context(), p.Who); err != nil {
		t.Fatal(err)
	}
	_, err = w.VerifyTOTP(t.Context(), p.Who, w.code(p))
	wantErr(t, "signed out meanwhile", err, portal.ErrSignedOut)
	_, err = w.BeginTOTP(t.Context(), p.Who)
	wantErr(t, "begin", err, portal.ErrSignedOut)
	token := p.Who
	token.Session, token.Token = portal.Session{}, portal.Token{ID: "t"}
	_, err = w.VerifyTOTP(t.Context(), token, w.code(p))
	wantErr(t, "by token", err, portal.ErrForbidden)
}

func TestTunnelsThatFailUndoTheFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.enrolled(ada("u1"))
		code := w.code(p)
		w.tunnels.Fail = errors.New("boom")
		if _, err := w.VerifyTOTP(t.Context(), p.Who, code); err == nil {
			t.Fatal("it went on")
		}
		w.tunnels.Fail = nil
		in, err := w.VerifyTOTP(t.Context(), p.Who, code)
		if err != nil {
			t.Errorf("the code of the failed try: %v", err)
		}
		w.keep(in.Secret)
	})
}

func TestRequestFromBeforeTheFactorDoesNotShareInIt(t *testing.T) {
	w := on(t)
	p := w.enrolled(ada("u1"))
	stolen := w.signIn("u1") // its secret is known to a thief, whose requests are on their way
	in, err := w.VerifyTOTP(t.Context(), stolen, w.code(p))
	if err != nil {
		t.Fatal(err)
	}
	w.keep(in.Secret)
	_, err = w.BeginTOTP(t.Context(), stolen)
	wantErr(t, "begin a factor", err, portal.ErrSignedOut)
	_, err = w.ConfirmTOTP(t.Context(), stolen, "123456")
	wantErr(t, "confirm a factor", err, portal.ErrSignedOut)
	_, err = w.NewRecoveryCodes(t.Context(), stolen)
	wantErr(t, "recovery codes", err, portal.ErrSignedOut)
	_, _, err = w.CreateToken(t.Context(), stolen, "mine", nil, 0)
	wantErr(t, "token", err, portal.ErrSignedOut)
}

func TestHowLongAFactorIsFreshIsASetting(t *testing.T) {
	w := on(t)
	for _, limit := range []time.Duration{3 * time.Minute, 30 * time.Minute} {
		w.Limits.StepUp = limit
		seed, done := authtest.Enrol(t, w.Service, w.signIn("u"+limit.String()), w.clock)
		w.keep(seed, done.Secret)
		w.keep(done.Codes...)
		w.pass(limit - time.Minute)
		who, err := w.Authenticate(t.Context(), done.Secret.Reveal(), browser)
		if err != nil || auth.RequireFresh(who.Actor(), w.clock) != nil {
			t.Errorf("%s: not fresh before it is over: %v", limit, err)
		}
		w.pass(2 * time.Minute)
		wantErr(t, "by the actor", auth.RequireFresh(who.Actor(), w.clock), portal.ErrStepUp)
		_, err = w.BeginTOTP(t.Context(), who)
		wantErr(t, "by the session", err, portal.ErrStepUp)
	}
}
