package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal/store"
)

// sweepEvery is how often what has ended is forgotten. Nothing depends on it: ends are checked at each use.
const sweepEvery = 5 * time.Minute

// Run reseals what an older master key sealed, then sweeps what has ended (sessions, sign-ins, tokens, counters, one-time marks) every few
// minutes until ctx ends. It is a task.
func (s *Service) Run(ctx context.Context) error {
	if n, err := s.Reseal(ctx); err != nil && ctx.Err() == nil {
		s.log().WarnContext(ctx, "reseal with the newest master key", "done", n, "err", err)
	} else if n > 0 {
		s.log().InfoContext(ctx, "resealed with the newest master key", "values", n)
	}
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log().WarnContext(ctx, "sweep what has ended", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep forgets what has ended, once.
func (s *Service) Sweep(ctx context.Context) error {
	idle := s.Limits.withDefaults().Idle
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.SweepSessions(tx.Now.Add(-idle)); err != nil {
			return err
		}
		for _, sweep := range []func() (int64, error){tx.SweepLoginFlows, tx.SweepProviderTests, tx.SweepChallenges, tx.SweepTokens, tx.SweepServiceTokens, tx.SweepAttempts, tx.SweepOnce} {
			if _, err := sweep(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}
