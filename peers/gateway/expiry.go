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
	a.idleSince = map[portal.EntryKey]time.Time{}
	a.peers.reset()
	a.present.reset(a.state.Rules, filtering(a.state.Node), now)
	a.standings.reset(a.state.Desired)
	for k, e := range a.state.Entries {
		a.peers.know(e.PublicKey, k)
		if e.Idle > 0 {
			a.idleSince[k] = now
		}
		a.stand(e, now)
	}
	a.standings.settle()
	a.rebuildExpiry(now)
}

func (a *Agent) rebuildExpiry(now time.Time) {
	a.expiry, a.queued = a.expiry[:0], make(map[portal.EntryKey]time.Time, len(a.state.Entries))
	for k, e := range a.state.Entries {
		if a.as(e).Level.HasRules() {
			x := a.nextEnd(e, now)
			a.expiry, a.queued[k] = append(a.expiry, x), x.at
		}
	}
	heap.Init(&a.expiry)
}

// queue notes when the entry has to be looked at again; at quarantine that is not before it changes.
func (a *Agent) queue(e portal.Entry, now time.Time) {
	if !a.as(e).Level.HasRules() {
		delete(a.queued, e.EntryKey)
		return
	}
	x := a.nextEnd(e, now)
	a.queued[x.key] = x.at
	heap.Push(&a.expiry, x)
}

// index follows d: whose key is whose, and when entries end. It makes d what changes of what holds, which may concern entries that the portal did
// not speak of, and returns the keys of the peers that must go (some of which come back with another address).
func (a *Agent) index(d *portal.Delta, now time.Time) (gone []portal.PublicKey) {
	affected := a.affected(*d)
	if d.Node {
		a.present.reset(a.state.Rules, filtering(a.state.Node), now) // a node that changed is settled whole
	} else {
		a.present.follow(d.Rules, now)
	}
	a.standings.follow(d.Signatures)
	told := make(map[portal.EntryKey]bool, len(d.Entries))
	for _, e := range d.Entries {
		k := either(e.Old, e.New).EntryKey
		told[k] = true
		if e.Old == nil {
			continue
		}
		*e.Old = a.as(*e.Old)
		a.standings.unset(k)
		if e.New != nil && samePeer(*e.Old, *e.New) || !a.peers.owns(k, e.Old.PublicKey) {
			continue
		}
		gone = append(gone, e.Old.PublicKey)
		a.peers.forget(e.Old.PublicKey)
	}
	for _, e := range d.Entries {
		a.follow(e, now)
		if e.New == nil {
			continue
		}
		a.peers.know(e.New.PublicKey, e.New.EntryKey)
		said := *e.New
		*e.New = a.stand(said, now)
		a.queue(said, now)
	}
	if d.Node || len(affected) > 0 {
		d.Entries = append(d.Entries, a.again(a.others(told, affected, d.Node), now)...)
	}
	d.Signatures = append(d.Signatures, a.standings.settle()...)
	if len(a.expiry) > 2*len(a.state.Entries)+64 {
		a.rebuildExpiry(now)
	}
	return gone
}

// others is the entries that were not told of and have one of the signatures; with all, every one that is restricted too.
func (a *Agent) others(told map[portal.EntryKey]bool, sigs map[portal.SignatureID]bool, all bool) (keys []portal.EntryKey) {
	for k, e := range a.state.Entries {
		if !told[k] && (sigs[e.Signature] || all && a.as(e).Level == portal.LevelRestricted) {
			keys = append(keys, k)
		}
	}
	return keys
}

// due takes the entries whose time has come out of the heap and returns how they stand now, and what is to be said of those that were idle.
func (a *Agent) due(now time.Time) (d portal.Delta, idled []portal.Live) {
	var keys []portal.EntryKey
	for len(a.expiry) > 0 && !now.Before(a.expiry[0].at) {
		x := heap.Pop(&a.expiry).(end)
		if !a.queued[x.key].Equal(x.at) {
			continue // stale
		}
		delete(a.queued, x.key)
		e, there := a.state.Entries[x.key]
		if !there {
			continue
		}
		if idle := a.idleEnd(e, now); now.Before(e.NotAfter) && !idle.IsZero() && !now.Before(idle) && !a.peers.isIdled(e) {
			a.peers.setIdled(e)
			idled = append(idled, a.peers.live(e, a.state.Node.Gateway, now))
		}
		keys = append(keys, x.key)
	}
	d.Entries = a.again(keys, now)
	d.Signatures = a.standings.settle()
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
