package auth_test

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
)

func TestSuspendingEndsSessionsTokensAndTunnelsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		boss, p := w.admin("boss", "admins"), w.enrolled(ada("u1"))
		token, secret, err := w.CreateToken(t.Context(), p.Who, "x", nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		in, err := w.VerifyTOTP(t.Context(), p.Who, w.code(p))
		if err != nil {
			t.Fatal(err)
		}
		w.keep(secret, in.Secret)
		if err := w.Suspend(t.Context(), boss.Actor(), p.User.ID); err != nil {
			t.Fatal(err)
		}
		_, err = w.Authenticate(t.Context(), in.Secret.Reveal(), browser)
		wantErr(t, "session", err, portal.ErrSignedOut)
		_, err = w.AuthenticateToken(t.Context(), secret.Reveal(), browser)
		wantErr(t, "token", err, auth.ErrBadToken)
		if got := authtest.Trace(t, w.Store, p.User.ID); got != authtest.Cut {
			t.Errorf("tunnels are %q, want cut", got)
		}
		if w.audited("user.suspend", `"sessions":1,"tokens":1`) != 1 {
			t.Errorf("not in the audit trail:\n%s", w.auditText())
		}
		if err := w.Suspend(t.Context(), boss.Actor(), p.User.ID); err != nil || w.audited("user.suspend", "") != 1 {
			t.Errorf("twice: %v", err)
		}
		if err := w.Resume(t.Context(), boss.Actor(), p.User.ID); err != nil {
			t.Fatal(err)
		}
		if got := authtest.Trace(t, w.Store, p.User.ID); got != authtest.Restored {
			t.Errorf("tunnels are %q, want restored", got)
		}
		_, err = w.AuthenticateToken(t.Context(), secret.Reveal(), browser)
		wantErr(t, "the token after resuming, "+string(token.ID), err, auth.ErrBadToken)
		w.signIn("u1")
	})
}

func TestTunnelsThatFailUndoTheSuspension(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		boss, p := w.admin("boss", "admins"), w.enrolled(ada("u1"))
		w.tunnels.Fail = errors.New("boom")
		if err := w.Suspend(t.Context(), boss.Actor(), p.User.ID); err == nil {
			t.Fatal("it went on")
		}
		user, err := w.Person(t.Context(), boss.Actor(), p.User.ID)
		if err != nil || user.State != portal.UserActive {
			t.Errorf("got %+v, %v", user, err)
		}
	})
}

func TestOnlyThoseWhoMayAdminister(t *testing.T) {
	w := on(t)
	owner, admin, user := w.admin("owner", "owners"), w.admin("admin", "admins"), w.enrolled(ada("user"))
	stale := admin.Actor()
	stale.FactorAt = stale.FactorAt.Add(-auth.StepUpAge)
	ctx := t.Context()
	for name, c := range map[string]struct {
		err  error
		want *portal.Error
	}{
		"user suspends":              {w.Suspend(ctx, user.Actor(), admin.User.ID), portal.ErrForbidden},
		"user lists":                 {second(w.People(ctx, user.Actor(), "", "", 10)), portal.ErrForbidden},
		"user reads":                 {second(w.Person(ctx, user.Actor(), admin.User.ID)), portal.ErrForbidden},
		"nobody suspends":            {w.Suspend(ctx, portal.Actor{}, admin.User.ID), portal.ErrForbidden},
		"stale factor":               {w.Suspend(ctx, stale, user.User.ID), portal.ErrStepUp},
		"user changes a role":        {w.SetRole(ctx, user.Actor(), user.User.ID, portal.RoleAdmin), portal.ErrForbidden},
		"admin makes an owner":       {w.SetRole(ctx, admin.Actor(), user.User.ID, portal.RoleOwner), portal.ErrAboveOwn},
		"admin makes an owner of me": {w.SetRole(ctx, admin.Actor(), admin.User.ID, portal.RoleOwner), portal.ErrAboveOwn},
		"admin demotes the owner":    {w.SetRole(ctx, admin.Actor(), owner.User.ID, portal.RoleUser), auth.ErrOwnersOnly},
		"admin suspends the owner":   {w.Suspend(ctx, admin.Actor(), owner.User.ID), auth.ErrOwnersOnly},
		"admin resets the owner":     {w.ResetFactors(ctx, admin.Actor(), owner.User.ID), auth.ErrOwnersOnly},
		"admin signs the owner out":  {second(w.SignOutEverywhere(ctx, admin.Actor(), owner.User.ID)), auth.ErrOwnersOnly},
		"own account":                {w.Suspend(ctx, owner.Actor(), owner.User.ID), auth.ErrOwnAccount},
		"own factors":                {w.ResetFactors(ctx, admin.Actor(), admin.User.ID), auth.ErrOwnAccount},
		"the last owner steps down":  {w.SetRole(ctx, owner.Actor(), owner.User.ID, portal.RoleAdmin), auth.ErrLastOwner},
		"the system does it":         {w.Suspend(ctx, portal.System, owner.User.ID), auth.ErrLastOwner},
		"unknown person":             {w.Suspend(ctx, owner.Actor(), "nobody"), portal.ErrNotFound},
		"id of another world":        {w.Suspend(ctx, owner.Actor(), "\x00"), portal.ErrNotFound},
		"unknown role":               {w.SetRole(ctx, owner.Actor(), user.User.ID, "root"), portal.ErrInvalid},
		"sessions of nobody":         {second(w.PersonSessions(ctx, owner.Actor(), "nobody")), portal.ErrNotFound},
		"an owner who is none (yet)": {w.SetRole(ctx, forged(user), user.User.ID, portal.RoleOwner), portal.ErrForbidden},
		"an admin who was owner":     {w.SetRole(ctx, forged(admin), user.User.ID, portal.RoleOwner), portal.ErrAboveOwn},
	} {
		wantErr(t, name, c.err, c.want)
	}
	people, err := w.People(ctx, admin.Actor(), "ADA U", "", 10)
	if err != nil || len(people) != 1 || people[0].ID != user.User.ID {
		t.Errorf("got %v, %v", people, err)
	}
	if n, err := w.SignOutEverywhere(ctx, admin.Actor(), user.User.ID); err != nil || n != 1 {
		t.Errorf("%d signed out, %v", n, err)
	}
}

func TestStaffActsOnPlainUsersOnly(t *testing.T) {
	w := on(t)
	owner, user := w.admin("owner", "owners"), w.enrolled(ada("user"))
	ctx := t.Context()
	staff := map[portal.Role]person{}
	for _, role := range []portal.Role{portal.RoleAdmin, portal.RoleNetworkAdmin, portal.RoleHelpDesk, portal.RoleAuditor} {
		p := w.enrolled(ada(string(role)))
		owner.Session.FactorAt = w.clock
		if err := w.SetRole(ctx, owner.Actor(), p.User.ID, role); err != nil {
			t.Fatal(err)
		}
		p.User.Role = role
		staff[role] = p
	}
	by := func(role portal.Role) portal.Actor {
		a := staff[role].Actor()
		a.FactorAt = w.clock
		return a
	}
	desk, admin, net, auditor := portal.RoleHelpDesk, portal.RoleAdmin, portal.RoleNetworkAdmin, portal.RoleAuditor
	for name, c := range map[string]struct {
		err  error
		want *portal.Error
	}{
		"help desk suspends the owner":       {w.Suspend(ctx, by(desk), owner.User.ID), auth.ErrOwnersOnly},
		"help desk suspends an admin":        {w.Suspend(ctx, by(desk), staff[admin].User.ID), portal.ErrAboveOwn},
		"help desk resets an admin":          {w.ResetFactors(ctx, by(desk), staff[admin].User.ID), portal.ErrAboveOwn},
		"help desk resets a network admin":   {w.ResetFactors(ctx, by(desk), staff[net].User.ID), portal.ErrAboveOwn},
		"help desk resets an auditor":        {w.ResetFactors(ctx, by(desk), staff[auditor].User.ID), portal.ErrAboveOwn},
		"help desk signs an admin out":       {second(w.SignOutEverywhere(ctx, by(desk), staff[admin].User.ID)), portal.ErrAboveOwn},
		"help desk gives a role":             {w.SetRole(ctx, by(desk), user.User.ID, desk), portal.ErrForbidden},
		"network admin suspends a user":      {w.Suspend(ctx, by(net), user.User.ID), portal.ErrForbidden},
		"network admin reads people":         {second(w.People(ctx, by(net), "", "", 10)), portal.ErrForbidden},
		"auditor suspends a user":            {w.Suspend(ctx, by(auditor), user.User.ID), portal.ErrForbidden},
		"auditor resets a user":              {w.ResetFactors(ctx, by(auditor), user.User.ID), portal.ErrForbidden},
		"help desk of before loses its role": {w.ResetFactors(ctx, withRole(by(auditor), desk), user.User.ID), portal.ErrForbidden},
	} {
		wantErr(t, name, c.err, c.want)
	}
	for name, err := range map[string]error{
		"help desk suspends a user":      w.Suspend(ctx, by(desk), user.User.ID),
		"help desk resumes a user":       w.Resume(ctx, by(desk), user.User.ID),
		"help desk resets a user":        w.ResetFactors(ctx, by(desk), user.User.ID),
		"auditor reads people":           second(w.People(ctx, by(auditor), "", "", 10)),
		"admin makes a network admin":    w.SetRole(ctx, by(admin), user.User.ID, net),
		"admin takes the role of one":    w.SetRole(ctx, by(admin), staff[net].User.ID, portal.RoleUser),
		"admin resets an auditor":        w.ResetFactors(ctx, by(admin), staff[auditor].User.ID),
		"admin gives their own role up":  w.SetRole(ctx, by(admin), staff[admin].User.ID, desk),
		"the system makes another owner": w.SetRole(ctx, portal.System, user.User.ID, portal.RoleOwner),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func withRole(by portal.Actor, role portal.Role) portal.Actor {
	by.Role = role
	return by
}

func second[T any](_ T, err error) error { return err }

// forged is an actor whose role is no longer, or was never, in the database.
func forged(p person) portal.Actor {
	by := p.Actor()
	by.Role = portal.RoleOwner
	return by
}

func TestTwoOwnersWhoDemoteEachOtherLeaveOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.admin("a", "owners"), w.admin("b", "owners")
		a.Session.FactorAt = w.clock
		turns := make(chan func() error, 2)
		turns <- func() error { return w.SetRole(t.Context(), a.Actor(), b.User.ID, portal.RoleUser) }
		turns <- func() error { return w.SetRole(t.Context(), b.Actor(), a.User.ID, portal.RoleUser) }
		won, lost := race(t, 2, func() error { return (<-turns)() }, portal.ErrForbidden, auth.ErrLastOwner)
		if won != 1 {
			t.Errorf("%d won, %v; want 1", won, lost)
		}
		people, err := w.People(t.Context(), portal.System, "", "", 10)
		owners := 0
		for _, u := range people {
			if u.Role == portal.RoleOwner {
				owners++
			}
		}
		if err != nil || owners != 1 {
			t.Errorf("%d owners are left, %v", owners, err)
		}
	})
}

func TestRoleGivenHereIsNotTakenByAClaim(t *testing.T) {
	w := on(t)
	owner, user := w.admin("owner", "owners"), w.enrolled(ada("user"))
	if err := w.SetRole(t.Context(), owner.Actor(), user.User.ID, portal.RoleAdmin); err != nil {
		t.Fatal(err)
	}
	if role := w.signIn("user").User.Role; role != portal.RoleAdmin {
		t.Errorf("after the next sign-in the role is %s, want admin", role)
	}
	if w.audited("user.role", `"from":"user","to":"admin"`) != 1 {
		t.Errorf("not in the audit trail:\n%s", w.auditText())
	}
}

func TestResetFactorsMeansEnrolmentAtTheNextSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		boss, p := w.admin("boss", "admins"), w.enrolled(ada("u1"))
		if err := w.ResetFactors(t.Context(), boss.Actor(), p.User.ID); err != nil {
			t.Fatal(err)
		}
		_, err := w.VerifyTOTP(t.Context(), p.Who, w.code(p))
		wantErr(t, "the session of before", err, portal.ErrSignedOut)
		who := w.signIn("u1")
		if who.Stage != auth.FactorEnrolment {
			t.Errorf("stage is %s, want enrolment", who.Stage)
		}
		_, err = w.VerifyRecovery(t.Context(), who, p.codes[0].Reveal())
		wantErr(t, "an old recovery code", err, auth.ErrFactorEnrolment)
		if w.audited("user.reset_factors", `"factors":1`) != 1 {
			t.Errorf("not in the audit trail:\n%s", w.auditText())
		}
	})
}

func TestSignInTellsWhatTheProviderChanged(t *testing.T) {
	w := on(t)
	w.signIn("u1")
	a := ada("u1")
	a.Claims["name"] = "Ada King"
	w.signInAs(a)
	w.signInAs(a)
	if w.audited("user.update", `{"before":{"name":"Ada u1"},"email":"u1@example.com","name":"Ada King"}`) != 1 || w.audited("user.update", "") != 1 {
		t.Errorf("the audit trail has\n%s", w.auditText())
	}
}
