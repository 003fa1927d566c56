package store_test

import (
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestSessionLivesUntilItsEnd(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		clock := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return clock }
		me, other := addPerson(t, s, "me", portal.RoleUser), addPerson(t, s, "other", portal.RoleUser)
		want := portal.Session{
			ID: "s1", User: me, CreatedAt: clock, SeenAt: clock, ExpiresAt: clock.Add(time.Hour), Provider: "p", UserAgent: "브라우저",
			Addr: netip.MustParseAddr("2001:db8::1"),
		}
		write(t, s, func(tx *store.Tx) error { return tx.CreateSession(want, "h1") })
		read(t, s, func(tx *store.Tx) error {
			got, err := tx.SessionBySecret("h1")
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			return err
		})
		clock = clock.Add(time.Minute)
		write(t, s, func(tx *store.Tx) error {
			return tx.ProveSession("s1", "h2", portal.FactorTOTP, clock.Add(24*time.Hour))
		})
		read(t, s, func(tx *store.Tx) error {
			if err := second(tx.SessionBySecret("h1")); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("the old secret: got %v, want ErrNotFound", err)
			}
			got, err := tx.SessionBySecret("h2")
			if !got.FactorAt.Equal(clock) || !got.ExpiresAt.Equal(clock.Add(24*time.Hour)) {
				t.Errorf("got %+v", got)
			}
			return err
		})
		write(t, s, func(tx *store.Tx) error {
			if err := tx.DeleteSession(other, "s1"); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("somebody else's: got %v, want ErrNotFound", err)
			}
			if err := tx.ProveSession("gone", "h3", portal.FactorTOTP, clock); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("ended session: got %v, want ErrNotFound", err)
			}
			return tx.TouchSession("gone")
		})
		clock = clock.Add(25 * time.Hour)
		write(t, s, func(tx *store.Tx) error {
			live, err := tx.Sessions(me)
			n, err2 := tx.SweepSessions(clock.Add(-48 * time.Hour))
			if len(live) != 0 || n != 1 {
				t.Errorf("%d live and %d swept after the end, want 0 and 1", len(live), n)
			}
			return errors.Join(err, err2)
		})
	})
}

func TestSessionsEndTogetherButForOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		me, other := addPerson(t, s, "me", portal.RoleUser), addPerson(t, s, "other", portal.RoleUser)
		write(t, s, func(tx *store.Tx) error {
			var errs []error
			for _, x := range []portal.Session{{ID: "a", User: me}, {ID: "b", User: me}, {ID: "c", User: other}} {
				x.CreatedAt, x.SeenAt, x.ExpiresAt = tx.Now, tx.Now, tx.Now.Add(time.Hour)
				errs = append(errs, tx.CreateSession(x, "h-"+string(x.ID)))
			}
			n, err := tx.DeleteSessions(me, "a")
			if n != 1 {
				t.Errorf("%d ended, want 1", n)
			}
			mine, err2 := tx.Sessions(me)
			theirs, err3 := tx.Sessions(other)
			if len(mine) != 1 || mine[0].ID != "a" || len(theirs) != 1 {
				t.Errorf("left: %v and %v", mine, theirs)
			}
			return errors.Join(append(errs, err, err2, err3)...)
		})
	})
}

func TestLoginFlowIsKeptUntilSwept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		clock := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return clock }
		want := store.LoginFlow{Provider: "p", ReturnTo: "/devices", ExpiresAt: clock.Add(10 * time.Minute)}
		write(t, s, func(tx *store.Tx) error { return tx.CreateLoginFlow("h", want) })
		clock = clock.Add(time.Hour)
		write(t, s, func(tx *store.Tx) error {
			got, err := tx.LoginFlow("h")
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			n, err2 := tx.SweepLoginFlows()
			if err := second(tx.LoginFlow("h")); n != 1 || !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("swept %d, then %v; want 1 and ErrNotFound", n, err)
			}
			return errors.Join(err, err2)
		})
	})
}

func TestTokenEndsWithItsTimeOrItsPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		clock := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return clock }
		me := addPerson(t, s, "me", portal.RoleUser)
		want := portal.Token{ID: "t", User: me, Name: "cli", Scopes: portal.Scopes{portal.OwnRead}, CreatedAt: clock, ExpiresAt: clock.Add(time.Hour)}
		write(t, s, func(tx *store.Tx) error {
			return errors.Join(tx.CreateToken(want, "h"), tx.CreateToken(portal.Token{ID: "t2", User: me, ExpiresAt: clock.Add(48 * time.Hour)}, "h2"))
		})
		clock = clock.Add(2 * time.Hour)
		write(t, s, func(tx *store.Tx) error {
			got, err := tx.TokenBySecret("h")
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			live, err2 := tx.Tokens(me)
			if len(live) != 1 || live[0].ID != "t2" {
				t.Errorf("live tokens are %v, want t2", live)
			}
			if err := tx.DeleteToken("other", "t2"); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("somebody else's: got %v, want ErrNotFound", err)
			}
			swept, err3 := tx.SweepTokens()
			ended, err4 := tx.DeleteTokens(me)
			if swept != 1 || ended != 1 {
				t.Errorf("%d swept and %d ended, want 1 and 1", swept, ended)
			}
			return errors.Join(err, err2, err3, err4, tx.TouchToken("t2"))
		})
	})
}
