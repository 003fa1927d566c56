package feed

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/sallyport/sallyport/portal"
)

// object is an Object of the log that was read: exactly one of the pointers is set unless it is gone or of a kind that only wakes.
type object struct {
	kind     objectKind
	revision uint64
	gone     bool
	at       time.Time
	entryKey portal.EntryKey
	entry    *portal.Entry
	sigID    portal.SignatureID
	sig      *portal.Signature
	ruleID   portal.RuleID
	rule     *portal.CompiledRule
}

type objectKind int

const (
	kindOther objectKind = iota // not for gateways
	kindEntry
	kindSignature
	kindRule
	kindProfile // a profile may be served elsewhere now; the tables say where
	kindPlace   // a PoP, a gateway or an authority changed; the tables say how
)

// readObject decodes an object. One that can't be read fails closed, and err says so: an entry or a signature counts as gone, a rule
// as one that denies everything.
func readObject(o Object) (out object, err error) {
	out = object{revision: o.Revision, gone: o.Gone, at: o.At}
	kind, id, _ := strings.Cut(o.Key, "/")
	switch kind {
	case "entry":
		out.kind = kindEntry
		profile, device, _ := strings.Cut(id, "/")
		out.entryKey = portal.EntryKey{Profile: shared(portal.ProfileID(profile)), Device: portal.DeviceID(device)}
		if out.gone {
			return out, nil
		}
		if out.entry, err = decode(o, func(e *portal.Entry) bool { return e.EntryKey == out.entryKey }); err != nil {
			out.gone = true
			return out, err
		}
		out.entry.EntryKey = out.entryKey // one copy of the texts
		out.entry.Signature, out.entry.Level = shared(out.entry.Signature), shared(out.entry.Level)
	case "sig":
		out.kind, out.sigID = kindSignature, shared(portal.SignatureID(id))
		if out.gone {
			return out, nil
		}
		if out.sig, err = decode(o, func(g *portal.Signature) bool { return g.ID == out.sigID }); err != nil {
			out.gone = true
			return out, err
		}
		for i, id := range out.sig.Groups {
			out.sig.Groups[i] = shared(id)
		}
	case "rule":
		out.kind, out.ruleID = kindRule, portal.RuleID(id)
		if out.gone {
			return out, nil
		}
		if out.rule, err = decode(o, func(r *portal.CompiledRule) bool { return r.ID == out.ruleID }); err != nil {
			out.rule = denyAll(out.ruleID, groupsOf(out.ruleID, o.Value), o.Revision)
		}
	case "profile":
		out.kind = kindProfile
	case "pop", "gateway", "authority":
		out.kind = kindPlace
	}
	return out, err
}

// decode reads the value of an object, which must be the one that the key names.
func decode[T any](o Object, named func(*T) bool) (*T, error) {
	v := new(T)
	if err := json.Unmarshal(o.Value, v); err != nil {
		return nil, fmt.Errorf("object %q: %w", o.Key, err)
	}
	if !named(v) {
		return nil, fmt.Errorf("object %q: the value is of another object", o.Key)
	}
	return v, nil
}

// shared returns the one copy of a text that many objects hold.
func shared[T ~string](s T) T { return T(unique.Make(string(s)).Value()) }

// groupsOf is for whom a rule is that can't be read otherwise: for everyone where that can't be read either.
func groupsOf(id portal.RuleID, value []byte) []portal.GroupID {
	var r struct {
		ID     portal.RuleID    `json:"id"`
		Groups []portal.GroupID `json:"groups"`
	}
	if err := json.Unmarshal(value, &r); err != nil || r.ID != id {
		return []portal.GroupID{portal.Everyone}
	}
	return r.Groups
}

func denyAll(id portal.RuleID, groups []portal.GroupID, revision uint64) *portal.CompiledRule {
	everything := []portal.Destination{
		{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Transport: portal.AnyTransport},
		{Prefix: netip.MustParsePrefix("::/0"), Transport: portal.AnyTransport},
	}
	return &portal.CompiledRule{ID: id, Groups: groups, Action: portal.Deny, Destinations: everything, Revision: revision}
}

// book is what the hub holds of the log beside the entries: every signature and rule, whoever needs them, and the topology.
type book struct {
	revision uint64
	sigs     map[portal.SignatureID]portal.Signature
	rules    map[portal.RuleID]portal.CompiledRule
	of       map[portal.GroupID]map[portal.RuleID]struct{} // the rules that are for the group
	topology Topology
}

func newBook() *book {
	return &book{
		sigs: map[portal.SignatureID]portal.Signature{}, rules: map[portal.RuleID]portal.CompiledRule{},
		of: map[portal.GroupID]map[portal.RuleID]struct{}{},
	}
}

func (b *book) apply(o object) {
	switch {
	case o.kind == kindSignature && o.gone:
		delete(b.sigs, o.sigID)
	case o.kind == kindSignature:
		b.sigs[o.sigID] = *o.sig
	case o.kind == kindRule && o.gone:
		b.dropRule(o.ruleID)
	case o.kind == kindRule:
		b.dropRule(o.ruleID)
		b.rules[o.ruleID] = *o.rule
		for _, g := range o.rule.Groups {
			if b.of[g] == nil {
				b.of[g] = map[portal.RuleID]struct{}{}
			}
			b.of[g][o.ruleID] = struct{}{}
		}
	}
}

func (b *book) dropRule(id portal.RuleID) {
	for _, g := range b.rules[id].Groups {
		delete(b.of[g], id)
	}
	delete(b.rules, id)
}

// scope is what decides what gateways are told: the set of profiles that their PoP serves, as text, and what they understand. Gateways with the
// same scope share a view.
type scope struct {
	profiles string
	dialect  int
}

// speaking is the scope of gateways that understand dialect and are at the same PoP.
func (s scope) speaking(dialect int) scope {
	s.dialect = min(dialect, portal.Dialect)
	return s
}

func (t Topology) scope(pop portal.PoPID) scope {
	var ids []string
	for id, p := range t.Profiles {
		if p.servedBy(pop) {
			ids = append(ids, string(id))
		}
	}
	slices.Sort(ids)
	return scope{strings.Join(ids, " "), portal.Dialect}
}

func (p ServedProfile) servedBy(pop portal.PoPID) bool {
	return len(p.PoPs) == 0 || slices.Contains(p.PoPs, pop)
}

func (s scope) served() map[portal.ProfileID]bool {
	set := map[portal.ProfileID]bool{}
	for id := range strings.FieldsSeq(s.profiles) {
		set[shared(portal.ProfileID(id))] = true
	}
	return set
}

// scopes returns the scope of each PoP that has a gateway, for gateways that understand everything.
func (t Topology) scopes() map[portal.PoPID]scope {
	m := map[portal.PoPID]scope{}
	for _, g := range t.Gateways {
		if _, done := m[g.PoP]; !done {
			m[g.PoP] = t.scope(g.PoP)
		}
	}
	return m
}

// node is what concerns the gateway itself. It returns false for a gateway that is not there or may not serve.
func (h *Hub) node(t Topology, id portal.GatewayID) (portal.Node, bool) {
	g, ok := t.Gateways[id]
	if !ok || g.State != portal.GatewayActive && g.State != portal.GatewayDraining {
		return portal.Node{}, false
	}
	n := portal.Node{
		Gateway: id, PoP: g.PoP, Port: g.Port, Networks: t.PoPs[g.PoP].Networks, Masquerade: true, Quarantine: h.Quarantine, FilteringDNS: h.Filtering, Portal: h.Portal, Grace: h.Grace,
	}
	if n.Grace == 0 {
		n.Grace = defaultGrace
	}
	pools := map[portal.PoolID]portal.Pool{}
	n.OpenVPN = portal.OpenVPNNode{Trust: t.Trust, Push: map[portal.ProfileID]portal.Push{}}
	for id, p := range t.Profiles {
		if !p.servedBy(g.PoP) {
			continue
		}
		pools[p.Pool.ID] = p.Pool
		n.OpenVPN.Push[id] = p.Push
		mtu := p.MTU
		if mtu == 0 {
			mtu = portal.DefaultMTU
		}
		if n.MTU == 0 || mtu < n.MTU {
			n.MTU = mtu // what fits the narrowest profile fits all
		}
	}
	if n.MTU == 0 {
		n.MTU = portal.DefaultMTU
	}
	for _, p := range pools {
		n.Pools = append(n.Pools, p)
	}
	slices.SortFunc(n.Pools, func(a, b portal.Pool) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return n, true
}

// defaultGrace is how long a gateway serves without any portal where the configuration does not say.
const defaultGrace = 24 * time.Hour

func sameNode(a, b portal.Node) bool {
	return a.Gateway == b.Gateway && a.PoP == b.PoP && a.Port == b.Port && a.MTU == b.MTU && a.Masquerade == b.Masquerade && a.Grace == b.Grace &&
		slices.Equal(a.Pools, b.Pools) && slices.Equal(a.Networks, b.Networks) && slices.Equal(a.Quarantine, b.Quarantine) &&
		a.OpenVPN.Equal(b.OpenVPN) && slices.Equal(a.FilteringDNS, b.FilteringDNS) && a.Portal == b.Portal
}
