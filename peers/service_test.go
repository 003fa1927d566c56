package peers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// house is a portal with a pool, a PoP with an enrolled gateway, a split profile and two people.
type house struct {
	t       testing.TB
	s       *peers.Service
	now     time.Time
	pool    portal.Pool
	pop     portal.PoP
	gateway portal.Gateway
	profile peers.ProfileView
	mina    portal.Actor
	jun     portal.Actor
	admin   portal.Actor
}

var started = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// each runs the test on both engines.
func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, newHouse(t, s)) })
}

func newHouse(t testing.TB, s *store.Store) *house {
	t.Helper()
	h := &house{t: t, now: started}
	s.Now = func() time.Time { return h.now }
	h.s = &peers.Service{Store: s, Log: slog.New(slog.DiscardHandler), Portal: "https://vpn.example.com"}
	h.mina, h.jun = h.person("Mina Kim"), h.person("Jun Lee")
	h.admin = h.person("Ada Park")
	h.admin.Role = portal.RoleAdmin
	h.pop = h.addPoP("Seoul")
	h.gateway = h.addGateway(h.pop.ID, "seoul-1")
	var err error
	h.pool, err = h.s.SeedPool(h.ctx(), netip.Prefix{}, netip.MustParsePrefix("fd5a:1::/112"))
	h.ok(err)
	h.profile, err = h.s.CreateProfile(h.ctx(), h.admin, peers.ProfileInput{
		Name: "Work", Mode: portal.Split, Included: []string{"10.20.0.0/16", "fd00:20::/32"}, DNS: []string{"10.77.0.2"},
		Search: []string{"Corp.Example.com."}, Keepalive: 25 * time.Second, Session: 8 * time.Hour,
	})
	h.ok(err)
	return h
}

func (h *house) ctx() context.Context { return h.t.Context() }

func (h *house) ok(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) tx(fn func(tx *store.Tx) error) {
	h.t.Helper()
	h.ok(h.s.Store.Tx(h.ctx(), fn))
}

func (h *house) person(name string) portal.Actor {
	h.t.Helper()
	u := portal.User{
		ID: portal.NewID[portal.UserID](h.now), Name: name, Email: name[:3] + "@example.com", Role: portal.RoleUser, State: portal.UserActive, CreatedAt: h.now,
	}
	h.tx(func(tx *store.Tx) error { return tx.CreateUser(u) })
	always := time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC) // a factor that is as good as shown just now, wherever the test moves its clock
	return portal.Actor{User: u.ID, Role: portal.RoleUser, Session: "s", TrustedAt: always, Addr: netip.MustParseAddr("203.0.113.7"), RequestID: "r1"}
}

func (h *house) addPoP(name string) portal.PoP {
	h.t.Helper()
	p := portal.PoP{ID: portal.NewID[portal.PoPID](h.now), Name: name, CreatedAt: h.now}
	h.tx(func(tx *store.Tx) error { return tx.CreatePoP(p) })
	return p
}

// addGateway makes a gateway that has enrolled and was heard of just now.
func (h *house) addGateway(pop portal.PoPID, name string) portal.Gateway {
	h.t.Helper()
	g := portal.Gateway{
		ID: portal.NewID[portal.GatewayID](h.now), PoP: pop, Name: name, State: portal.GatewayActive, Host: name + ".vpn.example.com", Port: 51820,
		PublicKey: newKey(h.t), CreatedAt: h.now, EnrolledAt: h.now, SeenAt: h.now,
	}
	h.tx(func(tx *store.Tx) error {
		return errors.Join(tx.CreateGateway(g), tx.EnrolGateway(g, 0))
	})
	h.report(g)
	return g
}

// report says what the gateway says of itself.
func (h *house) report(g portal.Gateway) {
	h.t.Helper()
	h.tx(func(tx *store.Tx) error {
		stale, err := tx.SaveReports([]store.GatewayReport{{Gateway: g}})
		if len(stale) > 0 {
			h.t.Errorf("the report of %s counts for nothing", g.Name)
		}
		return err
	})
}

func newKey(t testing.TB) portal.PublicKey {
	t.Helper()
	k, err := portal.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func (h *house) newDevice(name string) peers.NewDevice {
	return peers.NewDevice{Name: name, Platform: portal.Linux, Profile: h.profile.ID, PublicKey: newKey(h.t).String()}
}

func (h *house) device(by portal.Actor, name string) peers.DeviceView {
	h.t.Helper()
	d, err := h.s.CreateDevice(h.ctx(), by, h.newDevice(name))
	h.ok(err)
	return d
}

// entry returns the device's entry in the feed log; there is false when it has none.
func (h *house) entry(d peers.DeviceView) (e portal.Entry, there bool) {
	h.t.Helper()
	all := h.logged()
	e, there = all.Entries[portal.EntryKey{Profile: d.Profile, Device: d.ID}]
	return e, there
}

func wantErr(t testing.TB, err error, want *portal.Error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %s", err, want.Code)
	}
}

// wantField wants err to be about exactly these fields, as "path:code".
func wantField(t testing.TB, err error, want ...string) {
	t.Helper()
	var e *portal.Error
	if !errors.As(err, &e) || e.Kind != portal.Invalid {
		t.Errorf("got %v, want wrong fields %q", err, want)
		return
	}
	var got []string
	for _, f := range e.Fields {
		got = append(got, f.Path+":"+f.Code)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("wrong fields are %q, want %q", got, want)
	}
}
