package portal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// Change moves a State forward to Revision. A full one is a snapshot: what it does not name is removed.
// A change that brings an entry brings its signature and that signature's rules too, unless the receiver is known to have them.
type Change struct {
	Revision   uint64         `json:"rev"`
	Full       bool           `json:"full,omitempty"`
	Node       *Node          `json:"node,omitempty"`
	Entries    []Entry        `json:"entries,omitempty"`
	Gone       []EntryKey     `json:"gone,omitempty"`
	Signatures []Signature    `json:"sigs,omitempty"`
	Rules      []CompiledRule `json:"rules,omitempty"`
	GoneRules  []RuleID       `json:"gone_rules,omitempty"`
}

// Delta is what a Change did to a State, for those who carry it out. Old is nil for what is new, New for what is gone.
type Delta struct {
	Node       bool // but for its OpenVPN
	OpenVPN    bool // Node.OpenVPN
	Entries    []EntryDelta
	Signatures []SignatureDelta
	Rules      []RuleDelta
}

// EntryDelta is one entry that came, changed or went.
type EntryDelta struct{ Old, New *Entry }

// SignatureDelta is one signature that came, changed or went.
type SignatureDelta struct{ Old, New *Signature }

// RuleDelta is one rule that came, changed or went.
type RuleDelta struct{ Old, New *CompiledRule }

// Empty reports whether nothing is to be done.
func (d Delta) Empty() bool {
	return !d.Node && !d.OpenVPN && len(d.Entries) == 0 && len(d.Signatures) == 0 && len(d.Rules) == 0
}

// State is a Desired that changes: it keeps only signatures that an entry names and rules that are for Everyone or apply to a signature, and a
// hash of all of it, in time that follows the change and not the size. Portal and gateway run the same code, so their hashes can be compared.
// It is not safe for concurrent use.
type State struct {
	Desired
	sigRefs   map[SignatureID]int             // entries that name the signature
	ruleRefs  map[RuleID]int                  // signatures that name the rule
	groupRefs map[GroupID]int                 // signatures that name the group
	ruleOf    map[GroupID]map[RuleID]struct{} // rules that are for the group
	sum       [4]uint64                       // sum, modulo 2^256 by lanes, of the hashes of all objects
}

// NewState returns an empty state at revision 0.
func NewState() *State {
	return &State{
		Desired:   Desired{Entries: map[EntryKey]Entry{}, Signatures: map[SignatureID]Signature{}, Rules: map[RuleID]CompiledRule{}},
		sigRefs:   map[SignatureID]int{},
		ruleRefs:  map[RuleID]int{},
		groupRefs: map[GroupID]int{},
		ruleOf:    map[GroupID]map[RuleID]struct{}{},
	}
}

// AppliesTo reports whether a rule for these groups applies to a signature that is there, or to any that may come.
func (s *State) AppliesTo(groups []GroupID) bool {
	return slices.ContainsFunc(groups, func(id GroupID) bool { return id == Everyone || s.groupRefs[id] > 0 })
}

// Hash is the hash of entries, signatures and rules, independent of the order in which they came. The node is not part of it.
func (s *State) Hash() string {
	var b [32]byte
	for i, lane := range s.sum {
		binary.BigEndian.PutUint64(b[i*8:], lane)
	}
	return hex.EncodeToString(b[:])
}

// Apply carries c out and returns what it did. A change that is older than the state, unless it is full, does nothing.
func (s *State) Apply(c Change) Delta {
	if c.Revision < s.Revision && !c.Full {
		return Delta{}
	}
	s.Revision = c.Revision
	m := merge{s: s, entries: map[EntryKey]*Entry{}, sigs: map[SignatureID]*Signature{}, rules: map[RuleID]*CompiledRule{}}
	if c.Full {
		m.dropUnnamed(c)
	}
	for _, r := range c.Rules {
		m.putRule(r)
	}
	for _, id := range c.GoneRules {
		m.dropRule(id)
	}
	for _, g := range c.Signatures {
		m.putSignature(g)
	}
	for _, e := range c.Entries {
		m.putEntry(e)
	}
	for _, k := range c.Gone {
		m.dropEntry(k)
	}
	m.collect()
	d := m.delta()
	if c.Node != nil {
		d.Node, d.OpenVPN = !s.Node.equal(*c.Node), !s.Node.OpenVPN.Equal(c.Node.OpenVPN)
		s.Node = *c.Node
	}
	return d
}

// merge remembers what each touched object was before, so that a delta names only what really differs in the end.
type merge struct {
	s       *State
	entries map[EntryKey]*Entry // before; nil: was not there
	sigs    map[SignatureID]*Signature
	rules   map[RuleID]*CompiledRule
}

// dropUnnamed removes what a full change does not name: also a signature that an entry goes on naming, or a right would outlive its end.
func (m *merge) dropUnnamed(c Change) {
	entries, sigs, rules := make(map[EntryKey]bool, len(c.Entries)), make(map[SignatureID]bool, len(c.Signatures)), make(map[RuleID]bool, len(c.Rules))
	for _, e := range c.Entries {
		entries[e.EntryKey] = true
	}
	for _, g := range c.Signatures {
		sigs[g.ID] = true
	}
	for _, r := range c.Rules {
		rules[r.ID] = true
	}
	for k := range m.s.Entries {
		if !entries[k] {
			m.dropEntry(k)
		}
	}
	for id := range m.s.Signatures {
		if m.touchSignature(id); !sigs[id] {
			m.removeSignature(id)
		}
	}
	for id := range m.s.Rules {
		if m.touchRule(id); !rules[id] {
			m.dropRule(id)
		}
	}
}

func (m *merge) putEntry(e Entry) {
	old, had := m.s.Entries[e.EntryKey]
	m.touchEntry(e.EntryKey)
	if had {
		m.s.subtract(old.digest())
		m.s.sigRefs[old.Signature]--
		m.touchSignature(old.Signature)
	}
	m.s.Entries[e.EntryKey] = e
	m.s.sigRefs[e.Signature]++
	m.s.add(e.digest())
}

func (m *merge) dropEntry(k EntryKey) {
	old, had := m.s.Entries[k]
	if !had {
		return
	}
	m.touchEntry(k)
	m.touchSignature(old.Signature)
	m.s.subtract(old.digest())
	m.s.sigRefs[old.Signature]--
	delete(m.s.Entries, k)
}

func (m *merge) putSignature(g Signature) {
	m.touchSignature(g.ID)
	m.removeSignature(g.ID)
	m.s.Signatures[g.ID] = g
	for _, r := range g.Rules {
		m.s.ruleRefs[r]++
	}
	for _, id := range g.Groups {
		m.s.groupRefs[id]++
	}
	m.s.add(g.digest())
}

func (m *merge) removeSignature(id SignatureID) {
	old, had := m.s.Signatures[id]
	if !had {
		return
	}
	for _, r := range old.Rules {
		m.touchRule(r)
		if m.s.ruleRefs[r]--; m.s.ruleRefs[r] == 0 {
			delete(m.s.ruleRefs, r)
		}
	}
	for _, g := range old.Groups {
		if m.s.groupRefs[g]--; m.s.groupRefs[g] > 0 {
			continue
		}
		delete(m.s.groupRefs, g)
		for r := range m.s.ruleOf[g] {
			m.touchRule(r)
		}
	}
	m.s.subtract(old.digest())
	delete(m.s.Signatures, id)
}

func (m *merge) putRule(r CompiledRule) {
	m.dropRule(r.ID)
	m.touchRule(r.ID)
	m.s.Rules[r.ID] = r
	for _, g := range r.Groups {
		if m.s.ruleOf[g] == nil {
			m.s.ruleOf[g] = map[RuleID]struct{}{}
		}
		m.s.ruleOf[g][r.ID] = struct{}{}
	}
	m.s.add(r.digest())
}

func (m *merge) dropRule(id RuleID) {
	old, had := m.s.Rules[id]
	if !had {
		return
	}
	m.touchRule(id)
	for _, g := range old.Groups {
		if delete(m.s.ruleOf[g], id); len(m.s.ruleOf[g]) == 0 {
			delete(m.s.ruleOf, g)
		}
	}
	m.s.subtract(old.digest())
	delete(m.s.Rules, id)
}

// RulesOf is every rule that applies to who has the signature, sorted.
func (s *State) RulesOf(g Signature) (ids []RuleID) {
	for _, id := range g.Rules {
		if _, there := s.Rules[id]; there {
			ids = append(ids, id)
		}
	}
	for _, group := range append([]GroupID{Everyone}, g.Groups...) {
		for id := range s.ruleOf[group] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// collect removes the signatures that no entry names any more, then the rules that apply to nobody.
func (m *merge) collect() {
	for id := range m.sigs {
		if m.s.sigRefs[id] <= 0 {
			delete(m.s.sigRefs, id)
			m.removeSignature(id)
		}
	}
	for id := range m.rules {
		if m.s.ruleRefs[id] == 0 && !m.s.AppliesTo(m.s.Rules[id].Groups) {
			m.dropRule(id)
		}
	}
}

func (m *merge) touchEntry(k EntryKey) {
	if _, seen := m.entries[k]; !seen {
		m.entries[k] = lookup(m.s.Entries, k)
	}
}

func (m *merge) touchSignature(id SignatureID) {
	if _, seen := m.sigs[id]; !seen {
		m.sigs[id] = lookup(m.s.Signatures, id)
	}
}

func (m *merge) touchRule(id RuleID) {
	if _, seen := m.rules[id]; !seen {
		m.rules[id] = lookup(m.s.Rules, id)
	}
}

func lookup[K comparable, V any](in map[K]V, k K) *V {
	if v, ok := in[k]; ok {
		return &v
	}
	return nil
}

func (m *merge) delta() Delta {
	var d Delta
	for k, old := range m.entries {
		if now := lookup(m.s.Entries, k); differs(old, now, Entry.digest) {
			d.Entries = append(d.Entries, EntryDelta{old, now})
		}
	}
	for id, old := range m.sigs {
		if now := lookup(m.s.Signatures, id); differs(old, now, Signature.digest) {
			d.Signatures = append(d.Signatures, SignatureDelta{old, now})
		}
	}
	for id, old := range m.rules {
		if now := lookup(m.s.Rules, id); differs(old, now, CompiledRule.digest) {
			d.Rules = append(d.Rules, RuleDelta{old, now})
		}
	}
	return d
}

func differs[T any](old, now *T, digest func(T) [32]byte) bool {
	if old == nil || now == nil {
		return old != now
	}
	return digest(*old) != digest(*now)
}

func (s *State) add(d [32]byte) {
	for i := range s.sum {
		s.sum[i] += binary.BigEndian.Uint64(d[i*8:])
	}
}

func (s *State) subtract(d [32]byte) {
	for i := range s.sum {
		s.sum[i] -= binary.BigEndian.Uint64(d[i*8:])
	}
}

func (e Entry) digest() [32]byte {
	b := make([]byte, 0, 256)
	b = appendField(b, "entry", string(e.Profile), string(e.Device))
	b = append(b, e.PublicKey[:]...)
	b = appendField(b, e.V4.String(), e.V6.String(), string(e.Signature), string(e.Level))
	b = binary.BigEndian.AppendUint64(b, uint64(e.NotAfter.UnixNano()))
	if e.Idle > 0 {
		b = binary.BigEndian.AppendUint64(b, uint64(e.Idle))
	}
	if e.LetIn > 0 {
		b = binary.BigEndian.AppendUint64(append(b, 'n'), e.LetIn)
	}
	if !e.FactorAt.IsZero() {
		b = binary.BigEndian.AppendUint64(append(b, 'f'), uint64(e.FactorAt.UnixNano()))
	}
	b = binary.BigEndian.AppendUint64(b, e.Revision)
	if !e.Cert.IsZero() {
		b = append(b, e.Cert[:]...)
	}
	return sha256.Sum256(b)
}

func (g Signature) digest() [32]byte {
	b := appendField(nil, "sig", string(g.ID))
	for _, r := range g.Rules {
		b = appendField(b, string(r))
	}
	for _, id := range g.Groups {
		b = appendField(b, "group", string(id))
	}
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, g.Revision))
}

func (r CompiledRule) digest() [32]byte {
	b := appendField(nil, "rule", string(r.ID), string(r.Action))
	for _, d := range r.Destinations {
		b = appendField(b, d.Prefix.String(), string(d.Transport))
		b = binary.BigEndian.AppendUint16(b, d.Ports.First)
		b = binary.BigEndian.AppendUint16(b, d.Ports.Last)
	}
	for _, g := range r.Groups {
		b = appendField(b, "group", string(g))
	}
	b = r.Conditions.append(b)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, r.Revision))
}

// append adds the conditions to what a digest is of. A rule without any adds nothing.
func (c Conditions) append(b []byte) []byte {
	if c.IsZero() {
		return b
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("portal: conditions cannot be written: %v", err)) // our own type: a bug, not an input
	}
	return appendField(b, "if", string(text))
}

// appendField appends each text with its length before it, so that no two lists of texts give the same bytes.
func appendField(b []byte, texts ...string) []byte {
	for _, t := range texts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(t)))
		b = append(b, t...)
	}
	return b
}

// equal does not look at OpenVPN.
func (n Node) equal(o Node) bool {
	return n.Gateway == o.Gateway && n.PoP == o.PoP && n.Port == o.Port && n.MTU == o.MTU && n.Masquerade == o.Masquerade && n.Grace == o.Grace &&
		slices.Equal(n.Pools, o.Pools) && slices.Equal(n.Networks, o.Networks) && slices.Equal(n.Quarantine, o.Quarantine) &&
		slices.Equal(n.FilteringDNS, o.FilteringDNS) && n.Portal == o.Portal
}
