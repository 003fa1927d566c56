package trail

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// SinkState is how far one receiver has got.
type SinkState struct {
	store.AuditSink

	Lag         uint64    // events that it has yet to get
	BehindSince time.Time // when the oldest of those happened; zero: it has all
	Configured  bool      // else nothing is sent to it any more
}

// SinkStates are all receivers, by name, and the newest event.
type SinkStates struct {
	Head uint64
	All  []SinkState
}

// Sinks returns the state of every receiver that is configured, or was.
func (s *Service) Sinks(ctx context.Context, by portal.Actor, configured []string) (states SinkStates, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if err := auth.Allow(by, auth.AuditRead, tx.Now); err != nil {
			return err
		}
		if states.Head, err = tx.AuditHead(); err != nil {
			return err
		}
		known, err := tx.AuditSinks()
		if err != nil {
			return err
		}
		for _, name := range configured {
			if !slices.ContainsFunc(known, func(k store.AuditSink) bool { return k.Name == name }) {
				known = append(known, store.AuditSink{Name: name}) // its first try is yet to come
			}
		}
		slices.SortFunc(known, func(a, b store.AuditSink) int { return strings.Compare(a.Name, b.Name) })
		states.All = make([]SinkState, len(known))
		for i, k := range known {
			one := SinkState{AuditSink: k, Configured: slices.Contains(configured, k.Name)}
			if states.Head > k.Seq {
				one.Lag = states.Head - k.Seq
				next, err := tx.AuditAfter(store.AuditFilter{}, k.Seq, states.Head, 1)
				if err != nil {
					return err
				}
				if len(next) > 0 {
					one.BehindSince = next[0].At
				}
			}
			states.All[i] = one
		}
		return nil
	})
	if err != nil {
		return SinkStates{}, fmt.Errorf("read sinks of the audit trail: %w", err)
	}
	return states, nil
}
