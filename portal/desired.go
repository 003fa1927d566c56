package portal

import (
	"net/netip"
	"slices"
	"time"
)

// Desired is everything that a gateway should run at Revision: a state, not a list of commands. Applying it twice changes nothing.
// Treat a Desired that was handed out as read-only.
type Desired struct {
	Revision   uint64
	Node       Node
	Entries    map[EntryKey]Entry
	Signatures map[SignatureID]Signature
	Rules      map[RuleID]CompiledRule
}

// Node is what concerns the gateway itself.
type Node struct {
	Gateway      GatewayID      `json:"gateway"`
	PoP          PoPID          `json:"pop"`
	Pools        []Pool         `json:"pools"`                   // the gateway answers on address PoolGateway of each
	Port         uint16         `json:"port"`                    // WireGuard's UDP port
	MTU          int            `json:"mtu"`                     // of the tunnel interface
	Networks     []netip.Prefix `json:"networks"`                // behind the PoP
	Masquerade   bool           `json:"masquerade"`              // hide clients behind the gateway's address towards Networks
	Quarantine   []Destination  `json:"quarantine"`              // all that a device at LevelQuarantine reaches: the portal and remediation hosts
	FilteringDNS []netip.Addr   `json:"filtering_dns,omitempty"` // the only resolvers at LevelRestricted; empty: any that its rules allow
	Portal       string         `json:"portal,omitempty"`        // the URL to send browsers of quarantined devices to
	Grace        time.Duration  `json:"grace"`                   // without any portal the gateway serves for so long, then stops; nanoseconds
	OpenVPN      OpenVPNNode    `json:"openvpn,omitzero"`
}

// EntryKey names an entry. The profile is part of it so that a device that moves to another profile is a removal there and an addition here.
type EntryKey struct {
	Profile ProfileID `json:"profile"`
	Device  DeviceID  `json:"device"`
}

// Entry is one device that may connect: who it is, where it is, what applies to it, until when.
type Entry struct {
	EntryKey
	PublicKey PublicKey     `json:"key"`           // of WireGuard; zero: the device has a certificate
	Cert      CertificateID `json:"cert,omitzero"` // of OpenVPN; zero: the device has a key
	V4        netip.Addr    `json:"v4"`
	V6        netip.Addr    `json:"v6"`
	Signature SignatureID   `json:"sig"`
	Level     Level         `json:"level"`
	NotAfter  time.Time     `json:"not_after"`          // from then on the level is quarantine, by the gateway's clock
	Idle      time.Duration `json:"idle,omitempty"`     // without a handshake for so long, too; nanoseconds, 0: never
	LetIn     uint64        `json:"let_in,omitempty"`   // rises when the device is let in again: by a renewed grant, or because it was not idle elsewhere
	FactorAt  time.Time     `json:"factor_at,omitzero"` // when the person last showed a second factor for it; zero: never
	Revision  uint64        `json:"rev"`
}

// LevelAt is the level that holds at now.
func (e Entry) LevelAt(now time.Time) Level {
	level, _ := Standing{Grant: e.Level, NotAfter: e.NotAfter}.At(now)
	return level
}

// Signature is what decides which rules apply: the groups that somebody is in, and the rules that name that person. People who are in the same
// groups share one.
type Signature struct {
	ID       SignatureID `json:"id"`
	Groups   []GroupID   `json:"groups,omitempty"` // sorted, without Everyone
	Rules    []RuleID    `json:"rules"`            // sorted; beside those of the groups
	Alone    bool        `json:"-"`                // Rules are all that there are, without those of groups and of Everyone; a gateway makes such ones for itself
	Revision uint64      `json:"rev"`
}

// CompiledRule is a rule as a gateway needs it: for which groups, action, destinations and conditions, whatever the number of people it concerns.
type CompiledRule struct {
	ID           RuleID        `json:"id"`
	Groups       []GroupID     `json:"groups,omitempty"` // sorted, Everyone included
	Action       Action        `json:"action"`
	Destinations []Destination `json:"dst"`
	Conditions   Conditions    `json:"if,omitzero"`
	Revision     uint64        `json:"rev"`
}

// Concerns reports whether the rule applies to who has the signature.
func (r CompiledRule) Concerns(g Signature) bool {
	return slices.Contains(g.Rules, r.ID) || !g.Alone && slices.ContainsFunc(r.Groups, func(id GroupID) bool { return id == Everyone || slices.Contains(g.Groups, id) })
}

// At is the rule as it holds at now: without destinations when it is out of time.
func (r CompiledRule) At(now time.Time) CompiledRule {
	if !r.Conditions.InTime(now, r.Action) {
		r.Destinations = nil
	}
	return r
}

// Destination is one prefix with a transport and a range of ports.
type Destination struct {
	Prefix    netip.Prefix `json:"prefix"`
	Transport Transport    `json:"proto"`
	Ports     PortRange    `json:"ports"` // zero: every port
}

// Covers reports whether a packet to addr with this transport and port goes to the destination. Transport is TCP, UDP, ICMP or, for
// every other IP protocol, AnyTransport; port is 0 where there is none.
func (d Destination) Covers(addr netip.Addr, transport Transport, port uint16) bool {
	if !d.Prefix.Contains(addr.Unmap()) {
		return false
	}
	if d.Transport != AnyTransport && d.Transport != transport {
		return false
	}
	if d.Ports == (PortRange{}) {
		return true
	}
	return port >= d.Ports.First && port <= d.Ports.Last
}
