package portal

import (
	"net/netip"
	"slices"
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

// Resource is something that people reach: prefixes, a transport and ports. It has at least one prefix.
type Resource struct {
	ID        ResourceID
	Name      string // unique
	Prefixes  []netip.Prefix
	Transport Transport
	Ports     []PortRange // TCP and UDP only; empty: all
	Tags      []string    // sorted; rules may name a tag instead of each resource

	Requestable bool    // people may ask for it for a while
	Approvers   GroupID // who decides; "": those with AccessWrite

	CreatedAt time.Time
}

// Action is what a rule does. A deny wins over every allow, whatever the order.
type Action string

// The actions.
const (
	Allow Action = "allow"
	Deny  Action = "deny"
)

// Rule lets groups and people reach resources, or forbids it, while its conditions hold. What no rule allows is denied.
type Rule struct {
	ID         RuleID
	Name       string // unique
	Reason     string // why it exists, for the auditor
	Action     Action
	Groups     []GroupID // Everyone included
	People     []UserID
	Resources  []ResourceID
	Tags       []string // every resource with one of these tags, also one that gets it later
	Conditions Conditions
	CreatedAt  time.Time
}

// Concerns reports whether the rule names the person, one of the groups, or Everyone.
func (r Rule) Concerns(user UserID, groups []GroupID) bool {
	return slices.Contains(r.People, user) ||
		slices.ContainsFunc(r.Groups, func(g GroupID) bool { return g == Everyone || slices.Contains(groups, g) })
}

// Selects reports whether the rule names the resource, or a tag of it.
func (r Rule) Selects(res Resource) bool {
	return slices.Contains(r.Resources, res.ID) || slices.ContainsFunc(r.Tags, func(t string) bool { return slices.Contains(res.Tags, t) })
}
