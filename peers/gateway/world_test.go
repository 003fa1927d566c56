package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/host"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
)

func TestMain(m *testing.M) { netnstest.Main(m) }

const (
	tunnelName = "sp0"
	tableName  = "sallyport"
	listenPort = 51820
)

var pool = portal.Pool{ID: "pool", Name: "pool", V4: netip.MustParsePrefix("10.8.0.0/16"), V6: netip.MustParsePrefix("fd08::/112")}

// world is a gateway with an office behind it and devices in front of it; see netnstest for the picture.
type world struct {
	t        testing.TB
	dir      string
	key      portal.PrivateKey
	gateway  *netnstest.NS
	office   *netnstest.NS
	node     portal.Node
	agent    *gateway.Agent
	tunnel   *wireguard.System
	filter   *firewall.Filter
	stop     func()
	revision uint64
	devices  int
	reports  reports
	adjust   []func(*gateway.Agent)
}

type reports struct {
	mu   sync.Mutex
	all  []gateway.Report
	more chan struct{}
}

func (r *reports) add(x gateway.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, x)
	if r.more != nil {
		close(r.more)
	}
	r.more = nil
}

// wait returns the first report that fits.
func (r *reports) wait(t testing.TB, what string, fits func(gateway.Report) bool) gateway.Report {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		r.mu.Lock()
		for _, x := range r.all {
			if fits(x) {
				r.mu.Unlock()
				return x
			}
		}
		if r.more == nil {
			r.more = make(chan struct{})
		}
		more := r.more
		r.mu.Unlock()
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("no report of %s", what)
		}
	}
}

func newWorld(t testing.TB, adjust ...func(*gateway.Agent)) *world {
	t.Helper()
	w := &world{t: t, adjust: adjust, dir: t.TempDir(), gateway: netnstest.Here(t), office: netnstest.New(t, "office")}
	netnstest.Cable(t,
		netnstest.End{NS: w.gateway, Interface: "in", Addresses: []string{"10.1.0.1/24", "fd01::1/64"}},
		netnstest.End{NS: w.office, Interface: "up", Addresses: []string{"10.1.0.2/24", "fd01::2/64", "10.1.0.3/24"}})
	var err error
	if w.key, err = portal.NewPrivateKey(); err != nil {
		t.Fatal(err)
	}
	w.node = portal.Node{
		Gateway: "gw", PoP: "pop", Pools: []portal.Pool{pool}, Port: listenPort, MTU: 1420, Masquerade: true,
		Networks:   []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("fd01::/64")},
		Quarantine: []portal.Destination{{Prefix: netip.MustParsePrefix("10.1.0.3/32"), Transport: portal.TCP, Ports: portal.PortRange{First: 443, Last: 443}}},
	}
	w.start()
	t.Cleanup(func() {
		w.stopAgent()
		if err := errors.Join(firewall.Cleanup(tableName), wireguard.Cleanup(tunnelName)); err != nil {
			t.Error(err)
		}
	})
	return w
}

// start runs a new agent on the world's folder, as after a restart.
func (w *world) start() {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(testWriter{w.t}, nil))
	if os.Getenv("VERBOSE") == "" {
		log = slog.New(slog.DiscardHandler)
	}
	w.tunnel = &wireguard.System{Name: tunnelName, Key: w.key, Log: log}
	w.filter = &firewall.Filter{Table: tableName, Interface: tunnelName, Log: log}
	w.agent = &gateway.Agent{
		Tunnel: w.tunnel, Filter: w.filter, Host: &host.Host{Interface: tunnelName, Log: log},
		Dir: w.dir, Now: time.Now, Log: log, Report: w.reports.add, RepairEvery: 200 * time.Millisecond, PollEvery: 50 * time.Millisecond,
	}
	for _, f := range w.adjust {
		f(w.agent)
	}
	if err := w.agent.Open(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.agent.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
		w.filter.Close()
		if err := w.tunnel.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

func (w *world) stopAgent() { w.stop() }

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(string(b))
	return len(b), nil
}

// apply hands the agent a change at the next revision.
func (w *world) apply(c portal.Change) {
	w.t.Helper()
	w.revision++
	c.Revision = w.revision
	if c.Node == nil && w.revision == 1 {
		c.Node, c.Full = &w.node, true
	}
	if err := w.agent.Apply(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
}

// device is a client with its entry.
type device struct {
	portal.Entry
	*netnstest.Client
}

// connect adds a device that may do what rules say, and starts its client.
func (w *world) connect(level portal.Level, notAfter time.Time, rules ...portal.CompiledRule) *device {
	w.t.Helper()
	d := w.device(level, notAfter, rules...)
	d.Start(w.t)
	return d
}

func (w *world) device(level portal.Level, notAfter time.Time, rules ...portal.CompiledRule) *device {
	w.t.Helper()
	key, err := portal.NewPrivateKey()
	if err != nil {
		w.t.Fatal(err)
	}
	n := w.devices
	w.devices++
	addr := pool.At(portal.PoolFirst + uint32(n))
	ns := netnstest.New(w.t, fmt.Sprintf("client%d", n))
	netnstest.Cable(w.t,
		netnstest.End{NS: w.gateway, Interface: fmt.Sprintf("out%d", n), Addresses: []string{fmt.Sprintf("192.0.2.%d/30", 4*n+1)}},
		netnstest.End{NS: ns, Interface: "up", Addresses: []string{fmt.Sprintf("192.0.2.%d/30", 4*n+2)}})
	e := portal.Entry{
		EntryKey:  portal.EntryKey{Profile: "profile", Device: portal.DeviceID(fmt.Sprintf("device%d", n))},
		PublicKey: key.Public(), V4: addr.V4, V6: addr.V6, Level: level, NotAfter: notAfter,
	}
	sig := signature(rules...)
	e.Signature = sig.ID
	w.apply(portal.Change{Entries: []portal.Entry{e}, Signatures: []portal.Signature{sig}, Rules: rules})
	return &device{e, &netnstest.Client{
		NS: ns, Interface: "wg0", Key: key, Addresses: []netip.Addr{addr.V4, addr.V6},
		Routes:  []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("fd01::/64"), pool.V4, pool.V6},
		Gateway: w.key.Public(), Endpoint: netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:%d", 4*n+1, listenPort)),
	}}
}

func signature(rules ...portal.CompiledRule) portal.Signature {
	g := portal.Signature{ID: "sig"}
	for _, r := range rules {
		g.ID += "-" + portal.SignatureID(r.ID)
		g.Rules = append(g.Rules, r.ID)
	}
	return g
}

func allow(id string, to ...portal.Destination) portal.CompiledRule {
	return portal.CompiledRule{ID: portal.RuleID(id), Action: portal.Allow, Destinations: to}
}

func deny(id string, to ...portal.Destination) portal.CompiledRule {
	return portal.CompiledRule{ID: portal.RuleID(id), Action: portal.Deny, Destinations: to}
}

// dst reads "prefix [transport [first-last]]".
func dst(prefix string, transport portal.Transport, ports ...uint16) portal.Destination {
	d := portal.Destination{Prefix: netip.MustParsePrefix(prefix), Transport: transport}
	if len(ports) == 1 {
		ports = append(ports, ports[0])
	}
	if len(ports) == 2 {
		d.Ports = portal.PortRange{First: ports[0], Last: ports[1]}
	}
	return d
}

// serve answers every connection in the office with its own bytes.
func (w *world) serve(addresses ...string) {
	for _, a := range addresses {
		go echoAll(w.office.Listen(w.t, a))
	}
}

func echoAll(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(c, c)
			_ = c.Close()
		}()
	}
}

// grant gives d's owner other rules.
func (w *world) grant(d *device, rules ...portal.CompiledRule) {
	w.t.Helper()
	g := signature(rules...)
	d.Signature = g.ID
	w.apply(portal.Change{Entries: []portal.Entry{d.Entry}, Signatures: []portal.Signature{g}, Rules: rules})
}

func (w *world) quarantine(d *device) {
	w.t.Helper()
	d.Level = portal.LevelQuarantine
	w.apply(portal.Change{Entries: []portal.Entry{d.Entry}})
}

// from dials from the device's own address.
func (d *device) dial(ctx context.Context, address string) (c net.Conn, err error) {
	local := d.V4
	if to := netip.MustParseAddrPort(address); to.Addr().Is6() {
		local = d.V6
	}
	err = d.NS.Do(func() error {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: local.AsSlice()}}
		c, err = dialer.DialContext(ctx, "tcp", address)
		return err
	})
	return c, err
}

// refusedWithin is many times what a handshake takes, and short enough to wait for a packet that never comes.
const refusedWithin = 700 * time.Millisecond

func (d *device) reaches(t testing.TB, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	c, err := d.dial(ctx, address)
	if err != nil {
		t.Fatalf("%s does not reach %s: %v", d.Device, address, err)
	}
	defer c.Close()
	if err := echo(c); err != nil {
		t.Fatalf("%s reaches %s and gets no answer: %v", d.Device, address, err)
	}
}

func (d *device) doesNotReach(t testing.TB, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), refusedWithin)
	defer cancel()
	if c, err := d.dial(ctx, address); err == nil {
		_ = c.Close()
		t.Fatalf("%s reaches %s", d.Device, address)
	}
}

func echo(c net.Conn) error { return echoWithin(c, 10*time.Second) }

// echoWithin fails when nothing comes back for so long.
func echoWithin(c net.Conn, wait time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(wait)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		return err
	}
	b := make([]byte, 5)
	_, err := io.ReadFull(c, b)
	return err
}

func (w *world) pings(d *device, address string) error {
	_, err := d.NS.Run(w.t.Context(), "ping", "-I", d.Interface, "-c", "1", "-W", "1", address)
	return err
}

var tomorrow = time.Now().Add(24 * time.Hour)

var moving = regexp.MustCompile(`packets \d+ bytes \d+|ct mark (set )?0x[0-9a-f]+`)

// stable takes out of a listing what moves by itself: counters and the generation.
func stable(listing string) string {
	return moving.ReplaceAllStringFunc(listing, func(s string) string {
		switch {
		case strings.HasPrefix(s, "packets"):
			return "packets N bytes N"
		case strings.HasPrefix(s, "ct mark set"):
			return "ct mark set GENERATION"
		}
		return "ct mark GENERATION"
	})
}
