package portal

import (
	"slices"
	"time"
)

// Level is how much of its profile a grant gives.
type Level string

// The levels, from most to least. At LevelRestricted only those allow rules count that say so, every deny does, and names are looked up with
// the resolvers that filter alone (Node.FilteringDNS). Quarantine reaches only the portal and named remediation hosts. At LevelNone there is no
// tunnel. What is not known is quarantine.
const (
	LevelFull       Level = "full"
	LevelRestricted Level = "restricted"
	LevelQuarantine Level = "quarantine"
	LevelNone       Level = "none"
)

var levels = []Level{LevelNone, LevelQuarantine, LevelRestricted, LevelFull} // from least to most

// Known reports whether there is such a level.
func (l Level) Known() bool { return slices.Contains(levels, l) }

// HasRules reports whether rules count at the level.
func (l Level) HasRules() bool { return l == LevelFull || l == LevelRestricted }

func (l Level) rank() int {
	if i := slices.Index(levels, l); i >= 0 {
		return i
	}
	return LevelQuarantine.rank()
}

// Below reports whether l gives less than o.
func (l Level) Below(o Level) bool { return l.rank() < o.rank() }

// Standing is all that the level of a device follows from.
type Standing struct {
	Grant    Level // that the grant gives
	NotAfter time.Time
	Idle     bool   // a gateway had no handshake for the profile's idle time
	Holds    []Hold // on the device and on its owner
}

// At is the level that holds at now: the lowest of what the grant gives, of every hold that is in force, and of quarantine when the session has
// ended or was idle for too long. by is the hold that it is due to, nil when it is due to none.
func (s Standing) At(now time.Time) (level Level, by *Hold) {
	level = s.Grant
	if !level.Known() {
		level = LevelQuarantine
	}
	if (s.Idle || !now.Before(s.NotAfter)) && LevelQuarantine.Below(level) {
		level = LevelQuarantine
	}
	for i, h := range s.Holds {
		if h.InForce(now) && h.Level.Below(level) {
			level, by = h.Level, &s.Holds[i]
		}
	}
	return level, by
}

// At is the level that holds at now, and the hold that it is due to.
func (g Grant) At(now time.Time) (Level, *Hold) {
	return Standing{Grant: g.Level, NotAfter: g.NotAfter, Holds: g.Holds}.At(now)
}

// Held is what the grant gives until its end, with the holds.
func (g Grant) Held() Level {
	level := g.Level
	if !level.Known() {
		level = LevelQuarantine
	}
	for _, h := range g.Holds {
		if h.Level.Below(level) {
			level = h.Level
		}
	}
	return level
}

// HoldSource is who or what holds somebody at a level.
type HoldSource string

// The sources. Each has at most one hold on a person and one on a device.
const (
	HoldByHand    HoldSource = "hand" // an admin
	HoldByPosture HoldSource = "posture"
)

// Hold keeps a device, or all devices of a person, at a level or below it until it is lifted or its time is over.
type Hold struct {
	Source    HoldSource `json:"source"`
	User      UserID     `json:"user,omitempty"`   // one of the two
	Device    DeviceID   `json:"device,omitempty"` //
	Level     Level      `json:"level"`
	Reason    string     `json:"reason"`
	Until     time.Time  `json:"until,omitzero"` // zero: until it is lifted
	By        UserID     `json:"by,omitempty"`   // "" for a machine
	CreatedAt time.Time  `json:"createdAt,omitzero"`
}

// InForce reports whether the hold counts at now.
func (h Hold) InForce(now time.Time) bool { return h.Until.IsZero() || now.Before(h.Until) }

// args are what a sentence about the hold needs.
func (h *Hold) args() []string {
	if h == nil {
		return []string{"reason", "", "by", ""}
	}
	return []string{"reason", h.Reason, "by", string(h.Source), "ends", momentText(h.Until)}
}

func momentText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
