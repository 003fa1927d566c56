package feed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// cutter is a proxy that passes a number of bytes from the portal to the gateway and then cuts the connection.
type cutter struct {
	l     net.Listener
	to    string
	limit atomic.Int64 // bytes for each connection from now on; negative: no limit
	cuts  atomic.Int64
	wg    sync.WaitGroup
	mu    sync.Mutex
	open  map[net.Conn]struct{}
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{l: l, to: to, open: map[net.Conn]struct{}{}}
	c.limit.Store(-1)
	c.wg.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			c.wg.Go(func() { c.pass(near) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		c.cutAll()
		c.wg.Wait()
	})
	return c
}

func (c *cutter) pass(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer far.Close()
	c.mu.Lock()
	c.open[near] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.open, near)
		c.mu.Unlock()
	}()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(far, near)
		far.Close()
	}()
	if n := c.limit.Load(); n >= 0 {
		if _, err := io.CopyN(near, far, n); err == nil {
			c.cuts.Add(1)
		}
	} else {
		_, _ = io.Copy(near, far)
	}
	near.Close()
	<-done
}

func (c *cutter) cutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
}

func TestStreamCutAnywhereLosesNothing(t *testing.T) {
	s := newSite(t, storetest.New(t))
	pop := s.pop("192.168.0.0/16")
	profile := s.profile(s.pool())
	for i := range 20 {
		s.putEntry(profile, fmt.Sprint("base", i))
	}
	proxy := newCutter(t, s.addr)
	creds := s.enrol(pop)
	creds.Portals = []string{proxy.l.Addr().String()}
	// A handshake and the welcome take about 1,700 bytes; the snapshot about 9,000. Each node begins with nothing, and then resumes.
	for limit := int64(1500); limit < 11_000; limit += 421 {
		proxy.limit.Store(limit)
		n := newNode(t, creds).start()
		before := proxy.cuts.Load()
		k := s.putEntry(profile, fmt.Sprint("d", limit))
		eventually(t, "a cut", func() bool {
			s.putEntry(profile, "busy") // until enough has been sent
			return proxy.cuts.Load() > before
		})
		s.dropEntry(k)
		proxy.limit.Store(-1)
		proxy.cutAll()
		want := s.want(pop)
		n.await(fmt.Sprintf("agreement after a cut at %d bytes", limit), func(st *portal.State) bool { return st.Hash() == want.Hash() })
		n.stop()
	}
}

func TestGatewayThatWasRestartedResumesWithoutSnapshot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		pop := s.pop()
		profile := s.profile(s.pool())
		first := s.putEntry(profile, "d1")
		n := newNode(t, s.enrol(pop)).start()
		n.awaitEntry(first)
		n.stop()
		s.dropEntry(first)
		second := s.putEntry(profile, "d2")
		n.restart()
		n.awaitEntry(second)
		n.awaitGone(first)

		// The portal was restarted too: its memory of changes is empty, and the log has them.
		n.stop()
		s.dropEntry(second)
		third := s.putEntry(profile, "d3")
		s.stop()
		s = newSiteAt(t, db, listenAgain(t, s.addr))
		n.restart()
		n.awaitEntry(third)
		n.awaitGone(second)
		if n.snapshots() != 1 {
			t.Errorf("%d snapshots, want the first one only", n.snapshots())
		}
		if got, want := hash(n), s.want(pop).Hash(); got != want {
			t.Errorf("gateway has %s, want %s", got, want)
		}
	})
}

func TestWhoIsBehindTheTrimmedLogGetsASnapshot(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		pop := s.pop()
		profile := s.profile(s.pool())
		gone := s.putEntry(profile, "d1")
		n := newNode(t, s.enrol(pop)).start()
		n.awaitEntry(gone)
		n.stop()
		s.stop()
		s.dropEntry(gone)
		upTo := s.head()
		s.tx(func(tx *store.Tx) error { _, err := tx.TrimLog(upTo); return err })
		newSiteAt(t, db, listenAgain(t, s.addr))
		n.restart()
		n.awaitGone(gone)
		if n.snapshots() != 2 {
			t.Errorf("%d snapshots, want 2", n.snapshots())
		}
	})
}

func TestForgedSinceIsAnsweredWithASnapshotOfTheOwnPlace(t *testing.T) {
	s := newSite(t, storetest.New(t))
	here, there := s.pop(), s.pop()
	pool := s.pool()
	own, foreign := s.putEntry(s.profile(pool, here), "own"), s.putEntry(s.profile(pool, there), "foreign")
	creds := s.enrol(here)
	head := s.head()
	for _, since := range []uint64{0, 1, head, head + 1, 1 << 62} {
		n := newNode(t, creds)
		n.state.Revision = since
		n.start().awaitEntry(own)
		n.mu.Lock()
		if _, leaked := n.state.Entries[foreign]; leaked || len(n.state.Entries) != 1 {
			t.Errorf("since %d: the gateway holds %d entries, the foreign one %v", since, len(n.state.Entries), leaked)
		}
		n.mu.Unlock()
		n.stop()
	}
}

func TestDriftIsSeenAndHealed(t *testing.T) {
	s := newSite(t, storetest.New(t), quickBeat)
	pop := s.pop()
	k := s.putEntry(s.profile(s.pool()), "d1")
	n := newNode(t, s.enrol(pop)).start()
	n.awaitEntry(k)
	id := n.client.Credentials.Gateway
	eventually(t, "agreement", func() bool { return s.hub.Status(id).HashOK })
	n.mu.Lock()
	n.state.Apply(portal.Change{Revision: n.state.Revision, Gone: []portal.EntryKey{k}}) // something broke on the node
	n.mu.Unlock()
	n.awaitEntry(k)
	eventually(t, "agreement again", func() bool {
		st := s.hub.Status(id)
		return st.HashOK && st.Mismatches == 1 && st.Snapshots == 2
	})
}

func TestSlowGatewayGetsASnapshotAndHoldsNobodyUp(t *testing.T) {
	s := newSite(t, storetest.New(t), func(s *site) { s.hub.Keep = 1 << 20 })
	pop := s.pop()
	profile := s.profile(s.pool())
	slow, quick := newNode(t, s.enrol(pop)), newNode(t, s.enrol(pop)).start()
	slow.block = make(chan struct{})
	slow.start()
	s.putEntry(profile, "d1")
	// More than the ring and every buffer between hold: 60 changes of about 400 kB each.
	for round := range 60 {
		s.tx(func(tx *store.Tx) error { return putWideRule(tx, "rule-1", 4000+round) })
	}
	want := s.want(pop).Hash()
	quick.await("all of it", func(st *portal.State) bool { return st.Hash() == want })
	close(slow.block)
	slow.await("all of it, later", func(st *portal.State) bool { return st.Hash() == want })
	if slow.snapshots() < 2 {
		t.Errorf("%d snapshots; the slow one was to get a second one", slow.snapshots())
	}
}

// putWideRule writes a rule with so many destinations.
func putWideRule(tx *store.Tx, id portal.RuleID, destinations int) error {
	_, err := tx.Put(store.RuleKey(id), func(rev uint64) any {
		r := portal.CompiledRule{ID: id, Action: portal.Allow, Revision: rev}
		for i := range destinations {
			prefix := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16, byte(i >> 8), byte(i)}), 32)
			r.Destinations = append(r.Destinations, portal.Destination{Prefix: prefix, Transport: portal.TCP, Ports: portal.PortRange{First: 443, Last: 443}})
		}
		return r
	})
	return err
}

func TestNewestStreamOfAGatewayWins(t *testing.T) {
	s := newSite(t, storetest.New(t))
	profile := s.profile(s.pool())
	creds := s.enrol(s.pop())
	old, other := newNode(t, creds).start(), newNode(t, creds)
	old.awaitEntry(s.putEntry(profile, "d1"))
	other.start().awaitEntry(s.putEntry(profile, "d2"))
	eventually(t, "the end of the old stream", func() bool { return !old.client.Connected() })
	k := s.putEntry(profile, "d3")
	other.awaitEntry(k)
	if _, has := stateOf(old).Entries[k]; has {
		t.Error("the old stream still brings changes")
	}
	if st := s.hub.Status(creds.Gateway); !st.Connected {
		t.Error("the clean-up of the old stream took the new one away")
	}
	if m := s.hub.Metrics(); m.Fenced != 1 || m.Streams != 1 {
		t.Errorf("%d fenced, %d streams; want 1 and 1", m.Fenced, m.Streams)
	}
}

func stateOf(n *node) portal.Desired {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Desired
}

func TestRetiredGatewayLosesStreamAndRightsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		k := s.putEntry(s.profile(s.pool()), "d1")
		creds := s.enrol(s.pop())
		n, offline := newNode(t, creds).start(), newNode(t, creds)
		n.awaitEntry(k)
		if err := s.gateways.RetireGateway(t.Context(), admin, creds.Gateway); err != nil {
			t.Fatal(err)
		}
		n.awaitGone(k)
		eventually(t, "the end of the stream", func() bool { return !n.client.Connected() && !s.hub.Status(creds.Gateway).Connected })
		select {
		case err := <-n.ended:
			if !errors.Is(err, feed.ErrRetired) {
				t.Errorf("the client ended with %v, want ErrRetired", err)
			}
		case <-time.After(patience):
			t.Error("the client goes on")
		}
		// A node that was away hears of it when it comes back, and so does a copy of its disk.
		offline.state.Apply(portal.Change{Revision: 1, Full: true, Entries: []portal.Entry{{EntryKey: k}}})
		offline.start().awaitGone(k)
	})
}

func TestServiceMovesWithProfileAndNetworks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		here, there := s.pop("192.168.0.0/16"), s.pop()
		profile := s.profile(s.pool(), here)
		k := s.putEntry(profile, "d1")
		a, b := newNode(t, s.enrol(here)).start(), newNode(t, s.enrol(there)).start()
		a.awaitEntry(k)
		s.serveAt(profile, there)
		b.awaitEntry(k)
		a.await("nothing at all", func(st *portal.State) bool {
			return len(st.Entries)+len(st.Signatures)+len(st.Rules) == 0 && len(st.Node.Pools) == 0
		})
		s.serveAt(profile)
		a.awaitEntry(k)

		changed := s.networks(here, "172.16.0.0/12")
		a.await("the other networks", func(st *portal.State) bool { return fmt.Sprint(st.Node.Networks) == changed })
		if n := a.snapshots(); n > 3 {
			t.Errorf("%d snapshots; other networks must not need one", n)
		}
	})
}

func TestReplicasShareTheirGateways(t *testing.T) {
	dsn := storetest.PostgresDSN(t)
	a := newSite(t, openStore(t, dsn), slowPoll)
	b := newSite(t, openStore(t, dsn), slowPoll)
	listen(t, a.store)
	listen(t, b.store)
	pop := a.pop()
	profile := a.profile(a.pool())
	creds := a.enrol(pop)
	creds.Portals = []string{b.addr}
	n := newNode(t, creds).start()
	n.awaitEntry(a.putEntry(profile, "first"))

	// What is committed on one portal reaches the gateways of the other one in milliseconds, by notification alone.
	began := time.Now()
	k := a.putEntry(profile, "second")
	n.awaitEntry(k)
	t.Logf("committed on one portal, applied by a gateway of the other one: %v, transaction included", time.Since(began))

	// A newer stream on one portal ends the older one on the other.
	moved := newNode(t, withPortals(creds, a.addr)).start()
	moved.awaitEntry(k)
	eventually(t, "the end of the stream on the other portal", func() bool { return !b.hub.Status(creds.Gateway).Connected })

	if g, err := b.gateways.Gateway(t.Context(), creds.Gateway); err != nil {
		t.Fatal(err)
	} else if g.Live.Connected {
		t.Error("the portal without the stream says that it has it")
	}
	eventually(t, "the other portal's knowledge of the stream", func() bool {
		g, err := b.gateways.Gateway(t.Context(), creds.Gateway)
		return err == nil && g.Connected && g.Applied >= b.head()
	})

	// Retired here, gone there.
	if err := b.gateways.RetireGateway(t.Context(), admin, creds.Gateway); err != nil {
		t.Fatal(err)
	}
	moved.awaitGone(k)
}

func TestLostNotificationIsMadeGoodByThePoll(t *testing.T) {
	dsn := storetest.PostgresDSN(t)
	a, b := newSite(t, openStore(t, dsn)), newSite(t, openStore(t, dsn)) // nobody listens
	profile := a.profile(a.pool())
	n := newNode(t, b.enrol(a.pop())).start()
	n.awaitEntry(a.putEntry(profile, "d1"))
	k := a.putEntry(profile, "d2")
	n.awaitEntry(k)
	a.dropEntry(k)
	n.awaitGone(k)
}

func withPortals(c feed.Credentials, addrs ...string) feed.Credentials {
	c.Portals = addrs
	return c
}

func openStore(t *testing.T, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// listen makes the store hear of other portals' commits, and returns when it does.
func listen(t *testing.T, s *store.Store) {
	t.Helper()
	hint, stop := s.Changes()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Listen(ctx, logger(t))
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	select {
	case <-hint: // each new connection wakes everybody
	case <-time.After(patience):
		t.Fatal("no connection for notifications")
	}
}

// TestPortalKilledBetweenCommitAndPush starts a portal in a process of its own that commits a change which nobody told its hub of, and is
// then killed. The change must arrive from the next portal on the same database.
func TestPortalKilledBetweenCommitAndPush(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := filepath.Join(t.TempDir(), "sallyport.db")
			if engine == "postgres" {
				dsn = storetest.PostgresDSN(t)
			}
			db := openStore(t, dsn)
			s := newSite(t, db)
			profile := s.profile(s.pool())
			gone := s.putEntry(profile, "gone")
			n := newNode(t, s.enrol(s.pop())).start()
			n.awaitEntry(gone)
			s.stop()
			held, _ := n.Since()

			child := exec.Command(os.Args[0], "-test.run=^TestChildPortal$", "-test.count=1")
			child.Env = append(os.Environ(), "SALLYPORT_CHILD_DSN="+dsn, "SALLYPORT_CHILD_ADDR="+s.addr,
				"SALLYPORT_CHILD_GATEWAY="+string(n.client.Credentials.Gateway), "SALLYPORT_CHILD_PROFILE="+string(profile))
			out, err := child.CombinedOutput()
			if status, ok := child.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
				t.Fatalf("the other portal was to be killed; it ended with %v: %s", err, out)
			}
			if now, _ := n.Since(); now > held+2 {
				t.Fatalf("the gateway is at %d and was at %d: the change was pushed before the kill", now, held)
			}
			newSiteAt(t, db, listenAgain(t, s.addr))
			n.awaitEntry(portal.EntryKey{Profile: profile, Device: "new"})
			n.awaitGone(gone)
			if n.snapshots() != 1 {
				t.Errorf("%d snapshots, want the first one only", n.snapshots())
			}
		})
	}
}

// deaf is a Control whose hub is never told of a commit.
type deaf struct{ feed.Control }

func (deaf) Changes() (<-chan struct{}, func()) { return nil, func() {} }

// TestChildPortal is the process that gets killed; it does nothing by itself.
func TestChildPortal(t *testing.T) {
	dsn, addr := os.Getenv("SALLYPORT_CHILD_DSN"), os.Getenv("SALLYPORT_CHILD_ADDR")
	if dsn == "" {
		return
	}
	profile := portal.ProfileID(os.Getenv("SALLYPORT_CHILD_PROFILE"))
	s := newSiteAt(t, openStore(t, dsn), listenAgain(t, addr), slowPoll, func(s *site) { s.hub.Control = deaf{s.gateways} })
	eventually(t, "the gateway's stream", func() bool { return s.hub.Status(portal.GatewayID(os.Getenv("SALLYPORT_CHILD_GATEWAY"))).Connected })
	s.tx(func(tx *store.Tx) error {
		if _, err := tx.Drop(store.EntryKey(portal.EntryKey{Profile: profile, Device: "gone"})); err != nil {
			return err
		}
		return putEntry(tx, portal.EntryKey{Profile: profile, Device: "new"}, "sig-1", "rule-1")
	})
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
