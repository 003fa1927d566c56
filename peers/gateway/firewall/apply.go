package firewall

import (
	"context"
	"fmt"
	"maps"

	"github.com/sallyport/sallyport/portal"
)

// Apply carries out d in one transaction whose size follows d.
func (f *Filter) Apply(_ context.Context, want portal.Desired, d portal.Delta) error {
	if err := f.open(); err != nil {
		return err
	}
	if !f.adopted {
		return fmt.Errorf("table %s: not written yet", f.Table)
	}
	if err := f.gather(want, d); err != nil {
		f.drop()
		return err
	}
	if err := f.commit(); err != nil {
		return fmt.Errorf("change table %s: %w", f.Table, err)
	}
	return nil
}

// gather builds the transaction: what others point at comes first and goes last.
func (f *Filter) gather(want portal.Desired, d portal.Delta) error {
	reorder := map[portal.RuleID]bool{} // rules that changed sides between deny and allow
	for _, r := range d.Rules {
		if r.New == nil {
			continue
		}
		if err := f.putRule(r, want.Node); err != nil {
			return err
		}
		if r.Old == nil || r.Old.Action != r.New.Action {
			reorder[r.New.ID] = true
		}
	}
	came, gone, err := f.putSides(d.Rules)
	if err != nil {
		return err
	}
	turned := map[portal.GroupID]bool{}
	for _, all := range []map[side]bool{came, gone} {
		for x := range all {
			turned[x.group] = true
		}
	}
	if err := f.putSignatures(want, d, reorder, turned); err != nil {
		return err
	}
	if err := f.changeEntries(want, d); err != nil {
		return err
	}
	if err := f.removeSignatures(want, d); err != nil {
		return err
	}
	f.removeSides(gone)
	for _, r := range d.Rules {
		if r.New == nil {
			f.removeRule(*r.Old, want.Node)
		}
	}
	if !shrinks(d) {
		return nil
	}
	f.nextGeneration()
	return f.writeGeneration()
}

// shrinks reports whether somebody may have fewer rights after d. It says yes too often rather than too seldom: that costs each flow one
// more look.
func shrinks(d portal.Delta) bool {
	for _, r := range d.Rules {
		if r.Old != nil || r.New.Action != portal.Allow {
			return true
		}
	}
	for _, g := range d.Signatures {
		if g.Old != nil && g.New != nil {
			return true
		}
	}
	for _, e := range d.Entries {
		if e.Old == nil {
			continue
		}
		if e.New == nil || e.Old.V4 != e.New.V4 || e.Old.V6 != e.New.V6 || e.Old.Signature != e.New.Signature || e.Old.Level != e.New.Level {
			return true
		}
	}
	return false
}

// putRule writes a new rule, or changes one where it stands: signatures go on pointing at its chain.
func (f *Filter) putRule(r portal.RuleDelta, n portal.Node) error {
	name := ruleChain(r.New.ID)
	rules, sets := compileRule(*r.New, n)
	var before map[setKind][]box
	if r.Old == nil {
		f.addChain(name, nil)
	} else {
		_, before = compileRule(*r.Old, n)
		if r.Old.Action == r.New.Action && sameKeys(before, sets) {
			return f.changeBoxes(name, before, sets)
		}
		f.conn.FlushChain(f.chain(name))
		for k := range before {
			f.conn.DelSet(shapeOf(k).set(f.table(), name+k.suffix()))
		}
	}
	for k, boxes := range sets {
		if err := f.addSet(name+k.suffix(), shapeOf(k)); err != nil {
			return err
		}
		if err := f.addElements(shapeOf(k), name+k.suffix(), elemsOf(k, boxes)); err != nil {
			return err
		}
	}
	return f.addRules(name, rules)
}

func (f *Filter) changeBoxes(name string, before, after map[setKind][]box) error {
	for k := range after {
		gone, came := elemsOf(k, before[k]), elemsOf(k, after[k])
		for e := range gone {
			if has(came, e) {
				delete(gone, e)
				delete(came, e)
			}
		}
		if err := f.deleteElements(shapeOf(k), name+k.suffix(), gone); err != nil {
			return err
		}
		if err := f.addElements(shapeOf(k), name+k.suffix(), came); err != nil {
			return err
		}
	}
	return nil
}

func sameKeys(a, b map[setKind][]box) bool {
	return maps.EqualFunc(a, b, func(_, _ []box) bool { return true })
}

func (f *Filter) removeRule(r portal.CompiledRule, n portal.Node) {
	name := ruleChain(r.ID)
	_, sets := compileRule(r, n)
	f.conn.FlushChain(f.chain(name))
	f.conn.DelChain(f.chain(name))
	for k := range sets {
		f.conn.DelSet(shapeOf(k).set(f.table(), name+k.suffix()))
	}
}

// putSignatures writes the chains of new and changed signatures, and of those that hold a rule which is new to them or changed sides, or a
// group whose chains came or went.
func (f *Filter) putSignatures(want portal.Desired, d portal.Delta, reorder map[portal.RuleID]bool, turned map[portal.GroupID]bool) error {
	changed := map[portal.SignatureID]bool{}
	for _, g := range d.Signatures {
		if g.New == nil {
			continue
		}
		changed[g.New.ID] = true
		name := sigChain(g.New.ID)
		if g.Old != nil {
			f.conn.FlushChain(f.chain(name))
		} else {
			f.addChain(name, nil)
		}
		if err := f.addRules(name, f.signatureRules(*g.New, want.Rules)); err != nil {
			return err
		}
		if g.Old == nil {
			add := map[elem]string{numberKey(f.numbers.of(g.New.ID)): gotoValue(name)}
			if err := f.addElements(numberVerdict, mapSignatures, add); err != nil {
				return err
			}
		}
	}
	for _, r := range d.Rules {
		if r.New == nil {
			reorder[r.Old.ID] = true // its chain is about to go
		}
	}
	if len(reorder)+len(turned) == 0 {
		return nil
	}
	for id, g := range want.Signatures {
		if changed[id] || !containsAny(g.Rules, reorder) && !containsAny(g.Groups, turned) {
			continue
		}
		f.conn.FlushChain(f.chain(sigChain(id)))
		if err := f.addRules(sigChain(id), f.signatureRules(g, want.Rules)); err != nil {
			return err
		}
	}
	return nil
}

func containsAny[T comparable](ids []T, in map[T]bool) bool {
	for _, id := range ids {
		if in[id] {
			return true
		}
	}
	return false
}

func (f *Filter) removeSignatures(want portal.Desired, d portal.Delta) error {
	for _, g := range d.Signatures {
		if g.New != nil {
			continue
		}
		name := sigChain(g.Old.ID)
		gone := map[elem]string{numberKey(f.numbers.of(g.Old.ID)): gotoValue(name)}
		if err := f.deleteElements(numberVerdict, mapSignatures, gone); err != nil {
			return err
		}
		f.conn.FlushChain(f.chain(name))
		f.conn.DelChain(f.chain(name))
		f.numbers.release(g.Old.ID)
	}
	return nil
}

// changeEntries moves addresses to other numbers. Old ones go before new ones come, so an address may change hands in one transaction.
func (f *Filter) changeEntries(want portal.Desired, d portal.Delta) error {
	gone, came := map[bool]map[elem]string{false: {}, true: {}}, map[bool]map[elem]string{false: {}, true: {}}
	for _, e := range d.Entries {
		if e.Old != nil {
			for _, a := range addresses(*e.Old) {
				gone[a.Is6()][elem{first: string(a.AsSlice())}] = string(number(f.numberBefore(*e.Old)))
			}
		}
	}
	for _, e := range d.Entries {
		if e.New == nil {
			continue
		}
		n := string(number(f.numberOf(*e.New, e.New.Level, want)))
		for _, a := range addresses(*e.New) {
			k := elem{first: string(a.AsSlice())}
			if gone[a.Is6()][k] == n {
				delete(gone[a.Is6()], k)
				continue
			}
			came[a.Is6()][k] = n
		}
	}
	for v6, s := range map[bool]shape{false: addrNumber4, true: addrNumber6} {
		if err := f.deleteElements(s, entriesName(v6), gone[v6]); err != nil {
			return err
		}
		if err := f.addElements(s, entriesName(v6), came[v6]); err != nil {
			return err
		}
	}
	return nil
}

// numberBefore is the number that an entry's addresses have in the table now; signatures that go keep theirs until the end.
func (f *Filter) numberBefore(e portal.Entry) uint32 {
	if n, there := f.numbers.by[e.Signature]; there && (e.Level == portal.LevelFull || e.Level == portal.LevelRestricted) {
		return n
	}
	return quarantined
}
