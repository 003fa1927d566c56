package trail_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

var auditor = portal.Actor{User: "u-auditor", Role: portal.RoleAuditor, Addr: netip.MustParseAddr("192.0.2.7"), RequestID: "r1"}

// write appends n events with long enough names to tell them apart.
func write(t testing.TB, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		put(t, s, portal.System, "test.done", fmt.Sprintf("thing:%d", i), map[string]any{"name": "이름 <b>😀</b>", "i": i})
	}
}

func put(t testing.TB, s *store.Store, by portal.Actor, action, target string, detail any) {
	t.Helper()
	if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.Audit(by, action, target, detail) }); err != nil {
		t.Fatal(err)
	}
}

// forward runs a forwarder with short waits until the test ends or stop is called.
func forward(t *testing.T, s *store.Store, to trail.Receiver) (stop func()) {
	t.Helper()
	f := trail.Forwarder{
		Store: s, Name: "siem", To: to, Log: slog.New(slog.DiscardHandler),
		Batch: 8, Pause: time.Millisecond, Timeout: 300 * time.Millisecond, MinRetry: time.Millisecond, MaxRetry: 20 * time.Millisecond, Poll: 20 * time.Millisecond,
	}
	return start(t, f)
}

func start(t *testing.T, f trail.Forwarder) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the forwarder ended with %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// gather reads sequence numbers from a receiver until it has seen 1 to n. Repeats are fine; a number before its turn is not.
func gather(t *testing.T, seqs <-chan uint64, from, n uint64) (repeats int) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for next := from; next <= n; {
		select {
		case seq := <-seqs:
			switch {
			case seq == next:
				next++
			case seq < next:
				repeats++
			default:
				t.Fatalf("event %d came before %d", seq, next)
			}
		case <-deadline:
			t.Fatalf("event %d did not come", next)
		}
	}
	return repeats
}

func sinkAt(t *testing.T, s *store.Store) (at store.AuditSink) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) error {
		sinks, err := tx.AuditSinks()
		if len(sinks) == 1 {
			at = sinks[0]
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}
