package portal

import "time"

// Dialect is the newest form in which a gateway can be told what to enforce. A gateway says which one it understands when it connects, and 0
// when it is from before there were any; the portal tells it nothing that it would enforce more openly than it is meant.
const Dialect = dialectLevels

// What came with each of them.
const (
	dialectLetIn  = 1 // conditions on time; Entry.LetIn
	dialectGroups = 2 // CompiledRule.Groups, Signature.Groups; who does not know them knows no rules
	dialectLevels = 3 // LevelRestricted; conditions on the device; Entry.FactorAt
)

// needs is the first dialect that can hold the conditions.
func (c Conditions) needs() int {
	switch {
	case c.Personal():
		return dialectLevels
	case !c.always():
		return dialectLetIn
	}
	return 0
}

// Withheld reports whether a gateway that understands only dialect must do without the rule as it is.
func (r CompiledRule) Withheld(dialect int) bool { return r.Conditions.needs() > dialect }

// For is the rule as a gateway that understands only dialect may have it: where it would overlook a condition, an allow leads nowhere and a
// deny always holds.
func (r CompiledRule) For(dialect int) CompiledRule {
	if dialect < dialectGroups {
		r.Groups = nil
	}
	if dialect < dialectLevels {
		r.Conditions.Level = "" // it has nobody at that level
	}
	if !r.Withheld(dialect) {
		return r
	}
	if r.Action == Allow {
		r.Destinations = nil
	}
	r.Conditions = Conditions{}
	return r
}

// For is the entry as a gateway that understands only dialect may have it: what it knows, so that both ends have the same hash, and at
// quarantine where it does not know the level.
func (e Entry) For(dialect int) Entry {
	if dialect < dialectGroups {
		e.Level = LevelQuarantine
	}
	if dialect < dialectLetIn {
		e.LetIn = 0
	}
	if dialect < dialectLevels {
		e.FactorAt = time.Time{}
		if e.Level == LevelRestricted {
			e.Level = LevelQuarantine
		}
	}
	return e
}

// For is the signature as a gateway that understands only dialect may have it.
func (g Signature) For(dialect int) Signature {
	if dialect < dialectGroups {
		g.Groups = nil
	}
	return g
}
