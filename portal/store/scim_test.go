package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

const directory = "https://login.example.com"

func TestDirectoryNameIsFreeAgainAfterDeletion(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := addUser(t, s, "a"), addUser(t, s, "b")
		record := func(id portal.UserID) portal.SCIMUser {
			return portal.SCIMUser{Issuer: directory, User: id, UserName: "mina", ExternalID: "x-" + string(id), Active: true, Doc: "{}", Version: 1}
		}
		inTx(t, s, func(tx *store.Tx) error { return tx.CreateSCIMUser(record(a)) })
		if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateSCIMUser(record(b)) }); !errors.Is(err, portal.ErrDuplicate) {
			t.Errorf("the same name twice: %v", err)
		}
		gone := record(a)
		gone.DeletedAt, gone.Version = time.Now(), 2
		inTx(t, s, func(tx *store.Tx) error { return errors.Join(tx.UpdateSCIMUser(gone), tx.CreateSCIMUser(record(b))) })
		inTx(t, s, func(tx *store.Tx) error {
			all, err := tx.SCIMUsers(store.SCIMQuery{Issuer: directory, UserName: "mina"}, "", 0, 10)
			if len(all) != 1 || all[0].User != b || all[0].Version != 1 || !all[0].Active {
				t.Errorf("shown are %+v", all)
			}
			return err
		})
	})
}

func TestMembershipsAreGivenAndTakenBySourceAndSayWhoChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, b := addUser(t, s, "a"), addUser(t, s, "b")
		inTx(t, s, func(tx *store.Tx) error { return tx.CreateGroup(portal.Group{ID: "g", Name: "g"}) })
		inTx(t, s, func(tx *store.Tx) error {
			_, _, err := tx.SetMember("g", a, true)
			return err
		})
		step := func(what string, do func(tx *store.Tx) ([]portal.UserID, error), want ...portal.UserID) {
			t.Helper()
			inTx(t, s, func(tx *store.Tx) error {
				got, err := do(tx)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("%s changed %q, want %q", what, got, want)
				}
				return err
			})
		}
		add := func(tx *store.Tx) ([]portal.UserID, error) {
			return tx.AddMembers("g", portal.SourceSCIM, []portal.UserID{a, b, "nobody"})
		}
		step("adding", add, a, b)
		step("adding again", add)
		remove := func(tx *store.Tx) ([]portal.UserID, error) {
			return tx.RemoveMembers("g", portal.SourceSCIM, []portal.UserID{a, b})
		}
		step("removing", remove, a, b)
		step("removing again", remove)
		if got := groupsText(t, s, a); got != "g[local]" {
			t.Errorf("the other source's membership: %q", got)
		}
	})
}

func TestSCIMTokenThatWasRevokedCanNotBeHeld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		inTx(t, s, func(tx *store.Tx) error {
			return tx.CreateSCIMToken(portal.SCIMToken{ID: "t", Issuer: directory, ExpiresAt: time.Now()}, "hash")
		})
		inTx(t, s, func(tx *store.Tx) error { return errors.Join(tx.HoldSCIMToken("t"), tx.DeleteSCIMToken("t")) })
		err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.HoldSCIMToken("t") })
		if !errors.Is(err, portal.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}
