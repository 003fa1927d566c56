package authtest

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Tunnels stands for peers: each call leaves a trace in the feed log, in the transaction that it is part of.
type Tunnels struct{ Fail error }

// The traces.
const (
	Cut      = "cut"
	Restored = "restored"
	Grouped  = "groups changed"
	Renewed  = "renewed"
	Ended    = "logged out"
)

// CutUser leaves Cut.
func (f *Tunnels) CutUser(tx *store.Tx, _ portal.Actor, id portal.UserID) error {
	return f.trace(tx, id, Cut)
}

// RestoreUser leaves Restored.
func (f *Tunnels) RestoreUser(tx *store.Tx, _ portal.Actor, id portal.UserID) error {
	return f.trace(tx, id, Restored)
}

// GroupsChanged leaves Grouped.
func (f *Tunnels) GroupsChanged(tx *store.Tx, _ portal.Actor, id portal.UserID) error {
	return f.trace(tx, id, Grouped)
}

// PeopleChanged leaves Grouped for each.
func (f *Tunnels) PeopleChanged(tx *store.Tx, by portal.Actor, ids []portal.UserID) error {
	for _, id := range ids {
		if err := f.GroupsChanged(tx, by, id); err != nil {
			return err
		}
	}
	return nil
}

// LoggedOut leaves Ended.
func (f *Tunnels) LoggedOut(tx *store.Tx, _ portal.Actor, id portal.UserID) (int, error) {
	return 1, f.trace(tx, id, Ended)
}

// Renew leaves Renewed.
func (f *Tunnels) Renew(tx *store.Tx, _ portal.Actor, id portal.UserID) error {
	return f.trace(tx, id, Renewed)
}

func (f *Tunnels) trace(tx *store.Tx, id portal.UserID, what string) error {
	if f.Fail != nil {
		return f.Fail
	}
	_, err := tx.Put("test/"+string(id), func(uint64) any { return what })
	return err
}

// Trace returns the last trace of a person, "" for none.
func Trace(t testing.TB, s *store.Store, id portal.UserID) (what string) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) error {
		o, err := tx.Object("test/" + string(id))
		if errors.Is(err, portal.ErrNotFound) {
			return nil
		}
		if len(o.Value) > 2 {
			what = string(o.Value[1 : len(o.Value)-1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return what
}
