package posture

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

func check(t testing.TB, id, text string, change ...func(*Check)) Check {
	c := Check{ID: CheckID(id), Name: id, Rule: rule(t, text), Severity: Block, Unknown: UnknownFails}
	for _, f := range change {
		f(&c)
	}
	return c
}

func said(at time.Time, values map[string]Value) Facts {
	facts := Facts{}
	for name, v := range values {
		facts[name] = Fact{Name: name, Value: v, Source: FromProgram, At: at}
	}
	return facts
}

func plan(checks ...Check) *Plan {
	return Policy{Checks: checks, Settle: DefaultSettle, Silence: DefaultSilence}.Plan()
}

func laptop(facts Facts) Subject {
	return Subject{Device: "d", User: "u", Platform: portal.Linux, Created: noon.Add(-48 * time.Hour), Facts: facts}
}

func one(t *testing.T, v Verdict) Result {
	t.Helper()
	if len(v.Results) != 1 {
		t.Fatalf("got %d results, want 1: %+v", len(v.Results), v.Results)
	}
	return v.Results[0]
}

func TestVerdicts(t *testing.T) {
	fresh := noon.Add(-time.Minute)
	plain := func(c *Check) {}
	for _, c := range []struct {
		name    string
		rule    string
		change  func(*Check)
		facts   Facts
		outcome Outcome
		reason  Reason
		effect  Severity
		next    time.Time
	}{
		{"passes until it is silent", "disk_encrypted", plain, said(fresh, map[string]Value{"disk_encrypted": Bool(true)}), Passes, "", "", fresh.Add(time.Hour)},
		{"fails", "disk_encrypted", plain, said(fresh, map[string]Value{"disk_encrypted": Bool(false)}), Fails, Differs, Block, fresh.Add(time.Hour)},
		{"risk restricts", "disk_encrypted", func(c *Check) { c.Severity = Risk }, said(fresh, map[string]Value{"disk_encrypted": Bool(false)}), Fails, Differs, Risk, fresh.Add(time.Hour)},
		{"only reports", "disk_encrypted", func(c *Check) { c.ReportOnly = true }, said(fresh, map[string]Value{"disk_encrypted": Bool(false)}), Fails, Differs, "", fresh.Add(time.Hour)},
		{"unknown fails where policy says so", "disk_encrypted", plain, Facts{"disk_encrypted": {Name: "disk_encrypted", Why: "needs root", At: fresh}}, Fails, IsBlank, Block, fresh.Add(time.Hour)},
		{"unknown warns", "disk_encrypted", func(c *Check) { c.Unknown = UnknownWarns }, Facts{"disk_encrypted": {Why: "needs root", At: fresh}}, Fails, IsBlank, Warn, fresh.Add(time.Hour)},
		{"unknown passes", "disk_encrypted", func(c *Check) { c.Unknown = UnknownPasses }, Facts{"disk_encrypted": {Why: "needs root", At: fresh}}, Passes, IsBlank, "", fresh.Add(time.Hour)},
		{"silent is not unknown", "disk_encrypted", func(c *Check) { c.Unknown = UnknownPasses }, said(noon.Add(-time.Hour), map[string]Value{"disk_encrypted": Bool(true)}), Fails, Silent, Block, time.Time{}},
		{"never said", "disk_encrypted", plain, nil, Fails, Never, Block, time.Time{}},
		{"a new check waits for the first report", "disk_encrypted", func(c *Check) { c.ChangedAt = noon.Add(-time.Hour) }, nil, Waiting, Never, "", noon.Add(23 * time.Hour)},
		{"grace", "disk_encrypted", func(c *Check) { c.Grace = 2 * time.Hour }, said(noon, map[string]Value{"disk_encrypted": Bool(false)}), Grace, Differs, "", noon.Add(time.Hour)},
		{"of another kind", "disk_encrypted", plain, said(fresh, map[string]Value{"disk_encrypted": Text("yes")}), Fails, Odd, Block, fresh.Add(time.Hour)},
		{"another distribution", "Ubuntu >= 22.04", plain, said(fresh, map[string]Value{"os": Text("fedora"), "os_version": Text("12")}), Passes, Another, "", time.Time{}},
		{"the same distribution", "Ubuntu >= 22.04", plain, said(fresh, map[string]Value{"os": Text("ubuntu"), "os_version": Text("20.04")}), Fails, Differs, Block, fresh.Add(time.Hour)},
		{
			"what was pushed expires by itself", "edr_on", plain,
			Facts{"edr_on": {Value: Bool(true), Source: FromManagement, At: noon.Add(-9 * time.Hour), Expires: noon.Add(time.Second)}},
			Passes, "", "", noon.Add(time.Second),
		},
		{
			"and then it fails", "edr_on", plain,
			Facts{"edr_on": {Value: Bool(true), Source: FromManagement, At: noon.Add(-9 * time.Hour), Expires: noon}},
			Fails, Expired, Block,
			time.Time{},
		},
	} {
		v := plan(check(t, "a", c.rule, c.change)).Judge(laptop(c.facts), noon)
		r := one(t, v)
		if r.Outcome != c.outcome || r.Reason != c.reason || v.Effect != c.effect || !v.Next.Equal(c.next) {
			t.Errorf("%s: got %s (%s), effect %q, next %v, want %s (%s), %q, %v", c.name, r.Outcome, r.Reason, v.Effect, v.Next, c.outcome, c.reason, c.effect, c.next)
		}
	}
}

func TestPhonesAreNotShutOutForWhatTheyCannotSay(t *testing.T) {
	p := plan(check(t, "a", "disk_encrypted"), check(t, "b", "macOS >= 14"), check(t, "c", "edr_on"))
	phone := laptop(nil)
	phone.Platform = portal.IOS
	v := p.Judge(phone, noon)
	if r := one(t, v); r.Check.ID != "c" || v.Effect != Block {
		t.Errorf("got %+v, want only the check whose fact can be pushed", v)
	}
}

func TestGraceRunsFromTheFirstFailureAndAgainAfterItPassed(t *testing.T) {
	p := plan(check(t, "a", "disk_encrypted", func(c *Check) { c.Grace = 3 * time.Hour }))
	s := laptop(said(noon, map[string]Value{"disk_encrypted": Bool(false)}))
	first := p.Judge(s, noon)
	s.Failing = first.Failing
	s.Facts = said(noon.Add(3*time.Hour), map[string]Value{"disk_encrypted": Bool(false)})
	late := p.Judge(s, noon.Add(3*time.Hour))
	if one(t, first).Outcome != Grace || late.Effect != Block || !one(t, late).Since.Equal(noon) {
		t.Errorf("got %s, then %q since %v, want grace and then block since noon", one(t, first).Outcome, late.Effect, one(t, late).Since)
	}
	s.Facts = said(noon.Add(4*time.Hour), map[string]Value{"disk_encrypted": Bool(true)})
	if good := p.Judge(s, noon.Add(4*time.Hour)); good.Effect != "" || len(good.Failing) != 0 {
		t.Errorf("got %+v after it was put right, want nothing left", good)
	}
}

func TestExceptionsEndByThemselves(t *testing.T) {
	policy := Policy{
		Checks: []Check{check(t, "a", "disk_encrypted"), check(t, "b", "firewall_on")}, Settle: DefaultSettle, Silence: DefaultSilence,
		Exceptions: []Exception{{Check: "a", Device: "d", Until: noon.Add(time.Hour), Reason: "r"}, {User: "u", Until: noon.Add(time.Minute), Reason: "r"}, {User: "other", Until: noon.Add(time.Hour)}},
	}
	s := laptop(said(noon, map[string]Value{"disk_encrypted": Bool(false), "firewall_on": Bool(false)}))
	v := policy.Plan().Judge(s, noon)
	if v.Effect != "" || v.Results[0].Outcome != Excepted || !v.Results[0].Until.Equal(noon.Add(time.Hour)) || !v.Next.Equal(noon.Add(time.Minute)) {
		t.Errorf("got %+v, want both excepted, and another look in a minute", v)
	}
	if v := policy.Plan().Judge(s, noon.Add(time.Minute)); v.Effect != Block || v.Results[0].Outcome != Excepted {
		t.Errorf("got %+v, want the second check to count", v)
	}
}

func TestReportOnlyCountsWhoWouldBeHit(t *testing.T) {
	v := plan(check(t, "a", "disk_encrypted", func(c *Check) { c.ReportOnly = true })).Judge(laptop(said(noon, map[string]Value{"disk_encrypted": Bool(false)})), noon)
	if v.Effect != "" || v.Would != Block || v.Level() != portal.LevelFull {
		t.Errorf("got effect %q, would %q, want none and block", v.Effect, v.Would)
	}
}

func TestManagementIsBelievedBeforeTheProgram(t *testing.T) {
	at := func(src Source, v Value, when, ends time.Time) Fact {
		return Fact{Name: "disk_encrypted", Value: v, Source: src, At: when, Expires: ends}
	}
	program := at(FromProgram, Bool(true), noon, time.Time{})
	for name, c := range map[string]struct {
		other Fact
		want  bool
	}{
		"its word counts":         {at(FromManagement, Bool(false), noon.Add(-time.Hour), noon.Add(time.Hour)), false},
		"but not when it is over": {at(FromManagement, Bool(false), noon.Add(-time.Hour), noon), true},
		"nor when it knows not":   {at(FromManagement, Value{}, noon, noon.Add(time.Hour)), true},
	} {
		for _, facts := range [][]Fact{{program, c.other}, {c.other, program}} {
			if got := Choose(facts, noon)["disk_encrypted"].Value; got != Bool(c.want) {
				t.Errorf("%s: got %s, want %v", name, got, c.want)
			}
		}
	}
}

func TestAgesTurnByThemselves(t *testing.T) {
	p := plan(check(t, "a", "last_update <= 14d"))
	s := laptop(said(noon, map[string]Value{"last_update": Time(noon.Add(-14*24*time.Hour + time.Minute))}))
	v := p.Judge(s, noon)
	if v.Effect != "" || !v.Next.Equal(noon.Add(time.Minute)) {
		t.Fatalf("got %q until %v, want a pass for a minute", v.Effect, v.Next)
	}
	if v := p.Judge(s, noon.Add(61*time.Second)); v.Effect != Block {
		t.Errorf("got %q a second after, want block", v.Effect)
	}
}

// fleet is n devices and a policy of twenty checks, a tenth of which fail.
func fleet(t testing.TB, n int) (*Plan, []Subject) {
	texts := []string{
		"disk_encrypted", "firewall_on", "secure_boot", "tpm", "screen_lock", "antivirus_on", "auto_updates", "os in ubuntu, debian, fedora", "Ubuntu >= 22.04",
		"kernel >= 6.1", "last_update <= 30d", "security_updates <= 0", "uptime < 60d", "process:falcon-sensor", "file:/etc/agent.conf", "os_version >= 12",
		"clock_skew <= 5m", "edr_score >= 80", "edr_version >= 7.10", "reboot_needed = no",
	}
	checks := make([]Check, len(texts))
	for i, s := range texts {
		checks[i] = check(t, fmt.Sprint(i), s)
	}
	values := map[string]Value{
		"disk_encrypted": Bool(true), "firewall_on": Bool(true), "secure_boot": Bool(true), "tpm": Bool(true), "screen_lock": Bool(true), "antivirus_on": Bool(true),
		"auto_updates": Bool(true), "os": Text("ubuntu"), "kernel": Text("6.8.0-45-generic"), "last_update": Time(noon.Add(-24 * time.Hour)),
		"security_updates": Number(0), "uptime": Number(5000), "process:falcon-sensor": Bool(true), "file:/etc/agent.conf": Bool(true), "os_version": Text("24.04"),
		"clock_skew": Number(1), "edr_score": Number(90), "edr_version": Text("7.11"), "reboot_needed": Bool(false),
	}
	good := said(noon, values)
	values["disk_encrypted"] = Bool(false)
	bad := said(noon, values)
	subjects := make([]Subject, n)
	for i := range subjects {
		subjects[i] = laptop(good)
		if i%10 == 0 {
			subjects[i] = laptop(bad)
		}
		subjects[i].Device = portal.DeviceID(fmt.Sprint(i))
	}
	return plan(checks...), subjects
}

func BenchmarkJudge50000DevicesBy20Checks(b *testing.B) {
	p, subjects := fleet(b, 50_000)
	for b.Loop() {
		failed := 0
		for _, s := range subjects {
			if p.Judge(s, noon).Effect != "" {
				failed++
			}
		}
		if failed != 5000 {
			b.Fatalf("%d failed, want 5000", failed)
		}
	}
}
