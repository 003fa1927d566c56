package gateway

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// peerTable knows whose peer is whose and what was last seen of each.
type peerTable struct {
	mu       sync.Mutex
	owners   map[portal.PublicKey]portal.EntryKey
	seen     map[portal.PublicKey]Peer
	idled    map[portal.DeviceID]uint64  // fallen to quarantine because they were idle, and Entry.LetIn at that time
	sessions map[portal.EntryKey]Session // by certificate, as last reported
	moved    map[portal.EntryKey]bool    // seen at another address, and not looked at since
}

func (t *peerTable) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owners, t.seen = map[portal.PublicKey]portal.EntryKey{}, map[portal.PublicKey]Peer{}
	t.moved = map[portal.EntryKey]bool{}
	t.idled, t.sessions = map[portal.DeviceID]uint64{}, map[portal.EntryKey]Session{}
}

func (t *peerTable) know(k portal.PublicKey, owner portal.EntryKey) {
	if k.IsZero() {
		return // a device with a certificate
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owners[k] = owner
}

// owns reports whether the peer is the entry's: a key may have moved on to another entry of the same device.
func (t *peerTable) owns(owner portal.EntryKey, k portal.PublicKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.owners[k] == owner
}

func (t *peerTable) forget(k portal.PublicKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.owners, k)
	delete(t.seen, k)
}

// changed remembers peers and returns those that moved since the last look.
func (t *peerTable) changed(peers []Peer, gw portal.GatewayID, now time.Time) []portal.Live {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []portal.Live
	for _, p := range peers {
		owner, known := t.owners[p.Key]
		if !known || t.seen[p.Key] == p || (p == Peer{Key: p.Key}) {
			continue
		}
		if t.seen[p.Key].Endpoint.Addr() != p.Endpoint.Addr() {
			t.moved[owner] = true
		}
		t.seen[p.Key] = p
		_, idled := t.idled[owner.Device]
		out = append(out, portal.Live{Device: owner.Device, Gateway: gw, Endpoint: p.Endpoint, Handshake: p.Handshake, Rx: p.Rx, Tx: p.Tx, At: now, Idled: idled})
	}
	return out
}

// changedSessions is the same for devices with a certificate. Those that are not connected any more are forgotten.
func (t *peerTable) changedSessions(sessions []Session, gw portal.GatewayID, now time.Time) []portal.Live {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []portal.Live
	there := make(map[portal.EntryKey]Session, len(sessions))
	for _, s := range sessions {
		there[s.Entry] = s
		if t.sessions[s.Entry].Endpoint.Addr() != s.Endpoint.Addr() {
			t.moved[s.Entry] = true
		}
		if t.sessions[s.Entry] != s {
			out = append(out, portal.Live{Device: s.Entry.Device, Gateway: gw, Endpoint: s.Endpoint, Handshake: s.Seen, Rx: s.Rx, Tx: s.Tx, At: now})
		}
	}
	t.sessions = there
	return out
}

// source is where the device's client was last seen; invalid: nowhere.
func (t *peerTable) source(e portal.Entry) netip.Addr {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, there := t.sessions[e.EntryKey]; there {
		return s.Endpoint.Addr().Unmap()
	}
	return t.seen[e.PublicKey].Endpoint.Addr().Unmap()
}

// takeMoved returns the entries whose device was seen at another address since it was last called.
func (t *peerTable) takeMoved() []portal.EntryKey {
	t.mu.Lock()
	defer t.mu.Unlock()
	keys := slices.Collect(maps.Keys(t.moved))
	clear(t.moved)
	return keys
}

func (t *peerTable) hasMoved() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.moved) > 0
}

// watchPeers looks at the peers now and then and reports those that changed. A look is a small part of the time, because
// a change waits for it in wireguard-go.
func (a *Agent) watchPeers(ctx context.Context) {
	tick := time.NewTimer(pace(a.PollEvery, time.Second, 0))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		start := a.Now()
		peers, err := a.Tunnel.Live(ctx)
		if err != nil {
			a.Log.WarnContext(ctx, "look at the peers", "err", err)
		}
		live := a.peers.changed(peers, a.gateway(), a.Now())
		if a.OpenVPN != nil {
			live = append(live, a.peers.changedSessions(a.OpenVPN.Live(), a.gateway(), a.Now())...)
		}
		if a.peers.hasMoved() {
			a.poke()
		}
		if len(live) > 0 {
			a.say(a.placed(live))
		}
		tick.Reset(pace(a.PollEvery, time.Second, a.Now().Sub(start)))
	}
}

// placed adds in which countries the devices are.
func (a *Agent) placed(live []portal.Live) []portal.Live {
	for i, l := range live {
		if a.Places != nil && l.Endpoint.IsValid() {
			live[i].Country = a.Places.Country(l.Endpoint.Addr().Unmap())
		}
	}
	return live
}

func (a *Agent) gateway() portal.GatewayID {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gatewayID
}
