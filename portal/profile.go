package portal

import (
	"net/netip"
	"slices"
	"time"
)

// Mode is which traffic a profile sends through the tunnel.
type Mode string

// Split sends the included prefixes; full sends everything but the excluded ones.
const (
	Split Mode = "split"
	Full  Mode = "full"
)

// Profile is what a client is told: what to route, which resolvers to use, for how long it is good. What it may reach is a matter of rules.
type Profile struct {
	ID          ProfileID
	Name        string // unique, shown to people
	Description string
	Mode        Mode
	Included    []netip.Prefix // Split: what goes through the tunnel
	Names       []string       // Split: DNS names whose addresses go through the tunnel
	Answers     []netip.Addr   // what Names stand for; kept beside the profile, see Routes
	Excluded    []netip.Prefix // left out, exactly, in both families
	DNS         []netip.Addr
	Search      []string // search domains
	Match       []string // only names below these are asked of DNS; for clients that can tell names apart, which WireGuard's files cannot say
	MTU         int      // bytes; 0: DefaultMTU
	Keepalive   time.Duration
	Session     time.Duration // how long a grant lasts after a sign-in; 0: DefaultSession
	Idle        time.Duration // a device without a handshake for so long falls to quarantine; 0: never
	MaxDevices  int           // per person; 0: no limit
	Approval    bool          // a new device waits until somebody with DevicesWrite has approved it; its owner may change its key later, as they may copy its file
	Protocols   []Protocol    // how new devices may connect; empty: WireGuard
	Pool        PoolID
	Groups      []GroupID // who may use it; empty: everyone
	PoPs        []PoPID   // where it is served; empty: everywhere
	CreatedAt   time.Time

	LogoutEndsGrants bool // tunnels end when the provider says that the person's session there has ended
}

// Offers reports whether a device of the profile may connect by the protocol.
func (p Profile) Offers(x Protocol) bool {
	if len(p.Protocols) == 0 {
		return x == WireGuard
	}
	return slices.Contains(p.Protocols, x)
}

// DefaultMTU fits WireGuard over IPv6 in an Ethernet frame: 1500 - 40 (IPv6) - 8 (UDP) - 32 (WireGuard).
const DefaultMTU = 1420

// DefaultSession is how long a grant lasts where the profile does not say.
const DefaultSession = 12 * time.Hour

// ServedBy reports whether gateways in pop serve the profile.
func (p Profile) ServedBy(pop PoPID) bool { return len(p.PoPs) == 0 || contains(p.PoPs, pop) }

// OpenTo reports whether a member of groups may use the profile.
func (p Profile) OpenTo(groups []GroupID) bool {
	if len(p.Groups) == 0 {
		return true
	}
	for _, g := range p.Groups {
		if g == Everyone || contains(groups, g) {
			return true
		}
	}
	return false
}

func contains[T comparable](list []T, x T) bool {
	for _, y := range list {
		if y == x {
			return true
		}
	}
	return false
}
