package firewall_test

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/gateway/enforcetest"
	"github.com/sallyport/sallyport/portal"
)

// office is one random policy: a person in some groups with one device, and rules for those groups, for others and for the person.
type office struct {
	device    portal.Device
	groups    []portal.GroupID
	resources []portal.Resource
	rules     []portal.Rule
}

func draw[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func part[T any](r *rand.Rand, list []T) []T {
	var out []T
	for _, x := range list {
		if r.IntN(2) == 0 {
			out = append(out, x)
		}
	}
	return out
}

func randomOffice(r *rand.Rand, n int) office {
	id := func(kind string, i int) string { return fmt.Sprintf("%s-%d-%d", kind, n, i) }
	o := office{device: portal.Device{
		ID: portal.DeviceID(id("d", 0)), User: portal.UserID(id("u", 0)), Profile: "p", State: portal.DeviceActive, PublicKey: portal.PublicKey{byte(n), byte(n >> 8), 9},
		Addr: enforcetest.Pool.At(portal.PoolFirst + uint32(n)),
	}}
	all := []portal.GroupID{portal.GroupID(id("g", 0)), portal.GroupID(id("g", 1)), portal.GroupID(id("g", 2))}
	o.groups = part(r, all)
	prefixes := []string{"10.1.0.2/32", "10.1.0.0/28", "10.1.0.0/24", "10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "fd01::2/128", "fd01::/124", "fd01::/64", "::/0"}
	for i := range 3 {
		res := portal.Resource{ID: portal.ResourceID(id("res", i)), Transport: draw(r, []portal.Transport{portal.TCP, portal.UDP, portal.ICMP, portal.AnyTransport})}
		for range 1 + r.IntN(3) {
			res.Prefixes = append(res.Prefixes, netip.MustParsePrefix(draw(r, prefixes)))
		}
		if res.Transport == portal.TCP || res.Transport == portal.UDP {
			for range r.IntN(3) {
				first := uint16(1 + r.IntN(40))
				res.Ports = append(res.Ports, portal.PortRange{First: first, Last: first + uint16(r.IntN(20))})
			}
		}
		o.resources = append(o.resources, res)
	}
	for i := range 1 + r.IntN(5) {
		o.rules = append(o.rules, portal.Rule{ID: portal.RuleID(id("rule", i))})
		o.shuffle(r, &o.rules[i], all)
	}
	return o
}

// shuffle gives a rule another action, other resources, and other people.
func (o *office) shuffle(r *rand.Rand, rule *portal.Rule, groups []portal.GroupID) {
	rule.Action, rule.Groups, rule.People, rule.Resources = draw(r, []portal.Action{portal.Allow, portal.Allow, portal.Deny}), part(r, groups), nil, nil
	if r.IntN(4) == 0 {
		rule.People = []portal.UserID{o.device.User}
	}
	for _, res := range part(r, o.resources) {
		rule.Resources = append(rule.Resources, res.ID)
	}
}

// compiled is what the gateway is told of all offices, and of the rules for everyone.
func compiled(offices []office, everyone []portal.Rule, common []portal.Resource, revision uint64) portal.Change {
	s := peers.Snapshot{
		Active: map[portal.UserID]bool{}, Groups: map[portal.UserID][]portal.GroupID{}, Grants: map[portal.DeviceID]portal.Grant{},
		Profiles: []portal.Profile{{ID: "p", Mode: portal.Full}}, Resources: slices.Clone(common), Rules: slices.Clone(everyone),
	}
	for _, o := range offices {
		s.Active[o.device.User], s.Groups[o.device.User] = true, o.groups
		s.Devices = append(s.Devices, o.device)
		s.Grants[o.device.ID] = portal.Grant{Device: o.device.ID, Level: portal.LevelFull, NotAfter: time.Now().Add(time.Hour)}
		s.Resources, s.Rules = append(s.Resources, o.resources...), append(s.Rules, o.rules...)
	}
	c := portal.Change{Revision: revision, Full: true}
	objects := peers.Compile(s)
	c.Entries, c.Signatures, c.Rules = slices.Collect(maps.Values(objects.Entries)), slices.Collect(maps.Values(objects.Signatures)), slices.Collect(maps.Values(objects.Rules))
	a := enforcetest.Sentinel
	c.Entries = append(c.Entries, portal.Entry{
		EntryKey: portal.EntryKey{Profile: "p", Device: "sentinel"}, PublicKey: portal.PublicKey{1}, V4: a.V4, V6: a.V6, Signature: "sentinel", Level: portal.LevelFull, NotAfter: time.Now().Add(time.Hour),
	})
	c.Signatures = append(c.Signatures, portal.Signature{ID: "sentinel", Rules: []portal.RuleID{"sentinel"}})
	c.Rules = append(c.Rules, portal.CompiledRule{ID: "sentinel", Action: portal.Allow, Destinations: []portal.Destination{{Prefix: netip.PrefixFrom(enforcetest.SentinelTo.Addr(), 32), Transport: portal.UDP}}})
	return c
}

// TestKernelDoesWhatPolicySaysRuleByRule loads a thousand random policies side by side, written at once and then changed a part at a time, and
// sends packets through the kernel. portal.Policy.Decide, which never sees the compiled form, must say the same of each.
func TestKernelDoesWhatPolicySaysRuleByRule(t *testing.T) {
	const policies, packets = 1000, 3
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 7))
	e := newEnforcer(t)
	node := portal.Node{Gateway: "gw", Pools: []portal.Pool{enforcetest.Pool}, Port: 51820, Networks: enforcetest.Networks}
	state := portal.NewState()
	offices := make([]office, policies)
	for n := range offices {
		offices[n] = randomOffice(r, n)
	}
	common := []portal.Resource{
		{ID: "dns", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.0.7/32"), netip.MustParsePrefix("fd01::7/128")}, Transport: portal.UDP, Ports: []portal.PortRange{{First: 53, Last: 53}}},
		{ID: "forbidden", Prefixes: []netip.Prefix{netip.MustParsePrefix("10.1.0.6/32"), netip.MustParsePrefix("fd01::6/128")}, Transport: portal.AnyTransport},
	}
	everyone := []portal.Rule{{ID: "all-dns", Action: portal.Allow, Groups: []portal.GroupID{portal.Everyone}, Resources: []portal.ResourceID{"dns"}}}
	c := compiled(offices, everyone, common, 1)
	c.Node = &node
	state.Apply(c)
	if _, err := e.Sync(t.Context(), state.Desired, time.Now()); err != nil {
		t.Fatal(err)
	}
	sent, passed := uint64(0), 0
	check := func(o office) {
		q := portal.Question{
			User: o.device.User, Groups: o.groups, Circumstances: portal.Circumstances{Level: portal.LevelFull}, At: time.Now(), Transport: draw(r, []portal.Transport{portal.TCP, portal.UDP, portal.ICMP, portal.AnyTransport}),
			To: netip.MustParseAddr(draw(r, []string{"10.1.0.2", "10.1.0.6", "10.1.0.7", "10.1.0.15", "10.1.0.99", "10.1.9.9", "fd01::2", "fd01::6", "fd01::7", "fd01::f", "fd01::99"})),
		}
		if q.Transport == portal.TCP || q.Transport == portal.UDP {
			q.Port = draw(r, []uint16{uint16(1 + r.IntN(70)), uint16(1 + r.IntN(70)), 53})
		}
		policy := portal.Policy{
			Resources: slices.Concat(common, o.resources), Rules: slices.Concat(everyone, o.rules), Pools: []netip.Prefix{enforcetest.Pool.V4, enforcetest.Pool.V6},
		}
		src := o.device.Addr.V4
		if q.To.Is6() {
			src = o.device.Addr.V6
		}
		sent++
		token := binary.BigEndian.AppendUint64([]byte("token"), sent)
		packet := enforcetest.First(netip.AddrPortFrom(src, uint16(1024+sent%60000)), netip.AddrPortFrom(q.To, q.Port), q.Transport, token)
		got := e.FromTunnel(t, packet, token)
		if got {
			passed++
		}
		if want := policy.Decide(q).Allowed; got != want {
			t.Errorf("seed %d: %s to %s %s/%d: the kernel lets it pass: %v, policy says %v\n%+v\n%+v", seed, o.device.ID, q.To, q.Transport, q.Port, got, want, policy.Rules, policy.Resources)
		}
	}
	for _, o := range offices {
		for range packets {
			check(o)
		}
	}
	for round := range 5 { // changes, applied as such
		for i := range offices {
			o := &offices[i]
			if r.IntN(10) > 0 {
				continue
			}
			all := []portal.GroupID{portal.GroupID(fmt.Sprintf("g-%d-0", i)), portal.GroupID(fmt.Sprintf("g-%d-1", i)), portal.GroupID(fmt.Sprintf("g-%d-2", i))}
			switch r.IntN(4) {
			case 0:
				o.groups = part(r, all)
			case 1:
				o.rules = slices.Delete(slices.Clone(o.rules), 0, 1)
			default:
				if len(o.rules) > 0 {
					o.rules = slices.Clone(o.rules)
					o.shuffle(r, &o.rules[r.IntN(len(o.rules))], all)
				}
			}
			if len(o.rules) == 0 {
				o.rules = []portal.Rule{{ID: portal.RuleID(fmt.Sprintf("rule-%d-%d", i, 10+round))}}
				o.shuffle(r, &o.rules[0], all)
			}
		}
		forbid := portal.Rule{ID: "none", Action: portal.Deny, Groups: []portal.GroupID{portal.Everyone}, Resources: []portal.ResourceID{"forbidden"}}
		if everyone = everyone[:1]; round%2 == 0 {
			everyone = append(everyone, forbid)
		}
		d := state.Apply(compiled(offices, everyone, common, uint64(round+2)))
		if err := e.Apply(t.Context(), state.Desired, d); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			check(draw(r, offices))
		}
	}
	if n, err := e.Sync(t.Context(), state.Desired, time.Now()); n != 0 || err != nil {
		t.Errorf("seed %d: a full comparison repaired %d objects, %v", seed, n, err)
	}
	if passed < int(sent)/10 || passed > int(sent)*9/10 {
		t.Errorf("%d of %d packets passed: the policies are too simple to mean anything", passed, sent)
	}
}
