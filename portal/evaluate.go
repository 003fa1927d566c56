package portal

import (
	"net/netip"
	"slices"
	"time"
)

// Policy is all that decides who may reach what.
type Policy struct {
	Resources []Resource
	Rules     []Rule
	Pools     []netip.Prefix // of devices: to allow what is wider than a pool is not to allow devices to reach each other
}

// Question is one flow: who, from where, to where, when.
type Question struct {
	User   UserID
	Groups []GroupID // without Everyone
	At     time.Time
	Circumstances

	To        netip.Addr // invalid when a name was asked for
	Name      string     // what was asked for when it was no address; rules lead to addresses only, so none leads here
	Transport Transport  // TCP, UDP, ICMP, or AnyTransport for every other IP protocol
	Port      uint16     // 0 where there is none
}

// Miss says why a rule that names the person and the destination does not count.
type Miss string

// The misses. A rule has the first of them that applies.
const (
	MissNone    Miss = ""         // it counts
	MissPort    Miss = "port"     // another transport or port
	MissLevel   Miss = "level"    // the grant's level is too low
	MissTime    Miss = "time"     // no time window is open
	MissExpired Miss = "validity" // not yet, or not any more
	MissSource  Miss = "source"   // the client is at another address, or nobody knows in which country
	MissFactor  Miss = "factor"   // the second factor is too long ago
)

// Match is one rule that concerns a question.
type Match struct {
	Rule     RuleID
	Action   Action
	Resource ResourceID // that covers the destination
	Miss     Miss
}

// Decision is what policy says of a question.
type Decision struct {
	Allowed bool
	Rules   []Match // every rule that names the person and the destination's address or name, in the policy's order
}

// Decide evaluates the rules one by one: what is allowed is what at least one allow rule and no deny rule counts for. It is the plain
// meaning of policy, without compiling it; gateways must come to the same.
func (p Policy) Decide(q Question) Decision {
	var d Decision
	allowed, denied := false, false
	for _, r := range p.Rules {
		if !r.Concerns(q.User, q.Groups) {
			continue
		}
		m, found := p.match(r, q)
		if !found {
			continue
		}
		d.Rules = append(d.Rules, m)
		if m.Miss == MissNone {
			allowed = allowed || r.Action == Allow
			denied = denied || r.Action != Allow
		}
	}
	d.Allowed = allowed && !denied
	return d
}

// match finds the resource of the rule that covers the destination best, and why the rule may not count.
func (p Policy) match(r Rule, q Question) (Match, bool) {
	m := Match{Rule: r.ID, Action: r.Action, Miss: MissPort}
	found := false
	for _, res := range p.Resources {
		if !r.Selects(res) || !p.leadsTo(res, r.Action, q) {
			continue
		}
		if fits := res.carries(q.Transport, q.Port); fits || !found {
			m.Resource, found = res.ID, true
			if fits {
				m.Miss = r.miss(q)
				break
			}
		}
	}
	return m, found
}

// leadsTo reports whether the destination's address or name is the resource's.
func (p Policy) leadsTo(res Resource, action Action, q Question) bool {
	if !q.To.IsValid() {
		return false
	}
	to := q.To.Unmap()
	return slices.ContainsFunc(res.Prefixes, func(x netip.Prefix) bool {
		return x.Contains(to) && (action != Allow || !slices.ContainsFunc(p.Pools, func(pool netip.Prefix) bool {
			return pool.Contains(to) && x.Bits() < pool.Bits()
		}))
	})
}

func (r Resource) carries(t Transport, port uint16) bool {
	if r.Transport != AnyTransport && r.Transport != t {
		return false
	}
	if len(r.Ports) == 0 {
		return true
	}
	return (t == TCP || t == UDP) && slices.ContainsFunc(r.Ports, func(x PortRange) bool { return x.First <= port && port <= x.Last })
}

func (r Rule) miss(q Question) Miss {
	c := r.Conditions
	validity := Conditions{ValidFrom: c.ValidFrom, ValidUntil: c.ValidUntil}
	switch {
	case c.Met(q.Circumstances, q.At, r.Action) == MissLevel:
		return MissLevel
	case !validity.InTime(q.At, r.Action):
		return MissExpired
	case !c.InTime(q.At, r.Action):
		return MissTime
	}
	return c.Met(q.Circumstances, q.At, r.Action)
}
