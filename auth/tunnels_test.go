package auth_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// office is a world with real tunnels: people with devices, a group, a rule and a profile.
type office struct {
	*world
	peers    *peers.Service
	people   []person
	devices  []peers.DeviceView
	boss     portal.Actor
	group    portal.Group
	profile  portal.ProfileID
	resource portal.ResourceID
	rule     portal.RuleID
}

func newOffice(t *testing.T, s *store.Store) *office {
	t.Helper()
	o := &office{world: newWorld(t, s)}
	o.peers = &peers.Service{Store: s, Log: slog.New(slog.DiscardHandler)}
	o.Tunnels = o.peers
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	place := portal.PoP{ID: portal.NewID[portal.PoPID](o.clock), Name: "here"}
	must(s.Tx(ctx, func(tx *store.Tx) error { return tx.CreatePoP(place) }))
	_, err := o.peers.SeedPool(ctx, netip.Prefix{}, netip.Prefix{})
	must(err)
	profile, err := o.peers.CreateProfile(ctx, portal.System, peers.ProfileInput{Name: "Work", Mode: portal.Full})
	must(err)
	o.profile = profile.ID
	o.group, err = o.peers.CreateGroup(ctx, portal.System, "team")
	must(err)
	resource, err := o.peers.CreateResource(ctx, portal.System, peers.ResourceInput{Name: "net", Prefixes: []string{"10.0.0.0/8"}, Transport: portal.AnyTransport})
	must(err)
	o.resource = resource.ID
	rule, err := o.peers.CreateRule(ctx, portal.System, o.ruleInput(portal.Everyone))
	must(err)
	o.rule = rule.ID
	owner := o.enrolled(ada("boss")).User.ID
	must(s.Tx(ctx, func(tx *store.Tx) error { return tx.SetRole(owner, portal.RoleOwner, store.RoleLocal) }))
	o.boss = portal.System
	for i := range 4 {
		p := o.enrolled(ada(fmt.Sprint("u", i)))
		d, err := o.peers.CreateDevice(ctx, p.Actor(), o.newDevice("first"))
		must(err)
		o.people, o.devices = append(o.people, p), append(o.devices, d)
	}
	return o
}

func (o *office) newDevice(name string) peers.NewDevice {
	o.t.Helper()
	key, err := portal.NewPrivateKey()
	if err != nil {
		o.t.Fatal(err)
	}
	return peers.NewDevice{Name: name, Platform: portal.Linux, Profile: o.profile, PublicKey: key.Public().String()}
}

func (o *office) ruleInput(g portal.GroupID) peers.RuleInput {
	return peers.RuleInput{Name: "rule", Reason: "test", Action: portal.Allow, Groups: []portal.GroupID{g}, Resources: []portal.ResourceID{o.resource}}
}

// round does all at once what touches the same people, devices and policy, and fails on every error.
func (o *office) round(i int) {
	o.t.Helper()
	ctx := o.t.Context()
	var wg sync.WaitGroup
	do := func(what string, fn func() error) {
		wg.Go(func() {
			if err := fn(); err != nil {
				o.t.Errorf("round %d: %s: %v", i, what, err)
			}
		})
	}
	for n := range o.people {
		p, d := &o.people[n], o.devices[n]
		code := o.code(*p)
		do("verify", func() error {
			in, err := o.VerifyTOTP(ctx, p.Who, code)
			o.keep(in.Secret)
			if err == nil {
				p.Session = in.Session
			}
			return err
		})
		do("member", func() error { return o.peers.SetMember(ctx, o.boss, o.group.ID, d.User, i%2 == 0) })
		do("new device", func() error {
			_, err := o.peers.CreateDevice(ctx, portal.Actor{User: d.User, Role: portal.RoleUser}, o.newDevice(fmt.Sprint("d", i)))
			return err
		})
		do("rename", func() error { _, err := o.peers.RenameDevice(ctx, o.boss, d.ID, fmt.Sprint("name", i)); return err })
		do("suspend and resume", func() error {
			if _, err := o.peers.SuspendDevice(ctx, o.boss, d.ID); err != nil {
				return err
			}
			_, err := o.peers.ResumeDevice(ctx, o.boss, d.ID)
			return err
		})
		do("role", func() error {
			return o.SetRole(ctx, o.boss, d.User, []portal.Role{portal.RoleUser, portal.RoleAdmin}[i%2])
		})
	}
	do("rule", func() error {
		_, err := o.peers.UpdateRule(ctx, o.boss, o.rule, o.ruleInput([]portal.GroupID{portal.Everyone, o.group.ID}[i%2]))
		return err
	})
	do("sweep", func() error { return o.Sweep(ctx) })
	do("peers' sweep", func() error { return o.peers.SweepOnce(ctx) })
	wg.Wait()
}

func TestSecondFactorsTunnelsAndPolicyAtOnceDoNotBlockEachOther(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testAtOnce(t, newOffice(t, storetest.New(t))) })
	t.Run("postgres", func(t *testing.T) {
		dsn := storetest.PostgresDSN(t)
		s, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		testAtOnce(t, newOffice(t, s))
		t.Cleanup(func() { wantNoDeadlock(t, dsn) })
		t.Cleanup(func() { _ = s.Close() })
	})
}

func testAtOnce(t *testing.T, o *office) {
	t.Helper()
	for i := range 5 {
		o.pass(2 * time.Minute)
		o.round(i)
	}
	// What gateways follow is what policy says: to compile it all again changes nothing.
	before := o.head()
	if err := o.Store.Tx(t.Context(), func(tx *store.Tx) error { return o.peers.Recompile(tx, portal.System) }); err != nil {
		t.Fatal(err)
	}
	if after := o.head(); after != before {
		t.Errorf("%d objects of the feed log were not what policy says", after-before)
	}
}

func (o *office) head() (head uint64) {
	o.t.Helper()
	err := o.Store.View(o.t.Context(), func(tx *store.Tx) (err error) {
		head, _, err = tx.Revision()
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return head
}

// wantNoDeadlock asks the server, once all connections that could tell it of one are closed: a transaction that lost is run again, so
// nobody else sees it.
func wantNoDeadlock(t *testing.T, dsn string) {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Error(err)
		return
	}
	defer db.Close()
	var n int
	if err := db.QueryRowContext(context.Background(), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(&n); err != nil {
		t.Error(err)
	}
	if n > 0 {
		t.Errorf("%d transactions waited for each other", n)
	}
}

var _ auth.Tunnels = (*peers.Service)(nil)
