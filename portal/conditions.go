package portal

import (
	"net/netip"
	"slices"
	"time"
)

// Conditions say when a rule counts. All that are set must hold; the zero value always does at LevelFull. Gateways judge them by their own clock
// and by what they see of the device, so that they hold also where no portal can be reached.
type Conditions struct {
	Windows    []Window  `json:"windows,omitempty"` // one of them must be open; empty: at any time
	ValidFrom  time.Time `json:"from,omitzero"`     // from then on
	ValidUntil time.Time `json:"until,omitzero"`    // until just before then

	Sources   []netip.Prefix `json:"src,omitempty"`     // the client's own address is in one of them, or in one of Countries
	Countries []string       `json:"country,omitempty"` // ISO 3166-1 alpha-2, upper case
	Factor    time.Duration  `json:"factor,omitempty"`  // allow: the last second factor is younger than this; nanoseconds
	Level     Level          `json:"level,omitempty"`   // allow: the least that it counts at; "": LevelFull
}

// IsZero reports whether nothing is set.
func (c Conditions) IsZero() bool { return c.always() && c.Level == "" }

// always reports whether the conditions hold at any time, from anywhere and with any factor.
func (c Conditions) always() bool {
	return len(c.Windows) == 0 && c.ValidFrom.IsZero() && c.ValidUntil.IsZero() && !c.Personal()
}

// Personal reports whether it depends on the device, and not on the time alone, if the rule counts at LevelFull.
func (c Conditions) Personal() bool { return len(c.Sources)+len(c.Countries) > 0 || c.Factor > 0 }

// Circumstances are what a gateway knows of a device beside the time.
type Circumstances struct {
	Level    Level
	Source   netip.Addr // of the client, outside the tunnel; invalid: not seen
	Country  string     // of Source; "": not known
	FactorAt time.Time  // zero: never
}

// Met says which condition on the device does not hold at now, MissNone when all do. What is not known keeps an allow from counting and lets a
// deny count.
func (c Conditions) Met(who Circumstances, now time.Time, action Action) Miss {
	switch {
	case !who.Level.HasRules(), action == Allow && who.Level == LevelRestricted && c.Level != LevelRestricted:
		return MissLevel
	case !c.from(who, action):
		return MissSource
	case c.Factor > 0 && action == Allow && !now.Before(c.factorEnds(who)):
		return MissFactor
	}
	return MissNone
}

func (c Conditions) factorEnds(who Circumstances) time.Time {
	if who.FactorAt.IsZero() {
		return time.Time{}
	}
	return who.FactorAt.Add(c.Factor)
}

func (c Conditions) from(who Circumstances, action Action) bool {
	if len(c.Sources)+len(c.Countries) == 0 {
		return true
	}
	inside := slices.ContainsFunc(c.Sources, func(p netip.Prefix) bool { return p.Contains(who.Source.Unmap()) })
	if inside || who.Country != "" && slices.Contains(c.Countries, who.Country) {
		return true
	}
	known := who.Source.IsValid() && (len(c.Countries) == 0 || who.Country != "")
	return !known && action != Allow
}

// IsCountry reports whether a text has the form of a country's code: two capital letters.
func IsCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
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

// NextFor is when Met may change next by the time alone, the zero time when it never will.
func (c Conditions) NextFor(who Circumstances, now time.Time) time.Time {
	if ends := c.factorEnds(who); c.Factor > 0 && ends.After(now) {
		return ends
	}
	return time.Time{}
}
