package gateway

import (
	"github.com/sallyport/sallyport/portal"
)

// deltaSum adds deltas that follow each other: of each object the first Old and the last New remain.
type deltaSum struct {
	parts []portal.Delta
}

func (s *deltaSum) add(d portal.Delta) {
	if !d.Empty() {
		s.parts = append(s.parts, d)
	}
}

func (s *deltaSum) delta() portal.Delta {
	switch len(s.parts) {
	case 0:
		return portal.Delta{}
	case 1:
		return s.parts[0]
	}
	entries := map[portal.EntryKey]portal.EntryDelta{}
	sigs := map[portal.SignatureID]portal.SignatureDelta{}
	rules := map[portal.RuleID]portal.RuleDelta{}
	var sum portal.Delta
	for _, d := range s.parts {
		sum.Node, sum.OpenVPN = sum.Node || d.Node, sum.OpenVPN || d.OpenVPN
		for _, e := range d.Entries {
			k := either(e.Old, e.New).EntryKey
			if before, ok := entries[k]; ok {
				e.Old = before.Old
			}
			entries[k] = e
		}
		for _, g := range d.Signatures {
			k := either(g.Old, g.New).ID
			if before, ok := sigs[k]; ok {
				g.Old = before.Old
			}
			sigs[k] = g
		}
		for _, r := range d.Rules {
			k := either(r.Old, r.New).ID
			if before, ok := rules[k]; ok {
				r.Old = before.Old
			}
			rules[k] = r
		}
	}
	for _, e := range entries {
		if e.Old != nil || e.New != nil {
			sum.Entries = append(sum.Entries, e)
		}
	}
	for _, g := range sigs {
		if g.Old != nil || g.New != nil {
			sum.Signatures = append(sum.Signatures, g)
		}
	}
	for _, r := range rules {
		if r.Old != nil || r.New != nil {
			sum.Rules = append(sum.Rules, r)
		}
	}
	return sum
}

func either[T any](x, y *T) *T {
	if x != nil {
		return x
	}
	return y
}
