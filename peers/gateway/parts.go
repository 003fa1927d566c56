package gateway

import (
	"context"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Tunnel carries the packets of known peers. Its methods may be called at the same time; Configure comes first.
type Tunnel interface {
	// Configure makes the interface if there is none and sets its port and MTU. Peers stay.
	Configure(ctx context.Context, n portal.Node) error
	// Remove takes peers away. A key that is not there is no error.
	Remove(ctx context.Context, keys []portal.PublicKey) error
	// Put adds the entries' peers, or gives the addresses of those that are there already.
	Put(ctx context.Context, entries []portal.Entry) error
	// Sync makes the peers exactly those of entries and says how many it had to add, change or remove.
	Sync(ctx context.Context, entries map[portal.EntryKey]portal.Entry) (repaired int, err error)
	// Live lists what the tunnel knows of each peer.
	Live(ctx context.Context) ([]Peer, error)
}

// Peer is what a tunnel knows of one peer. Rx and Tx are bytes since the peer was added.
type Peer struct {
	Key       portal.PublicKey
	Endpoint  netip.AddrPort // invalid: none seen
	Handshake time.Time      // zero: never
	Rx, Tx    uint64
}

// CertTunnel carries the packets of devices that are known by certificate. Its methods may be called at the same time; none waits for a client.
type CertTunnel interface {
	// Configure takes what n says of OpenVPN, pools and MTU. Sessions stay, unless the node must listen in another way.
	Configure(ctx context.Context, n portal.Node) error
	// Apply follows changed entries: sessions of those that are gone, or have another certificate or address, end with a reason.
	Apply(ctx context.Context, entries []portal.EntryDelta) error
	// Sync makes the devices that may connect exactly those of entries that have a certificate, and ends the sessions of others.
	Sync(ctx context.Context, entries map[portal.EntryKey]portal.Entry) (repaired int, err error)
	// Live lists the sessions that there are.
	Live() []Session
}

// Session is a device that is connected by certificate. Rx and Tx are bytes since it connected.
type Session struct {
	Entry    portal.EntryKey
	Endpoint netip.AddrPort
	Seen     time.Time // some time in the last minute
	Rx, Tx   uint64
}

// Filter lets packets pass that the policy allows, and no other. What is not in its entries is dropped.
type Filter interface {
	// Apply carries out d, after which the objects are those of want. The levels of d's entries are those that hold now; want's are not.
	// Rules are as they hold now in both: their conditions are judged already.
	Apply(ctx context.Context, want portal.Desired, d portal.Delta) error
	// Sync makes the rules exactly those of want at now and says how many objects it had to repair.
	Sync(ctx context.Context, want portal.Desired, now time.Time) (repaired int, err error)
}

// Watchful is a Filter that can tell cheaply whether anybody else has changed what it wrote. A comparison is skipped while nobody has.
type Watchful interface {
	Untouched(ctx context.Context) bool
}

// Host sets what the machine needs around the tunnel: the gateway's addresses on it, and forwarding.
type Host interface {
	Sync(ctx context.Context, n portal.Node) (repaired int, err error)
}

// Report is what the agent says of itself. Live holds only the devices that changed since the last report.
type Report struct {
	Revision  uint64
	Hash      string
	Problem   string // what it could not apply, "" when all is well
	ApplyTook time.Duration
	Drift     int // objects repaired since the start, other than by a change
	Live      []portal.Live
}
