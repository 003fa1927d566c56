package peers_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// What an admin gets wrong is named by its field. Groups can't be wrong by being in each other: they hold people only.
func TestWrongPolicyIsNamedByItsFields(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	git := h.resource("git", "10.20.1.0/24")
	many := make([]string, 100_000)
	for i := range many {
		many[i] = fmt.Sprintf("10.%d.%d.0/24", i>>8&255, i&255)
	}
	resource := func(prefixes []string, ports ...portal.PortRange) error {
		_, err := h.s.CreateResource(h.ctx(), h.admin, peers.ResourceInput{Name: "x", Prefixes: prefixes, Transport: portal.TCP, Ports: ports})
		return err
	}
	rule := func(c peers.ConditionsInput, groups ...portal.GroupID) error {
		_, err := h.s.CreateRule(h.ctx(), h.admin, peers.RuleInput{
			Name: "x", Reason: "x", Action: portal.Allow, Groups: groups, Resources: []portal.ResourceID{git.ID}, Conditions: c,
		})
		return err
	}
	window := func(zone, start, end string) peers.ConditionsInput {
		return peers.ConditionsInput{Windows: []peers.WindowInput{{Start: start, End: end, Zone: zone}}}
	}
	profile := func(in peers.ProfileInput) error {
		in.Name = "x"
		_, err := h.s.CreateProfile(h.ctx(), h.admin, in)
		return err
	}
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		err  error
		want []string
	}{
		"no prefix":                {resource(nil), []string{"/prefixes:required"}},
		"an empty prefix":          {resource([]string{"10.1.0.0/16", ""}), []string{"/prefixes/1:malformed"}},
		"host bits":                {resource([]string{"10.1.2.3/16", "fd00::1/64"}), []string{"/prefixes/0:host_bits", "/prefixes/1:host_bits"}},
		"overlap":                  {resource([]string{"10.1.0.0/16", "10.0.0.0/8", "fd00::/8", "fd00:1::/32"}), []string{"/prefixes/1:overlaps", "/prefixes/3:overlaps"}},
		"mapped IPv4":              {resource([]string{"::ffff:10.0.0.0/104"}), []string{"/prefixes/0:malformed"}},
		"a zone in an address":     {resource([]string{"fe80::1%eth0"}), []string{"/prefixes/0:malformed"}},
		"100,000 prefixes":         {resource(many), []string{"/prefixes:too_many"}},
		"port 0":                   {resource([]string{"10.1.0.0/16"}, portal.PortRange{First: 22, Last: 22}, portal.PortRange{}), []string{"/ports/1:out_of_range"}},
		"ports from the last":      {resource([]string{"10.1.0.0/16"}, portal.PortRange{First: 90, Last: 80}), []string{"/ports/0:out_of_range"}},
		"an unknown zone":          {rule(window("Asia/Atlantis", "09:00", "18:00"), portal.Everyone), []string{"/conditions/windows/0/zone:unknown"}},
		"no zone":                  {rule(window("", "09:00", "18:00"), portal.Everyone), []string{"/conditions/windows/0/zone:unknown"}},
		"a file instead of a zone": {rule(window("../../etc/passwd", "09:00", "18:00"), portal.Everyone), []string{"/conditions/windows/0/zone:unknown"}},
		"a window of nothing":      {rule(window("UTC", "09:00", "09:00"), portal.Everyone), []string{"/conditions/windows/0/end:out_of_range"}},
		"an end before its start":  {rule(peers.ConditionsInput{ValidFrom: at, ValidUntil: at}, portal.Everyone), []string{"/conditions/validUntil:out_of_range"}},
		"an unknown group":         {rule(peers.ConditionsInput{}, portal.Everyone, "nobody"), []string{"/groups/1:unknown"}},
		"nobody":                   {rule(peers.ConditionsInput{}), []string{"/groups:required"}},
		"a profile's host bits":    {profile(peers.ProfileInput{Mode: portal.Split, Included: []string{"10.1.2.3/8"}}), []string{"/included/0:host_bits"}},
		"a profile's overlap":      {profile(peers.ProfileInput{Mode: portal.Full, Excluded: []string{"10.0.0.0/8", "10.2.0.0/16"}}), []string{"/excluded/1:overlaps"}},
		"a profile of nothing":     {profile(peers.ProfileInput{Mode: portal.Split, Included: []string{"10.0.0.0/8"}, Excluded: []string{"10.0.0.0/8"}}), []string{"/included:no_routes"}},
		"100,000 routes":           {profile(peers.ProfileInput{Mode: portal.Split, Included: many}), []string{"/included:too_many"}},
	} {
		t.Run(what, func(t *testing.T) { wantField(t, c.err, c.want...) })
	}
}
