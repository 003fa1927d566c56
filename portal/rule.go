package portal

import (
	"net/netip"
	"time"
)

// Transport is the IP protocol that a resource is reached with.
type Transport string

// The transports of a resource. Any includes every IP protocol; ICMP means ICMP on IPv4 and ICMPv6 on IPv6.
const (
	AnyTransport Transport = "any"
	TCP          Transport = "tcp"
	UDP          Transport = "udp"
	ICMP         Transport = "icmp"
)

// PortRange is First to Last, both included. The zero value means every port.
type PortRange struct {
	First uint16 `json:"first"`
	Last  uint16 `json:"last"`
}

// Resource is something that people reach: prefixes, a transport and ports.
type Resource struct {
	ID        ResourceID
	Name      string // unique
	Prefixes  []netip.Prefix
	Transport Transport
	Ports     []PortRange // TCP and UDP only; empty: all
	CreatedAt time.Time
}

// Action is what a rule does. A deny wins over every allow, whatever the order.
type Action string

// The actions.
const (
	Allow Action = "allow"
	Deny  Action = "deny"
)

// Rule lets groups reach resources, or forbids it. What no rule allows is denied.
type Rule struct {
	ID        RuleID
	Name      string // unique
	Reason    string // why it exists, for the auditor
	Action    Action
	Groups    []GroupID // Everyone included
	Resources []ResourceID
	CreatedAt time.Time
}
