package peers

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/portal/store"
)

// SweepEvery is how often what has expired is removed.
const SweepEvery = 10 * time.Minute

// tombstonesFor is how long the feed log remembers what is gone. A gateway that was away for longer gets a snapshot.
const tombstonesFor = 7 * 24 * time.Hour

// tokensFor is how long an enrolment token is remembered after its time, so that who comes late hears that it has expired.
const tokensFor = 24 * time.Hour

// Sweep runs until ctx ends: at once and then every SweepEvery it forgets one-time rows, counters of tries and enrolment tokens that have expired, and
// trims tombstones from the feed log, ends idle grants and holds (these every HoldsEvery), removes the rules of temporary access that is over and looks the names of profiles
// up again. What fails keeps nothing else from being done; it is logged and tried again with the next round. Sessions are auth's to sweep.
func (s *Service) Sweep(ctx context.Context) error {
	tick, often := time.NewTicker(SweepEvery), time.NewTicker(HoldsEvery)
	defer tick.Stop()
	defer often.Stop()
	for round := s.SweepOnce; ; {
		if err := round(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "sweep", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			round = s.SweepOnce
		case <-often.C:
			round = s.endHolds
		}
	}
}

// SweepOnce is one round of Sweep.
func (s *Service) SweepOnce(ctx context.Context) error {
	return errors.Join(s.endHolds(ctx), s.endIdle(ctx), s.endRequests(ctx), s.followNames(ctx), s.forget(ctx))
}

// forget removes rows that have served.
func (s *Service) forget(ctx context.Context) error {
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		attempts, err := tx.SweepAttempts() // in auth's order, so that the two do not wait for each other
		if err != nil {
			return err
		}
		once, err := tx.SweepOnce()
		if err != nil {
			return err
		}
		tokens, err := tx.SweepEnrolTokens(tx.Now.Add(-tokensFor))
		if err != nil {
			return err
		}
		tombstones, err := trimLog(tx)
		if err != nil {
			return err
		}
		s.Log.DebugContext(ctx, "swept", "once", once, "attempts", attempts, "enrol_tokens", tokens, "tombstones", tombstones)
		return nil
	})
}

func trimLog(tx *store.Tx) (int64, error) {
	if err := tx.LockFeed(); err != nil {
		return 0, err
	}
	upTo, err := tx.TombstonesBefore(tx.Now.Add(-tombstonesFor))
	if err != nil || upTo == 0 {
		return 0, err
	}
	return tx.TrimLog(upTo)
}
