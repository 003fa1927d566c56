package peers_test

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestProfileIsKeptAsTyped(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		got, err := h.s.Profile(h.ctx(), h.mina, h.profile.ID)
		h.ok(err)
		want := portal.Profile{
			ID: h.profile.ID, Name: "Work", Mode: portal.Split, Included: []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16"), netip.MustParsePrefix("fd00:20::/32")},
			DNS: []netip.Addr{netip.MustParseAddr("10.77.0.2")}, Search: []string{"corp.example.com"}, Keepalive: 25 * time.Second, Session: 8 * time.Hour,
			Protocols: []portal.Protocol{portal.WireGuard}, Pool: h.pool.ID, CreatedAt: started,
		}
		if fmt.Sprintf("%#v", got.Profile) != fmt.Sprintf("%#v", want) {
			t.Errorf("got\n%#v\nwant\n%#v", got.Profile, want)
		}
		if fmt.Sprint(got.Routes) != "[10.20.0.0/16 fd00:20::/32]" || len(got.Regions) != 1 || !got.Regions[0].Ready {
			t.Errorf("routes %s, regions %+v", got.Routes, got.Regions)
		}
	})
}

func TestWrongProfilesAreRefusedWithTheirFields(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		create := func(in peers.ProfileInput) error { _, err := h.s.CreateProfile(h.ctx(), h.admin, in); return err }
		wantField(t, create(peers.ProfileInput{}), "/name:required", "/mode:not_allowed")
		wantField(t, create(peers.ProfileInput{Name: "x", Mode: portal.Split}), "/included:no_routes")
		wantField(t, create(peers.ProfileInput{Name: "x", Mode: portal.Split, Included: []string{"10.0.0.0/8"}, Excluded: []string{"0.0.0.0/0"}}), "/included:no_routes")
		wantField(t, create(peers.ProfileInput{
			Name: strings.Repeat("x", 10_000), Description: strings.Repeat("x", 501), Mode: "half", Included: []string{"10.0.0.1/8"}, Excluded: []string{"ten"},
			DNS: []string{"dns.example.com", "0.0.0.0", "ff02::1"}, Search: []string{"-x.example.com", "10.0.0.1", "a b", strings.Repeat("a", 64), "회사.kr"},
			MTU: 1000, Keepalive: 90 * time.Minute, Session: time.Second, MaxDevices: -1,
		}), "/name:too_long", "/description:too_long", "/mode:not_allowed", "/included/0:host_bits", "/excluded/0:malformed",
			"/dns/0:malformed", "/dns/1:malformed", "/dns/2:malformed",
			"/search/0:malformed", "/search/1:malformed", "/search/2:malformed", "/search/3:malformed", "/search/4:malformed",
			"/keepalive:out_of_range", "/maxDevices:out_of_range", "/mtu:out_of_range", "/sessionSeconds:out_of_range")
		wantField(t, create(peers.ProfileInput{Name: "x", Mode: portal.Full, Search: []string{"corp.example.com"}}), "/search:needs_dns")
		wantField(t, create(peers.ProfileInput{
			Name: "x", Mode: portal.Full, Groups: []portal.GroupID{"nobody", portal.Everyone}, PoPs: []portal.PoPID{h.pop.ID, "nowhere"}, Pool: "dry",
		}), "/groups/0:unknown", "/pops/1:unknown", "/pool:unknown")
		wantErr(t, create(peers.ProfileInput{Name: "Work", Mode: portal.Full}), portal.ErrDuplicate)
		h.ok(h.sameAsCompiled())
	})
}

func TestProfileInUseStays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		wantErr(t, h.s.DeleteProfile(h.ctx(), h.admin, h.profile.ID), peers.ErrInUse)
		pool, err := h.s.CreatePool(h.ctx(), h.admin, "Second", "10.78.0.0/16", "fd5a:2::/112")
		h.ok(err)
		in := peers.ProfileInput{Name: "Work", Mode: portal.Full, Pool: pool.ID}
		_, err = h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
		wantErr(t, err, peers.ErrInUse)
		_, err = h.s.RevokeDevice(h.ctx(), h.mina, d.ID)
		h.ok(err)
		_, err = h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
		h.ok(err)
		if d := h.device(h.mina, "laptop"); d.Addr.V4 != netip.MustParseAddr("10.78.0.4") {
			t.Errorf("address is %s", d.Addr.V4)
		} else if _, err := h.s.RevokeDevice(h.ctx(), h.mina, d.ID); err != nil {
			t.Error(err)
		}
		h.ok(h.sameAsCompiled())
		h.ok(h.s.DeleteProfile(h.ctx(), h.admin, h.profile.ID))
		wantErr(t, h.s.DeleteProfile(h.ctx(), h.admin, h.profile.ID), portal.ErrNotFound)
		h.ok(h.sameAsCompiled())
	})
}

func TestPoolsDoNotOverlap(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			name, v4, v6 string
			want         *portal.Error
		}{
			{"Inside", "10.77.3.0/24", "fd99::/112", peers.ErrPoolOverlap},
			{"Around", "10.0.0.0/8", "fd99::/64", peers.ErrPoolOverlap},
			{"IPv6", "10.99.0.0/16", "fd5a::/16", peers.ErrPoolOverlap},
			{"Small", "10.99.0.0/30", "fd99::/112", portal.ErrPool},
			{"Mixed", "fd98::/112", "fd99::/112", portal.ErrPool},
			{"Narrow", "10.99.0.0/16", "fd99::/120", portal.ErrPool},
			{"Default", "10.99.0.0/16", "fd99::/112", portal.ErrDuplicate},
			{"Bad", "10.99.0.1/16", "fd99::/112", portal.ErrInvalid},
		} {
			_, err := h.s.CreatePool(h.ctx(), h.admin, c.name, c.v4, c.v6)
			wantErr(t, err, c.want)
		}
		h.device(h.mina, "laptop")
		pools, err := h.s.Pools(h.ctx(), h.admin)
		if err != nil || len(pools) != 1 || pools[0].Used != 1 || pools[0].Size != 65531 {
			t.Errorf("pools are %+v, %v", pools, err)
		}
	})
}

func TestManyAskAtOnceAndNobodyGetsAnothersAddressNameOrKey(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		const clients, each = 12, 8
		people := make([]portal.Actor, clients)
		inputs := make([][]peers.NewDevice, clients)
		shared := h.newDevice("shared key")
		for i := range people {
			people[i] = h.person(fmt.Sprintf("Person %d", i))
			for j := range each {
				inputs[i] = append(inputs[i], h.newDevice(fmt.Sprint("device ", j)))
			}
			inputs[i] = append(inputs[i], shared)
		}
		var mu sync.Mutex
		addresses, keyWinners := map[uint32]int{}, 0
		var wg sync.WaitGroup
		for i, by := range people {
			wg.Go(func() {
				for _, in := range inputs[i] {
					d, err := h.s.CreateDevice(h.ctx(), by, in)
					mu.Lock()
					switch {
					case err == nil && in.PublicKey == shared.PublicKey:
						keyWinners++
						addresses[d.Addr.N]++
					case err == nil:
						addresses[d.Addr.N]++
					case in.PublicKey != shared.PublicKey:
						t.Error(err)
					default:
						wantErr(t, err, peers.ErrKeyTaken)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if keyWinners != 1 || len(addresses) != clients*each+1 {
			t.Errorf("%d have the shared key, %d addresses; want 1 and %d", keyWinners, len(addresses), clients*each+1)
		}
		for n := range addresses {
			if n < portal.PoolFirst || n >= portal.PoolFirst+clients*each+1 {
				t.Errorf("number %d is not among the lowest", n)
			}
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestDemoIsSeededOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		fresh := &peers.Service{Store: storetest.New(t), Log: slog.New(slog.DiscardHandler)}
		demo := peers.Demo{Intranet: netip.MustParsePrefix("10.88.0.10/32"), Ports: []portal.PortRange{{First: 80, Last: 80}}}
		wantErr(t, fresh.SeedDemo(t.Context(), demo), peers.ErrNoPool)
		pool, err := fresh.SeedPool(t.Context(), netip.Prefix{}, netip.Prefix{})
		h.ok(err)
		if pool.V4.String() != "10.77.0.0/16" || pool.V6.Bits() != 112 || pool.V6.Addr().As16()[0] != 0xfd || pool.Validate() != nil {
			t.Errorf("pool is %s and %s", pool.V4, pool.V6)
		}
		for range 2 {
			h.ok(fresh.SeedDemo(t.Context(), demo))
			again, err := fresh.SeedPool(t.Context(), netip.Prefix{}, netip.Prefix{})
			if err != nil || again != pool {
				t.Errorf("seeded again: %+v, %v", again, err)
			}
		}
		profiles, err := fresh.AllProfiles(t.Context(), portal.System)
		if err != nil || len(profiles) != 2 || fmt.Sprint(profiles[0].Routes) != "[0.0.0.0/0 ::/0]" || fmt.Sprint(profiles[1].Routes) != "[10.88.0.10/32]" {
			t.Errorf("profiles are %+v, %v", profiles, err)
		}
		rules, err := fresh.Rules(t.Context(), portal.System)
		if err != nil || len(rules) != 1 || len(rules[0].Groups) != 1 || rules[0].Groups[0] != portal.Everyone {
			t.Errorf("rules are %+v, %v", rules, err)
		}
	})
}

func TestSweepForgetsOldTombstonesAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		old, kept := h.device(h.mina, "old"), h.device(h.mina, "kept")
		_, err := h.s.RevokeDevice(h.ctx(), h.mina, old.ID)
		h.ok(err)
		h.now = h.now.Add(6 * 24 * time.Hour)
		recent := h.device(h.mina, "recent")
		revoked, err := h.s.RevokeDevice(h.ctx(), h.mina, recent.ID)
		h.ok(err)
		h.now = h.now.Add(2 * 24 * time.Hour)
		h.ok(h.s.SweepOnce(h.ctx()))
		h.tx(func(tx *store.Tx) error {
			head, floor, err := tx.Revision()
			if floor == 0 || floor >= revoked || head != revoked {
				t.Errorf("head %d, floor %d; want the floor below the recent revocation at %d", head, floor, revoked)
			}
			gone := 0
			if err == nil {
				err = tx.Since(0, func(o store.Object) error {
					if o.Gone {
						gone++
					}
					return nil
				})
			}
			if gone != 1 {
				t.Errorf("%d tombstones, want the recent one", gone)
			}
			return err
		})
		if _, there := h.entry(kept); !there {
			t.Error("a live entry was swept")
		}
		h.ok(h.sameAsCompiled())
	})
}

func TestShorterSessionsShortenGrantsThatRun(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		h.now = h.now.Add(time.Hour)
		late := h.device(h.jun, "phone")
		in := peers.ProfileInput{Name: "Work", Mode: portal.Split, Included: []string{"10.20.0.0/16"}, Session: 2 * time.Hour}
		_, err := h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
		h.ok(err)
		for _, x := range []peers.DeviceView{d, late} {
			want := x.CreatedAt.Add(2 * time.Hour)
			e, there := h.entry(x)
			now, err := h.s.Device(h.ctx(), h.admin, x.ID)
			h.ok(err)
			if !there || !e.NotAfter.Equal(want) || !now.Grant.NotAfter.Equal(want) {
				t.Errorf("%s: the grant ends at %v, its entry at %v; want %v", x.Name, now.Grant.NotAfter, e.NotAfter, want)
			}
		}
		in.Session = 24 * time.Hour
		_, err = h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, in)
		h.ok(err)
		if e, _ := h.entry(d); !e.NotAfter.Equal(d.CreatedAt.Add(2 * time.Hour)) {
			t.Errorf("longer sessions lengthened a grant that runs: %v", e.NotAfter)
		}
	})
}
