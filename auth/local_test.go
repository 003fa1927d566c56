package auth_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

const glass = "correct horse battery staple"

// withLocal makes a local account "root" and lets local accounts in.
func (w *world) withLocal() portal.User {
	w.t.Helper()
	w.t.Cleanup(auth.HashCheaply())
	w.LocalAccounts = true
	w.secrets = append(w.secrets, glass)
	user, err := w.AddLocal(w.t.Context(), portal.System, auth.NewLocal{Username: "Root", Role: portal.RoleOwner, Password: portal.NewSecretText(glass)})
	if err != nil {
		w.t.Fatal(err)
	}
	return user
}

func (w *world) local(name, password string, from auth.Browser) (auth.SignedIn, error) {
	w.t.Helper()
	in, err := w.LocalSignIn(w.t.Context(), name, portal.NewSecretText(password), from)
	w.keep(in.Secret)
	return in, err
}

// at is a browser somewhere else.
func at(n int) auth.Browser {
	b := browser
	b.Addr = netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)})
	return b
}

func TestLocalAccountSignsInWithoutAProviderAndSetsUpAFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := w.withLocal()
		w.idp.SetDown(true)
		in, err := w.local("ROOT ", glass, browser)
		if err != nil || in.Stage != auth.FactorEnrolment {
			t.Fatalf("got %+v, %v", in, err)
		}
		who := authtest.Who(t, w.Service, in, browser)
		seed, done := authtest.Enrol(t, w.Service, who, w.clock)
		w.keep(seed, done.Secret)
		w.keep(done.Codes...)
		ready := authtest.Who(t, w.Service, done.SignedIn, browser)
		if ready.User.ID != user.ID || ready.User.Role != portal.RoleOwner || ready.Stage != auth.Ready {
			t.Errorf("got %+v", ready)
		}
		w.pass(time.Minute)
		if in, err = w.local("root", glass, browser); err != nil || in.Stage != auth.FactorVerification {
			t.Errorf("second visit: got %+v, %v", in, err)
		}
		if w.audited("local.add", `"root"`) != 1 || w.audited("session.local_sign_in", `"root"`) != 2 {
			t.Errorf("not in the audit trail:\n%s", w.auditText())
		}
	})
}

func TestLocalAccountsAreOffUntilTheyAreTurnedOn(t *testing.T) {
	w := on(t)
	w.withLocal()
	w.LocalAccounts = false
	_, err := w.local("root", glass, browser)
	wantErr(t, "off", err, auth.ErrNoLocal)
	if n := auth.Hashes(w.Service); n != 1 {
		t.Errorf("%d hashes were computed, want the one of making the account", n)
	}
}

func TestNoPolicyWaivesTheSecondFactorOfALocalAccount(t *testing.T) {
	w := on(t)
	w.withLocal()
	w.policy(portal.Everyone, portal.FactorPolicy{TOTP: true, Recovery: true})
	in, err := w.local("root", glass, browser)
	if err != nil || in.Stage != auth.FactorEnrolment {
		t.Errorf("got stage %s, %v; want factor_enrolment", in.Stage, err)
	}
	w.policy(portal.Everyone, portal.FactorPolicy{Required: true, TOTP: true, Recovery: true, Grace: 24 * time.Hour})
	if in, err = w.local("root", glass, browser); err != nil || in.Stage != auth.FactorEnrolment {
		t.Errorf("got stage %s, %v; want factor_enrolment", in.Stage, err)
	}
}

// policy sets what a group asks.
func (w *world) policy(group portal.GroupID, p portal.FactorPolicy) {
	w.t.Helper()
	if err := w.Store.Tx(w.t.Context(), func(tx *store.Tx) error { return tx.SetFactorPolicy(group, p) }); err != nil {
		w.t.Fatal(err)
	}
}

// The time of an answer is the time of its hash: a quarter of a second against microseconds for all the rest. So what is compared is how
// many are computed, and with what parameters, which no load of the machine changes.
func TestAccountsThatThereAreNotCostAndAnswerTheSame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		user := w.withLocal()
		other, err := w.AddLocal(t.Context(), portal.System, auth.NewLocal{Username: "gone", Role: portal.RoleUser, Password: portal.NewSecretText(glass)})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Suspend(t.Context(), portal.System, other.ID); err != nil {
			t.Fatal(err)
		}
		type seen struct {
			err    string
			hashes int64
			audits int
		}
		look := func(name, password string, from auth.Browser) seen {
			hashes, audits := auth.Hashes(w.Service), len(w.audits())
			_, err := w.local(name, password, from)
			if err == nil {
				t.Fatalf("%s got in", name)
			}
			return seen{err.Error(), auth.Hashes(w.Service) - hashes, len(w.audits()) - audits}
		}
		for n := range 8 { // through the pauses, too
			var all []seen
			for _, try := range [][2]string{{"root", "wrong password of some length"}, {"nobody", "wrong password of some length"}, {"'; --", "x"}, {"gone", glass}} {
				all = append(all, look(try[0], try[1], at(1)))
			}
			for i, s := range all {
				if s != all[0] {
					t.Errorf("round %d, try %d: got %+v, want %+v as for an account that there is", n, i, s, all[0])
				}
			}
			if n < 5 && all[0].hashes != 1 {
				t.Errorf("round %d: %d hashes", n, all[0].hashes)
			}
		}
		if auth.HashCost(t, w.Service, user.ID) != auth.NobodysCost() {
			t.Error("the hash of nobody has other parameters than those of accounts")
		}
	})
}

func TestNobodyLocksAnotherOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.withLocal()
		for n := range 60 { // from many places
			for range 2 {
				_, err := w.local("root", "wrong password of some length", at(n))
				if err == nil {
					t.Fatal("got in")
				}
			}
		}
		_, err := w.local("root", "wrong password of some length", at(0))
		wantErr(t, "from where it was wrong before", err, auth.ErrTooManyTries)
		if _, err := w.local("root", glass, browser); err != nil {
			t.Errorf("from elsewhere at the same moment: %v", err)
		}
		w.pass(time.Minute)
		if _, err := w.local("root", glass, at(0)); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}

func TestParallelGuessesAtAPasswordAreCounted(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.withLocal()
		before := auth.Hashes(w.Service)
		won, lost := race(t, 100, func() error {
			_, err := w.local("root", "wrong password of some length", browser)
			return err
		}, auth.ErrWrongPassword, auth.ErrTooManyTries)
		if got := auth.Hashes(w.Service) - before; won != 0 || lost[auth.ErrWrongPassword.Code] > 5 || got > 5 {
			t.Errorf("%d won, others %v, %d looked at; want at most 5", won, lost, got)
		}
	})
}

func TestPasswordsOfLocalAccounts(t *testing.T) {
	w := on(t)
	w.withLocal()
	for password, good := range map[string]bool{
		"too short": false, "aaaaaaaaaaaaaaaaaaaa": false, strings.Repeat("long", 100): false, "with\x00control characters": false,
		"rootrootroot12": false, "비밀번호는 길수록 좋습니다": true, "four words no rules": true,
	} {
		err := w.SetLocalPassword(t.Context(), portal.System, "root", portal.NewSecretText(password))
		if good != (err == nil) || err != nil && !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%q: got %v, want good to be %v", password, err, good)
		}
	}
	_, err := w.local("root", glass, browser)
	wantErr(t, "the old one", err, auth.ErrWrongPassword)
	if _, err := w.local("root", "four words no rules", browser); err != nil {
		if _, err := w.local("root", "비밀번호는 길수록 좋습니다", browser); err != nil {
			t.Error(err)
		}
	}
}

func TestNewPasswordEndsSessions(t *testing.T) {
	w := on(t)
	w.withLocal()
	in, err := w.local("root", glass, browser)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.SetLocalPassword(t.Context(), portal.System, "root", portal.NewSecretText("another good password")); err != nil {
		t.Fatal(err)
	}
	_, err = w.Authenticate(t.Context(), in.Secret.Reveal(), browser)
	wantErr(t, "the session from before", err, portal.ErrSignedOut)
	if w.audited("local.set_password", "") != 1 {
		t.Error("not in the audit trail")
	}
}

func TestLocalAccountsAreForTheServerOnly(t *testing.T) {
	w := on(t)
	w.withLocal()
	owner := w.admin("o", "owners").Actor()
	_, err := w.AddLocal(t.Context(), owner, auth.NewLocal{Username: "mine", Role: portal.RoleOwner, Password: portal.NewSecretText(glass)})
	wantErr(t, "add", err, portal.ErrForbidden)
	wantErr(t, "password", w.SetLocalPassword(t.Context(), owner, "root", portal.NewSecretText(glass)), portal.ErrForbidden)
	_, err = w.Locals(t.Context(), owner)
	wantErr(t, "list", err, portal.ErrForbidden)
	_, err = w.PersonNamed(t.Context(), owner, "root")
	wantErr(t, "find", err, portal.ErrForbidden)
}

func TestNamesOfLocalAccounts(t *testing.T) {
	w := on(t)
	w.withLocal()
	for name, want := range map[string]*portal.Error{
		"root": portal.ErrDuplicate, "ROOT": portal.ErrDuplicate, "r": portal.ErrInvalid, "-root": portal.ErrInvalid, "ro ot": portal.ErrInvalid,
		"루트": portal.ErrInvalid, strings.Repeat("a", 33): portal.ErrInvalid,
	} {
		_, err := w.AddLocal(t.Context(), portal.System, auth.NewLocal{Username: name, Role: portal.RoleUser, Password: portal.NewSecretText(glass)})
		wantErr(t, fmt.Sprintf("%q", name), err, want)
	}
	_, err := w.AddLocal(t.Context(), portal.System, auth.NewLocal{Username: "other", Role: "boss", Password: portal.NewSecretText(glass)})
	wantErr(t, "role", err, portal.ErrInvalid)
}

func TestFewHashesAreComputedAtOnce(t *testing.T) {
	w := on(t)
	running, most := make(chan struct{}, 100), make(chan int, 100)
	block := make(chan struct{})
	errs := make(chan error, 30)
	for range 30 {
		go func() {
			errs <- auth.RunHash(t.Context(), w.Service, func() error {
				running <- struct{}{}
				most <- len(running)
				<-block
				<-running
				return nil
			})
		}()
	}
	refused := 0
	for range 30 - auth.HashesAtOnce - auth.HashesQueued { // those for whom there is no place in the queue hear it at once
		if err := <-errs; errors.Is(err, auth.ErrTooManyTries) {
			refused++
		}
	}
	close(block)
	for range auth.HashesAtOnce + auth.HashesQueued {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	close(most)
	for n := range most {
		if n > auth.HashesAtOnce {
			t.Errorf("%d ran at once", n)
		}
	}
	if refused != 30-auth.HashesAtOnce-auth.HashesQueued {
		t.Errorf("%d were refused", refused)
	}
}
