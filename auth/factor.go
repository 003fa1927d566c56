package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// FactorList is what a person has to show besides the provider's word.
type FactorList struct {
	Factors       []portal.Factor // confirmed ones, without their seeds
	RecoveryCodes int             // that are left
}

// Factors returns what the person has.
func (s *Service) Factors(ctx context.Context, who Who) (FactorList, error) {
	if err := who.RequireReady(); err != nil {
		return FactorList{}, err
	}
	var list FactorList
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if list.Factors, err = tx.Factors(who.User.ID); err != nil {
			return err
		}
		list.RecoveryCodes, err = tx.RecoveryCodes(who.User.ID)
		return err
	})
	if err != nil {
		return FactorList{}, fmt.Errorf("list factors: %w", err)
	}
	list.Factors = slices.DeleteFunc(list.Factors, func(f portal.Factor) bool { return f.ConfirmedAt.IsZero() })
	for i := range list.Factors {
		list.Factors[i].Sealed = nil
	}
	return list, nil
}

// RemoveFactor forgets one of the person's factors. It needs a fresh factor (portal.ErrStepUp). It returns portal.ErrNotFound, or
// ErrLastFactor for the only one.
func (s *Service) RemoveFactor(ctx context.Context, who Who, id portal.FactorID) error {
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.mayChangeFactors(tx, who); err != nil {
			return err
		}
		good, err := confirmedFactors(tx, who.User.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(good, func(f portal.Factor) bool { return f.ID == id })
		if i < 0 {
			return portal.ErrNotFound
		}
		if len(good) == 1 {
			return ErrLastFactor
		}
		if err := tx.DeleteFactor(who.User.ID, id); err != nil {
			return err
		}
		return tx.Audit(who.Actor(), "factor.remove", "factor:"+string(id), map[string]any{"kind": good[i].Kind, "enrolled": good[i].ConfirmedAt})
	})
	if err != nil {
		return fmt.Errorf("remove factor: %w", err)
	}
	return nil
}

// mayChangeFactors wants a live session that showed a factor just now.
func (s *Service) mayChangeFactors(tx *store.Tx, who Who) error {
	if who.Session.ID == "" {
		return portal.ErrForbidden
	}
	session, err := s.lockLive(tx, who)
	if err != nil {
		return err
	}
	switch {
	case outrun(who, session):
		return portal.ErrSignedOut
	case session.FactorAt.IsZero():
		return who.RequireReady()
	}
	return requireFresh(session, tx.Now)
}
