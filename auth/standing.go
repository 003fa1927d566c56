package auth

import (
	"errors"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// standing is where a person stands with their second factors: what they have, and what the strictest of their groups asks.
type standing struct {
	policy portal.FactorPolicy
	have   []portal.Factor // confirmed
	until  time.Time       // the portal may be used without one until then; zero: not at all
}

func standingOf(tx *store.Tx, id portal.UserID) (standing, error) {
	var st standing
	var err error
	if st.policy, err = tx.FactorPolicyOf(id); err != nil {
		return st, err
	}
	all, err := tx.Factors(id)
	if err != nil {
		return st, err
	}
	for _, f := range all {
		if !f.ConfirmedAt.IsZero() {
			st.have = append(st.have, f)
		}
	}
	if st.policy.Required && st.policy.Grace == 0 {
		return st, nil
	}
	_, err = tx.LocalAccount(id)
	if err == nil { // a password of ours is no provider's word: nothing waives the second factor
		st.policy.Required, st.policy.Grace = true, 0
		return st, nil
	}
	if !errors.Is(err, portal.ErrNotFound) || len(st.have) > 0 || !st.policy.Required {
		return st, ignoreNotFound(err)
	}
	from, err := tx.GraceFrom(id)
	if err == nil && !from.IsZero() {
		st.until = from.Add(st.policy.Grace)
	}
	return st, err
}

// accepted reports whether the person has a factor of a kind that the policy accepts.
func (st standing) accepted() bool {
	return slices.ContainsFunc(st.have, func(f portal.Factor) bool { return st.policy.Accepts(f.Kind) })
}

// has reports whether the person has a factor of this kind.
func (st standing) has(k portal.FactorKind) bool {
	return slices.ContainsFunc(st.have, func(f portal.Factor) bool { return f.Kind == k })
}

// mayShow returns nil when a factor of this kind may be shown. One that is not accepted may be, while there is no other: then it leads to
// setting up one that is, and a stolen sign-in alone does not.
func (st standing) mayShow(k portal.FactorKind) error {
	switch {
	case len(st.have) == 0:
		return ErrFactorEnrolment
	case st.policy.Accepts(k), k != portal.FactorRecovery && !st.accepted():
		return nil
	}
	return ErrNotAccepted
}

// stage says what a session may do.
func (st standing) stage(session portal.Session, now time.Time) Stage {
	shown := !session.FactorAt.IsZero()
	switch {
	case shown && st.policy.Accepts(session.Factor):
		return Ready
	case len(st.have) == 0 && (!st.policy.Required || now.Before(st.until)):
		return Ready // without a factor: see trustedAt
	case len(st.have) == 0:
		return FactorEnrolment
	case !st.accepted() && shown && now.Sub(session.FactorAt) <= StepUpAge:
		return FactorEnrolment
	}
	return FactorVerification
}

// trustedAt is since when the person's word is good for a tunnel: when they showed a factor, or signed in where none is asked for; the
// zero time within the grace, which is for setting one up and not for going around it.
func (st standing) trustedAt(session portal.Session) time.Time {
	switch {
	case !session.FactorAt.IsZero():
		return session.FactorAt
	case !st.policy.Required && len(st.have) == 0:
		return session.CreatedAt
	}
	return time.Time{}
}

// place finds out what the session may do, and since when it is good for a tunnel.
func place(tx *store.Tx, session portal.Session) (Stage, time.Time, error) {
	if !session.FactorAt.IsZero() && session.Factor == portal.FactorPasskey {
		return Ready, session.FactorAt, nil // accepted by every policy: nothing to look up
	}
	st, err := standingOf(tx, session.User)
	if err != nil {
		return "", time.Time{}, err
	}
	return st.stage(session, tx.Now), st.trustedAt(session), nil
}

// Ways is what a session may show or set up as its second factor, in the order to offer it.
type Ways struct {
	Show  []portal.FactorKind // of what the person has
	Enrol []portal.FactorKind // what can be set up
	Until time.Time           // the portal may be used without a factor until then; zero: no such time
}

func ignoreNotFound(err error) error {
	if errors.Is(err, portal.ErrNotFound) {
		return nil
	}
	return err
}
