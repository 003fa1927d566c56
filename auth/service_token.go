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

// servicePrefix lets scanners of source code find a token that leaked, and tells programs from people.
const servicePrefix = "sp_svc_"

// The limits on tokens of programs.
const (
	maxServices    = 200
	maxServiceLife = 365 * 24 * time.Hour
)

// NewServiceToken is what is asked for.
type NewServiceToken struct {
	Name   string
	Role   portal.Role   // of which it has no more than Scopes
	Scopes portal.Scopes // at least one of ServiceScopes
	Life   time.Duration // from one minute to 365 days
}

// ServiceScopes returns the rights that a program's token of this role can have, sorted.
func ServiceScopes(role portal.Role) []Action {
	return slices.DeleteFunc(Actions(), func(a Action) bool { return !Can(role, a) || !a.ForServices() })
}

// authenticateService returns the program behind the secret of a token.
func (s *Service) authenticateService(ctx context.Context, secret string, from Browser) (Who, error) {
	hash, ok := hashSecret(forService, secret)
	if !ok {
		return Who{}, ErrBadToken
	}
	who := Who{From: from, Stage: Ready}
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		who.Service, err = tx.ServiceTokenBySecret(hash)
		return err
	})
	now := s.now()
	switch {
	case errors.Is(err, portal.ErrNotFound), err == nil && !now.Before(who.Service.ExpiresAt):
		return Who{}, ErrBadToken
	case err != nil:
		return Who{}, fmt.Errorf("authenticate service: %w", err)
	}
	if now.Sub(who.Service.UsedAt) >= touchEvery {
		s.touch(ctx, func(tx *store.Tx) error { return tx.TouchServiceToken(who.Service.ID) })
	}
	return who, nil
}

// CreateServiceToken makes the token of a program. The secret is shown now and never again. It returns an invalid-input error,
// ErrTokenName, ErrTooManyTokens, or portal.ErrAboveOwn for a role with rights that the actor lacks.
func (s *Service) CreateServiceToken(ctx context.Context, by portal.Actor, in NewServiceToken) (portal.ServiceToken, portal.Secret, error) {
	if err := Allow(by, TokensWrite, s.now()); err != nil {
		return portal.ServiceToken{}, portal.Secret{}, err
	}
	if err := portal.InvalidFields(in.check()...); err != nil {
		return portal.ServiceToken{}, portal.Secret{}, err
	}
	secret := newSecret()
	var made portal.ServiceToken
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := coversNow(tx, by, TokensWrite, in.Role); err != nil {
			return err
		}
		if _, err := tx.SweepServiceTokens(); err != nil { // one that has ended holds no name and no place
			return err
		}
		have, err := tx.ServiceTokens()
		if err != nil {
			return err
		}
		if len(have) >= maxServices {
			return ErrTooManyTokens
		}
		made = portal.ServiceToken{
			ID: portal.NewID[portal.ServiceTokenID](tx.Now), Name: in.Name, Role: in.Role, Scopes: in.Scopes, MadeBy: by.User, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(in.Life),
		}
		err = tx.CreateServiceToken(made, digest(forService, secret.Reveal()))
		if errors.Is(err, portal.ErrDuplicate) {
			return ErrTokenName
		}
		if err != nil {
			return err
		}
		return tx.Audit(by, "service_token.create", serviceTarget(made.ID), serviceDetail(made))
	})
	if err != nil {
		return portal.ServiceToken{}, portal.Secret{}, fmt.Errorf("create service token: %w", err)
	}
	return made, portal.TokenText(servicePrefix, secret), nil
}

func (in NewServiceToken) check() []portal.Field {
	wrong := checkToken(in.Name, in.Life, maxServiceLife)
	if !in.Role.Known() || len(ServiceScopes(in.Role)) == 0 {
		return append(wrong, portal.Field{Path: "/role", Code: "unknown", Msg: "A service can't have this role."})
	}
	if in.Scopes == nil {
		in.Scopes = portal.Scopes{} // a program says what it needs
	}
	return append(wrong, checkScopes(ServiceScopes(in.Role), in.Scopes)...)
}

// coversNow reads the acting person's role again, and returns portal.ErrForbidden when it may not do a any more, or portal.ErrAboveOwn when it
// lacks a right of role.
func coversNow(tx *store.Tx, by portal.Actor, a Action, role portal.Role) error {
	if by.IsSystem() {
		return nil
	}
	user, err := tx.LockUser(by.User)
	switch {
	case errors.Is(err, portal.ErrNotFound):
		return portal.ErrForbidden
	case err != nil:
		return err
	case user.State != portal.UserActive || !Can(user.Role, a):
		return portal.ErrForbidden
	case !user.Role.Covers(role):
		return portal.ErrAboveOwn
	}
	return nil
}

// ServiceTokens returns the tokens of all programs, by name, also those that have ended in the last minutes.
func (s *Service) ServiceTokens(ctx context.Context, by portal.Actor) ([]portal.ServiceToken, error) {
	if err := Allow(by, TokensRead, s.now()); err != nil {
		return nil, err
	}
	var all []portal.ServiceToken
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.ServiceTokens()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list service tokens: %w", err)
	}
	return all, nil
}

// DeleteServiceToken ends the token of a program, at once. It returns portal.ErrNotFound, or portal.ErrAboveOwn.
func (s *Service) DeleteServiceToken(ctx context.Context, by portal.Actor, id portal.ServiceTokenID) error {
	if err := Allow(by, TokensWrite, s.now()); err != nil {
		return err
	}
	if !plainText(string(id), maxID) {
		return portal.ErrNotFound
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		t, err := tx.ServiceToken(id)
		if err != nil {
			return err
		}
		if err := coversNow(tx, by, TokensWrite, t.Role); err != nil {
			return err
		}
		if err := tx.DeleteServiceToken(id); err != nil {
			return err
		}
		return tx.Audit(by, "service_token.delete", serviceTarget(id), serviceDetail(t))
	})
	if err != nil {
		return fmt.Errorf("delete service token: %w", err)
	}
	return nil
}

func serviceTarget(id portal.ServiceTokenID) string { return "service:" + string(id) }

func serviceDetail(t portal.ServiceToken) map[string]any {
	return map[string]any{"name": t.Name, "role": t.Role, "scopes": t.Scopes.String(), "expires": t.ExpiresAt}
}
