package auth_test

import (
	"testing"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ways are all ways in which somebody can stop being an owner who can sign in.
var ways = map[string]func(w *world, by, of person) error{
	"demoted": func(w *world, by, of person) error {
		return w.SetRole(w.t.Context(), by.Actor(), of.User.ID, portal.RoleUser)
	},
	"suspended": func(w *world, by, of person) error { return w.Suspend(w.t.Context(), by.Actor(), of.User.ID) },
	"deactivated by a directory": func(w *world, _, of person) error {
		return w.Store.Tx(w.t.Context(), func(tx *store.Tx) error {
			_, err := w.Deactivate(tx, portal.Actor{SCIM: "directory"}, of.User.ID)
			return err
		})
	},
	"without the claim at the next sign-in": func(w *world, _, of person) error {
		start, err := w.StartSignIn(w.t.Context(), "corp", "/", browser)
		if err != nil {
			return err
		}
		w.mu.Lock() // the provider has one answer at a time
		w.idp.Set(ada(of.User.Name[len("Ada "):]))
		cb := w.idp.Visit(w.t, "corp", start.Redirect)
		w.mu.Unlock()
		_, err = w.FinishSignIn(w.t.Context(), cb, start.Flow.Reveal(), browser)
		return err
	},
}

// Whatever takes owners away, and however many at the same moment, one who is active is left.
func TestTheLastOwnerStaysWhateverHappensAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var owners []person
		for _, name := range []string{"a", "b", "c", "d"} {
			owners = append(owners, w.admin(name, "owners"))
		}
		for i := range owners {
			owners[i].Session.FactorAt = w.clock
		}
		turns := make(chan func() error, len(owners)*len(ways))
		for i := range owners {
			for _, do := range ways {
				turns <- func() error { return do(w, owners[i], owners[(i+1)%len(owners)]) }
			}
		}
		race(t, len(owners)*len(ways), func() error { return (<-turns)() },
			portal.ErrForbidden, auth.ErrLastOwner, auth.ErrOwnersOnly, portal.ErrAboveOwn, auth.ErrSuspended)
		people, err := w.People(t.Context(), portal.System, "", "", 10)
		left := 0
		for _, u := range people {
			if u.Role == portal.RoleOwner && u.State == portal.UserActive {
				left++
			}
		}
		if err != nil || left != 1 {
			t.Errorf("%d active owners are left of %+v, want 1 (%v)", left, people, err)
		}
	})
}

func TestAClaimThatGoesTakesTheLastOwnersRoleOnlyWhenThereIsAnother(t *testing.T) {
	w := on(t)
	a := w.admin("a", "owners")
	if role := w.signIn("a").User.Role; role != portal.RoleOwner {
		t.Fatalf("the last owner became %s", role)
	}
	if w.audited("user.role_kept", `"reason":"last_owner"`) != 1 {
		t.Errorf("not in the audit trail:\n%s", w.auditText())
	}
	w.admin("b", "owners")
	in := authtest.SignIn(t, w.Service, w.idp, "corp", ada("a"), browser)
	w.keep(in.Secret)
	if role := authtest.Who(t, w.Service, in, browser).User.Role; role != portal.RoleUser {
		t.Errorf("with another owner there, the role of %s is %s", a.User.ID, role)
	}
}
