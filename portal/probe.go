package portal

import (
	"net/netip"
	"time"
)

// Probe is a question to a gateway: does this destination answer when you try it yourself? It is one TCP connect or a few echoes, never data.
type Probe struct {
	To        netip.Addr
	Transport Transport // TCP or ICMP
	Port      uint16    // TCP only
}

// ProbeOutcome is what became of a Probe.
type ProbeOutcome string

// The outcomes.
const (
	ProbeAnswered    ProbeOutcome = "answered"    // a connection was made, or an echo came back
	ProbeRefused     ProbeOutcome = "refused"     // the host is there and nothing listens
	ProbeSilent      ProbeOutcome = "silent"      // nothing came back in time
	ProbeUnreachable ProbeOutcome = "unreachable" // the gateway or a router has no way there
	ProbeOutside     ProbeOutcome = "outside"     // not behind the gateway's networks, so it was not tried
	ProbeBusy        ProbeOutcome = "busy"        // the gateway tries as many as it may at a time
	ProbeUnable      ProbeOutcome = "unable"      // this gateway can't try that
)

// Known reports whether there is such an outcome.
func (o ProbeOutcome) Known() bool {
	switch o {
	case ProbeAnswered, ProbeRefused, ProbeSilent, ProbeUnreachable, ProbeOutside, ProbeBusy, ProbeUnable:
		return true
	}
	return false
}

// ProbeResult is what a gateway saw of a Probe.
type ProbeResult struct {
	Outcome  ProbeOutcome
	Sent     int           // packets sent to the destination
	Received int           // packets that came back from it
	Took     time.Duration // until the first answer, or until it was given up
}

// Behind reports whether a gateway may try a destination for somebody: it lies in one of the networks behind it, is a single host, and is
// neither a device in a pool nor an address that means this machine or this link.
func (n Node) Behind(to netip.Addr) bool {
	to = to.Unmap()
	if !to.IsValid() || to.Zone() != "" || to.IsLoopback() || to.IsUnspecified() || to.IsMulticast() || to.IsLinkLocalUnicast() ||
		to == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	for _, p := range n.Pools {
		if p.V4.Contains(to) || p.V6.Contains(to) {
			return false
		}
	}
	for _, p := range n.Networks {
		if p.Contains(to) {
			return true
		}
	}
	return false
}
