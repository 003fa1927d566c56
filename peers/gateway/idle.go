package gateway

import (
	"time"

	"github.com/sallyport/sallyport/portal"
)

// A device whose profile says so falls to quarantine when it has had no handshake for Entry.Idle, by the gateway's own clock and also
// when no portal can be reached. A gateway judges only devices that its tunnel knows a handshake of, and counts from its own start at the earliest: of the others, which may be
// at another gateway, the portal knows more. Once fallen a device stays so until it is let in again (Entry.LetIn), whatever it
// sends and whatever else of its entry changes, also when that goes and comes back.

// idleEnd is when the entry falls if nothing more comes of its peer; the zero time when it never will.
func (a *Agent) idleEnd(e portal.Entry, now time.Time) time.Time {
	if e.Idle <= 0 {
		return time.Time{}
	}
	last := a.peers.lastHandshake(e.PublicKey)
	if last.IsZero() {
		return now.Add(e.Idle) // look again then
	}
	if since := a.idleSince[e.EntryKey]; since.After(last) {
		last = since
	}
	return last.Add(e.Idle)
}

// nextEnd is when the entry has to be looked at: at its end, or earlier when it may be idle by then.
func (a *Agent) nextEnd(e portal.Entry, now time.Time) end {
	at := e.NotAfter
	if idle := a.idleEnd(e, now); !idle.IsZero() && idle.Before(at) {
		at = idle
	}
	if next := a.nextFor(e, now); !next.IsZero() && next.Before(at) {
		at = next
	}
	return end{at, e.EntryKey}
}

// follow keeps the idle clock of an entry that came or changed: being let in again starts it again.
func (a *Agent) follow(d portal.EntryDelta, now time.Time) {
	if d.New == nil {
		if d.Old != nil {
			delete(a.idleSince, d.Old.EntryKey)
			a.peers.forgetIdled(a.state.Entries)
		}
		return
	}
	k := d.New.EntryKey
	if d.New.Idle <= 0 || !a.peers.isIdled(*d.New) && (d.Old == nil || d.Old.LetIn != d.New.LetIn) {
		a.peers.letIn(k.Device)
		delete(a.idleSince, k)
		if d.New.Idle > 0 {
			a.idleSince[k] = now
		}
	}
}

func (t *peerTable) lastHandshake(k portal.PublicKey) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[k].Handshake
}

// isIdled reports whether the device has fallen and was not let in again since.
func (t *peerTable) isIdled(e portal.Entry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, fallen := t.idled[e.Device]
	return fallen && e.LetIn == at
}

func (t *peerTable) setIdled(e portal.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.idled[e.Device] = e.LetIn
}

func (t *peerTable) letIn(id portal.DeviceID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.idled, id)
}

// idledGone is how many devices that fell idle and have no entry any more are remembered, in case it comes back.
const idledGone = 10_000

// forgetIdled forgets the devices without an entry when they are too many.
func (t *peerTable) forgetIdled(entries map[portal.EntryKey]portal.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idled) <= len(entries)+idledGone {
		return
	}
	there := make(map[portal.DeviceID]bool, len(entries))
	for k := range entries {
		there[k.Device] = true
	}
	for id := range t.idled {
		if !there[id] {
			delete(t.idled, id)
		}
	}
}

// live is what to tell the portal of an entry that has just fallen.
func (t *peerTable) live(e portal.Entry, gw portal.GatewayID, now time.Time) portal.Live {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.seen[e.PublicKey]
	return portal.Live{Device: e.Device, Gateway: gw, Endpoint: p.Endpoint, Handshake: p.Handshake, Rx: p.Rx, Tx: p.Tx, At: now, Idled: true}
}
