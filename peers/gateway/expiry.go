package gateway

import (
	"container/heap"
	"context"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// longestWait bounds a timer: the wall clock may be set while it runs, and ends are wall-clock times.
const longestWait = 10 * time.Second

// end is when an entry falls to quarantine. It counts only while the entry still has this end.
type end struct {
	at  time.Time
	key portal.EntryKey
}

// expiry is a heap of ends, the next one first. Renewed and removed entries leave stale ones behind, which are dropped when met (Agent.queued
// has the one that counts) or when they outnumber the entries.
type expiry []end

func (x expiry) Len() int           { return len(x) }
func (x expiry) Less(i, j int) bool { return x[i].at.Before(x[j].at) }
func (x expiry) Swap(i, j int)      { x[i], x[j] = x[j], x[i] }
func (x *expiry) Push(e any)        { *x = append(*x, e.(end)) }

// Pop is for container/heap.
func (x *expiry) Pop() any {
	last := len(*x) - 1
	e := (*x)[last]
	*x = (*x)[:last]
	return e
}

// indexAll rebuilds what index keeps, from the whole state.
func (a *Agent) indexAll(now time.Time) {
	a.lapsed, a.idleSince = map[portal.EntryKey]bool{}, map[portal.EntryKey]time.Time{}
	a.peers.reset()
	for k, e := range a.state.Entries {
		a.peers.know(e.PublicKey, k)
		if e.Idle > 0 {
			a.idleSince[k] = now
		}
		if e.LevelAt(now) != e.Level {
			a.lapsed[k] = true
		}
	}
	a.rebuildExpiry(now)
	a.present.reset(a.state.Rules, now)
}

func (a *Agent) rebuildExpiry(now time.Time) {
	a.expiry, a.queued = a.expiry[:0], make(map[portal.EntryKey]time.Time, len(a.state.Entries))
	for k, e := range a.state.Entries {
		if !a.lapsed[k] && e.Level != portal.LevelQuarantine {
			x := a.nextEnd(e, now)
			a.expiry, a.queued[k] = append(a.expiry, x), x.at
		}
	}
	heap.Init(&a.expiry)
}

func (a *Agent) queue(e portal.Entry, now time.Time) {
	x := a.nextEnd(e, now)
	a.queued[x.key] = x.at
	heap.Push(&a.expiry, x)
}

// index follows d: whose key is whose, and when entries end. It sets levels and rules in d to those that hold, and returns the keys of
// the peers that must go (some of which come back with another address).
func (a *Agent) index(d portal.Delta, now time.Time) (gone []portal.PublicKey) {
	a.present.follow(d.Rules, now)
	for _, e := range d.Entries {
		if e.Old == nil {
			continue
		}
		if a.lapsed[e.Old.EntryKey] {
			e.Old.Level = portal.LevelQuarantine
			delete(a.lapsed, e.Old.EntryKey)
		}
		if e.New != nil && samePeer(*e.Old, *e.New) || !a.peers.owns(e.Old.EntryKey, e.Old.PublicKey) {
			continue
		}
		gone = append(gone, e.Old.PublicKey)
		a.peers.forget(e.Old.PublicKey)
	}
	for _, e := range d.Entries {
		fallen := a.follow(e, now)
		if e.New == nil {
			continue
		}
		a.peers.know(e.New.PublicKey, e.New.EntryKey)
		level := e.New.LevelAt(now)
		if fallen {
			level = portal.LevelQuarantine
		}
		if level != e.New.Level {
			e.New.Level = level
			a.lapsed[e.New.EntryKey] = true
		} else if level != portal.LevelQuarantine {
			a.queue(*e.New, now)
		}
	}
	if len(a.expiry) > 2*len(a.state.Entries)+64 {
		a.rebuildExpiry(now)
	}
	return gone
}

// due takes the entries whose end has come out of the heap, marks them as lapsed, and returns what that changes, and what is to be said of
// those that were idle.
func (a *Agent) due(now time.Time) (d portal.Delta, idled []portal.Live) {
	for len(a.expiry) > 0 && !now.Before(a.expiry[0].at) {
		x := heap.Pop(&a.expiry).(end)
		if !a.queued[x.key].Equal(x.at) {
			continue // stale
		}
		delete(a.queued, x.key)
		e, there := a.state.Entries[x.key]
		if !there || a.lapsed[x.key] || e.Level == portal.LevelQuarantine {
			continue
		}
		if now.Before(e.NotAfter) { // idle, or an end that was moved since
			if idle := a.idleEnd(e, now); idle.IsZero() || now.Before(idle) {
				if !idle.IsZero() {
					a.queue(e, now)
				}
				continue
			}
			a.peers.setIdled(e)
			idled = append(idled, a.peers.live(e, a.state.Node.Gateway, now))
		}
		a.lapsed[x.key] = true
		old, fallen := e, e
		fallen.Level = portal.LevelQuarantine
		d.Entries = append(d.Entries, portal.EntryDelta{Old: &old, New: &fallen})
	}
	return d, idled
}

// endWhatIsDue takes entries whose end has come down to quarantine, lets rules begin and end, and closes the gateway when its grace is over.
func (a *Agent) endWhatIsDue(ctx context.Context) {
	now := a.Now()
	d, idled := a.tick(now)
	wasClosed, wasSick := a.closed, a.sick != nil
	err := a.reach(ctx, d, nil, now)
	if err != nil {
		a.Log.ErrorContext(ctx, "end what is due", "entries", len(d.Entries), "err", err)
	}
	if len(d.Entries) > 0 {
		a.Log.InfoContext(ctx, "sessions ended", "entries", len(d.Entries))
	}
	if len(d.Rules) > 0 {
		a.Log.InfoContext(ctx, "rules begin or end", "rules", len(d.Rules))
	}
	if !d.Empty() || err != nil || wasSick || wasClosed != a.closed {
		a.noteOutcome(0, 0, err)
		a.publish()
		a.say(idled)
	}
}

// untilNextEnd is how long nothing is due by the clock.
func (a *Agent) untilNextEnd() time.Duration {
	now := a.Now()
	wait := longestWait
	if len(a.expiry) > 0 {
		wait = min(wait, a.expiry[0].at.Sub(now))
	}
	if at, timed := a.present.wakes(now); timed {
		wait = min(wait, at.Sub(now))
	}
	if !a.closed && a.state.Revision > 0 {
		wait = min(wait, a.graceEnds().Sub(now))
	}
	return max(wait, 0)
}
