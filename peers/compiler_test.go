package peers_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// company is a house with people, each with a device and in five groups, and rules of one to three groups for one or two resources.
type company struct {
	*house
	people    []portal.UserID
	groups    []portal.GroupID // the last one has a tenth of the people and no rule
	resources []portal.Resource
	rules     []portal.Rule
	n         int
}

func newCompany(b testing.TB, people, groups, rules int) *company {
	b.Helper()
	c := &company{house: newHouse(b, storetest.New(b))}
	pool, err := c.s.CreatePool(c.ctx(), c.admin, "Large", "10.128.0.0/9", "fd5b::/64")
	c.ok(err)
	c.profile, err = c.s.UpdateProfile(c.ctx(), c.admin, c.profile.ID, peers.ProfileInput{Name: "Work", Mode: portal.Full, Pool: pool.ID})
	c.ok(err)
	for first := 0; first < people; first += 2000 { // many in one transaction: the company is not what is measured
		c.tx(func(tx *store.Tx) error {
			for i := first; i < min(people, first+2000); i++ {
				u := portal.User{ID: portal.NewID[portal.UserID](c.now), Name: fmt.Sprint("Person ", i), Role: portal.RoleUser, State: portal.UserActive, CreatedAt: c.now}
				c.people = append(c.people, u.ID)
				if err := tx.CreateUser(u); err != nil {
					return err
				}
				addr, err := tx.TakeAddress(pool)
				if err != nil {
					return err
				}
				d := portal.Device{
					ID: portal.NewID[portal.DeviceID](c.now), User: u.ID, Name: "laptop", Platform: portal.Linux, Protocol: portal.WireGuard, Profile: c.profile.ID, PoP: c.pop.ID,
					PublicKey: numberedKey(i), Addr: addr, State: portal.DeviceActive, CreatedAt: c.now, KeyAt: c.now,
				}
				if err := tx.CreateDevice(d, portal.Grant{Device: d.ID, Level: portal.LevelFull, NotAfter: c.now.Add(time.Hour)}, "", ""); err != nil {
					return err
				}
			}
			return nil
		})
	}
	c.addPolicy(groups, rules)
	c.ok(c.s.Store.Tx(c.ctx(), func(tx *store.Tx) error { return c.s.Recompile(tx, portal.System) }))
	return c
}

func (c *company) addPolicy(groups, rules int) {
	r := rand.New(rand.NewPCG(1, 2))
	c.tx(func(tx *store.Tx) error {
		members := make([][]portal.UserID, groups+1)
		for i, u := range c.people {
			for range 5 {
				g := r.IntN(groups)
				members[g] = append(members[g], u)
			}
			if i%10 == 0 {
				members[groups] = append(members[groups], u)
			}
		}
		for i, list := range members {
			g := portal.Group{ID: portal.NewID[portal.GroupID](c.now), Name: fmt.Sprint("group ", i), CreatedAt: c.now}
			c.groups = append(c.groups, g.ID)
			if err := tx.CreateGroup(g); err != nil {
				return err
			}
			for start := 0; start < len(list); start += 500 {
				if _, err := tx.AddMembers(g.ID, portal.SourceSCIM, list[start:min(len(list), start+500)]); err != nil {
					return err
				}
			}
		}
		for i := range max(2, rules/5) {
			made := portal.Resource{
				ID: portal.NewID[portal.ResourceID](c.now), Name: fmt.Sprint("resource ", i), Transport: portal.TCP, CreatedAt: c.now,
				Prefixes: []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/28", i>>8&127, i&255)), netip.MustParsePrefix(fmt.Sprintf("fd00:%x::/64", i))},
				Ports:    []portal.PortRange{{First: 443, Last: 443}, {First: 8000, Last: 8100}},
			}
			c.resources = append(c.resources, made)
			if err := tx.CreateResource(made); err != nil {
				return err
			}
		}
		for i := range rules {
			rule := portal.Rule{
				ID: portal.NewID[portal.RuleID](c.now), Name: fmt.Sprint("rule ", i), Reason: "bench", Action: portal.Allow, CreatedAt: c.now,
				Groups: []portal.GroupID{c.groups[i%groups]}, Resources: []portal.ResourceID{c.resources[r.IntN(len(c.resources))].ID},
			}
			if i%7 == 0 {
				rule.Action = portal.Deny
			}
			if more := c.groups[r.IntN(groups)]; more != rule.Groups[0] && i%3 == 0 {
				rule.Groups = append(rule.Groups, more)
			}
			c.rules = append(c.rules, rule)
			if err := tx.CreateRule(rule); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *company) input(name string, groups []portal.GroupID, resource int) peers.RuleInput {
	return peers.RuleInput{Name: name, Reason: "bench", Action: portal.Allow, Groups: groups, Resources: []portal.ResourceID{c.resources[resource%len(c.resources)].ID}}
}

// change is one kind of change and what it writes to the feed log. undo is not measured.
type change struct {
	name, wrote string
	do, undo    func()
}

func (c *company) changes() []change {
	must := func(_ any, err error) { c.t.Helper(); c.ok(err) }
	idle := c.groups[len(c.groups)-1]
	everyone := []portal.GroupID{portal.Everyone}
	var made portal.RuleID
	add := func(groups []portal.GroupID) func() {
		return func() {
			c.n++
			r, err := c.s.CreateRule(c.ctx(), c.admin, c.input(fmt.Sprint("made ", c.n), groups, c.n))
			c.ok(err)
			made = r.ID
		}
	}
	remove := func() { c.ok(c.s.DeleteRule(c.ctx(), c.admin, made)) }
	member := func(in bool) func() {
		return func() { c.ok(c.s.SetMember(c.ctx(), c.admin, c.groups[0], c.people[len(c.people)-1], in)) }
	}
	var device portal.DeviceID
	return []change{
		{"rule edited", "rule", func() {
			c.n++
			must(c.s.UpdateRule(c.ctx(), c.admin, c.rules[1].ID, c.input("rule 1", c.rules[1].Groups, c.n)))
		}, nil},
		{"rule for other groups", "rule", func() {
			c.n++
			must(c.s.UpdateRule(c.ctx(), c.admin, c.rules[2].ID, c.input("rule 2", c.groups[c.n%5:c.n%5+2], 2)))
		}, nil},
		{"rule for everyone made", "rule", add(everyone), remove},
		{"first rule of a group of a tenth of all", "rule", add([]portal.GroupID{idle}), remove},
		{"person joins a group", "sig entry", member(true), member(false)},
		{"profile changed", "profile", func() {
			c.n++
			in := peers.ProfileInput{Name: "Work", Mode: portal.Full}
			if c.n%2 == 0 {
				in.PoPs = []portal.PoPID{c.pop.ID}
			}
			in.DNS = []string{fmt.Sprintf("10.0.0.%d", 1+c.n%200)}
			must(c.s.UpdateProfile(c.ctx(), c.admin, c.profile.ID, in))
		}, nil},
		{"device added", "entry", func() {
			c.n++
			d, err := c.s.CreateDevice(c.ctx(), portal.Actor{User: c.people[c.n%len(c.people)], Role: portal.RoleUser, FactorAt: c.now}, peers.NewDevice{
				Name: fmt.Sprint("device ", c.n), Platform: portal.Linux, Profile: c.profile.ID, PoP: c.pop.ID, PublicKey: numberedKey(1<<20 + c.n).String(),
			})
			c.ok(err)
			device = d.ID
		}, func() { must(c.s.RevokeDevice(c.ctx(), c.admin, device)) }},
	}
}

// What a change writes does not follow the number of people: this is the short form of BenchmarkCompiler.
func TestNoKindOfChangeFollowsTheNumberOfPeople(t *testing.T) {
	c := newCompany(t, 120, 12, 40)
	for _, x := range c.changes() {
		for range 2 {
			wrote := strings.Join(c.written(x.do), " ")
			if wrote = strings.TrimSuffix(wrote, " -sig"); wrote != x.wrote && !(x.wrote == "profile" && wrote == "") {
				t.Errorf("%s: wrote %q, want %q", x.name, wrote, x.wrote)
			}
			if x.undo != nil {
				x.undo()
			}
		}
		if err := c.sameAsCompiled(); err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
	}
}

// BenchmarkCompiler is 50,000 people in 2,000 groups with 5,000 rules: everything compiled at once, what that keeps in memory, and each kind of
// change through the service, on SQLite with durable commits.
func BenchmarkCompiler(b *testing.B) {
	c := newCompany(b, 50_000, 2000, 5000)
	snapshot := c.snapshot()
	b.Run("all", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var kept peers.Objects
		for b.Loop() {
			kept = peers.Compile(snapshot)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric((float64(after.HeapAlloc)-float64(before.HeapAlloc))/(1<<20), "MiB")
		b.ReportMetric(float64(len(kept.Signatures)), "signatures")
	})
	for _, x := range c.changes() {
		b.Run(strings.ReplaceAll(x.name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				x.do()
				if x.undo != nil {
					b.StopTimer()
					x.undo()
					b.StartTimer()
				}
			}
		})
	}
}
