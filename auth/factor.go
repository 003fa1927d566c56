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
	BackedUp      map[portal.FactorID]bool
	RecoveryCodes int // that are left
}

// Factors returns what the person has.
func (s *Service) Factors(ctx context.Context, who Who) (FactorList, error) {
	if err := who.RequireReady(); err != nil {
		return FactorList{}, err
	}
	return s.factorsOf(ctx, who.User.ID)
}

// PersonFactors returns what another person has. It returns portal.ErrNotFound.
func (s *Service) PersonFactors(ctx context.Context, by portal.Actor, id portal.UserID) (FactorList, error) {
	if _, err := s.Person(ctx, by, id); err != nil {
		return FactorList{}, err
	}
	return s.factorsOf(ctx, id)
}

func (s *Service) factorsOf(ctx context.Context, id portal.UserID) (FactorList, error) {
	list := FactorList{BackedUp: map[portal.FactorID]bool{}}
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if list.Factors, err = tx.Factors(id); err != nil {
			return err
		}
		keys, err := tx.Passkeys(id)
		if err != nil {
			return err
		}
		for _, k := range keys {
			list.BackedUp[k.Factor] = k.BackedUp
		}
		list.RecoveryCodes, err = tx.RecoveryCodes(id)
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

// RenameFactor gives one of the person's factors another name. It needs a fresh factor (portal.ErrStepUp). It returns portal.ErrNotFound
// or an invalid-input error.
func (s *Service) RenameFactor(ctx context.Context, who Who, id portal.FactorID, name string) error {
	name, err := factorName(name)
	if err != nil {
		return err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.mayChangeFactors(tx, who); err != nil {
			return err
		}
		f, _, err := factorOf(tx, who.User.ID, id)
		if err != nil {
			return err
		}
		if f.Name == name {
			return nil
		}
		if err := tx.RenameFactor(who.User.ID, id, name); err != nil {
			return err
		}
		return tx.Audit(who.Actor(), "factor.rename", "factor:"+string(id), store.Changed{Now: named{name, f.Kind}, Before: named{f.Name, f.Kind}})
	})
	if err != nil {
		return fmt.Errorf("rename factor: %w", err)
	}
	return nil
}

// named is a factor as the audit trail tells of it.
type named struct {
	Name string            `json:"name"`
	Kind portal.FactorKind `json:"kind"`
}

// RemoveFactor forgets one of the person's factors. It needs a fresh factor (portal.ErrStepUp). It returns portal.ErrNotFound, or
// ErrLastFactor where policy asks for a factor and none that it accepts would be left. With the last one, the recovery codes go too.
func (s *Service) RemoveFactor(ctx context.Context, who Who, id portal.FactorID) error {
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.mayChangeFactors(tx, who); err != nil {
			return err
		}
		f, st, err := factorOf(tx, who.User.ID, id)
		if err != nil {
			return err
		}
		st.have = slices.DeleteFunc(st.have, func(other portal.Factor) bool { return other.ID == id })
		if st.policy.Required && !st.accepted() {
			return ErrLastFactor
		}
		if err := tx.DeleteFactor(who.User.ID, id); err != nil {
			return err
		}
		if len(st.have) == 0 {
			if err := tx.ReplaceRecoveryCodes(who.User.ID, nil); err != nil {
				return err
			}
		}
		return tx.Audit(who.Actor(), "factor.remove", "factor:"+string(id), map[string]any{"kind": f.Kind, "name": f.Name, "enrolled": f.ConfirmedAt})
	})
	if err != nil {
		return fmt.Errorf("remove factor: %w", err)
	}
	return nil
}

// factorOf returns one of a person's confirmed factors, and where the person stands.
func factorOf(tx *store.Tx, user portal.UserID, id portal.FactorID) (portal.Factor, standing, error) {
	st, err := standingOf(tx, user)
	if err != nil {
		return portal.Factor{}, st, err
	}
	i := slices.IndexFunc(st.have, func(f portal.Factor) bool { return f.ID == id })
	if i < 0 {
		return portal.Factor{}, st, portal.ErrNotFound
	}
	return st.have[i], st, nil
}

// maxFactorName is the longest name of a factor, in characters.
const maxFactorName = 64

// factorName takes a name from outside.
func factorName(name string) (string, error) {
	if clean := cleanText(name, maxFactorName); clean != "" && len(name) <= 4*maxFactorName {
		return clean, nil
	}
	return "", portal.InvalidFields(portal.Field{Path: "/name", Code: "malformed", Msg: "Give it a name of 1 to 64 characters."})
}

func mayShow(tx *store.Tx, user portal.UserID, kind portal.FactorKind) error {
	st, err := standingOf(tx, user)
	if err != nil {
		return err
	}
	return st.mayShow(kind)
}

// mayEnrol decides who may add a factor of a kind: whoever has none, in a session that is alive; else only who has shown one just now, or a
// stolen sign-in at the provider could add a factor of its own.
func (s *Service) mayEnrol(tx *store.Tx, who Who, kind portal.FactorKind) error {
	if who.Session.ID == "" {
		return portal.ErrForbidden
	}
	session, err := s.lockLive(tx, who)
	if err != nil {
		return err
	}
	st, err := standingOf(tx, who.User.ID)
	if err != nil {
		return err
	}
	switch {
	case outrun(who, session):
		return portal.ErrSignedOut
	case !st.policy.Accepts(kind):
		return ErrNotAccepted
	case len(st.have) == 0:
		return nil
	case session.FactorAt.IsZero():
		return ErrFactorNeeded
	case len(st.have) >= maxFactors:
		return ErrTooManyFactors
	}
	return s.requireFresh(session, tx.Now)
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
	case session.FactorAt.IsZero() && who.Stage != Ready:
		return who.RequireReady()
	}
	return s.requireFresh(session, tx.Now) // also where the portal may be used without a factor: then one is set up first
}
