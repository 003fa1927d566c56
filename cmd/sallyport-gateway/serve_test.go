package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestMain(m *testing.M) { netnstest.Main(m) }

// site is a portal with one gateway to enrol.
type site struct {
	address string
	token   string
	id      portal.GatewayID
	profile portal.ProfileID
	peers   *peers.Gateways
	stop    func()
}

func newSite(t *testing.T) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	key, err := seal.NewKey("test", bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := seal.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.New(t)
	s := &site{address: l.Addr().String()}
	s.peers = &peers.Gateways{Store: db, Keys: ring, Now: time.Now, Log: log, Portals: []string{s.address}}
	hub := &feed.Hub{Control: s.peers, Now: time.Now, Log: log, Poll: 50 * time.Millisecond, Beat: time.Second}
	s.peers.Live = hub
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	tasks.Go(func() {
		if err := hub.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	tasks.Go(func() {
		if err := hub.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	s.stop = sync.OnceFunc(func() {
		cancel()
		tasks.Wait()
	})
	t.Cleanup(s.stop)
	s.addGateway(t, db)
	return s
}

func (s *site) addGateway(t *testing.T, db *store.Store) {
	t.Helper()
	admin := portal.Actor{User: "admin", Role: portal.RoleOwner}
	pool := portal.Pool{ID: portal.NewID[portal.PoolID](time.Now()), Name: "pool", V4: netip.MustParsePrefix("10.64.0.0/16"), V6: netip.MustParsePrefix("fd64::/64")}
	profile := portal.Profile{
		ID: portal.NewID[portal.ProfileID](time.Now()), Name: "profile", Mode: portal.Split, Pool: pool.ID, LogoutEndsGrants: true,
		Included: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("fd01::/64")}, DNS: []netip.Addr{netip.MustParseAddr("10.1.0.2")},
		Protocols: []portal.Protocol{portal.WireGuard, portal.OpenVPN},
	}
	s.profile = profile.ID
	err := db.Tx(t.Context(), func(tx *store.Tx) error {
		if err := tx.CreatePool(pool); err != nil {
			return err
		}
		if err := tx.CreateProfile(profile); err != nil {
			return err
		}
		_, err := tx.Put(store.ProfileKey(profile.ID), func(rev uint64) any { return portal.ServedProfile{ID: profile.ID, Pool: pool.ID, Revision: rev} })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	pop, err := s.peers.CreatePoP(t.Context(), admin, peers.NewPoP{Name: "here", Networks: profile.Included})
	if err != nil {
		t.Fatal(err)
	}
	g, token, err := s.peers.CreateGateway(t.Context(), admin, peers.NewGateway{PoP: pop.ID, Name: "gw", Host: "192.0.2.1"})
	if err != nil {
		t.Fatal(err)
	}
	s.id, s.token = g.ID, token.Secret.Reveal()
}

// started runs the program until stop, and returns what it logs line by line.
func started(t *testing.T, args ...string) (lines <-chan string, stop func()) {
	t.Helper()
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, env(), io.Discard, w)
		_ = w.Close()
	}()
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		for s := bufio.NewScanner(r); s.Scan(); {
			select {
			case out <- s.Text():
			default: // nobody waits for it
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return out, stop
}

func awaitLine(t *testing.T, lines <-chan string, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(time.Minute)
	for {
		select {
		case l, open := <-lines:
			if m := re.FindStringSubmatch(l); m != nil {
				return m
			}
			if !open {
				t.Fatalf("it ended before it said %s", pattern)
			}
		case <-deadline:
			t.Fatalf("it did not say %s", pattern)
		}
	}
}

func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never: " + what)
		}
	}
}

// Needs root, for a namespace.
func TestOnePastedCommandEnrolsAndServesAndLeavesNothingBehind(t *testing.T) {
	here := netnstest.Here(t)
	s := newSite(t)
	dir := t.TempDir()
	flags := []string{"--state-dir", dir, "--interface", "spt0", "--table", "sptest", "--userspace", "--metrics", "127.0.0.1:0", "--openvpn", "--openvpn-udp", "11194"}

	begin := time.Now()
	lines, stop := started(t, append([]string{"--portal", s.address, "--token", s.token}, flags...)...)
	awaitLine(t, lines, "msg=enrolled")
	metrics := awaitLine(t, lines, `msg=metrics address=(\S+)`)[1]
	served := func() bool {
		g, err := s.peers.Gateway(t.Context(), s.id)
		return err == nil && g.State == portal.GatewayActive && g.Applied > 0 && g.Problem == ""
	}
	await(t, "the portal hears that the gateway serves", served)
	await(t, "the portal hears where OpenVPN is served", func() bool {
		g, err := s.peers.Gateway(t.Context(), s.id)
		return err == nil && g.OpenVPN == (portal.OpenVPNPorts{UDP: 11194, TCP: 443})
	})
	t.Logf("enrolled and serving after %v", time.Since(begin))
	if out := here.MustRun(t, "nft", "list", "table", "inet", "sptest"); !strings.Contains(out, "from_tunnel") {
		t.Errorf("the table is\n%s", out)
	}
	if out := here.MustRun(t, "ip", "addr", "show", "dev", "spt0"); !strings.Contains(out, "10.64.0.1/16") || !strings.Contains(out, "fd64::1/64") {
		t.Errorf("the interface is\n%s", out)
	}
	checkMetrics(t, metrics)
	checkFiles(t, dir)
	stop()
	s.stop()

	// The portal is away, and the token is used: the same command serves from disk.
	lines, stop = started(t, append([]string{"--portal", s.address, "--token", s.token}, flags...)...)
	awaitLine(t, lines, "serving the last known state")
	here.MustRun(t, "ip", "addr", "show", "dev", "spt0")
	stop()
	var out bytes.Buffer
	if err := run(t.Context(), append([]string{"--cleanup"}, flags...), env(), &out, io.Discard); err != nil {
		t.Error(err)
	}
	if tables := here.MustRun(t, "nft", "list", "tables"); strings.Contains(tables, "sptest") {
		t.Errorf("after the cleanup there are\n%s", tables)
	}
	if links := here.MustRun(t, "ip", "link"); strings.Contains(links, "spt0") {
		t.Errorf("after the cleanup there are\n%s", links)
	}
}

func checkMetrics(t *testing.T, address string) {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"sallyport_gateway_healthy 1", "sallyport_gateway_connected 1", "sallyport_gateway_closed 0"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the metrics lack %q", want)
		}
	}
}

// checkFiles sees that nobody else can read what the node keeps.
func checkFiles(t *testing.T, dir string) {
	t.Helper()
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNodeThatIsNotEnrolledSaysWhatToDo(t *testing.T) {
	var out bytes.Buffer
	err := run(t.Context(), []string{"--state-dir", t.TempDir()}, env(), &out, &out)
	if err == nil || !strings.Contains(err.Error(), "create a gateway in the portal") {
		t.Errorf("the error is %v", err)
	}
}
