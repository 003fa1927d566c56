package trail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Receiver takes events in. Deliver returns nil only when the other side has every one of them; else all of them come again, so a receiver
// gets each at least once and tells repeats by their sequence numbers.
type Receiver interface {
	Deliver(ctx context.Context, events []portal.AuditEvent) error
}

// Forwarder hands the trail on to one receiver, from the first event on and in order. Its place is in the database: after a crash, an
// outage or on another portal it goes on where the receiver is. Nothing waits for it.
type Forwarder struct {
	Store *store.Store
	Name  string // of the place; another name begins anew
	To    Receiver
	Log   *slog.Logger

	Only func(portal.AuditEvent) bool // events that the receiver is told; nil: all
	New  bool                         // a place that is not there yet begins at the end of the trail and not at its beginning

	// The zero values are right but for tests.
	Batch    int           // events that are delivered at once; 0 for 500
	Pause    time.Duration // between deliveries of less than a batch, so that events that come together go together; 0 for 1 s
	Timeout  time.Duration // of one delivery; 0 for 30 s
	MinRetry time.Duration // after the first failure; 0 for 1 s. It doubles
	MaxRetry time.Duration // up to this; 0 for 5 min
	Poll     time.Duration // how often to look without a hint; 0 for 10 s
}

func (f Forwarder) withDefaults() Forwarder {
	if f.Batch <= 0 {
		f.Batch = 500
	}
	for _, d := range []struct {
		have *time.Duration
		want time.Duration
	}{
		{&f.Pause, time.Second}, {&f.Timeout, 30 * time.Second}, {&f.MinRetry, time.Second}, {&f.MaxRetry, 5 * time.Minute}, {&f.Poll, 10 * time.Second},
	} {
		if *d.have <= 0 {
			*d.have = d.want
		}
	}
	return f
}

// Run forwards until ctx ends, which is not an error. An outage of the receiver or of the database is logged once, when it begins, and
// once when it is over.
func (f Forwarder) Run(ctx context.Context) error {
	r := &run{Forwarder: f.withDefaults(), owner: string(portal.NewID[portal.SessionID](time.Now()))}
	hint, stop := f.Store.Changes()
	defer stop()
	begun := !r.New
	for ctx.Err() == nil {
		sent, err := 0, error(nil)
		if !begun {
			err = r.begin(ctx)
			begun = err == nil
		}
		if err == nil {
			sent, err = r.step(ctx)
		}
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errHeld):
			rest(ctx, r.Poll, nil)
		case err != nil:
			r.failed(ctx, err)
			rest(ctx, r.retryIn(), nil)
		case sent == 0:
			r.recovered(ctx)
			rest(ctx, r.Poll, hint)
		case sent < r.size():
			r.recovered(ctx)
			rest(ctx, r.Pause, nil)
		default:
			r.recovered(ctx)
		}
	}
	r.release(context.WithoutCancel(ctx), "")
	return nil
}

// run is a forwarder at work.
type run struct {
	Forwarder
	owner    string // of the place, this time
	failures int    // in a row
}

// errHeld says that another portal sends to the receiver.
var errHeld = errors.New("another portal forwards")

// step delivers the next batch and returns how many events it had.
func (r *run) step(ctx context.Context) (sent int, err error) {
	waiting, err := r.waiting(ctx)
	if err != nil || !waiting {
		return 0, err
	}
	seq, err := r.hold(ctx)
	if err != nil {
		return 0, err
	}
	events, err := r.next(ctx, seq)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	told := events
	if r.Only != nil {
		told = slices.DeleteFunc(slices.Clone(events), func(e portal.AuditEvent) bool { return !r.Only(e) })
	}
	deliver, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	if err := r.deliver(deliver, told); err != nil {
		return 0, fmt.Errorf("deliver audit events %d to %d: %w", events[0].Seq, events[len(events)-1].Seq, err)
	}
	// What was delivered is noted also when the portal is told to end now.
	note, cancelNote := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelNote()
	err = r.Store.Tx(note, func(tx *store.Tx) error { return tx.MoveAuditSink(r.Name, r.owner, events[len(events)-1].Seq) })
	return len(events), err
}

func (r *run) deliver(ctx context.Context, events []portal.AuditEvent) error {
	if len(events) == 0 {
		return nil
	}
	return r.To.Deliver(ctx, events)
}

// begin makes the place of a receiver that is told only what is new.
func (r *run) begin(ctx context.Context) error {
	return r.Store.Tx(ctx, func(tx *store.Tx) error {
		head, err := tx.AuditHead()
		if err != nil {
			return err
		}
		return tx.BeginAuditSink(r.Name, head)
	})
}

// waiting reports whether the receiver lacks an event; it only reads, since it is asked after every change.
func (r *run) waiting(ctx context.Context) (waiting bool, err error) {
	err = r.Store.View(ctx, func(tx *store.Tx) error {
		seq, err := tx.AuditSinkSeq(r.Name)
		if err != nil {
			return err
		}
		head, err := tx.AuditHead()
		waiting = head > seq
		return err
	})
	return waiting, err
}

// hold makes this portal the one that sends, for longer than a delivery can take.
func (r *run) hold(ctx context.Context) (seq uint64, err error) {
	err = r.Store.Tx(ctx, func(tx *store.Tx) error {
		at, ok, err := tx.HoldAuditSink(r.Name, r.owner, 2*r.Timeout+20*time.Second)
		if err == nil && !ok {
			err = errHeld
		}
		seq = at
		return err
	})
	return seq, err
}

// size is how many events go at once. After a refusal it is less and less, so that a receiver with a bound on size gets past a few large ones.
func (r *run) size() int { return max(1, r.Batch>>min(r.failures, 16)) }

// maxBatchBytes bounds the details of a batch, unless it is one event.
const maxBatchBytes = 1 << 20

func (r *run) next(ctx context.Context, after uint64) (events []portal.AuditEvent, err error) {
	err = r.Store.View(ctx, func(tx *store.Tx) error {
		events, err = tx.AuditAfter(store.AuditFilter{}, after, 0, r.size())
		return err
	})
	if err != nil {
		return nil, err
	}
	total := 0
	for i, e := range events {
		if total += len(e.Detail); total > maxBatchBytes && i > 0 {
			return events[:i], nil
		}
	}
	return events, nil
}

func (r *run) failed(ctx context.Context, err error) {
	r.failures++
	if r.failures == 1 {
		r.Log.WarnContext(ctx, "audit trail is not forwarded; trying again", "sink", r.Name, "err", err)
	}
	r.release(ctx, err.Error())
}

// maxProblem bounds what is kept of an error, in bytes.
const maxProblem = 500

// release gives the place up, so that another portal, which may reach the receiver, tries next.
func (r *run) release(ctx context.Context, problem string) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if len(problem) > maxProblem {
		problem = problem[:maxProblem]
	}
	err := r.Store.Tx(ctx, func(tx *store.Tx) error { return tx.ReleaseAuditSink(r.Name, r.owner, problem) })
	if err != nil && ctx.Err() == nil {
		r.Log.DebugContext(ctx, "give up audit sink", "sink", r.Name, "err", err)
	}
}

func (r *run) recovered(ctx context.Context) {
	if r.failures > 0 {
		r.Log.InfoContext(ctx, "audit trail is forwarded again", "sink", r.Name, "failures", r.failures)
	}
	r.failures = 0
}

// retryIn doubles from MinRetry to MaxRetry, less up to a half by chance, so that portals and sinks do not come all at once.
func (r *run) retryIn() time.Duration {
	d := min(r.MinRetry<<min(r.failures-1, 20), r.MaxRetry)
	return d/2 + rand.N(d/2+1) //nolint:gosec // only spreads tries
}

// rest returns after d, at a hint, or when ctx ends.
func rest(ctx context.Context, d time.Duration, hint <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-hint:
	case <-timer.C:
	}
}
