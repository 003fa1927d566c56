package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// The longest that a policy may give, in days.
const (
	maxGrace        = 90 * 24 * time.Hour
	maxPasskeyAlone = 365 * 24 * time.Hour
)

// FactorPolicies returns the policies that are set, by the names of their groups.
func (s *Service) FactorPolicies(ctx context.Context, by portal.Actor) ([]portal.GroupFactorPolicy, error) {
	if err := Allow(by, SettingsRead, s.now()); err != nil {
		return nil, err
	}
	var all []portal.GroupFactorPolicy
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		all, err = tx.FactorPolicies()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list factor policies: %w", err)
	}
	return all, nil
}

// SetFactorPolicy says what a group asks of its members. It holds from their next request: whose session was good by a factor that is not
// accepted any more shows or sets up another one. Tunnels that run keep running until their session ends. It returns portal.ErrNotFound
// for a group that is not there, or an invalid-input error.
func (s *Service) SetFactorPolicy(ctx context.Context, by portal.Actor, group portal.GroupID, p portal.FactorPolicy) error {
	if err := Allow(by, SettingsWrite, s.now()); err != nil {
		return err
	}
	if err := portal.InvalidFields(s.checkPolicy(p)...); err != nil {
		return err
	}
	if !plainText(string(group), maxID) {
		return portal.ErrNotFound
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Group(group); err != nil {
			return err
		}
		before, err := tx.FactorPolicy(group)
		known := err == nil
		if err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		if known && before == p {
			return nil
		}
		if err := tx.SetFactorPolicy(group, p); err != nil {
			return err
		}
		changed := store.Changed{Now: toldPolicy(p)}
		if known {
			changed.Before = toldPolicy(before)
		}
		return tx.Audit(by, "factor_policy.set", "group:"+string(group), changed)
	})
	if err != nil {
		return fmt.Errorf("set factor policy of %s: %w", group, err)
	}
	return nil
}

// DeleteFactorPolicy lets a group ask nothing of its own; for portal.Everyone the default holds again. It returns portal.ErrNotFound.
func (s *Service) DeleteFactorPolicy(ctx context.Context, by portal.Actor, group portal.GroupID) error {
	if err := Allow(by, SettingsWrite, s.now()); err != nil {
		return err
	}
	if !plainText(string(group), maxID) {
		return portal.ErrNotFound
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		before, err := tx.FactorPolicy(group)
		if err != nil {
			return err
		}
		if err := tx.DeleteFactorPolicy(group); err != nil {
			return err
		}
		return tx.Audit(by, "factor_policy.delete", "group:"+string(group), toldPolicy(before))
	})
	if err != nil {
		return fmt.Errorf("delete factor policy of %s: %w", group, err)
	}
	return nil
}

func (s *Service) checkPolicy(p portal.FactorPolicy) (wrong []portal.Field) {
	note := func(path, code, msg string) { wrong = append(wrong, portal.Field{Path: path, Code: code, Msg: msg}) }
	if !p.TOTP && !s.PasskeysOffered() {
		note("/accepted", "no_passkeys_here", "This portal's address is not a name, so it can't have passkeys: accept authenticator apps.")
	}
	if !p.Required && !p.TOTP {
		note("/accepted", "not_required", "Where no factor is required, accept authenticator apps too: whoever has one still shows it.")
	}
	if p.Grace < 0 || p.Grace > maxGrace || !p.Required && p.Grace > 0 {
		note("/graceDays", "out_of_range", "At most 90 days, and only where a factor is required.")
	}
	if p.PasskeyAlone < 0 || p.PasskeyAlone > maxPasskeyAlone {
		note("/passkeyDays", "out_of_range", "At most 365 days.")
	}
	return wrong
}

// policyTold is a policy as the audit trail tells of it.
type policyTold struct {
	Required    bool `json:"required"`
	TOTP        bool `json:"totp"`
	Recovery    bool `json:"recovery"`
	GraceDays   int  `json:"graceDays"`
	PasskeyDays int  `json:"passkeyDays"`
}

func toldPolicy(p portal.FactorPolicy) policyTold {
	const day = 24 * time.Hour
	return policyTold{p.Required, p.TOTP, p.Recovery, int(p.Grace / day), int(p.PasskeyAlone / day)}
}
