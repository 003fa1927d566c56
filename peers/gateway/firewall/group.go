package firewall

import (
	"maps"
	"slices"

	"github.com/google/nftables/expr"

	"github.com/sallyport/sallyport/portal"
)

// side is half of the rules that are for a group. It has a chain of its own, which the chains of signatures with that group jump to, so a
// rule comes and goes with one chain, however many signatures there are. A side without rules has no chain, but for those of Everyone,
// which every signature jumps to.
type side struct {
	group portal.GroupID
	deny  bool
}

func (s side) chain() string {
	if s.deny {
		return "deny-" + safe(string(s.group))
	}
	return "allow-" + safe(string(s.group))
}

// sides is which rules are on which side.
type sides map[side]map[portal.RuleID]bool

func sidesOf(rules map[portal.RuleID]portal.CompiledRule) sides {
	s := sides{}
	for _, r := range rules {
		s.put(&r)
	}
	return s
}

func of(r *portal.CompiledRule) map[side]bool {
	all := map[side]bool{}
	if r != nil {
		for _, g := range r.Groups {
			all[side{g, r.Action != portal.Allow}] = true
		}
	}
	return all
}

func (s sides) put(r *portal.CompiledRule) {
	for x := range of(r) {
		if s[x] == nil {
			s[x] = map[portal.RuleID]bool{}
		}
		s[x][r.ID] = true
	}
}

// there reports whether the side has a chain.
func (s sides) there(x side) bool { return x.group == portal.Everyone || len(s[x]) > 0 }

// jumps are what is in the side's chain.
func (s sides) jumps(x side) []rule {
	var out []rule
	for _, id := range slices.Sorted(maps.Keys(s[x])) {
		out = append(out, to(expr.VerdictJump, ruleChain(id)))
	}
	return out
}

// chains are all that there are.
func (s sides) chains() []side {
	all := []side{{portal.Everyone, true}, {portal.Everyone, false}}
	for x := range s {
		if x.group != portal.Everyone && s.there(x) {
			all = append(all, x)
		}
	}
	return all
}

// ofSignature are the sides that a signature asks.
func (s sides) ofSignature(g portal.Signature, deny bool) []side {
	if g.Alone {
		return nil
	}
	all := []side{{portal.Everyone, deny}}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(g.Groups))) {
		if x := (side{id, deny}); id != portal.Everyone && s.there(x) {
			all = append(all, x)
		}
	}
	return all
}

// putSides writes the chains of the sides that have other rules after the change. It returns those that came and went.
func (f *Filter) putSides(changes []portal.RuleDelta) (came, gone map[side]bool, err error) {
	was := map[side]bool{}
	for _, c := range changes {
		before, after := of(c.Old), of(c.New)
		if maps.Equal(before, after) {
			continue
		}
		for _, touched := range []map[side]bool{before, after} {
			for x := range touched {
				if _, seen := was[x]; !seen {
					was[x] = f.sides.there(x)
				}
			}
		}
		for x := range before {
			if delete(f.sides[x], c.Old.ID); len(f.sides[x]) == 0 {
				delete(f.sides, x)
			}
		}
		f.sides.put(c.New)
	}
	came, gone = map[side]bool{}, map[side]bool{}
	for x, had := range was {
		switch is := f.sides.there(x); {
		case had && !is:
			gone[x] = true
			continue
		case !had && is:
			came[x] = true
			f.addChain(x.chain(), nil)
		case had:
			f.conn.FlushChain(f.chain(x.chain()))
		default:
			continue
		}
		if err := f.addRules(x.chain(), f.sides.jumps(x)); err != nil {
			return nil, nil, err
		}
	}
	return came, gone, nil
}

func (f *Filter) removeSides(gone map[side]bool) {
	for x := range gone {
		f.conn.FlushChain(f.chain(x.chain()))
		f.conn.DelChain(f.chain(x.chain()))
	}
}
