package gateway

import (
	"maps"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// A device whose profile says so falls to quarantine when it has had no handshake for Entry.Idle, by the gateway's own clock and also
// when no portal can be reached. A gateway judges only devices that its tunnel knows a handshake of, and counts from its own start at the earliest: of the others, which may be
// at another gateway, the portal knows more. Once fallen a device stays so until its grant is renewed, whatever it sends.

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
	return end{at, e.EntryKey}
}

// follow keeps the idle clock of an entry that came or changed: a renewed grant starts it again. It reports whether the entry stays fallen.
func (a *Agent) follow(d portal.EntryDelta, now time.Time) (fallen bool) {
	if d.New == nil {
		if d.Old != nil {
			delete(a.idleSince, d.Old.EntryKey)
			a.peers.setIdled(d.Old.EntryKey, false)
		}
		return false
	}
	k := d.New.EntryKey
	if d.New.Idle <= 0 || d.Old == nil || !d.Old.NotAfter.Equal(d.New.NotAfter) {
		a.peers.setIdled(k, false)
		delete(a.idleSince, k)
		if d.New.Idle > 0 {
			a.idleSince[k] = now
		}
	}
	return a.peers.isIdled(k)
}

// standing is the entries with the levels that hold where idle devices have fallen.
func (a *Agent) standing(entries map[portal.EntryKey]portal.Entry) map[portal.EntryKey]portal.Entry {
	idled := a.peers.allIdled()
	if len(idled) == 0 {
		return entries
	}
	out := maps.Clone(entries)
	for _, k := range idled {
		if e, there := out[k]; there {
			e.Level = portal.LevelQuarantine
			out[k] = e
		}
	}
	return out
}

func (t *peerTable) lastHandshake(k portal.PublicKey) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen[k].Handshake
}

func (t *peerTable) isIdled(k portal.EntryKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.idled[k]
}

func (t *peerTable) setIdled(k portal.EntryKey, yes bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if yes {
		t.idled[k] = true
	} else {
		delete(t.idled, k)
	}
}

func (t *peerTable) allIdled() []portal.EntryKey {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := make([]portal.EntryKey, 0, len(t.idled))
	for k := range t.idled {
		keys = append(keys, k)
	}
	return keys
}

// live is what to tell the portal of an entry that has just fallen.
func (t *peerTable) live(e portal.Entry, gw portal.GatewayID, now time.Time) portal.Live {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.seen[e.PublicKey]
	return portal.Live{Device: e.Device, Gateway: gw, Endpoint: p.Endpoint, Handshake: p.Handshake, Rx: p.Rx, Tx: p.Tx, At: now, Idled: true}
}
