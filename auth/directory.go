package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Deactivate is Suspend as a part of a transaction in which a directory takes the person's account away: it was decided there, so no role
// is asked for. changed is false when the person was suspended already. It returns ErrLastOwner, or portal.ErrNotFound.
func (s *Service) Deactivate(tx *store.Tx, by portal.Actor, id portal.UserID) (changed bool, err error) {
	powerful, err := tx.LockPrivileged(portal.RoleOwner, portal.RoleAdmin)
	if err != nil {
		return false, err
	}
	user, err := tx.LockUser(id)
	if err != nil || user.State == portal.UserSuspended {
		return false, err
	}
	powerful = slices.DeleteFunc(powerful, func(u portal.User) bool { return u.State != portal.UserActive })
	if isLast(user, powerful) {
		return false, ErrLastOwner
	}
	if err := tx.SetUserState(id, portal.UserSuspended); err != nil {
		return false, err
	}
	ended, err := endAccess(tx, id)
	if err != nil {
		return false, err
	}
	if err := s.Tunnels.CutUser(tx, by, id); err != nil {
		return false, err
	}
	return true, tx.Audit(by, "user.suspend", target(id), ended)
}

// Reactivate is Resume as a part of such a transaction.
func (s *Service) Reactivate(tx *store.Tx, by portal.Actor, id portal.UserID) (changed bool, err error) {
	user, err := tx.LockUser(id)
	if err != nil || user.State == portal.UserActive {
		return false, err
	}
	if err := tx.SetUserState(id, portal.UserActive); err != nil {
		return false, err
	}
	if err := s.Tunnels.RestoreUser(tx, by, id); err != nil {
		return false, err
	}
	return true, tx.Audit(by, "user.resume", target(id), nil)
}

// EndAccess ends a person's sessions and tokens: the account behind the person is another one now.
func (s *Service) EndAccess(tx *store.Tx, by portal.Actor, id portal.UserID) error {
	ended, err := endAccess(tx, id)
	if err != nil {
		return err
	}
	return tx.Audit(by, "session.end_all", target(id), ended)
}

// Issuers returns the providers whose people a directory can write: those of the configuration, then those of the database, each issuer once.
func (s *Service) Issuers(ctx context.Context) ([]Issuer, error) {
	var rows []portal.IdentityProvider
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Providers()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list issuers: %w", err)
	}
	all := make([]Issuer, 0, len(s.Providers)+len(rows))
	for _, p := range s.Providers {
		all = append(all, Issuer{p.Issuer, p.Name})
	}
	for _, r := range rows {
		all = append(all, Issuer{r.Settings.Issuer, r.Settings.Name})
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(i Issuer) bool {
		twice := seen[i.Issuer]
		seen[i.Issuer] = true
		return twice
	}), nil
}

// Issuer is a provider by its issuer and the name that people see.
type Issuer struct{ Issuer, Name string }
