package peers

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// CutUser drops the entries of all of the person's devices, in the transaction that suspends the person.
func (s *Service) CutUser(tx *store.Tx, by portal.Actor, id portal.UserID) error { return errSoon }

// RestoreUser puts the entries back, in the transaction that makes the person active again. Grants that have ended meanwhile stay ended.
func (s *Service) RestoreUser(tx *store.Tx, by portal.Actor, id portal.UserID) error {
	return errSoon
}

// GroupsChanged compiles the person's entries again, in the transaction that changed memberships.
func (s *Service) GroupsChanged(tx *store.Tx, by portal.Actor, id portal.UserID) error {
	return errSoon
}

// Renew extends the grants of all of the person's devices, in the transaction of a sign-in with a second factor.
func (s *Service) Renew(tx *store.Tx, by portal.Actor, id portal.UserID) error { return errSoon }

// RenewGrants does the same in a transaction of its own; whether the web session is fresh enough was decided before. It returns how many
// devices were renewed and the earliest end among them, the zero time when there is none.
func (s *Service) RenewGrants(ctx context.Context, by portal.Actor, user portal.UserID) (n int, notAfter time.Time, err error) {
	return 0, time.Time{}, errSoon
}

// RevokeAll removes all of the person's devices, in the transaction that removes the person.
func (s *Service) RevokeAll(tx *store.Tx, by portal.Actor, id portal.UserID) error { return errSoon }
