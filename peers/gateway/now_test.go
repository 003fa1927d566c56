package gateway_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

var somewhere = []portal.Destination{{Prefix: netip.MustParsePrefix("10.1.0.2/32"), Transport: portal.TCP}}

// skipped sets an agent's clock to a time, from where it runs on: bubbles begin in the year 2000.
func skipped(to time.Time) func(*gateway.Agent) {
	by := time.Until(to)
	return func(a *gateway.Agent) { a.Now = func() time.Time { return time.Now().Add(by) } }
}

// Rules with time windows open and close by the gateway's own clock with nobody to tell it, over midnight and when clocks change.
func TestRulesBeginAndEndByTheGatewaysOwnClock(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := portal.Window{Start: 23 * 60, End: 3 * 60, Zone: "Europe/Berlin", Days: []portal.Weekday{"sat"}}
	for _, c := range []struct {
		name  string
		from  time.Time // half an hour before the window opens
		hours time.Duration
	}{
		{"an ordinary night", time.Date(2026, 3, 21, 22, 30, 0, 0, berlin), 4},
		{"the night of which an hour is skipped", time.Date(2026, 3, 28, 22, 30, 0, 0, berlin), 3},
		{"the night of which an hour comes twice", time.Date(2026, 10, 24, 22, 30, 0, 0, berlin), 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, dir := newMachine(t), t.TempDir()
				clock := skipped(c.from)
				a, stop := run(t, m, dir, clock)
				end := c.from.Add(30*time.Minute + c.hours*time.Hour)
				conditional := portal.CompiledRule{ID: "web", Action: portal.Allow, Destinations: somewhere, Conditions: portal.Conditions{Windows: []portal.Window{night}}}
				denied := conditional
				denied.ID, denied.Action = "not", portal.Deny
				e := entry(1)
				e.NotAfter = end.Add(time.Hour)
				mustApply(t, a, portal.Change{
					Revision: 1, Full: true, Node: &node, Entries: []portal.Entry{e}, Signatures: []portal.Signature{{ID: "sig", Rules: []portal.RuleID{"not", "web"}}},
					Rules: []portal.CompiledRule{conditional, denied},
				})
				at := func(when string, want bool) {
					t.Helper()
					if allow, deny := m.open("web"), m.open("not"); allow != want || deny != want {
						t.Errorf("%s: allow %v, deny %v, want %v", when, allow, deny, want)
					}
				}
				at("before it opens", false)
				pass(30*time.Minute - time.Millisecond)
				at("just before it opens", false)
				pass(time.Millisecond)
				at("when it opens", true)
				pass(c.hours*time.Hour - time.Minute)
				stop()
				a, stop = run(t, m, dir, clock) // nobody says it again
				at("after a restart", true)
				pass(time.Minute - time.Millisecond)
				at("just before it closes", true)
				pass(time.Millisecond)
				at("when it closes", false)
				stop()
				_ = a
			})
		})
	}
}

func TestTemporaryRuleIsOverByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t)
		a, stop := run(t, m, t.TempDir())
		defer stop()
		temporary := func(from, until time.Duration) portal.CompiledRule {
			return portal.CompiledRule{ID: "web", Action: portal.Allow, Destinations: somewhere, Conditions: portal.Conditions{
				ValidFrom: time.Now().Add(from), ValidUntil: time.Now().Add(until),
			}}
		}
		c := first(entry(1))
		c.Rules = []portal.CompiledRule{temporary(time.Minute, 2*time.Minute)}
		mustApply(t, a, c)
		var got []string
		look := func() { got = append(got, fmt.Sprint(m.open("web"))) }
		look()
		pass(time.Minute)
		look()
		pass(time.Minute)
		look()
		mustApply(t, a, portal.Change{Revision: 2, Rules: []portal.CompiledRule{temporary(-time.Minute, time.Minute)}}) // given again
		look()
		pass(time.Minute)
		look()
		mustApply(t, a, portal.Change{Revision: 3, Rules: []portal.CompiledRule{{ID: "web", Action: portal.Allow, Destinations: somewhere}}}) // for good
		look()
		pass(time.Hour - 4*time.Minute)
		look()
		if fmt.Sprint(got) != "[false true false true false true true]" {
			t.Errorf("got %v", got)
		}
	})
}
