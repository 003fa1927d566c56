package portal

import (
	"net/netip"
	"slices"
	"time"
)

// Conditions say when a rule counts. All that are set must hold; the zero value always does. Gateways judge them by their own clock and
// by what they see of the client, so that they hold also where no portal can be reached.
type Conditions struct {
	Windows      []Window       `json:"windows,omitempty"`   // one of them must be open; empty: at any time
	Sources      []netip.Prefix `json:"sources,omitempty"`   // the client's outer address is in one of them, or in one of Countries
	Countries    []string       `json:"countries,omitempty"` // ISO 3166-1 alpha-2, upper case
	ValidFrom    time.Time      `json:"from,omitzero"`       // from then on
	ValidUntil   time.Time      `json:"until,omitzero"`      // until just before then
	FactorWithin time.Duration  `json:"factor,omitempty"`    // the last second factor is younger; whole seconds; allow rules only
	Level        Level          `json:"level,omitempty"`     // of the grant, at least; "": full. Deny rules hold at every level
}

// IsZero reports whether the rule always counts, for grants at level full.
func (c Conditions) IsZero() bool { return !c.OfTime() && !c.OfClient() && c.Level == "" }

// InTime reports whether the conditions on time hold at now, before an action that the rule would have: what cannot be judged (a zone that
// this machine does not know) is never in time for an allow, and always for a deny.
func (c Conditions) InTime(now time.Time, action Action) bool {
	if !c.ValidFrom.IsZero() && now.Before(c.ValidFrom) || !c.ValidUntil.IsZero() && !now.Before(c.ValidUntil) {
		return false
	}
	if len(c.Windows) == 0 {
		return true
	}
	return slices.ContainsFunc(c.Windows, func(w Window) bool {
		open, known := w.OpenAt(now)
		return open && known || !known && action != Allow
	})
}

// NextTime is when InTime may change next, the zero time when it never will. It may name a moment at which nothing changes.
func (c Conditions) NextTime(now time.Time) time.Time {
	var next time.Time
	sooner := func(t time.Time) {
		if t.After(now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	sooner(c.ValidFrom)
	sooner(c.ValidUntil)
	for _, w := range c.Windows {
		sooner(w.Next(now))
	}
	return next
}

// Origin is where a client's packets come from.
type Origin struct {
	Addr    netip.Addr // invalid: not known
	Country string     // "": not known
}

// FromOrigin reports whether the condition on the client's place holds. What cannot be judged fails an allow and meets a deny.
func (c Conditions) FromOrigin(o Origin, action Action) bool {
	if len(c.Sources) == 0 && len(c.Countries) == 0 {
		return true
	}
	if !o.Addr.IsValid() {
		return action != Allow
	}
	a := o.Addr.Unmap()
	if slices.ContainsFunc(c.Sources, func(p netip.Prefix) bool { return p.Contains(a) }) {
		return true
	}
	if len(c.Countries) == 0 {
		return false
	}
	if o.Country == "" {
		return action != Allow
	}
	return slices.Contains(c.Countries, o.Country)
}

// FactorFresh reports whether the condition on the second factor holds for one that was shown at proved.
func (c Conditions) FactorFresh(proved, now time.Time) bool {
	return c.FactorWithin == 0 || !proved.IsZero() && now.Before(proved.Add(c.FactorWithin))
}

// AtLevel reports whether a rule with this action counts for a grant at level. In quarantine no rule does.
func (c Conditions) AtLevel(level Level, action Action) bool {
	switch level {
	case LevelFull:
		return true
	case LevelRestricted:
		return action != Allow || c.Level == LevelRestricted
	default:
		return false
	}
}

// OfClient reports whether there are conditions that differ from client to client: on its place or its second factor.
func (c Conditions) OfClient() bool {
	return len(c.Sources) > 0 || len(c.Countries) > 0 || c.FactorWithin > 0
}

// OfTime reports whether there are conditions on time.
func (c Conditions) OfTime() bool {
	return len(c.Windows) > 0 || !c.ValidFrom.IsZero() || !c.ValidUntil.IsZero()
}
