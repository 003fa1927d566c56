package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// maxIdentities bounds the accounts of one person.
const maxIdentities = 20

// LinkedIdentity is one of a person's accounts at providers.
type LinkedIdentity struct {
	portal.Identity
	ID       string // by which it is unlinked
	Provider string // name of a provider with this issuer; "" when there is none now
	Kept     bool   // by a directory: it can't be unlinked
}

func identityID(i portal.Identity) string { return digest("identity", i.Issuer, i.Subject)[:32] }

// Identities returns the person's own accounts.
func (s *Service) Identities(ctx context.Context, who Who) ([]LinkedIdentity, error) {
	if err := who.RequireReady(); err != nil {
		return nil, err
	}
	return s.identitiesOf(ctx, who.User.ID)
}

// PersonIdentities returns those of another person. It returns portal.ErrNotFound.
func (s *Service) PersonIdentities(ctx context.Context, by portal.Actor, id portal.UserID) ([]LinkedIdentity, error) {
	if _, err := s.Person(ctx, by, id); err != nil {
		return nil, err
	}
	return s.identitiesOf(ctx, id)
}

func (s *Service) identitiesOf(ctx context.Context, id portal.UserID) (out []LinkedIdentity, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Identities(id)
		if err != nil {
			return err
		}
		rows, err := tx.Providers()
		if err != nil {
			return err
		}
		out = make([]LinkedIdentity, len(all))
		for i, one := range all {
			kept, err := keptByDirectory(tx, one)
			if err != nil {
				return err
			}
			out[i] = LinkedIdentity{Identity: one, ID: identityID(one), Provider: s.nameOfIssuer(one.Issuer, rows), Kept: kept}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	return out, nil
}

func (s *Service) nameOfIssuer(issuer string, rows []portal.IdentityProvider) string {
	for _, p := range s.Providers {
		if p.Issuer == issuer {
			return p.Name
		}
	}
	for _, r := range rows {
		if r.Settings.Issuer == issuer {
			return r.Settings.Name
		}
	}
	return ""
}

// LinkIdentity begins a sign-in that gives the person of the session one more account. It needs a fresh second factor. It returns
// portal.ErrStepUp, ErrNoProvider, ErrProviderDown or ErrTooManyTries.
func (s *Service) LinkIdentity(ctx context.Context, who Who, provider string) (SignInStart, error) {
	if err := who.RequireReady(); err != nil {
		return SignInStart{}, err
	}
	if err := RequireFresh(who.Actor(), s.now()); err != nil || who.Session.ID == "" {
		return SignInStart{}, errors.Join(err, portal.ErrStepUp)
	}
	p, err := s.provider(ctx, provider)
	if err != nil {
		return SignInStart{}, err
	}
	return s.startFlow(ctx, p, store.LoginFlow{Purpose: store.FlowLink, Ref: string(who.Session.ID), ReturnTo: "/security"}, who.From, nil)
}

// link gives the account to the person of the session that asked for it, which must still be the browser's and its factor fresh. Whether the
// provider would let the account in by itself is asked too.
func (s *Service) link(ctx context.Context, p *Provider, account person, cb Callback, session portal.SessionID, from Browser) error {
	who, err := s.Authenticate(ctx, cb.Session, from)
	if err != nil || who.Session.ID != session || who.RequireReady() != nil {
		return refuse(ErrSignInEnded, "no_session", err)
	}
	if err := RequireFresh(who.Actor(), s.now()); err != nil {
		return refuse(portal.ErrStepUp, "not_fresh", nil)
	}
	if !p.admits(account) {
		return refuse(ErrNotInvited, "domain", nil)
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := p.stillThere(tx); err != nil {
			return err
		}
		user, err := tx.LockUser(who.User.ID)
		switch {
		case errors.Is(err, portal.ErrNotFound), err == nil && user.State != portal.UserActive:
			return portal.ErrSignedOut
		case err != nil:
			return err
		}
		have, err := tx.Identities(user.ID)
		if err != nil {
			return err
		}
		is := func(i portal.Identity) bool { return i.Issuer == account.issuer && i.Subject == account.subject }
		if slices.ContainsFunc(have, is) {
			return nil
		}
		if len(have) >= maxIdentities {
			return refuse(ErrTooManyIdentities, "too_many", nil)
		}
		one := portal.Identity{Issuer: account.issuer, Subject: account.subject, User: user.ID, IDPSub: account.upstream.Subject, Claim: p.knownBy()}
		if err := tx.LinkIdentity(one); errors.Is(err, portal.ErrDuplicate) {
			return refuse(ErrIdentityTaken, "taken", nil)
		} else if err != nil {
			return err
		}
		if err := tx.Audit(who.Actor(), "identity.link", target(user.ID), map[string]string{"provider": p.ID, "issuer": one.Issuer, "subject": one.Subject}); err != nil {
			return err
		}
		return s.takeGroups(tx, p, account, user, who.Actor())
	})
	var no *refusal
	if err != nil && !errors.As(err, &no) {
		return fmt.Errorf("link identity of %s: %w", who.User.ID, err)
	}
	return err
}
