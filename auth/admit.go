package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// admit lets the person in whom a provider vouches for: finds or creates them by issuer and subject, takes over what the provider says,
// and opens a session. It is one transaction.
func (s *Service) admit(ctx context.Context, p *Provider, who person, from Browser) (SignedIn, error) {
	var in SignedIn
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := p.stillThere(tx); err != nil {
			return err
		}
		user, err := s.enter(tx, p, who, from)
		if err != nil {
			return err
		}
		in, err = s.openSession(tx, opening{user: user, provider: p.ID, who: who, action: "session.sign_in", detail: map[string]string{"provider": p.ID}}, from)
		return err
	})
	if err != nil {
		var no *refusal
		if errors.As(err, &no) {
			return SignedIn{}, no
		}
		return SignedIn{}, fmt.Errorf("sign in by %s: %w", p.ID, err)
	}
	return in, nil
}

// enter returns the person behind an account, brought up to date with what the provider says.
func (s *Service) enter(tx *store.Tx, p *Provider, who person, from Browser) (portal.User, error) {
	user, created, err := s.findOrCreate(tx, p, who)
	if err != nil {
		return portal.User{}, err
	}
	if user.Role.May(portal.PeopleRoles) { // takeRole may ask who else has such a role; all who do lock in the same order
		if _, err := tx.LockPrivileged(portal.StaffRoles()...); err != nil {
			return portal.User{}, err
		}
	}
	if user, err = tx.LockUser(user.ID); err != nil {
		return portal.User{}, err
	}
	if user.State != portal.UserActive {
		return portal.User{}, refuse(ErrSuspended, "suspended", nil)
	}
	err = tx.NoteIdentity(portal.Identity{Issuer: who.issuer, Subject: who.subject, IDPSub: who.upstream.Subject, Claim: p.knownBy()})
	if errors.Is(err, portal.ErrDuplicate) {
		return portal.User{}, refuse(ErrBadAnswer, "other_claim", nil)
	}
	if err != nil {
		return portal.User{}, err
	}
	by := actorOf(user, from)
	if created {
		if err := tx.Audit(by, "user.create", target(user.ID), map[string]string{"provider": p.ID, "name": who.name, "email": who.email}); err != nil {
			return portal.User{}, err
		}
	}
	before := profileOf(user)
	user.Name, user.Email, user.LastSignIn = who.name, who.email, tx.Now
	if err := tx.UpdateUser(user); err != nil {
		return portal.User{}, err
	}
	if now := profileOf(user); now != before {
		if err := tx.Audit(by, "user.update", target(user.ID), store.Changed{Now: now, Before: before}); err != nil {
			return portal.User{}, err
		}
	}
	if user.Role, err = s.takeRole(tx, p, who, user, by); err != nil {
		return portal.User{}, err
	}
	return user, s.takeGroups(tx, p, who, user, by)
}

// profile is what a provider says of a person, as the audit trail tells it.
type profile struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

func profileOf(u portal.User) profile { return profile{u.Name, u.Email} }

func (s *Service) findOrCreate(tx *store.Tx, p *Provider, who person) (portal.User, bool, error) {
	if !p.Create && !s.isOwner(who) {
		user, err := tx.UserByIdentity(who.issuer, who.subject)
		if errors.Is(err, portal.ErrNotFound) {
			err = refuse(ErrNotInvited, "unknown_person", nil)
		}
		return user, false, err
	}
	return tx.EnsureIdentity(who.issuer, who.subject, portal.User{
		ID: portal.NewID[portal.UserID](tx.Now), Name: who.name, Email: who.email, Role: portal.RoleUser, State: portal.UserActive, CreatedAt: tx.Now,
	})
}

// takeRole gives and takes roles as configuration and claims say, and returns the person's role from now on.
func (s *Service) takeRole(tx *store.Tx, p *Provider, who person, user portal.User, by portal.Actor) (portal.Role, error) {
	from, err := tx.RoleSource(user.ID)
	if err != nil {
		return "", err
	}
	role, source := nextRole(user.Role, from, p.roleOf(who.groups), s.isOwner(who), p.roleSource())
	if s.FirstOwner && role != portal.RoleOwner {
		first, err := firstEver(tx)
		if err != nil {
			return "", err
		}
		if first {
			role, source = portal.RoleOwner, store.RoleLocal
		}
	}
	if role == user.Role && source == from {
		return role, nil
	}
	if !role.Covers(user.Role) {
		last, err := lastOfPower(tx, user)
		if err != nil {
			return "", err
		}
		if last { // the claim is gone, and with it would be whoever could bring it back
			return user.Role, tx.Audit(by, "user.role_kept", target(user.ID), map[string]string{"role": string(user.Role), "claimed": string(role), "reason": ErrLastOwner.Code})
		}
	}
	if err := tx.SetRole(user.ID, role, source); err != nil {
		return "", err
	}
	if role == user.Role {
		return role, nil
	}
	return role, tx.Audit(by, "user.role", target(user.ID), map[string]string{"from": string(user.Role), "to": string(role), "by": "sign-in"})
}

// lastOfPower reports whether nobody else could do what the person can (see isLast), and keeps that so until the transaction ends.
func lastOfPower(tx *store.Tx, user portal.User) (bool, error) {
	powerful, err := tx.LockPrivileged(portal.StaffRoles()...)
	if err != nil {
		return false, err
	}
	powerful = slices.DeleteFunc(powerful, func(u portal.User) bool { return u.State != portal.UserActive })
	if i := slices.IndexFunc(powerful, func(u portal.User) bool { return u.ID == user.ID }); i >= 0 {
		user.Role = powerful[i].Role
	}
	return isLast(user, powerful), nil
}

// roleSource is who gave a role that this provider's claim gave. store.RoleFromClaim alone is from before there were several.
func (p *Provider) roleSource() store.RoleSource {
	return store.RoleFromClaim + ":" + store.RoleSource(p.ID)
}

// nextRole decides a person's role at a sign-in. claimed is what their groups give, "" for nothing, and own stands for the provider. A role
// that its claim gave ends with the claim; one that was given here or by another provider is only ever raised, to a role with all its rights
// and more.
func nextRole(role portal.Role, from store.RoleSource, claimed portal.Role, owner bool, own store.RoleSource) (portal.Role, store.RoleSource) {
	mine := from == own || from == store.RoleFromClaim
	switch {
	case owner:
		return portal.RoleOwner, store.RoleLocal
	case claimed != role && claimed.Covers(role):
		return claimed, own
	case mine && claimed != "":
		return claimed, own
	case mine:
		return portal.RoleUser, store.RoleLocal
	}
	return role, from
}

// firstEver reports, once in the life of an installation, that nobody administers it yet.
func firstEver(tx *store.Tx) (bool, error) {
	some, err := tx.LockPrivileged(portal.RoleOwner, portal.RoleAdmin)
	if err != nil || len(some) > 0 {
		return false, err
	}
	err = tx.UseOnce("first_owner", "installation", 100*365*24*time.Hour)
	if errors.Is(err, portal.ErrAlreadyUsed) {
		return false, nil
	}
	return err == nil, err
}

// takeGroups makes the memberships that this provider gives those of its claim: none where the claim is not there, or not asked for any more.
func (s *Service) takeGroups(tx *store.Tx, p *Provider, who person, user portal.User, by portal.Actor) error {
	had, err := tx.GroupsOf(user.ID)
	if err != nil {
		return err
	}
	source := portal.SourceOf(p.ID)
	before, legacy := []string{}, false
	for _, m := range had {
		if slices.Contains(m.Sources, source) || p.GroupsClaim != "" && slices.Contains(m.Sources, portal.SourceClaim) {
			before = append(before, m.Group.Name)
			legacy = legacy || slices.Contains(m.Sources, portal.SourceClaim)
		}
	}
	changed, err := tx.SetMemberships(user.ID, source, who.groups)
	if err != nil {
		return err
	}
	if legacy { // from before the source named the provider
		less, err := tx.SetMemberships(user.ID, portal.SourceClaim, nil)
		if err != nil {
			return err
		}
		changed = changed || less
	}
	if !changed {
		return nil
	}
	if err := s.Tunnels.GroupsChanged(tx, by, user.ID); err != nil {
		return err
	}
	return tx.Audit(by, "user.groups", target(user.ID), map[string]any{"source": source, "groups": who.groups, "before": map[string]any{"groups": before}})
}

func (s *Service) isOwner(who person) bool {
	return slices.ContainsFunc(s.Owners, func(o portal.Identity) bool { return o.Issuer == who.issuer && o.Subject == who.subject })
}

// actorOf is a person who acts before there is a session.
func actorOf(user portal.User, from Browser) portal.Actor {
	return portal.Actor{User: user.ID, Role: user.Role, Addr: from.Addr, RequestID: from.RequestID}
}

func target(id portal.UserID) string { return "user:" + string(id) }
