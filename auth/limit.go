package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// countCode counts a try at a person's second factor, before it is looked at. It returns how long to wait, 0 to go on.
func countCode(tx *store.Tx, who Who) (time.Duration, error) {
	wait, err := tx.Attempt(portal.LimitFactor, string(who.User.ID))
	if err != nil || wait > 0 {
		return wait, err
	}
	wait, err = tx.Attempt(portal.LimitFactorAddr, addrKey(who.From.Addr))
	if err == nil && wait > 0 {
		err = tx.UndoAttempt(portal.LimitFactor, string(who.User.ID))
	}
	return wait, err
}

// uncountCode takes a counted try back: it was right, or it was a code that was used already and so gained nothing.
func uncountCode(tx *store.Tx, who Who, right bool) error {
	if err := tx.UndoAttempt(portal.LimitFactorAddr, addrKey(who.From.Addr)); err != nil {
		return err
	}
	if right {
		return tx.ForgetAttempts(portal.LimitFactor, string(who.User.ID))
	}
	return tx.UndoAttempt(portal.LimitFactor, string(who.User.ID))
}

// locked returns ErrTooManyTries while the address waits. It only reads: what comes meanwhile is refused without a write.
func (s *Service) locked(ctx context.Context, kind portal.LimitKind, from Browser) error {
	var wait time.Duration
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		wait, err = tx.Locked(kind, addrKey(from.Addr))
		return err
	})
	if err != nil {
		return fmt.Errorf("read limit %s: %w", kind, err)
	}
	if wait > 0 {
		return ErrTooManyTries.WithRetryAfter(wait)
	}
	return nil
}
