package peers_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// BenchmarkCreateDevice makes devices through the service on SQLite with durable commits.
func BenchmarkCreateDevice(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprint(clients, " clients"), func(b *testing.B) {
			h := newHouse(b, storetest.New(b))
			createDevices(b, h, clients, b.N)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "devices/s")
		})
	}
}

// createDevices makes n devices, each client for a person of its own, and times that.
func createDevices(b testing.TB, h *house, clients, n int) {
	b.Helper()
	people := make([]portal.Actor, clients)
	for i := range people {
		people[i] = h.person(fmt.Sprint("Person ", i))
	}
	inputs := make([]peers.NewDevice, n)
	for i := range inputs {
		inputs[i] = h.newDevice(fmt.Sprint("device ", i))
		inputs[i].PublicKey = numberedKey(i).String()
	}
	if bb, ok := b.(*testing.B); ok {
		bb.ResetTimer()
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for _, by := range people {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				if _, err := h.s.CreateDevice(h.ctx(), by, inputs[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// numberedKey is a key that is cheap to make: most points have a large order.
func numberedKey(i int) portal.PublicKey {
	return portal.PublicKey{0: 0x2a, 1: byte(i), 2: byte(i >> 8), 3: byte(i >> 16), 4: 0x55}
}

// BenchmarkCreateDeviceAmong makes devices beside many others: the cost must not follow their number.
func BenchmarkCreateDeviceAmong(b *testing.B) {
	for _, others := range []int{500, 60_000} {
		b.Run(fmt.Sprint(others, " others"), func(b *testing.B) {
			h := crowd(b, others)
			for i := range 200 { // warm: pages and statements
				h.create(b, others+i)
			}
			i := others + 200
			for b.Loop() { // not b.N: that would gather the crowd again for each try
				h.create(b, i)
				i++
			}
		})
	}
}

func (h *house) create(b *testing.B, i int) {
	b.Helper()
	in := peers.NewDevice{Name: fmt.Sprint("device ", i), Platform: portal.Linux, Profile: h.profile.ID, PoP: h.pop.ID, PublicKey: numberedKey(i).String()}
	if _, err := h.s.CreateDevice(h.ctx(), h.mina, in); err != nil {
		b.Fatal(err)
	}
}

// crowd is a house with so many people, each with one device, in 100 groups with a rule for each.
func crowd(b testing.TB, n int) *house {
	b.Helper()
	h := newHouse(b, storetest.New(b))
	pool, err := h.s.CreatePool(h.ctx(), h.admin, "Large", "10.128.0.0/9", "fd5b::/64")
	h.ok(err)
	h.profile, err = h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, peers.ProfileInput{Name: "Work", Mode: portal.Full, Pool: pool.ID})
	h.ok(err)
	groups := make([]portal.GroupID, 100)
	for i := range groups {
		g, err := h.s.CreateGroup(h.ctx(), h.admin, fmt.Sprint("group ", i))
		h.ok(err)
		groups[i] = g.ID
		h.rule(fmt.Sprint("rule ", i), groups[i:i+1], h.resource(fmt.Sprint("resource ", i), fmt.Sprintf("10.20.%d.0/24", i)).ID)
	}
	for first := 0; first < n; first += 1000 { // many in one transaction: a crowd is not what is measured
		h.tx(func(tx *store.Tx) error {
			for i := first; i < min(n, first+1000); i++ {
				if err := addToCrowd(tx, h, pool, groups[i%len(groups)], i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	h.ok(h.s.Store.Tx(h.ctx(), func(tx *store.Tx) error { return h.s.Recompile(tx, portal.System) }))
	return h
}

func addToCrowd(tx *store.Tx, h *house, pool portal.Pool, group portal.GroupID, i int) error {
	u := portal.User{ID: portal.NewID[portal.UserID](h.now), Name: fmt.Sprint("Person ", i), Role: portal.RoleUser, State: portal.UserActive, CreatedAt: h.now}
	if err := tx.CreateUser(u); err != nil {
		return err
	}
	if _, _, err := tx.SetMember(group, u.ID, true); err != nil {
		return err
	}
	addr, err := tx.TakeAddress(pool)
	if err != nil {
		return err
	}
	d := portal.Device{
		ID: portal.NewID[portal.DeviceID](h.now), User: u.ID, Name: "laptop", Platform: portal.Linux, Protocol: portal.WireGuard, Profile: h.profile.ID, PoP: h.pop.ID,
		PublicKey: numberedKey(i), Addr: addr, State: portal.DeviceActive, CreatedAt: h.now, KeyAt: h.now,
	}
	return tx.CreateDevice(d, portal.Grant{Device: d.ID, Level: portal.LevelFull, NotAfter: h.now.Add(time.Hour)}, "", "")
}

// BenchmarkPolicy changes policy that concerns 50,000 people.
func BenchmarkPolicy(b *testing.B) {
	h := crowd(b, 50_000)
	everyone := []portal.GroupID{portal.Everyone}
	resource := h.resource("all", "10.30.0.0/16")
	rule := h.rule("all", everyone, resource.ID)
	i := 0
	edit := func(b *testing.B) {
		for b.Loop() {
			i++
			_, err := h.s.UpdateResource(h.ctx(), h.admin, resource.ID, peers.ResourceInput{
				Name: "all", Transport: portal.TCP, Prefixes: []string{fmt.Sprintf("10.30.%d.0/24", i%256)},
			})
			h.ok(err)
		}
	}
	b.Run("edit a rule for 50000", edit)
	b.Run("rule for 50000 comes and goes", func(b *testing.B) {
		for b.Loop() {
			h.ok(h.s.DeleteRule(h.ctx(), h.admin, rule.ID))
			rule = h.rule("all", everyone, resource.ID)
		}
	})
	b.Run("plain compile of 50000", func(b *testing.B) {
		snapshot := h.snapshot()
		b.ResetTimer()
		for b.Loop() {
			if o := peers.Compile(snapshot); len(o.Entries) != 50_000 {
				b.Fatalf("%d entries", len(o.Entries))
			}
		}
	})
	b.Run("check all of 50000", func(b *testing.B) {
		for b.Loop() {
			h.ok(h.s.Store.Tx(h.ctx(), func(tx *store.Tx) error { return h.s.Recompile(tx, portal.System) }))
		}
	})
}
