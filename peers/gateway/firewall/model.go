package firewall

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/sallyport/sallyport/portal"
)

// model is all that the table should hold.
type model struct {
	chains map[string]chain
	sets   map[string]set
}

// chain is a list of rules, reached by a hook of the kernel or by a jump.
type chain struct {
	hook  *hook // nil: only by jumps
	rules []rule
}

type hook struct {
	kind     nftables.ChainType
	num      nftables.ChainHook
	priority nftables.ChainPriority
}

type rule []expr.Any

// set is a set or map with its elements: the value is "" in a set, four bytes of a number or a verdict in a map.
type set struct {
	shape shape
	elems map[elem]string
}

// shape is what a set is made of.
type shape int

const (
	addrNumber4 shape = iota
	addrNumber6
	numberVerdict
	intervals // of a setKind; see shapeOf
)

func shapeOf(k setKind) shape {
	s := intervals
	if k.v6 {
		s += 2
	}
	if k.ports {
		s++
	}
	return s
}

func (s shape) set(t *nftables.Table, name string) *nftables.Set {
	out := &nftables.Set{Table: t, Name: name}
	ip := nftables.TypeIPAddr
	switch s {
	case addrNumber4, addrNumber6:
		out.IsMap, out.KeyType, out.DataType = true, nftables.TypeIPAddr, nftables.TypeClassID
		if s == addrNumber6 {
			out.KeyType = nftables.TypeIP6Addr
		}
		return out
	case numberVerdict:
		out.IsMap, out.KeyType, out.DataType = true, nftables.TypeClassID, nftables.TypeVerdict
		return out
	case intervals + 2, intervals + 3:
		ip = nftables.TypeIP6Addr
	default:
	}
	out.Interval, out.Concatenation = true, true
	if (s-intervals)&1 == 1 {
		out.KeyType = nftables.MustConcatSetType(ip, nftables.TypeInetProto, nftables.TypeInetService)
	} else {
		out.KeyType = nftables.MustConcatSetType(ip, nftables.TypeInetProto)
	}
	return out
}

// Names in the table. Signatures, groups and rules have chains of their own; a rule's sets are named after its chain.
const (
	chainForward    = "forward"
	chainInput      = "input"
	chainClamp      = "clamp"
	chainNAT        = "postrouting"
	chainFrom       = "from_tunnel"
	chainBetween    = "between"
	chainTo         = "to_tunnel"
	chainCommon     = "common"
	chainAdmit      = "admit"
	chainAdmitted   = "admitted"
	chainQuarantine = "quarantine"
	mapSignatures   = "signatures"
	chainRedirect   = "prerouting"
	chainCaptive    = "captive"
	chainPage       = "page"
	mapCaptive      = "captive_from" // devices whose plain HTTP is led to the page
	mapPage         = "page_from"    // devices that reach the page
	mapMute         = "mute"         // devices that reach no other device and are reached by none

	quarantineRule = portal.RuleID("quarantine")
)

// quarantined is the number of an address whose device is in quarantine. Signatures have numbers from 1 on.
const quarantined uint32 = 0

func entriesName(v6 bool) string {
	if v6 {
		return "entries6"
	}
	return "entries4"
}

func sigChain(id portal.SignatureID) string { return "sig-" + safe(string(id)) }
func ruleChain(id portal.RuleID) string     { return "rule-" + safe(string(id)) }

var plain = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// safe makes an id into a part of a name that the kernel and nft(8) take.
func safe(id string) string {
	if plain.MatchString(id) {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "x" + hex.EncodeToString(sum[:16])
}

// build is the table for want at now.
func (f *Filter) build(want portal.Desired, now time.Time) model {
	m := model{chains: f.skeleton(want.Node), sets: map[string]set{}}
	m.addRule(portal.CompiledRule{ID: quarantineRule, Action: portal.Allow, Destinations: want.Node.Quarantine}, want.Node)
	f.addCaptive(m, want.Node)
	for _, r := range want.Rules {
		m.addRule(r, want.Node)
	}
	f.sides = sidesOf(want.Rules)
	for _, x := range f.sides.chains() {
		m.chains[x.chain()] = chain{rules: f.sides.jumps(x)}
	}
	signatures := map[elem]string{numberKey(quarantined): gotoValue(chainQuarantine)}
	for id, g := range want.Signatures {
		m.chains[sigChain(id)] = chain{rules: f.signatureRules(g, want.Rules)}
		signatures[numberKey(f.numbers.of(id))] = gotoValue(sigChain(id))
	}
	m.sets[mapSignatures] = set{numberVerdict, signatures}
	m.sets[mapMute] = set{numberVerdict, map[elem]string{numberKey(quarantined): dropValue}}
	v4, v6 := make(map[elem]string, len(want.Entries)), make(map[elem]string, len(want.Entries))
	for _, e := range want.Entries {
		n := f.numberOf(e, e.LevelAt(now), want)
		for _, a := range addresses(e) {
			to := v4
			if a.Is6() {
				to = v6
			}
			to[elem{first: string(a.AsSlice())}] = string(number(n))
		}
	}
	m.sets[entriesName(false)], m.sets[entriesName(true)] = set{addrNumber4, v4}, set{addrNumber6, v6}
	return m
}

// numberOf is what e's addresses lead to. What is not understood leads to quarantine.
func (f *Filter) numberOf(e portal.Entry, level portal.Level, want portal.Desired) uint32 {
	if level != portal.LevelFull && level != portal.LevelRestricted {
		return quarantined
	}
	if _, there := want.Signatures[e.Signature]; !there {
		return quarantined
	}
	return f.numbers.of(e.Signature)
}

func addresses(e portal.Entry) []netip.Addr {
	var out []netip.Addr
	for _, a := range []netip.Addr{e.V4, e.V6} {
		if a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

// addRule adds the rule's chain and its sets.
func (m model) addRule(r portal.CompiledRule, n portal.Node) {
	name := ruleChain(r.ID)
	rules, sets := compileRule(r, n)
	m.chains[name] = chain{rules: rules}
	for k, boxes := range sets {
		m.sets[name+k.suffix()] = set{shapeOf(k), elemsOf(k, boxes)}
	}
}

func elemsOf(k setKind, boxes []box) map[elem]string {
	out := make(map[elem]string, len(boxes))
	for _, b := range boxes {
		out[k.elem(b)] = ""
	}
	return out
}

// compileRule is the rule's chain and what its sets hold; a set that would be empty is left out. To allow "the internet" is not to allow
// devices to reach each other: what is wider than a pool leaves the pool out. A deny means all that it says.
func compileRule(r portal.CompiledRule, n portal.Node) ([]rule, map[setKind][]box) {
	end, apart := to(expr.VerdictDrop, ""), []netip.Prefix(nil)
	if r.Action == portal.Allow {
		end, apart = to(expr.VerdictGoto, chainAdmit), poolPrefixes(n)
	}
	sets := boxesOf(r.Destinations, apart)
	var rules []rule
	for _, k := range setKinds {
		if len(sets[k]) == 0 {
			delete(sets, k)
			continue
		}
		for _, reply := range []bool{false, true} {
			rules = append(rules, join(inSet(k, ruleChain(r.ID)+k.suffix(), reply), counter(), end))
		}
	}
	return rules, sets
}

// signatureRules asks every deny rule before any allow rule, and drops what none of them decides.
func (f *Filter) signatureRules(g portal.Signature, rules map[portal.RuleID]portal.CompiledRule) []rule {
	out := []rule{to(expr.VerdictJump, chainCommon)}
	ids := slices.Compact(slices.Sorted(slices.Values(g.Rules)))
	for _, deny := range []bool{true, false} {
		for _, x := range f.sides.ofSignature(g, deny) {
			out = append(out, to(expr.VerdictJump, x.chain()))
		}
		for _, id := range ids {
			if r, there := rules[id]; there && (r.Action != portal.Allow) == deny {
				out = append(out, to(expr.VerdictJump, ruleChain(id)))
			}
		}
	}
	return append(out, join(counter(), to(expr.VerdictDrop, "")))
}
