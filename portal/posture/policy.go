package posture

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Severity is what a failed check does.
type Severity string

// The severities, from least to most.
const (
	Warn  Severity = "warn"  // it is shown
	Risk  Severity = "risk"  // the device is restricted
	Block Severity = "block" // the device is in quarantine
)

// Level is what a device has left, whatever else its grant says. "" and Warn leave everything.
func (s Severity) Level() portal.Level {
	switch s {
	case Block:
		return portal.LevelQuarantine
	case Risk:
		return portal.LevelRestricted
	default:
		return portal.LevelFull
	}
}

func (s Severity) rank() int { return slices.Index([]Severity{"", Warn, Risk, Block}, s) }

// Unknown is what a fact counts as that a device has reported as unknown.
type Unknown string

// The ways to count it.
const (
	UnknownFails  Unknown = "fail"
	UnknownWarns  Unknown = "warn" // it is shown as failed, and does nothing
	UnknownPasses Unknown = "pass"
)

// CheckID names a check.
type CheckID string

// Check is one thing that policy asks of devices.
type Check struct {
	ID         CheckID
	Name       string
	Rule       Rule
	Platforms  []portal.Platform // empty: every platform where the fact can be had
	Severity   Severity
	Unknown    Unknown
	Grace      time.Duration // from when it fails first until that does anything
	ReportOnly bool          // it is judged and shown to admins, and does nothing
	Help       string        // what the admin says about how to fix it; may be empty
	ChangedAt  time.Time     // since when devices are asked
}

// ExceptionID names an exception.
type ExceptionID string

// Exception lets a person or a device be in spite of a check, or of all of them.
type Exception struct {
	ID     ExceptionID
	Check  CheckID // "": every check
	User   portal.UserID
	Device portal.DeviceID // one of both is set
	Until  time.Time
	Reason string
	By     portal.UserID
	At     time.Time // when it was made
}

// Policy is everything that devices are judged by.
type Policy struct {
	Checks     []Check
	Exceptions []Exception
	Settle     time.Duration // how long a new device, or a device under a new check, has until its first report
	Silence    time.Duration // how long what a device last said is good for
}

// Bounds of a policy.
const (
	MaxChecks     = 100
	MaxExceptions = 1000
	MinSilence    = 10 * time.Minute // two reports
	MaxSilence    = 30 * 24 * time.Hour
	MaxGrace      = 90 * 24 * time.Hour
)

// Defaults of a policy that nobody has set.
const (
	DefaultSettle  = 24 * time.Hour
	DefaultSilence = time.Hour
)

// Plan is a policy that is ready to judge by. It is not changed by judging, so many may use it at a time.
type Plan struct {
	policy   Policy
	checks   map[portal.Platform][]*Check // that apply there
	byDevice map[portal.DeviceID][]Exception
	byUser   map[portal.UserID][]Exception
}

// Plan prepares a policy. Rules are parsed already, so there is nothing that could be wrong.
func (p Policy) Plan() *Plan {
	p.Checks = slices.Clone(p.Checks)
	plan := &Plan{policy: p, checks: map[portal.Platform][]*Check{}, byDevice: map[portal.DeviceID][]Exception{}, byUser: map[portal.UserID][]Exception{}}
	for _, on := range platforms {
		for i := range p.Checks {
			if p.Checks[i].Applies(on) {
				plan.checks[on] = append(plan.checks[on], &p.Checks[i])
			}
		}
	}
	for _, e := range p.Exceptions {
		if e.Device != "" {
			plan.byDevice[e.Device] = append(plan.byDevice[e.Device], e)
		} else {
			plan.byUser[e.User] = append(plan.byUser[e.User], e)
		}
	}
	return plan
}

// Uses reports whether a check reads the fact: others are not kept.
func (p *Plan) Uses(name string) bool { return slices.Contains(p.Wants(""), name) }

// Wants returns the facts that checks read, sorted: on one platform those that the program there can report, for "" all.
func (p *Plan) Wants(on portal.Platform) []string {
	names := []string{}
	for _, c := range p.policy.Checks {
		if on != "" && (c.Rule.On != "" && c.Rule.On != on || !Reported(c.Rule.Fact, on) || len(c.Platforms) > 0 && !slices.Contains(c.Platforms, on)) {
			continue
		}
		names = append(names, c.Rule.Fact)
		if c.Rule.OS != "" {
			names = append(names, "os")
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Empty reports whether nothing is asked of anybody.
func (p *Plan) Empty() bool { return len(p.policy.Checks) == 0 }

// Policy returns what the plan was made of.
func (p *Plan) Policy() Policy { return p.policy }

// Applies reports whether a check concerns devices of the platform. A check that names no platform concerns those where its fact can be
// had from the device itself, so a phone is never shut out for what it has no way to say. One that names a phone's platform says that a
// management system tells the fact.
func (c *Check) Applies(on portal.Platform) bool {
	switch {
	case c.Rule.On != "" && c.Rule.On != on:
		return false
	case len(c.Platforms) > 0:
		return slices.Contains(c.Platforms, on)
	}
	known := lookUp(c.Rule.Fact)
	return known.Type == Custom || slices.Contains(known.Platforms, on)
}

// Errors of checks.
var errSeverity = errors.New("the severity is warn, risk or block")

// Validate returns what is wrong with a check, by field of the API's body.
func (c Check) Validate() (fields []portal.Field) {
	wrong := func(path, code, msg string) { fields = append(fields, portal.Field{Path: path, Code: code, Msg: msg}) }
	if c.Severity.rank() < 1 {
		wrong("/severity", "not_allowed", errSeverity.Error()+".")
	}
	if !slices.Contains([]Unknown{UnknownFails, UnknownWarns, UnknownPasses}, c.Unknown) {
		wrong("/unknown", "not_allowed", "What is unknown counts as fail, warn or pass.")
	}
	if c.Grace < 0 || c.Grace > MaxGrace {
		wrong("/graceSeconds", "out_of_range", fmt.Sprintf("The grace is between 0 and %d seconds.", MaxGrace/time.Second))
	}
	for _, p := range c.Platforms {
		if c.Rule.On != "" && p != c.Rule.On {
			wrong("/platforms", "not_allowed", fmt.Sprintf("The rule is about %s.", c.Rule.On))
			break
		}
	}
	return fields
}
