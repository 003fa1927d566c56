package auth_test

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

const origin = "https://vpn.example.com"

// withPasskey adds a passkey to a session that may, and returns the session that is ready.
func (w *world) withPasskey(who auth.Who, key *authtest.Authenticator) (auth.Who, auth.Confirmed) {
	w.t.Helper()
	key.Origin = origin
	options, err := w.BeginPasskey(w.t.Context(), who)
	if err != nil {
		w.t.Fatal(err)
	}
	done, err := w.ConfirmPasskey(w.t.Context(), who, "Laptop", key.Create(w.t, options))
	if err != nil {
		w.t.Fatal(err)
	}
	w.keep(done.Secret)
	w.keep(done.Codes...)
	return authtest.Who(w.t, w.Service, done.SignedIn, browser), done
}

func (w *world) ask(who auth.Who) []byte {
	w.t.Helper()
	options, err := w.BeginVerifyPasskey(w.t.Context(), who)
	if err != nil {
		w.t.Fatal(err)
	}
	return options
}

func (w *world) askAnybody() []byte {
	w.t.Helper()
	options, err := w.StartPasskeySignIn(w.t.Context(), browser)
	if err != nil {
		w.t.Fatal(err)
	}
	return options
}

func TestPasskeyIsEnoughAsTheFirstFactorAndShownLater(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key := &authtest.Authenticator{Synced: true}
		who, done := w.withPasskey(w.signIn("u1"), key)
		if who.Stage != auth.Ready || len(done.Codes) != 10 || who.Session.Factor != portal.FactorPasskey {
			t.Errorf("stage %s, %d codes, factor %q", who.Stage, len(done.Codes), who.Session.Factor)
		}
		if authtest.Trace(t, w.Store, who.User.ID) != authtest.Renewed {
			t.Error("the tunnels did not hear of it")
		}
		list, err := w.Factors(t.Context(), who)
		if err != nil || len(list.Factors) != 1 || list.Factors[0].Kind != portal.FactorPasskey || list.Factors[0].Name != "Laptop" {
			t.Fatalf("got %+v, %v", list, err)
		}
		kept := w.passkeys(who.User.ID)
		if len(kept) != 1 || !kept[0].BackupEligible || !kept[0].BackedUp || !kept[0].UserVerified || len(kept[0].PublicKey) == 0 {
			t.Errorf("kept %+v", kept)
		}
		again := w.signIn("u1")
		if again.Stage != auth.FactorVerification {
			t.Fatalf("stage is %s", again.Stage)
		}
		_, err = w.BeginPasskey(t.Context(), again)
		wantErr(t, "a passkey of one's own before showing the real one", err, auth.ErrFactorNeeded)
		in, err := w.VerifyPasskey(t.Context(), again, key.Get(t, w.ask(again)))
		if err != nil || in.Stage != auth.Ready {
			t.Fatalf("got %+v, %v", in, err)
		}
		w.keep(in.Secret)
		if w.audited("factor.add", `"Laptop"`) != 1 || w.audited("factor.verify", "") != 1 {
			t.Errorf("the audit trail lacks it:\n%s", w.auditText())
		}
	})
}

func (w *world) passkeys(id portal.UserID) (keys []portal.Passkey) {
	w.t.Helper()
	err := w.Store.View(w.t.Context(), func(tx *store.Tx) (err error) {
		keys, err = tx.Passkeys(id)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return keys
}

func TestPasskeySignsInWithoutTheProvider(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key := &authtest.Authenticator{}
		w.withPasskey(w.signIn("u1"), key)
		w.idp.SetDown(true)
		in, err := w.FinishPasskeySignIn(t.Context(), key.Get(t, w.askAnybody()), browser)
		if err != nil || in.Stage != auth.Ready {
			t.Fatalf("got %+v, %v", in, err)
		}
		w.keep(in.Secret)
		who := authtest.Who(t, w.Service, in, browser)
		if who.Stage != auth.Ready || auth.RequireFresh(who.Actor(), w.clock) != nil || who.Session.Provider != portal.ProviderPasskey {
			t.Errorf("got %+v", who)
		}
		if w.audited("session.sign_in", `"passkey"`) != 1 {
			t.Error("not in the audit trail")
		}
	})
}

func TestPasskeyAloneEndsWithTheProvidersWord(t *testing.T) {
	w := on(t)
	key := &authtest.Authenticator{}
	who, _ := w.withPasskey(w.signIn("u1"), key)
	signIn := func() error {
		in, err := w.FinishPasskeySignIn(t.Context(), key.Get(t, w.askAnybody()), browser)
		w.keep(in.Secret)
		return err
	}
	w.pass(29 * 24 * time.Hour)
	if err := signIn(); err != nil {
		t.Fatal(err)
	}
	w.pass(24 * time.Hour) // the sign-in of yesterday was not the provider's
	wantErr(t, "30 days after the provider's word", signIn(), auth.ErrProviderFirst)
	w.signIn("u1")
	if err := signIn(); err != nil {
		t.Errorf("after the provider's word: %v", err)
	}
	boss := portal.System
	if err := w.Suspend(t.Context(), boss, who.User.ID); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "suspended", signIn(), auth.ErrSuspended)
	if n := w.audited("session.sign_in_refused", "provider_word_too_old"); n != 1 {
		t.Errorf("%d refusals in the audit trail", n)
	}
}

func TestPasskeyAnswersThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(key *authtest.Authenticator)
		want  *portal.Error
	}{
		"without verifying its person": {func(k *authtest.Authenticator) { k.Unverified = true }, auth.ErrPasskeyRefused},
		"on another site":              {func(k *authtest.Authenticator) { k.Origin = "https://vpn.example.com.evil.example" }, auth.ErrPasskeyRefused},
		"over plain HTTP":              {func(k *authtest.Authenticator) { k.Origin = "http://vpn.example.com" }, auth.ErrPasskeyRefused},
		"on another port":              {func(k *authtest.Authenticator) { k.Origin = origin + ":8443" }, auth.ErrPasskeyRefused},
		"with a counter that fell":     {func(k *authtest.Authenticator) { k.Count = 1 }, auth.ErrPasskeyCopied},
		"with a counter that stands":   {func(k *authtest.Authenticator) { k.Count = 5 }, auth.ErrPasskeyCopied},
		"when it may be copied now":    {func(k *authtest.Authenticator) { k.Synced = true }, auth.ErrPasskeyRefused},
		"for somebody else":            {func(k *authtest.Authenticator) { k.Handle = []byte("somebody") }, auth.ErrPasskeyRefused},
	} {
		t.Run(name, func(t *testing.T) {
			w := on(t)
			key := &authtest.Authenticator{Count: 5}
			who, _ := w.withPasskey(w.signIn("u1"), key)
			before := w.passkeys(who.User.ID)[0]
			c.spoil(key)
			options := w.ask(who)
			_, err := w.VerifyPasskey(t.Context(), who, key.Get(t, options))
			wantErr(t, "as the second factor", err, c.want)
			_, err = w.VerifyPasskey(t.Context(), who, key.Get(t, options))
			wantErr(t, "the same challenge again", err, auth.ErrPasskeyEnded)
			_, err = w.FinishPasskeySignIn(t.Context(), key.Get(t, w.askAnybody()), browser)
			wantErr(t, "as the first factor", err, c.want)
			if after := w.passkeys(who.User.ID)[0]; after.SignCount != before.SignCount {
				t.Errorf("the counter went from %d to %d", before.SignCount, after.SignCount)
			}
			if w.audited("factor.refuse", "") != 1 || w.audited("session.sign_in_refused", "") != 1 {
				t.Errorf("not in the audit trail:\n%s", w.auditText())
			}
		})
	}
}

func TestCounterOfAPasskeyIsKept(t *testing.T) {
	w := on(t)
	key := &authtest.Authenticator{Counting: true, Count: 7}
	who, _ := w.withPasskey(w.signIn("u1"), key)
	in, err := w.VerifyPasskey(t.Context(), who, key.Get(t, w.ask(who)))
	if err != nil {
		t.Fatal(err)
	}
	w.keep(in.Secret)
	if got := w.passkeys(who.User.ID)[0].SignCount; got != 8 {
		t.Errorf("kept %d, want 8", got)
	}
}

func TestChallengeIsForOneSessionOnePurposeAndAWhile(t *testing.T) {
	w := on(t)
	key, other := &authtest.Authenticator{}, &authtest.Authenticator{}
	who, _ := w.withPasskey(w.signIn("u1"), key)
	stranger, _ := w.withPasskey(w.signIn("u2"), other)
	_, err := w.VerifyPasskey(t.Context(), who, key.Get(t, w.ask(stranger)))
	wantErr(t, "somebody else's challenge", err, auth.ErrPasskeyEnded)
	_, err = w.VerifyPasskey(t.Context(), w.signIn("u1"), key.Get(t, w.ask(who)))
	wantErr(t, "another session's", err, auth.ErrPasskeyEnded)
	_, err = w.VerifyPasskey(t.Context(), who, key.Get(t, w.askAnybody()))
	wantErr(t, "one for signing in", err, auth.ErrPasskeyEnded)
	_, err = w.FinishPasskeySignIn(t.Context(), key.Get(t, w.ask(who)), browser)
	wantErr(t, "one for the second factor", err, auth.ErrPasskeyEnded)
	_, err = w.VerifyPasskey(t.Context(), who, other.Get(t, w.ask(who)))
	wantErr(t, "somebody else's passkey", err, auth.ErrPasskeyRefused)
	late := w.ask(who)
	w.pass(5 * time.Minute)
	_, err = w.VerifyPasskey(t.Context(), who, key.Get(t, late))
	wantErr(t, "too late", err, auth.ErrPasskeyEnded)
	_, err = w.VerifyPasskey(t.Context(), who, []byte(`{"id":"x"}`))
	wantErr(t, "what is no answer", err, auth.ErrPasskeyRefused)
	w.idp.SetDown(true)
	for range 20 {
		_, err = w.VerifyPasskey(t.Context(), who, key.Get(t, w.askAnybody()))
		wantErr(t, "once more", err, auth.ErrPasskeyEnded)
	}
	if in, err := w.VerifyPasskey(t.Context(), who, key.Get(t, w.ask(who))); err != nil {
		t.Errorf("refusals lock nobody out: %v", err)
	} else {
		w.keep(in.Secret)
	}
}

func TestRefusedAnswersFillTheAuditTrailOnlySoFar(t *testing.T) {
	w := on(t)
	key, other := &authtest.Authenticator{}, &authtest.Authenticator{}
	who, _ := w.withPasskey(w.signIn("u1"), key)
	w.withPasskey(w.signIn("u2"), other)
	for range 80 {
		options, err := w.BeginVerifyPasskey(t.Context(), who)
		if errors.Is(err, auth.ErrTooManyTries) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		answer := other.Get(t, options)
		for range 2 {
			if _, err := w.VerifyPasskey(t.Context(), who, answer); err == nil {
				t.Fatal("somebody else's passkey was taken")
			}
		}
	}
	if n := w.audited("factor.refuse", ""); n > 60 {
		t.Errorf("%d refusals in the audit trail within ten minutes", n)
	}
	w.pass(11 * time.Minute)
	in, err := w.VerifyPasskey(t.Context(), who, key.Get(t, w.ask(who)))
	if err != nil {
		t.Errorf("later: %v", err)
	}
	w.keep(in.Secret)
}

func TestOnePasskeyChallengeIsAnsweredOnceByHundredCallers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key := &authtest.Authenticator{}
		who, _ := w.withPasskey(w.signIn("u1"), key)
		answer := key.Get(t, w.ask(who))
		won, lost := race(t, 100, func() error {
			in, err := w.VerifyPasskey(t.Context(), who, answer)
			w.keep(in.Secret)
			return err
		}, auth.ErrPasskeyEnded)
		if won != 1 || lost[auth.ErrPasskeyEnded.Code] != 99 {
			t.Errorf("as the second factor %d won, others %v; want 1 and 99", won, lost)
		}
		answer = key.Get(t, w.askAnybody())
		won, lost = race(t, 100, func() error {
			in, err := w.FinishPasskeySignIn(t.Context(), answer, browser)
			w.keep(in.Secret)
			return err
		}, auth.ErrPasskeyEnded, auth.ErrTooManyTries)
		if won != 1 || lost[auth.ErrPasskeyEnded.Code]+lost[auth.ErrTooManyTries.Code] != 99 {
			t.Errorf("as the first factor %d won, others %v; want 1 and 99", won, lost)
		}
	})
}

func TestPasskeysAreRenamedAndRemovedButNeverTheLast(t *testing.T) {
	w := on(t)
	who, _ := w.withPasskey(w.signIn("u1"), &authtest.Authenticator{})
	second := &authtest.Authenticator{}
	who, done := w.withPasskey(who, second)
	if done.Codes != nil {
		t.Error("the second factor replaced the recovery codes")
	}
	list, err := w.Factors(t.Context(), who)
	if err != nil || len(list.Factors) != 2 {
		t.Fatalf("got %+v, %v", list, err)
	}
	if err := w.RenameFactor(t.Context(), who, list.Factors[0].ID, "  Old\tkey "); err != nil {
		t.Fatal(err)
	}
	if w.audited("factor.rename", `"Old key"`) != 1 || w.audited("factor.rename", `"Laptop"`) != 1 {
		t.Errorf("before and after are not in the audit trail:\n%s", w.auditText())
	}
	wantErr(t, "no name", w.RenameFactor(t.Context(), who, list.Factors[0].ID, " "), portal.ErrInvalid)
	wantErr(t, "nobody's", w.RenameFactor(t.Context(), who, "nothing", "x"), portal.ErrNotFound)
	w.pass(11 * time.Minute)
	wantErr(t, "rename later", w.RenameFactor(t.Context(), who, list.Factors[0].ID, "x"), portal.ErrStepUp)
	wantErr(t, "remove later", w.RemoveFactor(t.Context(), who, list.Factors[0].ID), portal.ErrStepUp)
	in, err := w.VerifyPasskey(t.Context(), who, second.Get(t, w.ask(who)))
	if err != nil {
		t.Fatal(err)
	}
	w.keep(in.Secret)
	who = authtest.Who(t, w.Service, in, browser)
	if err := w.RemoveFactor(t.Context(), who, list.Factors[0].ID); err != nil {
		t.Fatal(err)
	}
	if n := len(w.passkeys(who.User.ID)); n != 1 {
		t.Errorf("%d credentials are left, want 1", n)
	}
	wantErr(t, "the last", w.RemoveFactor(t.Context(), who, list.Factors[1].ID), auth.ErrLastFactor)
}

func TestPasskeyIsSetUpOnce(t *testing.T) {
	w := on(t)
	key := &authtest.Authenticator{Origin: origin}
	who := w.signIn("u1")
	options, err := w.BeginPasskey(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	answer := key.Create(t, options)
	won, lost := race(t, 20, func() error {
		done, err := w.ConfirmPasskey(t.Context(), who, "one", answer)
		w.keep(done.Secret)
		w.keep(done.Codes...)
		return err
	}, portal.ErrSignedOut, auth.ErrPasskeyEnded)
	if won != 1 {
		t.Errorf("%d won, others %v; want 1", won, lost)
	}
}

func TestPortalWithoutANameHasNoPasskeys(t *testing.T) {
	w := on(t)
	for url, want := range map[string]bool{"https://192.0.2.1": false, "https://[2001:db8::1]:8443": false, "http://localhost:8080": true, "https://VPN.example.com": true} {
		w.PublicURL = url
		if got := w.PasskeysOffered(); got != want {
			t.Errorf("%s: got %v, want %v", url, got, want)
		}
	}
	w.PublicURL = "https://192.0.2.1"
	_, err := w.BeginPasskey(t.Context(), w.signIn("u1"))
	wantErr(t, "begin", err, auth.ErrNoPasskeys)
	_, err = w.StartPasskeySignIn(t.Context(), browser)
	wantErr(t, "sign in", err, auth.ErrNoPasskeys)
}

// FuzzPasskeyAnswers feeds what a browser may send to whoever reads it: it is refused or it is right, and nothing falls over.
func FuzzPasskeyAnswers(f *testing.F) {
	key := &authtest.Authenticator{Origin: origin}
	create := key.Create(f, []byte(`{"challenge":"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo","rp":{"id":"vpn.example.com"},"user":{"id":"dTE"}}`))
	f.Add(create)
	f.Add(key.Get(f, []byte(`{"challenge":"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo","rpId":"vpn.example.com"}`)))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		for what, err := range map[string]error{"new": auth.ParseNewPasskey(answer), "signed": auth.ParsePasskey(answer)} {
			if err != nil && !errors.Is(err, auth.ErrPasskeyRefused) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}
