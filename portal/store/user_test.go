package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// addPerson adds a person with the given role and returns the id.
func addPerson(t *testing.T, s *store.Store, name string, role portal.Role) portal.UserID {
	t.Helper()
	var id portal.UserID
	write(t, s, func(tx *store.Tx) error {
		id = portal.NewID[portal.UserID](tx.Now)
		return tx.CreateUser(portal.User{ID: id, Name: name, Email: name + "@example.com", Role: role, State: portal.UserActive, CreatedAt: tx.Now})
	})
	return id
}

func write(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.Tx(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, s *store.Store, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestPersonComesBackAsWritten(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		id := addPerson(t, s, "Ada", portal.RoleUser)
		write(t, s, func(tx *store.Tx) error {
			u, err := tx.LockUser(id)
			if err != nil {
				return err
			}
			u.Name, u.Email, u.LastSignIn = "Ada L.", "", tx.Now
			return errors.Join(tx.UpdateUser(u), tx.SetLocale(id, "ko"), tx.SetRole(id, portal.RoleAdmin, store.RoleFromClaim),
				tx.SetUserState(id, portal.UserSuspended))
		})
		read(t, s, func(tx *store.Tx) error {
			u, err := tx.User(id)
			if u.Name != "Ada L." || u.Email != "" || u.Locale != "ko" || u.Role != portal.RoleAdmin || u.State != portal.UserSuspended ||
				u.LastSignIn.IsZero() || u.CreatedAt.IsZero() {
				t.Errorf("got %+v", u)
			}
			from, err2 := tx.RoleSource(id)
			if from != store.RoleFromClaim {
				t.Errorf("role is from %q, want claim", from)
			}
			return errors.Join(err, err2)
		})
	})
}

func TestUnknownPersonIsNotFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			for name, err := range map[string]error{
				"lock": second(tx.LockUser("nobody")), "read": second(tx.User("nobody")), "update": tx.UpdateUser(portal.User{ID: "nobody"}),
				"role": tx.SetRole("nobody", portal.RoleUser, store.RoleLocal), "state": tx.SetUserState("nobody", portal.UserActive),
				"locale": tx.SetLocale("nobody", "ko"), "identity": second(tx.UserByIdentity("i", "s")), "source": second(tx.RoleSource("nobody")),
			} {
				if !errors.Is(err, portal.ErrNotFound) {
					t.Errorf("%s: got %v, want ErrNotFound", name, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestPeopleArePagedAndSearched(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for _, name := range []string{"Ada", "Bob_1", "Bobx1", "100%"} {
			addPerson(t, s, name, portal.RoleUser)
		}
		search := func(text string) (names []string) {
			read(t, s, func(tx *store.Tx) error {
				users, err := tx.Users(text, "", 10)
				for _, u := range users {
					names = append(names, u.Name)
				}
				return err
			})
			return names
		}
		for text, want := range map[string]int{"": 4, "BOB": 2, "bob_": 1, "%": 1, `\`: 0, "@example.com": 4, "' OR 1=1 --": 0} {
			if got := search(text); len(got) != want {
				t.Errorf("search %q finds %v, want %d", text, got, want)
			}
		}
		var seen []portal.UserID
		after := portal.UserID("")
		for range 3 {
			read(t, s, func(tx *store.Tx) error {
				users, err := tx.Users("", after, 2)
				for _, u := range users {
					seen, after = append(seen, u.ID), u.ID
				}
				return err
			})
		}
		if len(seen) != 4 {
			t.Errorf("pages of 2 show %d people, want 4", len(seen))
		}
	})
}

func TestFirstSignInsAtOnceMakeOnePerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var created atomic.Int64
		var ids sync.Map
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				err := s.Tx(t.Context(), func(tx *store.Tx) error {
					fresh := portal.User{ID: portal.NewID[portal.UserID](tx.Now), Role: portal.RoleUser, State: portal.UserActive, CreatedAt: tx.Now}
					u, isNew, err := tx.EnsureIdentity("https://idp.example", "sub", fresh)
					if err == nil {
						ids.Store(u.ID, true)
					}
					if isNew {
						created.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		people := 0
		ids.Range(func(any, any) bool { people++; return true })
		if created.Load() != 1 || people != 1 {
			t.Errorf("%d created, %d different people; want 1 and 1", created.Load(), people)
		}
		read(t, s, func(tx *store.Tx) error {
			users, err := tx.Users("", "", 10)
			if len(users) != 1 {
				t.Errorf("%d rows, want 1", len(users))
			} else if accounts, err := tx.Identities(users[0].ID); err != nil || len(accounts) != 1 || accounts[0].Subject != "sub" {
				t.Errorf("got accounts %v, %v", accounts, err)
			}
			return err
		})
	})
}

func TestPrivilegedPeopleAreLockedTogether(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := addPerson(t, s, "a", portal.RoleOwner), addPerson(t, s, "b", portal.RoleOwner)
		errLast := errors.New("last")
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for _, id := range []portal.UserID{a, b} {
			wg.Go(func() {
				err := s.Tx(t.Context(), func(tx *store.Tx) error {
					owners, err := tx.LockPrivileged(portal.RoleOwner)
					if err != nil {
						return err
					}
					if len(owners) < 2 {
						return errLast
					}
					return tx.SetRole(id, portal.RoleUser, store.RoleLocal)
				})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, errLast):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 1 {
			t.Errorf("%d owners were demoted, %d not; want 1 and 1", won.Load(), lost.Load())
		}
	})
}
