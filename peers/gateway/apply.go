package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// applyWaiting carries out all changes that wait as one, keeps them on disk, then answers each of them.
func (a *Agent) applyWaiting(ctx context.Context) {
	start := a.Now()
	batch := a.take()
	if len(batch) > 0 {
		a.heard()
	}
	wasClosed := a.closed
	var total deltaSum
	for _, w := range batch {
		total.add(a.state.Apply(a.texts.share(w.change)))
	}
	told := total.delta()
	gone := a.index(&told, start)
	var sum deltaSum
	sum.add(told)
	sum.add(a.moved(false, start))
	d := sum.delta()
	err := a.reach(ctx, d, gone, start)
	if !d.Empty() || err != nil { // a heartbeat says only where the log stands
		a.noteOutcome(len(batch), a.Now().Sub(start), err)
	}
	if diskErr := a.disk.append(batch, a.state.Desired); diskErr != nil {
		a.Log.ErrorContext(ctx, "keep the state on disk", "err", diskErr)
		err = errors.Join(err, diskErr)
	}
	a.noteContact()
	a.publish()
	if len(batch) > 0 || err != nil || wasClosed != a.closed {
		a.say(nil)
	}
	for _, w := range batch {
		w.done <- err
	}
}

// reach brings the data path from where it is to the state, of which d is the last step and gone the keys that it took away.
func (a *Agent) reach(ctx context.Context, d portal.Delta, gone []portal.PublicKey, now time.Time) error {
	toggled := a.closeOrOpen(ctx, now)
	if a.closed && !toggled {
		return nil // nothing is forwarded, whatever changes
	}
	if toggled || d.Node || a.sick != nil {
		_, err := a.settle(ctx, true)
		return err
	}
	if d.Empty() {
		return nil
	}
	err := a.carryOut(ctx, d, gone)
	if err == nil {
		return nil
	}
	// Somebody may have removed what the change builds on: a full pass puts it back.
	a.Log.WarnContext(ctx, "apply a change", "revision", a.state.Revision, "err", err)
	_, err = a.settle(ctx, true)
	return err
}

// carryOut does what d says and nothing else. Peers go before the filter changes and come after it, so that nobody sends from an address
// under the rights of its next owner.
func (a *Agent) carryOut(ctx context.Context, d portal.Delta, gone []portal.PublicKey) error {
	if len(gone) > 0 {
		if err := a.Tunnel.Remove(ctx, gone); err != nil {
			return fmt.Errorf("remove peers: %w", err)
		}
	}
	if err := a.Filter.Apply(ctx, a.want(), d); err != nil {
		return fmt.Errorf("change the filter: %w", err)
	}
	if a.OpenVPN != nil {
		if err := a.carryOutOpenVPN(ctx, d); err != nil {
			return err
		}
	}
	var put []portal.Entry
	for _, e := range d.Entries {
		if e.New != nil && !e.New.PublicKey.IsZero() && (e.Old == nil || !samePeer(*e.Old, *e.New)) {
			put = append(put, *e.New)
		}
	}
	if len(put) == 0 {
		return nil
	}
	if err := a.Tunnel.Put(ctx, put); err != nil {
		return fmt.Errorf("add peers: %w", err)
	}
	return nil
}

// carryOutOpenVPN comes after the filter: from then on a session that must go carries nothing any more, so that telling its client why may take
// its time.
func (a *Agent) carryOutOpenVPN(ctx context.Context, d portal.Delta) error {
	if d.OpenVPN {
		if err := a.OpenVPN.Configure(ctx, a.state.Node); err != nil {
			return fmt.Errorf("configure OpenVPN: %w", err)
		}
	}
	if err := a.OpenVPN.Apply(ctx, d.Entries); err != nil {
		return fmt.Errorf("change OpenVPN's devices: %w", err)
	}
	return nil
}

func samePeer(x, y portal.Entry) bool {
	return x.PublicKey == y.PublicKey && x.V4 == y.V4 && x.V6 == y.V6
}

// settle makes the whole data path what the state says, whatever it is now, and says how many objects differed. Unless thorough it takes
// the filter's word that nobody has touched it.
func (a *Agent) settle(ctx context.Context, thorough bool) (repaired int, err error) {
	now := a.Now()
	d, idled := a.tick(now)
	want := a.want()
	if want.Node.Port == 0 {
		return 0, nil // no portal has said yet what this node is
	}
	want.Entries = a.standing(want.Entries)
	if a.closed {
		want.Entries = nil
	}
	pass := func(what string, f func() (int, error)) {
		n, e := f()
		repaired += n
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", what, e))
		}
	}
	if w, ok := a.Filter.(Watchful); thorough || !d.Empty() || !ok || !w.Untouched(ctx) {
		pass("filter", func() (int, error) { return a.Filter.Sync(ctx, want, now) })
	}
	pass("tunnel", func() (int, error) { return 0, a.Tunnel.Configure(ctx, want.Node) })
	pass("peers", func() (int, error) { return a.Tunnel.Sync(ctx, want.Entries) })
	if a.OpenVPN != nil {
		if err == nil { // it may begin to listen, and what it brings must meet the filter
			pass("openvpn", func() (int, error) { return 0, a.OpenVPN.Configure(ctx, want.Node) })
		}
		pass("openvpn's devices", func() (int, error) { return a.OpenVPN.Sync(ctx, want.Entries) })
	}
	if a.Host != nil {
		pass("host", func() (int, error) { return a.Host.Sync(ctx, want.Node) })
	}
	a.sick = err
	if len(idled) > 0 {
		a.say(idled)
	}
	return repaired, err
}

// repair compares the data path with the state and puts right what differs. It returns how long that took.
func (a *Agent) repair(ctx context.Context) time.Duration {
	start := a.Now()
	wasSick := a.sick != nil
	toggled := a.closeOrOpen(ctx, start)
	a.repairs++
	n, err := a.settle(ctx, a.newPlaces(start) || wasSick || toggled || a.repairs%thoroughEvery == 0)
	if err != nil {
		a.Log.ErrorContext(ctx, "compare the node with its state", "err", err)
	}
	drift := n
	if wasSick {
		drift = 0 // it was known to differ
	}
	if drift > 0 {
		a.Log.WarnContext(ctx, "repaired what was changed behind the agent's back", "objects", drift)
	}
	a.mu.Lock()
	a.metrics.Drift += drift
	a.metrics.Compared++
	a.mu.Unlock()
	a.publish()
	if n > 0 || wasSick || err != nil {
		a.say(nil)
	}
	return a.Now().Sub(start)
}

// thoroughEvery is how many comparisons there are to one that takes nobody's word.
const thoroughEvery = 20

// How comparing and looking at peers slow down with the size: what holds a change up for longer than harmless takes only a five-hundredth
// of the time, so that few changes ever meet it.
const (
	seldom   = 500
	harmless = 10 * time.Millisecond
)

// pace is how long to wait before doing again what took so long: what the owner has set, else every or more.
func pace(set, every, took time.Duration) time.Duration {
	if set > 0 {
		return set
	}
	return max(every, seldom*(took-harmless))
}

// untilRepair is how long the node may go uncompared, when comparing took so long.
func (a *Agent) untilRepair(took time.Duration) time.Duration {
	wait := pace(a.RepairEvery, 30*time.Second, took)
	if a.sick != nil {
		return min(wait, time.Second)
	}
	return wait
}

func (a *Agent) noteOutcome(changes int, took time.Duration, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if changes > 0 {
		a.metrics.Changes += uint64(changes)
		a.metrics.ApplyTook = took
	}
	if err != nil {
		a.metrics.Failures++
	}
}

// closeOrOpen decides whether the node may still forward: it stops when no portal was heard of for the grace. It says whether that is new.
func (a *Agent) closeOrOpen(ctx context.Context, now time.Time) bool {
	closed := !now.Before(a.graceEnds())
	if closed == a.closed {
		return false
	}
	a.closed = closed
	if closed {
		a.Log.ErrorContext(ctx, "no portal for longer than the grace: nothing is forwarded any more", "grace", a.grace())
	} else {
		a.Log.InfoContext(ctx, "a portal is back: forwarding again")
	}
	return true
}

func (a *Agent) grace() time.Duration {
	if g := a.state.Node.Grace; g > 0 {
		return g
	}
	return DefaultGrace
}

func (a *Agent) graceEnds() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.metrics.Contact.Add(a.grace())
}
