package usernet

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/enforcetest"
	"github.com/sallyport/sallyport/portal"
)

// What the portal says of the first packet of a flow is what a gateway does with it: random policies, compiled and enforced by the filter,
// against the explanation, which never sees the compiled form.
func TestExplanationIsWhatTheFilterDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Filter{Now: time.Now}
		clients := &clients{}
		a := &gateway.Agent{
			Tunnel: clients, Filter: f, Dir: t.TempDir(), Now: time.Now, Log: slog.New(slog.DiscardHandler), PollEvery: time.Second, RepairEvery: time.Hour,
			Places: places{},
		}
		if err := a.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		explainedAsDone(t, a, f, clients)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func explainedAsDone(t *testing.T, a *gateway.Agent, f *Filter, clients *clients) {
	const policies, packets = 1000, 40
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 4))
	allowed := 0
	for n := range policies {
		w := randomWorld(r, time.Now().UTC())
		clients.set(w)
		o := peers.Compile(w.snapshot)
		c := portal.Change{
			Revision: uint64(n + 1), Full: true,
			Node: &portal.Node{Gateway: "gw", Port: 1, Pools: []portal.Pool{enforcetest.Pool}, Networks: enforcetest.Networks, Quarantine: w.quarantine, FilteringDNS: w.filtering},
		}
		c.Entries, c.Signatures = slices.Collect(maps.Values(o.Entries)), slices.Collect(maps.Values(o.Signatures))
		c.Rules = slices.Collect(maps.Values(o.Rules))
		for i := range c.Rules {
			c.Rules[i].Revision = c.Revision
		}
		if err := a.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Second) // the agent looks where the clients are
		now := time.Now().UTC()
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

// pass lets time go by, in a bubble.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// clients is a tunnel whose peers have been seen at addresses.
type clients struct {
	mu  sync.Mutex
	all []gateway.Peer
}

func (*clients) Configure(context.Context, portal.Node) error     { return nil }
func (*clients) Remove(context.Context, []portal.PublicKey) error { return nil }
func (*clients) Put(context.Context, []portal.Entry) error        { return nil }
func (*clients) Sync(context.Context, map[portal.EntryKey]portal.Entry) (int, error) {
	return 0, nil
}

func (c *clients) Live(context.Context) ([]gateway.Peer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all, nil
}

func (c *clients) set(w randomPolicy) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = nil
	for _, d := range w.snapshot.Devices {
		if at := w.at[d.ID]; at.IsValid() {
			c.all = append(c.all, gateway.Peer{Key: d.PublicKey, Endpoint: netip.AddrPortFrom(at, 999), Handshake: time.Now()})
		}
	}
}

// places knows the countries of two networks.
type places struct{}

func (places) Country(a netip.Addr) string {
	switch {
	case netip.MustParsePrefix("198.51.100.0/24").Contains(a):
		return "KR"
	case netip.MustParsePrefix("2001:db8:1::/48").Contains(a):
		return "DE"
	}
	return ""
}

var outside = []netip.Addr{{}, netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("198.51.100.200"), netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8:1::7")}

type randomPolicy struct {
	at         map[portal.DeviceID]netip.Addr // where clients are
	filtering  []netip.Addr
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
	w := randomPolicy{at: map[portal.DeviceID]netip.Addr{}, filtering: some(r, []netip.Addr{netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("fd01::2")}, 2), pools: []netip.Prefix{enforcetest.Pool.V4, enforcetest.Pool.V6}}
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
			rule.Conditions.Factor, rule.Conditions.Level = 0, ""
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
			ID: d, User: u, Profile: pick(r, s.Profiles).ID, State: portal.DeviceActive, PublicKey: portal.PublicKey{byte(i), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), 9},
			Addr: enforcetest.Pool.At(portal.PoolFirst + uint32(i)),
		}
		if r.IntN(10) == 0 {
			dev.State = portal.DeviceSuspended
		}
		s.Devices = append(s.Devices, dev)
		s.Grants[d] = portal.Grant{
			Device: d, Level: pick(r, []portal.Level{portal.LevelFull, portal.LevelFull, portal.LevelFull, portal.LevelRestricted, portal.LevelQuarantine, "unknown"}),
			NotAfter: now.Add(time.Duration(r.IntN(10)-1) * time.Hour), FactorAt: now.Add(-time.Duration(r.IntN(60)) * time.Minute), Holds: randomHolds(r, now, u, d),
		}
		if w.at[d] = pick(r, outside); r.IntN(5) == 0 {
			g := s.Grants[d]
			g.FactorAt = time.Time{}
			s.Grants[d] = g
		}
	}
	w.snapshot = s
	return w
}

// randomHolds are mostly none.
func randomHolds(r *rand.Rand, now time.Time, u portal.UserID, d portal.DeviceID) (all []portal.Hold) {
	for range max(0, r.IntN(6)-3) {
		h := portal.Hold{Source: pick(r, []portal.HoldSource{portal.HoldByHand, portal.HoldByPosture}), Device: d, Level: pick(r, []portal.Level{portal.LevelRestricted, portal.LevelQuarantine, portal.LevelNone})}
		if r.IntN(2) == 0 {
			h.Device, h.User = "", u
		}
		if r.IntN(2) == 0 {
			h.Until = now.Add(time.Hour)
		}
		all = append(all, h)
	}
	return all
}

// randomConditions are none, or some that are met at about every second time.
func randomConditions(r *rand.Rand, now time.Time) (c portal.Conditions) {
	if r.IntN(3) > 0 {
		return c
	}
	c.Sources, c.Countries = some(r, []netip.Prefix{netip.MustParsePrefix("198.51.100.128/25"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}, 1), some(r, []string{"KR", "DE", "US"}, 1)
	if r.IntN(3) == 0 {
		c.Factor = time.Duration(5+r.IntN(50)) * time.Minute
	}
	if r.IntN(2) == 0 {
		c.Level = portal.LevelRestricted
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
		if n := r.IntN(8); n < 3 {
			q.Port = []uint16{443, 53, 853}[n]
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
		Live: portal.Live{Country: places{}.Country(w.at[d.ID])}, Filtering: w.filtering,
		Policy: portal.Policy{Resources: s.Resources, Rules: s.Rules, Pools: w.pools},
		Self:   []netip.Addr{self.V4, self.V6}, Quarantine: w.quarantine, Question: q,
	}
	if at := w.at[d.ID]; at.IsValid() {
		f.Live.Endpoint = netip.AddrPortFrom(at, 999)
	}
	for _, x := range s.Devices {
		if x.Addr.V4 == q.To || x.Addr.V6 == q.To {
			f.Target = &portal.TargetDevice{Device: x.ID}
			if s.Active[x.User] && x.State == portal.DeviceActive && profile(x.Profile).OpenTo(s.Groups[x.User]) {
				g := s.Grants[x.ID]
				if f.Target.Level, _ = (portal.Standing{Grant: g.Level, NotAfter: g.NotAfter, Holds: g.Holds}).At(q.At); f.Target.Level == portal.LevelNone {
					f.Target.Level = ""
				}
			}
		}
	}
	return f
}
