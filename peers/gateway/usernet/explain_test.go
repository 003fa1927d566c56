package usernet

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/gateway/enforcetest"
	"github.com/sallyport/sallyport/portal"
)

// What the portal says of the first packet of a flow is what a gateway does with it: random policies, compiled and enforced by the filter,
// against the explanation, which never sees the compiled form.
func TestExplanationIsWhatTheFilterDoes(t *testing.T) {
	const policies, packets = 1000, 40
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 4))
	now := time.Now().UTC()
	allowed := 0
	for n := range policies {
		w := randomWorld(r, now)
		f := &Filter{Now: func() time.Time { return now }}
		o := peers.Compile(w.snapshot)
		for id, rule := range o.Rules {
			o.Rules[id] = rule.At(now)
		}
		desired := portal.Desired{
			Node:    portal.Node{Pools: []portal.Pool{enforcetest.Pool}, Networks: enforcetest.Networks, Quarantine: w.quarantine},
			Entries: o.Entries, Signatures: o.Signatures, Rules: o.Rules,
		}
		if _, err := f.Sync(t.Context(), desired, now); err != nil {
			t.Fatal(err)
		}
		for range packets {
			d := w.snapshot.Devices[r.IntN(len(w.snapshot.Devices))]
			q := w.question(r, now)
			got := portal.Explain(w.facts(d, q)).Allowed
			src := d.Addr.V4
			if q.To.Is6() {
				src = d.Addr.V6
			}
			packet := enforcetest.First(netip.AddrPortFrom(src, uint16(1024+r.IntN(60000))), netip.AddrPortFrom(q.To, q.Port), q.Transport, []byte("?"))
			clear(f.flows) // the explanation is of a first packet, and an earlier one may have gone the other way
			if want := f.fromTunnel(packet) != drop; got != want {
				t.Fatalf("policy %d of seed %d: %s to %s %s/%d: explained as %v, the filter does %v\n%+v\n%+v",
					n, seed, d.ID, q.To, q.Transport, q.Port, got, want, w.snapshot, portal.Explain(w.facts(d, q)))
			}
			if got {
				allowed++
			}
		}
	}
	if allowed < policies || allowed > policies*packets*9/10 {
		t.Errorf("%d of %d packets passed: the policies are too simple to mean anything", allowed, policies*packets)
	}
}

type randomPolicy struct {
	snapshot   peers.Snapshot
	quarantine []portal.Destination
	pools      []netip.Prefix
}

var prefixes = []netip.Prefix{
	netip.MustParsePrefix("10.1.0.2/32"), netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("0.0.0.0/0"),
	netip.MustParsePrefix("fd01::2/128"), netip.MustParsePrefix("fd01::/64"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("10.8.0.0/28"),
	enforcetest.Pool.V4, enforcetest.Pool.V6, netip.MustParsePrefix("10.0.0.0/8"),
}

var transports = []portal.Transport{portal.TCP, portal.UDP, portal.ICMP, portal.AnyTransport}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func some[T any](r *rand.Rand, list []T, most int) []T {
	var out []T
	for _, i := range r.Perm(len(list))[:min(len(list), r.IntN(most+1))] {
		out = append(out, list[i])
	}
	return out
}

func randomWorld(r *rand.Rand, now time.Time) randomPolicy {
	w := randomPolicy{pools: []netip.Prefix{enforcetest.Pool.V4, enforcetest.Pool.V6}}
	w.quarantine = []portal.Destination{{Prefix: netip.MustParsePrefix("10.1.0.3/32"), Transport: portal.TCP, Ports: portal.PortRange{First: 443, Last: 443}}}
	groups := []portal.GroupID{"g1", "g2", "g3"}
	s := peers.Snapshot{
		Active: map[portal.UserID]bool{}, Groups: map[portal.UserID][]portal.GroupID{}, Grants: map[portal.DeviceID]portal.Grant{},
		Profiles: []portal.Profile{{ID: "open", Mode: portal.Full}, {ID: "closed", Mode: portal.Full, Groups: []portal.GroupID{"g1"}}},
	}
	for i := range 4 {
		res := portal.Resource{ID: portal.ResourceID(fmt.Sprint("res", i)), Prefixes: append(some(r, prefixes, 2), pick(r, prefixes)), Transport: pick(r, transports), Tags: some(r, []string{"prod", "test"}, 2)}
		if res.Transport == portal.TCP || res.Transport == portal.UDP {
			for range r.IntN(3) {
				first := uint16(1 + r.IntN(100))
				res.Ports = append(res.Ports, portal.PortRange{First: first, Last: first + uint16(r.IntN(50))})
			}
		}
		s.Resources = append(s.Resources, res)
	}
	for i := range r.IntN(6) {
		rule := portal.Rule{
			ID: portal.RuleID(fmt.Sprint("rule", i)), Action: portal.Allow, Groups: some(r, append(groups, portal.Everyone), 3), People: some(r, []portal.UserID{"u0", "u1", "u2"}, 1),
			Tags: some(r, []string{"prod", "test"}, 1), Conditions: randomConditions(r, now),
		}
		if r.IntN(3) == 0 {
			rule.Action = portal.Deny
		}
		for _, res := range some(r, s.Resources, 3) {
			rule.Resources = append(rule.Resources, res.ID)
		}
		s.Rules = append(s.Rules, rule)
	}
	for i := range 4 {
		u, d := portal.UserID(fmt.Sprint("u", i%3)), portal.DeviceID(fmt.Sprint("d", i))
		s.Active[u] = r.IntN(8) > 0
		if s.Groups[u] == nil {
			s.Groups[u] = some(r, groups, 3)
		}
		dev := portal.Device{
			ID: d, User: u, Profile: pick(r, s.Profiles).ID, State: portal.DeviceActive, PublicKey: portal.PublicKey{byte(i), 9},
			Addr: enforcetest.Pool.At(portal.PoolFirst + uint32(i)),
		}
		if r.IntN(10) == 0 {
			dev.State = portal.DeviceSuspended
		}
		s.Devices = append(s.Devices, dev)
		s.Grants[d] = portal.Grant{
			Device: d, Level: pick(r, []portal.Level{portal.LevelFull, portal.LevelFull, portal.LevelFull, portal.LevelQuarantine}),
			NotAfter: now.Add(time.Duration(r.IntN(10)-1) * time.Hour),
		}
	}
	w.snapshot = s
	return w
}

// randomConditions are none, or some that are met at about every second time.
func randomConditions(r *rand.Rand, now time.Time) (c portal.Conditions) {
	if r.IntN(3) > 0 {
		return c
	}
	near := func() time.Time { return now.Add(time.Duration(r.IntN(7)-3) * time.Hour) }
	if r.IntN(3) == 0 {
		c.ValidFrom = near()
	}
	if r.IntN(3) == 0 {
		c.ValidUntil = near()
	}
	for range r.IntN(3) {
		c.Windows = append(c.Windows, portal.Window{
			Days: some(r, portal.Weekdays, 7), Start: portal.ClockTime(r.IntN(24 * 60)), End: portal.ClockTime(r.IntN(24*60 + 1)),
			Zone: pick(r, []string{"UTC", "Asia/Seoul", "America/Sao_Paulo", "Pacific/Chatham", "Mars/Olympus"}),
		})
	}
	return c
}

func (w randomPolicy) question(r *rand.Rand, now time.Time) portal.Question {
	to := []netip.Addr{
		netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("10.1.0.9"), netip.MustParseAddr("10.1.7.7"), netip.MustParseAddr("203.0.113.5"), netip.MustParseAddr("10.1.0.3"),
		netip.MustParseAddr("fd01::2"), netip.MustParseAddr("fd01::9"), netip.MustParseAddr("2001:db8::5"),
		enforcetest.Pool.At(portal.PoolGateway).V4, enforcetest.Pool.At(portal.PoolGateway).V6,
	}
	for _, d := range w.snapshot.Devices {
		to = append(to, d.Addr.V4, d.Addr.V6)
	}
	q := portal.Question{At: now, To: pick(r, to), Transport: pick(r, transports)}
	if q.Transport == portal.TCP || q.Transport == portal.UDP {
		q.Port = uint16(1 + r.IntN(160))
		if r.IntN(8) == 0 {
			q.Port = 443
		}
	}
	return q
}

func (w randomPolicy) facts(d portal.Device, q portal.Question) portal.ReachFacts {
	s := w.snapshot
	q.User, q.Groups = d.User, s.Groups[d.User]
	self := enforcetest.Pool.At(portal.PoolGateway)
	state := func(u portal.UserID) portal.UserState {
		if s.Active[u] {
			return portal.UserActive
		}
		return portal.UserSuspended
	}
	profile := func(id portal.ProfileID) portal.Profile {
		if id == "open" {
			return s.Profiles[0]
		}
		return s.Profiles[1]
	}
	f := portal.ReachFacts{
		User: portal.User{ID: d.User, State: state(d.User)}, Groups: q.Groups, Device: &d, Grant: s.Grants[d.ID], Profile: profile(d.Profile),
		Policy: portal.Policy{Resources: s.Resources, Rules: s.Rules, Pools: w.pools},
		Self:   []netip.Addr{self.V4, self.V6}, Quarantine: w.quarantine, Question: q,
	}
	for _, x := range s.Devices {
		if x.Addr.V4 == q.To || x.Addr.V6 == q.To {
			f.Target = &portal.TargetDevice{Device: x.ID}
			if s.Active[x.User] && x.State == portal.DeviceActive && profile(x.Profile).OpenTo(s.Groups[x.User]) {
				f.Target.Level = portal.Entry{Level: s.Grants[x.ID].Level, NotAfter: s.Grants[x.ID].NotAfter}.LevelAt(q.At)
			}
		}
	}
	return f
}
