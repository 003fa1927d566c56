package portal

import (
	"slices"
	"time"
)

// Conditions say when a rule counts. All that are set must hold; the zero value always does. Gateways judge them by their own clock, so
// that they hold also where no portal can be reached.
type Conditions struct {
	Windows    []Window  `json:"windows,omitempty"` // one of them must be open; empty: at any time
	ValidFrom  time.Time `json:"from,omitzero"`     // from then on
	ValidUntil time.Time `json:"until,omitzero"`    // until just before then
}

// IsZero reports whether the rule always counts.
func (c Conditions) IsZero() bool {
	return len(c.Windows) == 0 && c.ValidFrom.IsZero() && c.ValidUntil.IsZero()
}

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
