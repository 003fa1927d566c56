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

// expiry is a heap of ends, the next one first. Renewed and removed entries leave stale ones behind, which are dropped when met or
// when they outnumber the entries.
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
	a.lapsed = map[portal.EntryKey]bool{}
	a.peers.reset()
	for k, e := range a.state.Entries {
		a.peers.know(e.PublicKey, k)
		if e.LevelAt(now) != e.Level {
			a.lapsed[k] = true
		}
	}
	a.rebuildExpiry()
}

func (a *Agent) rebuildExpiry() {
	a.expiry = a.expiry[:0]
	for k, e := range a.state.Entries {
		if !a.lapsed[k] && e.Level != portal.LevelQuarantine {
			a.expiry = append(a.expiry, end{e.NotAfter, k})
		}
	}
	heap.Init(&a.expiry)
}

// index follows d: whose key is whose, and when entries end. It sets the levels in d to those that hold, and returns the keys of
// the peers that must go (some of which come back with another address).
func (a *Agent) index(d portal.Delta, now time.Time) (gone []portal.PublicKey) {
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
		if e.New == nil {
			continue
		}
		a.peers.know(e.New.PublicKey, e.New.EntryKey)
		if level := e.New.LevelAt(now); level != e.New.Level {
			e.New.Level = level
			a.lapsed[e.New.EntryKey] = true
		} else if level != portal.LevelQuarantine {
			heap.Push(&a.expiry, end{e.New.NotAfter, e.New.EntryKey})
		}
	}
	if len(a.expiry) > 2*len(a.state.Entries)+64 {
		a.rebuildExpiry()
	}
	return gone
}

// due takes the entries whose end has come out of the heap, marks them as lapsed, and returns what that changes.
func (a *Agent) due(now time.Time) (d portal.Delta) {
	for len(a.expiry) > 0 && !now.Before(a.expiry[0].at) {
		x := heap.Pop(&a.expiry).(end)
		e, there := a.state.Entries[x.key]
		if !there || a.lapsed[x.key] || !e.NotAfter.Equal(x.at) || e.Level == portal.LevelQuarantine {
			continue
		}
		a.lapsed[x.key] = true
		old, fallen := e, e
		fallen.Level = portal.LevelQuarantine
		d.Entries = append(d.Entries, portal.EntryDelta{Old: &old, New: &fallen})
	}
	return d
}

// endWhatIsDue takes entries whose end has come down to quarantine, and closes the gateway when its grace is over.
func (a *Agent) endWhatIsDue(ctx context.Context) {
	now := a.Now()
	d := a.due(now)
	wasClosed, wasSick := a.closed, a.sick != nil
	err := a.reach(ctx, d, nil, now)
	if err != nil {
		a.Log.ErrorContext(ctx, "end what is due", "entries", len(d.Entries), "err", err)
	}
	if len(d.Entries) > 0 {
		a.Log.InfoContext(ctx, "sessions ended", "entries", len(d.Entries))
	}
	if len(d.Entries) > 0 || err != nil || wasSick || wasClosed != a.closed {
		a.noteOutcome(0, 0, err)
		a.publish()
		a.say(nil)
	}
}

// untilNextEnd is how long nothing is due by the clock.
func (a *Agent) untilNextEnd() time.Duration {
	now := a.Now()
	wait := longestWait
	if len(a.expiry) > 0 {
		wait = min(wait, a.expiry[0].at.Sub(now))
	}
	if !a.closed && a.state.Revision > 0 {
		wait = min(wait, a.graceEnds().Sub(now))
	}
	return max(wait, 0)
}
