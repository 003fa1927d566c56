package portal_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

func TestWindowFollowsTheClockOnTheWall(t *testing.T) {
	office := portal.Window{Days: []portal.Weekday{"mon", "fri"}, Start: 9 * 60, End: 19 * 60, Zone: "Asia/Seoul"}
	night := portal.Window{Days: []portal.Weekday{"sat"}, Start: 22 * 60, End: 6 * 60, Zone: "Europe/Berlin"}
	early := portal.Window{Start: 2 * 60, End: 3 * 60, Zone: "Europe/Berlin"}
	for _, c := range []struct {
		w    portal.Window
		at   string
		want bool
	}{
		{office, "2026-03-02T00:00:00Z", true}, // Monday 09:00 in Seoul
		{office, "2026-03-01T23:59:59Z", false},
		{office, "2026-03-02T10:00:00Z", false},
		{office, "2026-03-03T03:00:00Z", false},
		{night, "2026-03-28T21:30:00Z", true}, // Saturday 22:30
		{night, "2026-03-29T03:59:00Z", true}, // Sunday 05:59 after clocks went forward
		{night, "2026-03-29T04:00:00Z", false},
		{night, "2026-03-29T21:30:00Z", false},
		{early, "2026-03-29T00:59:00Z", false},
		{early, "2026-03-29T01:00:00Z", false}, // 03:00: the hour was skipped
		{early, "2026-10-25T00:30:00Z", true},  // 02:30 in summer time
		{early, "2026-10-25T01:30:00Z", true},  // 02:30 again
		{early, "2026-10-25T02:00:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if open, known := c.w.OpenAt(at); open != c.want || !known {
			t.Errorf("%v at %s: got %v %v, want %v", c.w, c.at, open, known, c.want)
		}
	}
}

// TestNextNeverSleepsThroughAChange looks at every minute of the weeks around both changes of clocks.
func TestNextNeverSleepsThroughAChange(t *testing.T) {
	for _, w := range []portal.Window{
		{Days: []portal.Weekday{"sun"}, Start: 60, End: 150, Zone: "Europe/Berlin"},
		{Days: []portal.Weekday{"sat"}, Start: 1380, End: 150, Zone: "America/New_York"},
		{Start: 0, End: portal.EndOfDay, Zone: "Australia/Lord_Howe"},
		{Days: []portal.Weekday{"mon"}, Start: 540, End: 1140, Zone: "Asia/Kathmandu"},
	} {
		for _, begin := range []time.Time{time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC)} {
			now := begin
			open, _ := w.OpenAt(now)
			next := w.Next(now)
			for now = now.Add(time.Minute); now.Before(begin.Add(9 * 24 * time.Hour)); now = now.Add(time.Minute) {
				if !now.Before(next) {
					open, _ = w.OpenAt(next)
					next = w.Next(next)
				}
				if really, _ := w.OpenAt(now); really != open {
					t.Fatalf("%v: at %s it is %v, and nobody was woken", w, now, really)
				}
			}
		}
	}
}

func TestWhatCannotBeJudgedFailsClosed(t *testing.T) {
	now := time.Now()
	for _, c := range []portal.Conditions{
		{Windows: []portal.Window{{Start: 0, End: portal.EndOfDay, Zone: "Mars/Olympus"}}},
	} {
		if c.InTime(now, portal.Allow) || !c.InTime(now, portal.Deny) {
			t.Errorf("%v in an unknown zone", c)
		}
	}
}

func TestDenyWinsAndMissesAreNamed(t *testing.T) {
	p := portal.Policy{
		Resources: []portal.Resource{
			{ID: "web", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Transport: portal.TCP, Ports: []portal.PortRange{{First: 80, Last: 443}}, Tags: []string{"prod"}},
			{ID: "git", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.2.0.2/32")}, Transport: portal.TCP},
		},
		Rules: []portal.Rule{
			{ID: "a", Action: portal.Allow, Groups: []portal.GroupID{"eng"}, Tags: []string{"prod"}},
			{ID: "b", Action: portal.Deny, People: []portal.UserID{"mina"}, Resources: []portal.ResourceID{"web"}},
			{ID: "c", Action: portal.Allow, Groups: []portal.GroupID{portal.Everyone}, Resources: []portal.ResourceID{"git"}, Conditions: portal.Conditions{ValidUntil: time.Now().Add(-time.Hour)}},
		},
	}
	q := portal.Question{User: "jun", Groups: []portal.GroupID{"eng"}, Circumstances: portal.Circumstances{Level: portal.LevelFull}, At: time.Now(), To: netip.MustParseAddr("10.1.0.2"), Transport: portal.TCP, Port: 80}
	if d := p.Decide(q); !d.Allowed {
		t.Errorf("jun: %v", d)
	}
	q.Port = 22
	if d := p.Decide(q); d.Allowed || d.Rules[0].Miss != portal.MissPort {
		t.Errorf("another port: %v", d)
	}
	q.Port, q.User = 80, "mina"
	if d := p.Decide(q); d.Allowed || len(d.Rules) != 2 {
		t.Errorf("mina: %v", d)
	}
	q.To = netip.MustParseAddr("10.2.0.2")
	if d := p.Decide(q); d.Allowed || d.Rules[0].Miss != portal.MissExpired {
		t.Errorf("git: %v", d)
	}
	q.User, q.Level, q.To = "jun", portal.LevelQuarantine, netip.MustParseAddr("10.1.0.2")
	if d := p.Decide(q); d.Allowed || d.Rules[0].Miss != portal.MissLevel {
		t.Errorf("quarantine: %v", d)
	}
}
