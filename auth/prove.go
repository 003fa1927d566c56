package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// proof is one way to show a second factor.
type proof struct {
	action string // in the audit trail, when it is right
	kind   portal.FactorKind
	// signed says that it can't be guessed: tries are not counted, so that nobody's guesses at a code keep a passkey out.
	signed bool
	// check looks at the code. ErrWrongCode and ErrCodeUsed are answers; every other error ends the transaction.
	check func(tx *store.Tx) error
	// then is what else a right code does, in the same transaction; nil for nothing.
	then func(tx *store.Tx) error
}

// prove shows a second factor in a session: counts the try, checks it, and if it is right gives the session a new secret, lets the
// person's tunnels run again and writes all of it down, in one transaction. A wrong try is counted and written down too.
func (s *Service) prove(ctx context.Context, who Who, p proof) (SignedIn, error) {
	if who.Session.ID == "" {
		return SignedIn{}, portal.ErrForbidden // a token shows no factor
	}
	secret := newSecret()
	var in SignedIn
	var answer error
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		in, answer = SignedIn{}, nil
		session, err := s.lockLive(tx, who)
		if err != nil {
			return err
		}
		wait, err := countTry(tx, who, p)
		if err != nil {
			return err
		}
		if wait > 0 {
			answer = ErrTooManyTries.WithRetryAfter(wait)
			return nil
		}
		answer, err = s.try(tx, who, p)
		if err != nil || answer != nil {
			return err
		}
		in, err = s.proven(tx, who, session, secret, p)
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("show second factor: %w", err)
	}
	return in, answer
}

// try checks the code and settles the counters. answer is what the person gets when it is not right.
func (s *Service) try(tx *store.Tx, who Who, p proof) (answer, err error) {
	answer = p.check(tx)
	reason := "wrong"
	switch {
	case answer == nil:
		if err := uncountTry(tx, who, p, true); err != nil {
			return nil, err
		}
		if p.then == nil {
			return nil, nil
		}
		return nil, p.then(tx)
	case errors.Is(answer, ErrPasskeyEnded):
		return answer, nil // anybody can send any number of those: nothing to tell of
	case errors.Is(answer, ErrCodeUsed):
		reason = "used"
		if err := uncountTry(tx, who, p, false); err != nil {
			return nil, err
		}
	case errors.Is(answer, ErrPasskeyCopied):
		reason = "copied"
	case !errors.Is(answer, ErrWrongCode) && !errors.Is(answer, ErrPasskeyRefused):
		return nil, answer
	}
	return answer, tx.Audit(who.Actor(), "factor.refuse", target(who.User.ID), map[string]string{"reason": reason, "what": p.action})
}

func countTry(tx *store.Tx, who Who, p proof) (time.Duration, error) {
	if p.signed {
		return 0, nil
	}
	return countCode(tx, who)
}

func uncountTry(tx *store.Tx, who Who, p proof, right bool) error {
	if p.signed {
		return nil
	}
	return uncountCode(tx, who, right)
}

// proven is what a right code does to the session and, where the policy accepts it, to the tunnels.
func (s *Service) proven(tx *store.Tx, who Who, session portal.Session, secret portal.Secret, p proof) (SignedIn, error) {
	ends := session.CreatedAt.Add(s.Limits.withDefaults().Absolute)
	if err := tx.ProveSession(session.ID, digest(forSession, secret.Reveal()), p.kind, ends); err != nil {
		return SignedIn{}, err
	}
	session.FactorAt, session.Factor, session.SeenAt, session.ExpiresAt = tx.Now, p.kind, tx.Now, ends
	by := who.Actor()
	by.FactorAt = tx.Now
	stage, _, err := place(tx, session)
	if err != nil {
		return SignedIn{}, err
	}
	if stage == Ready {
		if err := s.Tunnels.Renew(tx, by, who.User.ID); err != nil {
			return SignedIn{}, err
		}
	}
	if err := tx.Audit(by, p.action, "session:"+string(session.ID), nil); err != nil {
		return SignedIn{}, err
	}
	return SignedIn{Session: session, Secret: secret, Stage: stage, ReturnTo: "/"}, nil
}

// lockLive returns the session as it is now, and keeps others from changing the person until the transaction ends. It returns
// portal.ErrSignedOut when session or person have ended since the request came in.
func (s *Service) lockLive(tx *store.Tx, who Who) (portal.Session, error) {
	user, err := tx.LockUser(who.User.ID)
	if err == nil && user.State != portal.UserActive {
		err = portal.ErrNotFound
	}
	var session portal.Session
	if err == nil {
		session, err = tx.Session(who.Session.ID)
	}
	if err == nil && (session.User != user.ID || !s.alive(session, tx.Now)) {
		err = portal.ErrNotFound
	}
	if errors.Is(err, portal.ErrNotFound) {
		return portal.Session{}, portal.ErrSignedOut
	}
	return session, err
}

// outrun reports whether the session has shown its second factor since the request came in with the secret from before. Who sent that may
// have stolen it, and must not share in what the factor gave.
func outrun(who Who, session portal.Session) bool {
	return who.Session.FactorAt.IsZero() && !session.FactorAt.IsZero()
}

// requireFresh is RequireFresh for a session as the database has it now.
func (s *Service) requireFresh(session portal.Session, now time.Time) error {
	return RequireFresh(portal.Actor{User: session.User, FactorAt: session.FactorAt, FreshFor: s.Limits.withDefaults().StepUp}, now)
}
