package gateway_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/captive"
	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/portal"
)

// These tests need root, for namespaces, TUN devices and nftables.

func web() portal.CompiledRule {
	return allow("web", dst("10.1.0.2/32", portal.TCP, 80), dst("fd01::2/128", portal.TCP, 80))
}

func TestAllowedPassesAndTheRestIsRefused(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80", "10.1.0.2:22", "[fd01::2]:80", "[fd01::2]:22")
	d := w.connect(portal.LevelFull, tomorrow, web())
	d.reaches(t, "10.1.0.2:80")
	d.reaches(t, "[fd01::2]:80")
	// The client has routes to all of the office, as a person can add by hand.
	d.doesNotReach(t, "10.1.0.2:22")
	d.doesNotReach(t, "[fd01::2]:22")
	for _, a := range []string{"10.8.0.1", "fd08::1"} {
		if err := w.pings(d, a); err != nil {
			t.Error("the gateway does not answer:", err)
		}
	}
	if err := w.pings(d, "10.1.0.2"); err == nil {
		t.Error("a ping that no rule allows was answered")
	}
}

func TestGatewayMachineIsOutOfReach(t *testing.T) {
	w := newWorld(t)
	everything := allow("all", dst("0.0.0.0/0", portal.AnyTransport), dst("::/0", portal.AnyTransport))
	d := w.connect(portal.LevelFull, tomorrow, everything)
	l, err := net.Listen("tcp", ":8022")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	d.doesNotReach(t, "10.8.0.1:8022")
	d.doesNotReach(t, "10.1.0.1:8022")
	d.doesNotReach(t, "[fd08::1]:8022")
}

// transfer keeps bytes flowing from the office to the device until it cannot, and says when the last ones arrived.
func transfer(t *testing.T, w *world, d *device, address string) (flowing <-chan struct{}, last func() time.Time) {
	t.Helper()
	l := w.office.Listen(t, address)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, 1000)
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	c, err := d.dial(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	arrived := make(chan time.Time, 1)
	started := make(chan struct{})
	silent := make(chan struct{})
	go func() {
		defer close(silent)
		b := make([]byte, 64<<10)
		for first := true; ; first = false {
			if err := c.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
				return
			}
			if _, err := c.Read(b); err != nil {
				return
			}
			select {
			case <-arrived:
			default:
			}
			arrived <- time.Now()
			if first {
				close(started)
			}
		}
	}()
	return started, func() time.Time {
		<-silent
		return <-arrived
	}
}

func TestRevokingStopsARunningTransfer(t *testing.T) {
	w := newWorld(t)
	d := w.connect(portal.LevelFull, tomorrow, web())
	other := w.connect(portal.LevelFull, tomorrow, web())
	flowing, last := transfer(t, w, d, "10.1.0.2:80")
	<-flowing
	click := time.Now()
	w.apply(portal.Change{Gone: []portal.EntryKey{d.EntryKey}})
	dead := last()
	t.Logf("click to last byte: %v", dead.Sub(click))
	if took := dead.Sub(click); took > 250*time.Millisecond {
		t.Errorf("bytes arrived %v after the click", took)
	}
	w.serve("10.1.0.2:8080")
	other.doesNotReach(t, "10.1.0.2:8080")
}

// What shrinks somebody's rights must cut flows that run, in both directions, and leave those alone that are still allowed.
func TestFlowsEndWithTheRightsThatAllowedThem(t *testing.T) {
	rule := allow("net", dst("10.1.0.0/24", portal.TCP))
	narrow := allow("net", dst("10.1.0.2/32", portal.TCP, 81))
	cases := map[string]func(d *device) portal.Change{
		"rule edited": func(*device) portal.Change { return portal.Change{Rules: []portal.CompiledRule{narrow}} },
		"deny added": func(d *device) portal.Change {
			no := deny("no", dst("10.1.0.2/32", portal.TCP, 80))
			g := signature(rule, no)
			e := d.Entry
			e.Signature = g.ID
			return portal.Change{Entries: []portal.Entry{e}, Signatures: []portal.Signature{g}, Rules: []portal.CompiledRule{rule, no}}
		},
		"fallen to quarantine": func(d *device) portal.Change {
			e := d.Entry
			e.Level = portal.LevelQuarantine
			return portal.Change{Entries: []portal.Entry{e}}
		},
		"grant ended": func(d *device) portal.Change {
			e := d.Entry
			e.NotAfter = time.Now().Add(300 * time.Millisecond)
			return portal.Change{Entries: []portal.Entry{e}}
		},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			d := w.connect(portal.LevelFull, tomorrow, rule)
			w.serve("10.1.0.2:81")
			kept := mustDial(t, d, "10.1.0.2:81")
			flowing, last := transfer(t, w, d, "10.1.0.2:80")
			<-flowing
			click := time.Now()
			w.apply(change(d))
			took := last().Sub(click)
			t.Logf("click to last byte: %v", took)
			if took > 700*time.Millisecond {
				t.Errorf("bytes arrived %v after the click", took)
			}
			wait, quarantined := 10*time.Second, strings.HasPrefix(name, "fallen") || strings.HasPrefix(name, "grant")
			if quarantined {
				wait = refusedWithin
			}
			if err := echoWithin(kept, wait); quarantined != (err != nil) {
				t.Errorf("the other flow: %v", err)
			}
		})
	}
}

func mustDial(t *testing.T, d *device, address string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	c, err := d.dial(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := echo(c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestQuarantineReachesOnlyRemediation(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80", "10.1.0.3:443", "10.1.0.3:80")
	d := w.connect(portal.LevelQuarantine, tomorrow, web())
	d.reaches(t, "10.1.0.3:443")
	d.doesNotReach(t, "10.1.0.3:80")
	d.doesNotReach(t, "10.1.0.2:80")
	if err := w.pings(d, "10.8.0.1"); err != nil {
		t.Error(err)
	}
}

func TestExpiredGrantComesBackWithARenewal(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80")
	d := w.connect(portal.LevelFull, time.Now().Add(-time.Second), web())
	d.doesNotReach(t, "10.1.0.2:80")
	e := d.Entry
	e.NotAfter = tomorrow
	w.apply(portal.Change{Entries: []portal.Entry{e}})
	d.reaches(t, "10.1.0.2:80")
}

func TestDevicesReachEachOtherOnlyByRule(t *testing.T) {
	w := newWorld(t)
	a := w.connect(portal.LevelFull, tomorrow, web())
	b := w.connect(portal.LevelFull, tomorrow, web())
	to := netip.AddrPortFrom(b.V4, 80).String()
	l := b.NS.Listen(t, to)
	go echoAll(l)
	a.doesNotReach(t, to)
	peer := allow("peer", portal.Destination{Prefix: netip.PrefixFrom(b.V4, 32), Transport: portal.TCP})
	w.grant(a, peer)
	a.reaches(t, to)
	w.quarantine(b)
	a.doesNotReach(t, to)
}

func TestSpoofedSourceIsDropped(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80")
	d := w.connect(portal.LevelFull, tomorrow, web())
	d.reaches(t, "10.1.0.2:80")
	foreign := netip.MustParseAddr("10.8.0.77")
	d.NS.MustRun(t, "ip", "addr", "add", foreign.String()+"/32", "dev", d.Interface)
	spoof := *d
	spoof.V4 = foreign
	spoof.doesNotReach(t, "10.1.0.2:80")
}

func TestRestartServesFromDiskWithoutAPortal(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80")
	d := w.connect(portal.LevelFull, tomorrow, web())
	d.reaches(t, "10.1.0.2:80")
	rev, hash := w.agent.Since()
	w.stopAgent()
	d.doesNotReach(t, "10.1.0.2:80")
	begin := time.Now()
	w.start()
	t.Logf("restart took %v", time.Since(begin))
	if r, h := w.agent.Since(); r != rev || h != hash {
		t.Errorf("after the restart it holds %d %s, want %d %s", r, h, rev, hash)
	}
	d.Renew(t)
	d.reaches(t, "10.1.0.2:80")
}

func TestDamageByHandIsRepaired(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80", "10.1.0.2:22")
	d := w.connect(portal.LevelFull, tomorrow, web())
	d.reaches(t, "10.1.0.2:80")
	before := listTable(t, w)
	damages := map[string][]string{
		"table deleted":    {"nft", "delete", "table", "inet", tableName},
		"ruleset flushed":  {"nft", "flush", "ruleset"},
		"rule added":       {"nft", "insert", "rule", "inet", tableName, "from_tunnel", "accept"},
		"chain flushed":    {"nft", "flush", "chain", "inet", tableName, "rule-web"},
		"set emptied":      {"nft", "flush", "set", "inet", tableName, "rule-web.ports4"},
		"entry removed":    {"nft", "delete", "element", "inet", tableName, "entries4", "{", d.V4.String(), "}"},
		"entry added":      {"nft", "add", "element", "inet", tableName, "entries4", "{", "10.8.0.99", ":", "0:1", "}"},
		"table dormant":    {"nft", "add", "table", "inet", tableName, "{", "flags", "dormant;", "}"},
		"peer removed":     {"wg", "set", tunnelName, "peer", d.PublicKey.String(), "remove"},
		"peer added":       {"wg", "set", tunnelName, "peer", "aPxGwq8zERHQ3Q1cOZFdJ+cvJX5Ka4mLN38AyYKYF10=", "allowed-ips", "10.8.0.50/32"},
		"address removed":  {"ip", "addr", "del", "10.8.0.1/16", "dev", tunnelName},
		"address added":    {"ip", "addr", "add", "10.99.0.1/24", "dev", tunnelName},
		"interface downed": {"ip", "link", "set", tunnelName, "down"},
		"interface gone":   {"ip", "link", "del", tunnelName},
		"forwarding off":   {"sysctl", "-q", "-w", "net.ipv4.conf." + tunnelName + ".forwarding=0"},
	}
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			drift := w.agent.Metrics().Drift
			w.gateway.MustRun(t, damage[0], damage[1:]...)
			w.reports.wait(t, "a repair", func(r gateway.Report) bool { return r.Drift > drift && r.Problem == "" })
			if after := listTable(t, w); after != before {
				t.Errorf("the table is\n%s\nwant\n%s", after, before)
			}
			d.Renew(t)
			d.reaches(t, "10.1.0.2:80")
			d.doesNotReach(t, "10.1.0.2:22")
		})
	}
}

// listTable is the table without what moves: counters and the generation.
func listTable(t *testing.T, w *world) string {
	t.Helper()
	return stable(w.gateway.MustRun(t, "nft", "list", "table", "inet", tableName))
}

func TestNothingDriftsByItself(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80")
	d := w.connect(portal.LevelFull, tomorrow, web(), deny("no", dst("10.1.0.0/24", portal.UDP)))
	d.reaches(t, "10.1.0.2:80")
	w.device(portal.LevelQuarantine, tomorrow, web())
	w.apply(portal.Change{Gone: []portal.EntryKey{d.EntryKey}})
	for seen := w.agent.Metrics().Compared; w.agent.Metrics().Compared < seen+3; {
		runtime.Gosched()
	}
	if m := w.agent.Metrics(); m.Drift != 0 || m.Problem != "" {
		t.Errorf("%+v", m)
	}
}

func TestCleanupLeavesOthersAlone(t *testing.T) {
	w := newWorld(t)
	w.gateway.MustRun(t, "nft", "add", "table", "inet", "other")
	defer w.gateway.MustRun(t, "nft", "delete", "table", "inet", "other")
	w.connect(portal.LevelFull, tomorrow, web())
	w.stopAgent()
	w.gateway.MustRun(t, "ip", "tuntap", "add", "dev", tunnelName, "mode", "tun")
	defer w.gateway.MustRun(t, "ip", "link", "del", tunnelName)
	if err := wireguard.Cleanup(tunnelName); err == nil {
		t.Error("an interface of somebody else was deleted")
	}
	if err := firewall.Cleanup(tableName); err != nil {
		t.Error(err)
	}
	tables := w.gateway.MustRun(t, "nft", "list", "tables")
	if strings.Contains(tables, tableName) || !strings.Contains(tables, "other") {
		t.Errorf("tables after the cleanup:\n%s", tables)
	}
	w.gateway.MustRun(t, "ip", "link", "show", tunnelName)
}

func TestPeersAreReported(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80")
	d := w.connect(portal.LevelFull, tomorrow, web())
	d.reaches(t, "10.1.0.2:80")
	w.reports.wait(t, "a handshake", func(r gateway.Report) bool {
		return len(r.Live) == 1 && r.Live[0].Device == d.Device && !r.Live[0].Handshake.IsZero() && r.Live[0].Rx > 0 && r.Live[0].Tx > 0 &&
			r.Live[0].Endpoint.Addr() == netip.MustParseAddr("192.0.2.2")
	})
}

func TestLargeTransfersCrossASmallTunnel(t *testing.T) {
	w := newWorld(t)
	d := w.device(portal.LevelFull, tomorrow, web())
	d.MTU = 1280
	d.Start(t)
	w.serve("10.1.0.2:80")
	c := mustDial(t, d, "10.1.0.2:80")
	const size = 1 << 20
	go func() { _, _ = c.Write(make([]byte, size)) }()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, size)); err != nil {
		t.Fatal(err)
	}
}

// A flow is looked up with its first packet, and again only after somebody's rights have shrunk.
func TestFlowIsLookedUpOnce(t *testing.T) {
	w := newWorld(t)
	d := w.connect(portal.LevelFull, tomorrow, web())
	other := w.device(portal.LevelFull, tomorrow, web())
	w.serve("10.1.0.2:80")
	c := mustDial(t, d, "10.1.0.2:80")
	talk := func() {
		t.Helper()
		for range 50 {
			if err := echo(c); err != nil {
				t.Fatal(err)
			}
		}
	}
	talk()
	if n := lookups(t, w); n != 1 {
		t.Errorf("%d packets were looked up, want 1", n)
	}
	w.apply(portal.Change{Gone: []portal.EntryKey{other.EntryKey}})
	talk()
	if n := lookups(t, w); n != 2 {
		t.Errorf("after somebody else was revoked %d packets were looked up, want 2", n)
	}
}

var counted = regexp.MustCompile(`counter packets (\d+)`)

func lookups(t *testing.T, w *world) (sum int) {
	t.Helper()
	for _, m := range counted.FindAllStringSubmatch(w.gateway.MustRun(t, "nft", "list", "chain", "inet", tableName, "rule-web"), -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// A rule's time opens and closes by the gateway's clock, for both families, and what runs is cut when it closes.
func TestRuleOutOfTimeCutsWhatRuns(t *testing.T) {
	var ahead atomic.Int64
	w := newWorld(t, func(a *gateway.Agent) {
		a.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	})
	w.serve("10.1.0.2:80", "[fd01::2]:80")
	now := time.Now().UTC()
	minute := portal.ClockTime(now.Hour()*60 + now.Minute())
	rule := web()
	rule.Conditions = portal.Conditions{ValidUntil: now.Add(10 * time.Hour), Windows: []portal.Window{
		{Start: (minute + 24*60 - 60) % (24 * 60), End: (minute + 60) % (24 * 60), Zone: "UTC"}, // over midnight, when the test runs around it
	}}
	d := w.connect(portal.LevelFull, tomorrow, rule)
	d.reaches(t, "10.1.0.2:80")
	var flows []net.Conn
	for _, a := range []string{"10.1.0.2:80", "[fd01::2]:80"} {
		c, err := d.dial(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := echo(c); err != nil {
			t.Fatal(err)
		}
		flows = append(flows, c)
	}
	tick := func(to time.Duration) {
		ahead.Store(int64(to))
		w.apply(portal.Change{}) // a heartbeat: the agent looks at the clock
		w.reports.wait(t, "a look at the clock", func(r gateway.Report) bool { return r.Revision == w.revision })
	}
	tick(2 * time.Hour)
	w.closed(t, d, "10.1.0.2:80", "[fd01::2]:80")
	for _, c := range flows {
		if err := echoWithin(c, refusedWithin); err == nil {
			t.Error("a flow runs on outside of its rule's time")
		}
	}
	tick(0)
	w.opened(t, d, "10.1.0.2:80", "[fd01::2]:80")
	tick(11 * time.Hour) // in the window of the other half of the day or not: the rule is over
	w.closed(t, d, "10.1.0.2:80", "[fd01::2]:80")
}

// closed and opened wait until the device does not, or does, reach the addresses.
func (w *world) closed(t *testing.T, d *device, addresses ...string) {
	w.await(t, d, false, addresses...)
}

func (w *world) opened(t *testing.T, d *device, addresses ...string) {
	w.await(t, d, true, addresses...)
}

func (w *world) await(t *testing.T, d *device, want bool, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		for deadline := time.Now().Add(20 * time.Second); ; {
			ctx, cancel := context.WithTimeout(t.Context(), refusedWithin)
			c, err := d.dial(ctx, a)
			cancel()
			if err == nil {
				_ = c.Close()
			}
			if (err == nil) == want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s reaches %s: %v, want %v", d.Device, a, err == nil, want)
			}
		}
	}
}

// What a rule asks of a device is judged in the agent and held in the kernel, also for what runs.
func TestConditionOnTheSourceIsHeldForRunningFlows(t *testing.T) {
	w := newWorld(t)
	w.serve("10.1.0.2:80", "10.1.0.2:81")
	from := func(prefix string) portal.CompiledRule {
		r := allow("office", dst("10.1.0.2/32", portal.TCP, 80))
		r.Conditions.Sources = []netip.Prefix{netip.MustParsePrefix(prefix)}
		return r
	}
	d := w.connect(portal.LevelFull, tomorrow, from("192.0.2.0/30"), allow("always", dst("10.1.0.2/32", portal.TCP, 81)))
	d.reaches(t, "10.1.0.2:80") // from when the gateway has seen where the client is
	c, err := d.dial(t.Context(), "10.1.0.2:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := echo(c); err != nil {
		t.Fatal(err)
	}
	w.apply(portal.Change{Rules: []portal.CompiledRule{from("198.51.100.0/24")}})
	if err := echoWithin(c, refusedWithin); err == nil {
		t.Error("a flow went on that its condition does not allow any more")
	}
	d.reaches(t, "10.1.0.2:81")
	d.Level = portal.LevelRestricted
	w.apply(portal.Change{Entries: []portal.Entry{d.Entry}})
	d.doesNotReach(t, "10.1.0.2:81")
}

// Plain HTTP in quarantine leads to the portal, whatever host was meant, and a renewal gives all rights back without touching the client.
func TestPlainHTTPInQuarantineLeadsToThePortal(t *testing.T) {
	w := newWorld(t, func(a *gateway.Agent) { a.Filter.(*firewall.Filter).Captive = captive.Port })
	w.node.Portal = "https://portal.example.com"
	w.node.Quarantine = append(w.node.Quarantine, dst("10.1.0.3/32", portal.TCP, 80))
	ctx, cancel := context.WithCancel(t.Context())
	page := &captive.Page{Portal: w.agent.Portal, Why: w.agent.Why, Log: slog.New(slog.DiscardHandler), Every: 20 * time.Millisecond}
	followed := make(chan error, 1)
	go func() { followed <- page.Follow(ctx, w.agent.Addresses) }()
	defer func() {
		cancel()
		if err := <-followed; err != nil {
			t.Error(err)
		}
	}()
	w.serve("10.1.0.2:80", "[fd01::2]:80", "10.1.0.2:22", "10.1.0.3:80")
	d := w.connect(portal.LevelFull, time.Now().Add(-time.Second), web(), allow("ssh", dst("10.1.0.2/32", portal.TCP, 22)))
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return d.dial(ctx, address) }},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	ask := func(method, url string, status int, to string) {
		t.Helper()
		for {
			r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := client.Do(r)
			if errors.Is(err, syscall.ECONNREFUSED) { // the page has not found its address yet
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			got, _ := strings.CutSuffix(answer.Header.Get("Location"), "&why=session_ended") // where there was time to look why
			if answer.StatusCode != status || got != to {
				t.Errorf("%s %s: %d, to %q", method, url, answer.StatusCode, answer.Header.Get("Location"))
			}
			return
		}
	}
	to := "https://portal.example.com/?from=gateway"
	ask(http.MethodGet, "http://10.1.0.2/page", http.StatusFound, to)
	ask(http.MethodGet, "http://[fd01::2]/", http.StatusFound, to)
	ask(http.MethodPost, "http://10.8.0.1/", http.StatusNetworkAuthenticationRequired, "")
	d.reaches(t, "10.1.0.3:80") // named, and so not led away
	d.doesNotReach(t, "10.1.0.2:22")
	if n := w.agent.Metrics().Drift; n != 0 { // it is compared five times a second here
		t.Errorf("comparisons repaired %d objects", n)
	}
	e := d.Entry
	e.NotAfter = tomorrow
	w.apply(portal.Change{Entries: []portal.Entry{e}})
	d.reaches(t, "10.1.0.2:80")
	d.reaches(t, "[fd01::2]:80")
	d.doesNotReach(t, netip.AddrPortFrom(w.agent.Addresses()[0], captive.Port).String())
}
