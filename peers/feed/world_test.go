package feed_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
)

// patience is how long a test waits for what must happen; only a failure takes so long.
const patience = time.Minute

var admin = portal.Actor{User: "admin", Role: portal.RoleOwner}

// site is a portal: a database, a hub and its listener.
type site struct {
	t        testing.TB
	store    *store.Store
	gateways *peers.Gateways
	hub      *feed.Hub
	addr     string
	stop     func()
}

type siteOption func(*site)

func quickBeat(s *site) { s.hub.Beat = 100 * time.Millisecond }

func slowPoll(s *site) { s.hub.Poll = time.Hour }

func certificateLife(d time.Duration) siteOption {
	return func(s *site) { s.gateways.CertificateLife = d }
}

// newSite starts a portal on the database.
func newSite(t testing.TB, db *store.Store, options ...siteOption) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return newSiteAt(t, db, l, options...)
}

func newSiteAt(t testing.TB, db *store.Store, l net.Listener, options ...siteOption) *site {
	t.Helper()
	s := &site{t: t, store: db, addr: l.Addr().String()}
	s.gateways = &peers.Gateways{Store: db, Keys: keyring(t), Now: time.Now, Log: logger(t), Portals: []string{s.addr}}
	s.hub = &feed.Hub{Control: s.gateways, Now: time.Now, Log: logger(t), Poll: 200 * time.Millisecond, Beat: time.Second}
	s.gateways.Live = s.hub
	for _, o := range options {
		o(s)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.hub.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		if err := s.hub.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	s.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	t.Cleanup(s.stop)
	return s
}

func keyring(t testing.TB) *seal.Keyring {
	t.Helper()
	k, err := seal.NewKey("test", bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	r, err := seal.NewKeyring(k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// logger shows what the parts log when a test fails, or always with SALLYPORT_TEST_LOG.
func logger(t testing.TB) *slog.Logger {
	if os.Getenv("SALLYPORT_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if _, benchmark := t.(*testing.B); benchmark {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func (s *site) pool() portal.PoolID {
	s.t.Helper()
	id := portal.NewID[portal.PoolID](time.Now())
	s.tx(func(tx *store.Tx) error {
		return tx.CreatePool(portal.Pool{ID: id, Name: string(id), V4: netip.MustParsePrefix("10.64.0.0/14"), V6: netip.MustParsePrefix("fd00:64::/64")})
	})
	return id
}

func (s *site) profile(pool portal.PoolID, pops ...portal.PoPID) portal.ProfileID {
	s.t.Helper()
	p := portal.Profile{ID: portal.NewID[portal.ProfileID](time.Now()), Mode: portal.Split, Pool: pool, PoPs: pops}
	p.Name = string(p.ID)
	s.tx(func(tx *store.Tx) error {
		if err := tx.CreateProfile(p); err != nil {
			return err
		}
		_, err := tx.Put(store.ProfileKey(p.ID), func(rev uint64) any { return portal.ServedProfile{ID: p.ID, PoPs: pops, Pool: pool, Revision: rev} })
		return err
	})
	return p.ID
}

func (s *site) serveAt(id portal.ProfileID, pops ...portal.PoPID) {
	s.t.Helper()
	s.tx(func(tx *store.Tx) error {
		p, err := tx.Profile(id)
		if err != nil {
			return err
		}
		p.PoPs = pops
		if err := tx.UpdateProfile(p); err != nil {
			return err
		}
		_, err = tx.Put(store.ProfileKey(id), func(rev uint64) any { return portal.ServedProfile{ID: id, PoPs: pops, Pool: p.Pool, Revision: rev} })
		return err
	})
}

func (s *site) pop(networks ...string) portal.PoPID {
	s.t.Helper()
	in := peers.NewPoP{Name: string(portal.NewID[portal.PoPID](time.Now()))}
	for _, n := range networks {
		in.Networks = append(in.Networks, netip.MustParsePrefix(n))
	}
	p, err := s.gateways.CreatePoP(s.t.Context(), admin, in)
	if err != nil {
		s.t.Fatal(err)
	}
	return p.ID
}

func (s *site) tx(fn func(tx *store.Tx) error) {
	s.t.Helper()
	if err := s.store.Tx(s.t.Context(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// gateway makes a gateway in the PoP and returns it with its token.
func (s *site) gateway(pop portal.PoPID) (portal.GatewayID, portal.Secret) {
	s.t.Helper()
	g, token, err := s.gateways.CreateGateway(s.t.Context(), admin, peers.NewGateway{
		PoP: pop, Name: string(portal.NewID[portal.GatewayID](time.Now())), Host: "gw.example.com",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return g.ID, token.Secret
}

// enrol makes a gateway in the PoP and enrols a node for it.
func (s *site) enrol(pop portal.PoPID) feed.Credentials {
	s.t.Helper()
	_, token := s.gateway(pop)
	c, err := feed.Enrol(s.t.Context(), feed.EnrolRequest{Portal: s.addr, Token: token, PublicKey: wireguardKey(s.t), Version: "test"})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func wireguardKey(t testing.TB) portal.PublicKey {
	t.Helper()
	k, err := portal.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

// node is a gateway's end: a follower that keeps a State, and a client.
type node struct {
	t      testing.TB
	client *feed.Client
	stop   func()

	mu      sync.Mutex
	state   *portal.State
	full    int           // snapshots
	changes int           // changes that were not snapshots, heartbeats included
	news    chan struct{} // closed and replaced at each change
	block   chan struct{} // when set, Apply waits until it is closed
	ended   chan error    // gets what Run returned
}

func newNode(t testing.TB, c feed.Credentials) *node {
	n := &node{t: t, state: portal.NewState(), news: make(chan struct{}), stop: func() {}}
	n.client = &feed.Client{Credentials: c, Now: time.Now, Log: logger(t), Version: "test"}
	return n
}

// start runs the client until stop.
func (n *node) start() *node {
	ctx, cancel := context.WithCancel(context.Background())
	n.ended = make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.ended <- n.client.Run(ctx, n)
	}()
	n.stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	n.t.Cleanup(n.stop)
	return n
}

// restart ends the client and begins another one with what the follower holds: a gateway whose program was restarted.
func (n *node) restart() *node {
	n.stop()
	c := n.client
	n.client = &feed.Client{Credentials: c.Credentials, Now: c.Now, Log: c.Log, Version: c.Version}
	return n.start()
}

func (n *node) Since() (uint64, string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Revision, n.state.Hash()
}

func (n *node) Apply(ctx context.Context, c portal.Change) error {
	n.mu.Lock()
	block := n.block
	n.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state.Apply(c)
	if c.Full {
		n.full++
	} else {
		n.changes++
	}
	close(n.news)
	n.news = make(chan struct{})
	return nil
}

// await waits until cond holds for the node's state.
func (n *node) await(what string, cond func(s *portal.State) bool) {
	n.t.Helper()
	deadline := time.After(patience)
	for {
		n.mu.Lock()
		ok, news := cond(n.state), n.news
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-news:
		case <-deadline:
			n.t.Fatalf("%s did not happen within %v", what, patience)
		}
	}
}

func (n *node) awaitEntry(k portal.EntryKey) {
	n.t.Helper()
	n.await("entry "+string(k.Device), func(s *portal.State) bool { _, ok := s.Entries[k]; return ok })
}

func (n *node) awaitGone(k portal.EntryKey) {
	n.t.Helper()
	n.await("end of entry "+string(k.Device), func(s *portal.State) bool { _, ok := s.Entries[k]; return !ok })
}

func (n *node) snapshots() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.full
}

// eventually waits for something that has no signal of its own.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s did not happen within %v", what, patience)
		}
	}
}

// putEntry writes one entry with its own signature and rule, unless they are given.
func (s *site) putEntry(profile portal.ProfileID, device string) portal.EntryKey {
	s.t.Helper()
	k := portal.EntryKey{Profile: profile, Device: portal.DeviceID(device)}
	s.tx(func(tx *store.Tx) error { return putEntry(tx, k, "sig-1", "rule-1") })
	return k
}

// putEntry writes an entry, its signature and that signature's rules to the log.
func putEntry(tx *store.Tx, k portal.EntryKey, sig portal.SignatureID, rules ...portal.RuleID) error {
	for _, id := range rules {
		if err := putRule(tx, id); err != nil {
			return err
		}
	}
	if err := putSignature(tx, sig, rules...); err != nil {
		return err
	}
	return putBareEntry(tx, k, sig)
}

func putBareEntry(tx *store.Tx, k portal.EntryKey, sig portal.SignatureID) error {
	var key portal.PublicKey
	copy(key[:], portal.NewSecret(32))
	_, err := tx.Put(store.EntryKey(k), func(rev uint64) any {
		return portal.Entry{
			EntryKey: k, PublicKey: key, V4: netip.AddrFrom4([4]byte{10, 64, byte(rev >> 8), byte(rev)}), V6: netip.MustParseAddr("fd00:64::1"),
			Signature: sig, Level: portal.LevelFull, NotAfter: tx.Now.Add(time.Hour), Revision: rev,
		}
	})
	return err
}

func putSignature(tx *store.Tx, id portal.SignatureID, rules ...portal.RuleID) error {
	_, err := tx.Put(store.SignatureKey(id), func(rev uint64) any { return portal.Signature{ID: id, Rules: rules, Revision: rev} })
	return err
}

func putRule(tx *store.Tx, id portal.RuleID, groups ...portal.GroupID) error {
	_, err := tx.Put(store.RuleKey(id), func(rev uint64) any {
		return portal.CompiledRule{ID: id, Groups: groups, Action: portal.Allow, Revision: rev, Destinations: []portal.Destination{
			{Prefix: netip.MustParsePrefix("192.168.0.0/16"), Transport: portal.TCP, Ports: portal.PortRange{First: 443, Last: 443}},
		}}
	})
	return err
}

func (s *site) dropEntry(k portal.EntryKey) {
	s.t.Helper()
	s.tx(func(tx *store.Tx) error { _, err := tx.Drop(store.EntryKey(k)); return err })
}

func (s *site) head() uint64 {
	s.t.Helper()
	var head uint64
	err := s.store.View(s.t.Context(), func(tx *store.Tx) (err error) {
		head, _, err = tx.Revision()
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return head
}

// want is what gateways of the PoP should have, worked out the plain way from the whole log.
func (s *site) want(pop portal.PoPID) *portal.State {
	s.t.Helper()
	return plainFilter(s.t, s.store, pop)
}

// listenAgain takes an address that was just given up.
func listenAgain(t testing.TB, addr string) net.Listener {
	t.Helper()
	var l net.Listener
	eventually(t, "listening on "+addr+" again", func() (ok bool) {
		var err error
		l, err = net.Listen("tcp", addr)
		return err == nil
	})
	return l
}

// networks gives the PoP other networks and returns them as they print.
func (s *site) networks(id portal.PoPID, prefixes ...string) string {
	s.t.Helper()
	in := peers.NewPoP{Name: string(id)}
	for _, n := range prefixes {
		in.Networks = append(in.Networks, netip.MustParsePrefix(n))
	}
	if _, err := s.gateways.UpdatePoP(s.t.Context(), admin, id, in); err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprint(in.Networks)
}
