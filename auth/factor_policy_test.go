package auth_test

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

const policyDay = 24 * time.Hour

// strict accepts passkeys only.
var strict = portal.FactorPolicy{Required: true, PasskeyAlone: 7 * policyDay}

func (w *world) group(name string) portal.GroupID {
	w.t.Helper()
	var id portal.GroupID
	err := w.Store.View(w.t.Context(), func(tx *store.Tx) error {
		g, err := tx.GroupByName(name)
		id = g.ID
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func inGroup(subject, group string) authtest.Answer {
	a := ada(subject)
	a.Claims["groups"] = []string{group}
	return a
}

func TestStrictestOfAPersonsGroupsHolds(t *testing.T) {
	lax := portal.FactorPolicy{TOTP: true, Recovery: true, PasskeyAlone: 300 * policyDay}
	graceful := portal.FactorPolicy{Required: true, TOTP: true, Recovery: true, Grace: 5 * policyDay, PasskeyAlone: 10 * policyDay}
	for name, c := range map[string]struct{ a, b, want portal.FactorPolicy }{
		"one that asks for nothing": {lax, graceful, graceful},
		"two that ask for nothing":  {lax, lax, lax},
		"kinds":                     {graceful, strict, portal.FactorPolicy{Required: true, PasskeyAlone: 7 * policyDay}},
		"none accepts by itself":    {portal.FactorPolicy{Required: true, TOTP: true}, portal.FactorPolicy{Required: true, Recovery: true}, portal.FactorPolicy{Required: true}},
	} {
		if got := c.a.Strictest(c.b); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
		if got := c.b.Strictest(c.a); got != c.want {
			t.Errorf("%s, the other way: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestGroupThatAcceptsPasskeysOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.enrolled(inGroup("u1", "admins"))
		other := w.enrolled(ada("u2"))
		if err := w.SetFactorPolicy(t.Context(), portal.System, w.group("admins"), strict); err != nil {
			t.Fatal(err)
		}
		// Somebody who is not in the group goes on; a member shows the app once more, and only to set up a passkey.
		who := w.signIn("u2")
		if in, err := w.VerifyTOTP(t.Context(), who, w.code(other)); err != nil || in.Stage != auth.Ready {
			t.Errorf("not a member: %+v, %v", in, err)
		}
		who = w.signInAs(inGroup("u1", "admins"))
		if who.Stage != auth.FactorVerification {
			t.Fatalf("stage is %s", who.Stage)
		}
		_, err := w.VerifyRecovery(t.Context(), who, p.codes[0].Reveal())
		wantErr(t, "a recovery code", err, auth.ErrNotAccepted)
		_, err = w.BeginPasskey(t.Context(), who)
		wantErr(t, "a passkey before the app", err, auth.ErrFactorNeeded)
		in, err := w.VerifyTOTP(t.Context(), who, w.code(p))
		if err != nil || in.Stage != auth.FactorEnrolment {
			t.Fatalf("got %+v, %v", in, err)
		}
		w.keep(in.Secret)
		who = authtest.Who(t, w.Service, in, browser)
		_, err = w.BeginTOTP(t.Context(), who)
		wantErr(t, "another app", err, auth.ErrNotAccepted)
		key := &authtest.Authenticator{}
		who, _ = w.withPasskey(who, key)
		if who.Stage != auth.Ready {
			t.Errorf("stage is %s", who.Stage)
		}
		ways, err := w.Ways(t.Context(), who)
		if err != nil || len(ways.Show) != 1 || ways.Show[0] != portal.FactorPasskey || len(ways.Enrol) != 1 {
			t.Errorf("got %+v, %v", ways, err)
		}
		w.pass(time.Minute)
		_, err = w.VerifyTOTP(t.Context(), who, w.code(p))
		wantErr(t, "the app, beside a passkey", err, auth.ErrNotAccepted)
		list, err := w.Factors(t.Context(), who)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list.Factors {
			err := w.RemoveFactor(t.Context(), who, f.ID)
			if f.Kind == portal.FactorPasskey {
				wantErr(t, "the only one that is accepted", err, auth.ErrLastFactor)
			} else if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestSessionsFollowThePolicyAtOnce(t *testing.T) {
	w := on(t)
	in := authtest.SignIn(t, w.Service, w.idp, "corp", ada("u1"), browser)
	w.keep(in.Secret)
	_, done := authtest.Enrol(t, w.Service, authtest.Who(t, w.Service, in, browser), w.clock)
	w.keep(done.Secret)
	stage := func() auth.Stage { return authtest.Who(t, w.Service, done.SignedIn, browser).Stage }
	if got := stage(); got != auth.Ready {
		t.Fatalf("stage is %s", got)
	}
	w.policy(portal.Everyone, strict)
	if got := stage(); got != auth.FactorEnrolment {
		t.Errorf("just shown, not accepted any more: %s", got)
	}
	w.pass(11 * time.Minute)
	if got := stage(); got != auth.FactorVerification {
		t.Errorf("shown a while ago: %s", got)
	}
	if err := w.DeleteFactorPolicy(t.Context(), portal.System, portal.Everyone); err != nil {
		t.Fatal(err)
	}
	if got := stage(); got != auth.Ready {
		t.Errorf("accepted again: %s", got)
	}
}

func TestGraceIsForThePortalAndNotForTunnels(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(portal.Everyone, portal.FactorPolicy{Required: true, TOTP: true, Recovery: true, Grace: 3 * policyDay, PasskeyAlone: policyDay})
		who := w.signIn("u1")
		if who.Stage != auth.Ready || !who.Actor().TrustedAt.IsZero() || authtest.Trace(t, w.Store, who.User.ID) == authtest.Renewed {
			t.Errorf("stage %s, trusted since %v", who.Stage, who.Actor().TrustedAt)
		}
		ways, err := w.Ways(t.Context(), who)
		if err != nil || !ways.Until.Equal(w.clock.Add(3*policyDay)) {
			t.Errorf("got %+v, %v", ways, err)
		}
		wantErr(t, "what needs a fresh factor", auth.RequireFresh(who.Actor(), w.clock), portal.ErrStepUp)
		_, _, err = w.CreateToken(t.Context(), who, "cli", nil, 0)
		wantErr(t, "a token", err, portal.ErrStepUp)
		_, err = w.NewRecoveryCodes(t.Context(), who)
		wantErr(t, "recovery codes without a factor", err, portal.ErrStepUp)
		w.pass(3 * policyDay)
		if who = w.signIn("u1"); who.Stage != auth.FactorEnrolment {
			t.Errorf("after the grace: %s", who.Stage)
		}
		key := &authtest.Authenticator{}
		who, _ = w.withPasskey(who, key)
		if err := w.ResetFactors(t.Context(), portal.System, who.User.ID); err != nil {
			t.Fatal(err)
		}
		if n := len(w.passkeys(who.User.ID)); n != 0 {
			t.Errorf("%d passkeys are left", n)
		}
		_, err = w.FinishPasskeySignIn(t.Context(), key.Get(t, w.askAnybody()), browser)
		wantErr(t, "the passkey from before the reset", err, auth.ErrPasskeyRefused)
		fresh := w.signIn("u2") // its grace begins now
		if err := w.ResetFactors(t.Context(), portal.System, fresh.User.ID); err != nil {
			t.Fatal(err)
		}
		if who = w.signIn("u2"); who.Stage != auth.FactorEnrolment {
			t.Errorf("a reset gives no grace: %s", who.Stage)
		}
	})
}

func TestWhereNoFactorIsRequiredTheSignInIsGoodForTunnels(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(portal.Everyone, portal.FactorPolicy{TOTP: true, Recovery: true, PasskeyAlone: policyDay})
		who := w.signIn("u1")
		if who.Stage != auth.Ready || !who.Actor().TrustedAt.Equal(w.clock) || authtest.Trace(t, w.Store, who.User.ID) != authtest.Renewed {
			t.Errorf("stage %s, trusted since %v", who.Stage, who.Actor().TrustedAt)
		}
		wantErr(t, "what needs a fresh factor", auth.RequireFresh(who.Actor(), w.clock), portal.ErrStepUp)
		p := w.enrolled(ada("u1"))
		if who = w.signIn("u1"); who.Stage != auth.FactorVerification {
			t.Errorf("who has one shows it: %s", who.Stage)
		}
		list, err := w.Factors(t.Context(), p.Who)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.RemoveFactor(t.Context(), p.Who, list.Factors[0].ID); err != nil {
			t.Fatal(err)
		}
		if list, err = w.Factors(t.Context(), p.Who); err != nil || list.RecoveryCodes != 0 || len(list.Factors) != 0 {
			t.Errorf("left: %+v, %v", list, err)
		}
	})
}

func TestPoliciesAreCheckedAndTold(t *testing.T) {
	w := on(t)
	owner, admin := w.admin("o", "owners"), w.admin("a", "admins")
	ctx := t.Context()
	for name, p := range map[string]portal.FactorPolicy{
		"kinds without need":  {Recovery: true},
		"grace without need":  {TOTP: true, Grace: policyDay},
		"long grace":          {Required: true, TOTP: true, Grace: 91 * policyDay},
		"negative":            {Required: true, TOTP: true, Grace: -policyDay},
		"long passkeys alone": {Required: true, TOTP: true, PasskeyAlone: 366 * policyDay},
	} {
		wantErr(t, name, w.SetFactorPolicy(ctx, owner.Actor(), portal.Everyone, p), portal.ErrInvalid)
	}
	wantErr(t, "no such group", w.SetFactorPolicy(ctx, owner.Actor(), "nothing", strict), portal.ErrNotFound)
	wantErr(t, "an admin", w.SetFactorPolicy(ctx, admin.Actor(), portal.Everyone, strict), portal.ErrForbidden)
	if err := w.SetFactorPolicy(ctx, owner.Actor(), portal.Everyone, strict); err != nil {
		t.Fatal(err)
	}
	wider := strict
	wider.TOTP = true
	if err := w.SetFactorPolicy(ctx, owner.Actor(), portal.Everyone, wider); err != nil {
		t.Fatal(err)
	}
	if w.audited("factor_policy.set", `"before":{"totp":false}`) != 1 {
		t.Errorf("before and after are not in the audit trail:\n%s", w.auditText())
	}
	all, err := w.FactorPolicies(ctx, owner.Actor())
	if err != nil || len(all) != 1 || all[0].Policy != wider || all[0].Group.ID != portal.Everyone {
		t.Errorf("got %+v, %v", all, err)
	}
	w.pass(11 * time.Minute)
	wantErr(t, "without a fresh factor", w.DeleteFactorPolicy(ctx, owner.Actor(), portal.Everyone), portal.ErrStepUp)
	w.PublicURL = "https://192.0.2.1"
	wantErr(t, "passkeys only, where there are none", w.SetFactorPolicy(ctx, portal.System, portal.Everyone, strict), portal.ErrInvalid)
}
