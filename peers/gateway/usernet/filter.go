package usernet

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Filter is a gateway.Filter in this process, for packets that Net hands it. The zero value drops everything.
type Filter struct {
	Now func() time.Time

	page     bool   // there is a page for what quarantined devices send to TCP 80
	onShrink func() // rights have shrunk: flows that are ended in this process are looked at again

	mu         sync.Mutex
	entries    map[netip.Addr]*rights
	signatures map[portal.SignatureID]*rights
	rules      map[portal.GroupID]map[portal.RuleID]bool
	quarantine *rights
	pools      []netip.Prefix
	self       map[netip.Addr]bool // the gateway's own addresses
	generation uint64
	flows      map[flowKey]*flow
	fragments  map[fragmentKey]time.Time // until when the rest of an admitted packet may pass
	swept      time.Time
}

// rights are what somebody may reach: nothing that a deny covers, else what an allow covers.
type rights struct {
	deny, allow []portal.Destination
	quarantined bool
}

// flowKey is the first packet's direction. For a ping both ports are its identifier.
type flowKey struct {
	src, dst     netip.Addr
	proto        uint8
	sport, dport uint16
}

func (k flowKey) reversed() flowKey { return flowKey{k.dst, k.src, k.proto, k.dport, k.sport} }

type flow struct {
	generation uint64
	ends       time.Time
}

type fragmentKey struct {
	src, dst netip.Addr
	id       uint32
}

// maxFlows bounds memory. Beyond it new flows are refused until old ones end.
const maxFlows = 65536

// How long a silent flow is remembered.
const (
	idleTCP      = 2 * time.Hour // RFC 5382, section 5: at least 2 h 4 min is asked of translators; clients here send keepalives
	idleUDP      = 3 * time.Minute
	idleOther    = 30 * time.Second
	idleFragment = 30 * time.Second
)

// Sync makes the rules those of want at now.
func (f *Filter) Sync(_ context.Context, want portal.Desired, now time.Time) (int, error) {
	f.mu.Lock()
	f.rules = map[portal.GroupID]map[portal.RuleID]bool{}
	for _, r := range want.Rules {
		f.index(&r)
	}
	f.signatures = make(map[portal.SignatureID]*rights, len(want.Signatures))
	for id, g := range want.Signatures {
		f.signatures[id] = f.compile(g, want.Rules)
	}
	f.quarantine = &rights{allow: want.Node.Quarantine, quarantined: true}
	f.self, f.pools = map[netip.Addr]bool{}, nil
	for _, p := range want.Node.Pools {
		if p.Validate() == nil {
			f.pools = append(f.pools, p.V4, p.V6)
			a := p.At(portal.PoolGateway)
			f.self[a.V4], f.self[a.V6] = true, true
		}
	}
	f.entries = make(map[netip.Addr]*rights, 2*len(want.Entries))
	for _, e := range want.Entries {
		e.Level = e.LevelAt(now)
		f.put(e)
	}
	f.generation++
	f.mu.Unlock()
	f.shrunk()
	return 0, nil
}

// Apply carries out d. The levels of its entries are those that hold now.
func (f *Filter) Apply(_ context.Context, want portal.Desired, d portal.Delta) error {
	f.mu.Lock()
	touched, groups := map[portal.RuleID]bool{}, map[portal.GroupID]bool{}
	for _, r := range d.Rules {
		touched[idOf(r)] = true
		for _, x := range []*portal.CompiledRule{r.Old, r.New} {
			if x == nil {
				continue
			}
			for _, g := range x.Groups {
				groups[g] = true
				delete(f.rules[g], x.ID)
			}
		}
		f.index(r.New)
	}
	for _, g := range d.Signatures {
		if g.New == nil {
			delete(f.signatures, g.Old.ID)
		} else {
			f.recompile(*g.New, want.Rules)
		}
	}
	if len(touched) > 0 {
		for _, g := range want.Signatures {
			if groups[portal.Everyone] || slices.ContainsFunc(g.Rules, func(id portal.RuleID) bool { return touched[id] }) ||
				slices.ContainsFunc(g.Groups, func(id portal.GroupID) bool { return groups[id] }) {
				f.recompile(g, want.Rules)
			}
		}
	}
	for _, e := range d.Entries {
		if e.Old != nil {
			delete(f.entries, e.Old.V4)
			delete(f.entries, e.Old.V6)
		}
	}
	for _, e := range d.Entries {
		if e.New != nil {
			f.put(*e.New)
		}
	}
	f.generation++
	f.mu.Unlock()
	f.shrunk()
	return nil
}

func (f *Filter) shrunk() {
	if f.onShrink != nil {
		f.onShrink()
	}
}

func idOf(r portal.RuleDelta) portal.RuleID {
	if r.New != nil {
		return r.New.ID
	}
	return r.Old.ID
}

// recompile changes a signature's rights where they are, so that its entries need no visit.
func (f *Filter) recompile(g portal.Signature, rules map[portal.RuleID]portal.CompiledRule) {
	r := f.signatures[g.ID]
	if r == nil {
		r = &rights{}
		f.signatures[g.ID] = r
	}
	*r = *f.compile(g, rules)
}

// index notes for whom the rule is.
func (f *Filter) index(r *portal.CompiledRule) {
	if r == nil {
		return
	}
	for _, g := range r.Groups {
		if f.rules[g] == nil {
			f.rules[g] = map[portal.RuleID]bool{}
		}
		f.rules[g][r.ID] = true
	}
}

func (f *Filter) compile(g portal.Signature, rules map[portal.RuleID]portal.CompiledRule) *rights {
	ids := slices.Clone(g.Rules)
	for _, id := range append([]portal.GroupID{portal.Everyone}, g.Groups...) {
		if !g.Alone {
			ids = slices.AppendSeq(ids, maps.Keys(f.rules[id]))
		}
	}
	slices.Sort(ids)
	var r rights
	for _, id := range slices.Compact(ids) {
		rule, there := rules[id]
		switch {
		case !there:
		case rule.Action == portal.Allow:
			r.allow = append(r.allow, rule.Destinations...)
		default:
			r.deny = append(r.deny, rule.Destinations...)
		}
	}
	return &r
}

// put gives e's addresses their rights. What is not understood is in quarantine.
func (f *Filter) put(e portal.Entry) {
	r := f.signatures[e.Signature]
	if r == nil || e.Level != portal.LevelFull && e.Level != portal.LevelRestricted {
		r = f.quarantine
	}
	for _, a := range []netip.Addr{e.V4, e.V6} {
		if a.IsValid() {
			f.entries[a] = r
		}
	}
}

func (r *rights) cover(dst netip.Addr, proto uint8, port uint16, pools []netip.Prefix) bool {
	t := transport(proto)
	if t == portal.ICMP {
		port = 0
	}
	covers := func(d portal.Destination) bool {
		if d.Ports != (portal.PortRange{}) && t != portal.TCP && t != portal.UDP {
			return false // ports say nothing of what has none
		}
		return d.Covers(dst, t, port)
	}
	// To allow "the internet" is not to allow devices to reach each other: what is wider than a pool leaves the pool out.
	allows := func(d portal.Destination) bool {
		return covers(d) && !slices.ContainsFunc(pools, func(p netip.Prefix) bool { return p.Contains(dst) && d.Prefix.Bits() < p.Bits() })
	}
	return !slices.ContainsFunc(r.deny, covers) && slices.ContainsFunc(r.allow, allows)
}

func transport(proto uint8) portal.Transport {
	switch proto {
	case protoTCP:
		return portal.TCP
	case protoUDP:
		return portal.UDP
	case protoICMP, protoICMPv6:
		return portal.ICMP
	}
	return portal.AnyTransport
}

// verdict says what becomes of a packet that comes out of the tunnel.
type verdict int

const (
	drop    verdict = iota
	inward          // to the stack
	between         // back into the tunnel, to another device
)

// fromTunnel decides on a packet that a device sent.
func (f *Filter) fromTunnel(b []byte) verdict {
	p, ok := parse(b)
	if !ok {
		return drop
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	from := f.entries[p.src]
	if from == nil {
		return drop
	}
	way := inward
	if to := f.entries[p.dst]; to != nil {
		if from.quarantined || to.quarantined {
			return drop
		}
		way = between
	}
	if f.self[p.dst] {
		if p.request && !p.fragment {
			return f.pass(flowKey{p.src, p.dst, p.proto, p.sport, p.dport}, inward)
		}
		return drop
	}
	return f.decide(p, way)
}

// toTunnel decides on a packet that the stack sends to a device: only answers pass.
func (f *Filter) toTunnel(b []byte) bool {
	p, ok := parse(b)
	if !ok {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.entries[p.dst] == nil {
		return false
	}
	if p.fragment && !p.first {
		return f.restOf(p)
	}
	if p.inner != nil {
		return f.about(p)
	}
	k := flowKey{p.src, p.dst, p.proto, p.sport, p.dport}.reversed()
	return f.known(k) && f.remember(p)
}

// decide is for packets between a device and something else that is not the gateway.
func (f *Filter) decide(p packet, way verdict) verdict {
	switch {
	case p.fragment && !p.first:
		if f.restOf(p) {
			return way
		}
		return drop
	case p.inner != nil:
		if f.about(p) {
			return way
		}
		return drop
	}
	k := flowKey{p.src, p.dst, p.proto, p.sport, p.dport}
	if f.known(k) || way == between && f.known(k.reversed()) {
		f.remember(p)
		return way
	}
	who := f.entries[p.src]
	if way == inward && f.captive(who, k) {
		return f.pass(k, inward)
	}
	if p.echo && !p.request || !who.cover(p.dst, p.proto, p.dport, f.pools) {
		return drop
	}
	f.remember(p)
	return f.pass(k, way)
}

// known reports whether k was admitted, and looks again where rights have changed since.
func (f *Filter) known(k flowKey) bool {
	fl := f.flows[k]
	now := f.Now()
	if fl == nil || now.After(fl.ends) {
		return false
	}
	if fl.generation != f.generation {
		who := f.entries[k.src]
		if who == nil || !f.self[k.dst] && !f.captive(who, k) && !who.cover(k.dst, k.proto, k.dport, f.pools) {
			delete(f.flows, k)
			return false
		}
		fl.generation = f.generation
	}
	fl.ends = now.Add(idle(k.proto))
	return true
}

// about decides on an ICMP error: it passes when the flow that it is about does.
func (f *Filter) about(p packet) bool {
	in, ok := parseInner(p.inner)
	if !ok || in.fragment && !in.first {
		return false
	}
	k := flowKey{in.src, in.dst, in.proto, in.sport, in.dport}
	return f.known(k) || f.known(k.reversed())
}

func (f *Filter) pass(k flowKey, way verdict) verdict {
	f.sweep()
	if f.flows == nil {
		f.flows = map[flowKey]*flow{}
	}
	if len(f.flows) >= maxFlows && f.flows[k] == nil {
		return drop
	}
	f.flows[k] = &flow{f.generation, f.Now().Add(idle(k.proto))}
	return way
}

// remember lets the rest of a first fragment pass.
func (f *Filter) remember(p packet) bool {
	if p.fragment {
		if f.fragments == nil {
			f.fragments = map[fragmentKey]time.Time{}
		}
		if len(f.fragments) < maxFlows {
			f.fragments[fragmentKey{p.src, p.dst, p.fragmentID}] = f.Now().Add(idleFragment)
		}
	}
	return true
}

func (f *Filter) restOf(p packet) bool {
	until, there := f.fragments[fragmentKey{p.src, p.dst, p.fragmentID}]
	return there && f.Now().Before(until)
}

// sweep forgets ended flows now and then.
func (f *Filter) sweep() {
	now := f.Now()
	if now.Sub(f.swept) < 10*time.Second && len(f.flows) < maxFlows {
		return
	}
	f.swept = now
	for k, fl := range f.flows {
		if now.After(fl.ends) {
			delete(f.flows, k)
		}
	}
	for k, until := range f.fragments {
		if now.After(until) {
			delete(f.fragments, k)
		}
	}
}

// allowed reports whether a flow that ends in this process may still go on.
func (f *Filter) allowed(k flowKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	who := f.entries[k.src]
	return who != nil && !f.captive(who, k) && who.cover(k.dst, k.proto, k.dport, f.pools)
}

// captive reports whether a flow is led to the page instead of where it was sent.
func (f *Filter) captive(who *rights, k flowKey) bool {
	return f.page && who.quarantined && k.proto == protoTCP && k.dport == 80 && !f.self[k.dst] && !who.cover(k.dst, k.proto, k.dport, f.pools)
}

// isCaptive is captive for who does not hold the lock.
func (f *Filter) isCaptive(k flowKey) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	who := f.entries[k.src]
	return who != nil && f.captive(who, k)
}

func idle(proto uint8) time.Duration {
	switch proto {
	case protoTCP:
		return idleTCP
	case protoUDP:
		return idleUDP
	}
	return idleOther
}
