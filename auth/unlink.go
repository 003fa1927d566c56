package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// UnlinkIdentity takes one of the person's accounts away, ends the sessions that it began, but the one that asks, and takes back the groups and
// the role that its provider's claims gave. It needs a fresh second factor. It returns portal.ErrNotFound, ErrLastIdentity for the only one,
// ErrIdentityKept for one that a directory keeps, or ErrLastOwner.
func (s *Service) UnlinkIdentity(ctx context.Context, who Who, id string) error {
	if err := who.RequireReady(); err != nil {
		return err
	}
	if err := RequireFresh(who.Actor(), s.now()); err != nil {
		return err
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		powerful, err := tx.LockPrivileged(portal.StaffRoles()...)
		if err != nil {
			return err
		}
		user, err := tx.LockUser(who.User.ID)
		if err != nil {
			return err
		}
		powerful = slices.DeleteFunc(powerful, func(u portal.User) bool { return u.State != portal.UserActive })
		return s.unlink(tx, who.Actor(), change{user: user, self: true, last: isLast(user, powerful)}, id)
	})
	if err != nil {
		return fmt.Errorf("unlink identity of %s: %w", who.User.ID, err)
	}
	return nil
}

// UnlinkPerson does the same to somebody else's account, for whoever may end their access. Nobody does it to their own this way (ErrOwnAccount).
func (s *Service) UnlinkPerson(ctx context.Context, by portal.Actor, id portal.UserID, identity string) error {
	return s.administer(ctx, by, PeopleWrite, id, func(tx *store.Tx, c change) error {
		if c.self {
			return ErrOwnAccount
		}
		return s.unlink(tx, by, c, identity)
	})
}

func (s *Service) unlink(tx *store.Tx, by portal.Actor, c change, id string) error {
	all, err := tx.Identities(c.user.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(one portal.Identity) bool { return identityID(one) == id })
	if i < 0 {
		return portal.ErrNotFound
	}
	if len(all) == 1 {
		return ErrLastIdentity
	}
	gone := all[i]
	switch kept, err := keptByDirectory(tx, gone); {
	case err != nil:
		return err
	case kept:
		return ErrIdentityKept
	}
	if err := tx.UnlinkIdentity(c.user.ID, gone.Issuer, gone.Subject); err != nil {
		return err
	}
	others := slices.ContainsFunc(all, func(one portal.Identity) bool { return one.Issuer == gone.Issuer && one.Subject != gone.Subject })
	ended, err := endSessionsBy(tx, by, gone, others)
	if err != nil {
		return err
	}
	if !others {
		if err := s.forgetClaimsOf(tx, by, c, gone.Issuer); err != nil {
			return err
		}
	}
	return tx.Audit(by, "identity.unlink", target(c.user.ID), map[string]any{"issuer": gone.Issuer, "subject": gone.Subject, "sessions": ended})
}

// keptByDirectory reports whether a directory keeps the person by this account. Whoever unlinked it could come back by it as somebody new, of
// whom the directory does not know when it says that they have left.
func keptByDirectory(tx *store.Tx, one portal.Identity) (bool, error) {
	u, err := tx.SCIMUser(one.Issuer, one.User)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	return u.Subject == one.Subject && u.DeletedAt.IsZero(), nil
}

// endSessionsBy ends the sessions that an account began, but the one that asks: all of its issuer, where the person has no other account there.
func endSessionsBy(tx *store.Tx, by portal.Actor, gone portal.Identity, others bool) (ended int, err error) {
	sessions, err := tx.Sessions(gone.User)
	if err != nil {
		return 0, err
	}
	for _, one := range sessions {
		if one.ID == by.Session || one.Upstream.Issuer != gone.Issuer || others && one.Upstream.Subject != gone.IDPSub {
			continue
		}
		if err := tx.DeleteSession(gone.User, one.ID); err != nil {
			return ended, err
		}
		ended++
	}
	return ended, nil
}

// forgetClaimsOf takes back the role and the groups that providers of an issuer gave: no sign-in by it will say otherwise.
func (s *Service) forgetClaimsOf(tx *store.Tx, by portal.Actor, c change, issuer string) error {
	ids, err := s.providersOf(tx, issuer)
	if err != nil {
		return err
	}
	from, err := tx.RoleSource(c.user.ID)
	if err != nil {
		return err
	}
	// What "claim" alone gave is from before sources named the provider. Another provider that gave it says so at the next sign-in.
	roles, sources := []store.RoleSource{store.RoleFromClaim}, []portal.GroupSource{portal.SourceClaim}
	for _, id := range ids {
		roles, sources = append(roles, (&Provider{ID: id}).roleSource()), append(sources, portal.SourceOf(id))
	}
	if slices.Contains(roles, from) {
		if c.last {
			return ErrLastOwner
		}
		if err := takeRoleBack(tx, by, c.user, "identity.unlink"); err != nil {
			return err
		}
	}
	lost := 0
	for _, source := range sources {
		changed, err := tx.SetMemberships(c.user.ID, source, nil)
		if err != nil {
			return err
		}
		if changed {
			lost++
			if err := tx.Audit(by, "user.groups", target(c.user.ID), map[string]any{"source": source, "groups": []string{}}); err != nil {
				return err
			}
		}
	}
	if lost == 0 {
		return nil
	}
	return s.Tunnels.GroupsChanged(tx, by, c.user.ID)
}

func (s *Service) providersOf(tx *store.Tx, issuer string) (ids []string, err error) {
	for _, p := range s.Providers {
		if p.Issuer == issuer {
			ids = append(ids, p.ID)
		}
	}
	rows, err := tx.Providers()
	for _, r := range rows {
		if r.Settings.Issuer == issuer {
			ids = append(ids, r.ID)
		}
	}
	return ids, err
}
