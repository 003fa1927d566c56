package posture

import (
	"cmp"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Subject is a device to be judged.
type Subject struct {
	Device   portal.DeviceID
	User     portal.UserID
	Platform portal.Platform
	Created  time.Time
	Facts    Facts
	Failing  map[CheckID]time.Time // since when it fails what it fails, as the last verdict said
}

// Outcome is how a check ended for a device.
type Outcome string

// The outcomes.
const (
	Passes   Outcome = "passes"
	Fails    Outcome = "fails"
	Grace    Outcome = "grace"    // it fails, and that does nothing until Until
	Waiting  Outcome = "waiting"  // the device has not said anything yet, and may wait until Until
	Excepted Outcome = "excepted" // it would fail, and somebody decided otherwise until Until
)

// Reason is why a check does not simply pass.
type Reason string

// The reasons.
const (
	Differs Reason = "differs"       // the value is not what the check wants
	IsBlank Reason = "unknown"       // the device says that it does not know
	Odd     Reason = "odd"           // the value is of another kind than the check compares
	Silent  Reason = "silent"        // what it said last is too old
	Never   Reason = "never_said"    // it has never said anything about this
	Expired Reason = "expired"       // what a management system said has expired
	Another Reason = "other_systems" // only with Passes: the check is about another system
)

// Result is one check's outcome.
type Result struct {
	Check    *Check
	Outcome  Outcome
	Reason   Reason
	Seen     string    // the value, or why it is not known
	Severity Severity  // what it does now: "" while it does nothing
	Since    time.Time // since when it fails; zero when it does not
	Until    time.Time // for Grace, Waiting, Excepted
}

// Verdict is what policy says about a device at one time.
type Verdict struct {
	Results []Result // those that apply, in the order of the policy
	Effect  Severity // the worst of what counts; "" for none
	Would   Severity // the same with the checks that only report
	Failing map[CheckID]time.Time
	Next    time.Time // when it may be another one though nobody says anything; zero: never
}

// Level is what the device has left by this verdict.
func (v Verdict) Level() portal.Level { return v.Effect.Level() }

// Judge says what policy makes of a device at now. It is a pure function of its arguments.
func (p *Plan) Judge(s Subject, now time.Time) Verdict {
	checks := p.checks[s.Platform]
	v := Verdict{Results: make([]Result, len(checks))}
	byDevice, byUser := p.byDevice[s.Device], p.byUser[s.User]
	for i, c := range checks {
		r := &v.Results[i]
		r.Check = c
		r.Outcome, r.Reason, r.Seen = p.look(c, &s, now, &v)
		switch r.Outcome {
		case Fails:
			p.weigh(r, &s, byDevice, byUser, now, &v)
		case Waiting:
			r.Until = p.deadline(c, &s)
		default:
		}
		v.turns(r.Until, now)
	}
	return v
}

// turns notes that the verdict may change at t.
func (v *Verdict) turns(t, now time.Time) {
	if !t.IsZero() && t.After(now) && (v.Next.IsZero() || t.Before(v.Next)) {
		v.Next = t
	}
}

// deadline is until when a device may be without a word on a check.
func (p *Plan) deadline(c *Check, s *Subject) time.Time {
	from := s.Created
	if c.ChangedAt.After(from) {
		from = c.ChangedAt
	}
	return from.Add(p.policy.Settle)
}

// look compares a fact with the check.
func (p *Plan) look(c *Check, s *Subject, now time.Time, v *Verdict) (Outcome, Reason, string) {
	if c.Rule.OS != "" {
		if os := s.Facts["os"]; os.Known() && os.Value.text != c.Rule.OS {
			return Passes, Another, os.Value.text
		}
	}
	f, there := s.Facts[c.Rule.Fact]
	if !there {
		if now.Before(p.deadline(c, s)) {
			return Waiting, Never, ""
		}
		return Fails, Never, ""
	}
	if ends, reason := p.ends(f); !now.Before(ends) {
		return Fails, reason, f.Value.String()
	} else {
		v.turns(ends, now)
	}
	if !f.Known() {
		if c.Unknown == UnknownPasses {
			return Passes, IsBlank, f.Why
		}
		return Fails, IsBlank, f.Why
	}
	holds, ok, until := c.Rule.holds(f.Value, now)
	v.turns(until, now)
	switch {
	case !ok:
		return Fails, Odd, f.Value.String()
	case !holds:
		return Fails, Differs, f.Value.String()
	}
	return Passes, "", f.Value.String()
}

// ends is until when a fact is good: until its own end where it has one, else as long as a device may be silent.
func (p *Plan) ends(f Fact) (time.Time, Reason) {
	if !f.Expires.IsZero() {
		return f.Expires, Expired
	}
	return f.At.Add(p.policy.Silence), Silent
}

// weigh decides what a failed check does.
func (p *Plan) weigh(r *Result, s *Subject, byDevice, byUser []Exception, now time.Time, v *Verdict) {
	c := r.Check
	r.Since = s.Failing[c.ID]
	if r.Since.IsZero() || r.Since.After(now) {
		r.Since = now
	}
	if v.Failing == nil {
		v.Failing = map[CheckID]time.Time{}
	}
	v.Failing[c.ID] = r.Since
	if until := later(excepted(c.ID, byDevice, now), excepted(c.ID, byUser, now)); !until.IsZero() {
		r.Outcome, r.Until = Excepted, until
		return
	}
	if ends := r.Since.Add(c.Grace); now.Before(ends) {
		r.Outcome, r.Until = Grace, ends
		return
	}
	does := c.Severity
	if r.Reason == IsBlank && c.Unknown == UnknownWarns {
		does = Warn
	}
	v.Would = worse(v.Would, does)
	if !c.ReportOnly {
		r.Severity = does
		v.Effect = worse(v.Effect, does)
	}
}

// excepted is until when an exception holds for the check, zero when there is none.
func excepted(id CheckID, of []Exception, now time.Time) (until time.Time) {
	for _, e := range of {
		if (e.Check == "" || e.Check == id) && now.Before(e.Until) {
			until = later(until, e.Until)
		}
	}
	return until
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func worse(a, b Severity) Severity {
	if cmp.Less(a.rank(), b.rank()) {
		return b
	}
	return a
}
