package usernet_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/netstack"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/usernet"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/portal"
)

var pool = portal.Pool{ID: "pool", Name: "pool", V4: netip.MustParsePrefix("10.8.0.0/16"), V6: netip.MustParsePrefix("fd08::/112")}

var loopback = netip.MustParseAddr("127.0.0.1")

// world is a gateway without root, on loopback.
type world struct {
	t     *testing.T
	net   *usernet.Net
	agent *gateway.Agent
	key   portal.PrivateKey
	node  portal.Node
	rev   uint64
}

func newWorld(t *testing.T, dial func(ctx context.Context, network, address string) (net.Conn, error)) *world {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	n, err := usernet.New(usernet.Config{Log: log, Dial: dial})
	if err != nil {
		t.Fatal(err)
	}
	key, err := portal.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	tunnel := wireguard.NewUserspace(n, wireguard.BindTo(loopback), key, log)
	w := &world{t: t, net: n, key: key, agent: &gateway.Agent{
		Tunnel: tunnel, Filter: n.Filter(), Dir: t.TempDir(), Now: time.Now, Log: log,
	}}
	w.node = portal.Node{Gateway: "gw", Pools: []portal.Pool{pool}, Port: freePort(t), MTU: 1420}
	if err := w.agent.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.agent.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, n.Close()); err != nil {
			t.Error(err)
		}
		tunnel.Close()
	})
	w.apply(portal.Change{Full: true, Node: &w.node})
	return w
}

func freePort(t *testing.T) uint16 {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return uint16(c.LocalAddr().(*net.UDPAddr).Port)
}

func (w *world) apply(c portal.Change) {
	w.t.Helper()
	w.rev++
	c.Revision = w.rev
	if err := w.agent.Apply(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
}

// connect adds device number i with rules and starts a client for it.
func (w *world) connect(i uint32, rules ...portal.CompiledRule) (portal.Entry, *netstack.Net) {
	w.t.Helper()
	key, err := portal.NewPrivateKey()
	if err != nil {
		w.t.Fatal(err)
	}
	a := pool.At(portal.PoolFirst + i)
	g := portal.Signature{ID: portal.SignatureID(fmt.Sprintf("sig%d", i))}
	for _, r := range rules {
		g.Rules = append(g.Rules, r.ID)
	}
	e := portal.Entry{
		EntryKey:  portal.EntryKey{Profile: "p", Device: portal.DeviceID(fmt.Sprintf("d%d", i))},
		PublicKey: key.Public(), V4: a.V4, V6: a.V6, Signature: g.ID, Level: portal.LevelFull, NotAfter: time.Now().Add(time.Hour),
	}
	w.apply(portal.Change{Entries: []portal.Entry{e}, Signatures: []portal.Signature{g}, Rules: rules})
	dev, client, err := netstack.CreateNetTUN([]netip.Addr{a.V4, a.V6}, nil, 1420)
	if err != nil {
		w.t.Fatal(err)
	}
	d := device.NewDevice(dev, wireguard.BindTo(loopback), device.NewLogger(device.LogLevelSilent, ""))
	w.t.Cleanup(d.Close)
	raw, pub := key.Bytes(), w.key.Public()
	err = d.IpcSet(fmt.Sprintf("private_key=%s\npublic_key=%s\nendpoint=127.0.0.1:%d\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n",
		hex.EncodeToString(raw[:]), hex.EncodeToString(pub[:]), w.node.Port))
	if err := errors.Join(err, d.Up()); err != nil {
		w.t.Fatal(err)
	}
	return e, client
}

func (w *world) serveEcho(address string) {
	w.t.Helper()
	l, err := w.net.Listen(netip.MustParseAddrPort(address))
	if err != nil {
		w.t.Fatal(err)
	}
	go echoAll(l)
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

func dial(t *testing.T, n *netstack.Net, network, address string, wait time.Duration) (net.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	return n.DialContext(ctx, network, address)
}

func roundTrip(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "hello"); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 5))
	return err
}

func allow(id portal.RuleID, to ...portal.Destination) portal.CompiledRule {
	return portal.CompiledRule{ID: id, Action: portal.Allow, Destinations: to}
}

func tcpTo(prefix string, port uint16) portal.Destination {
	return portal.Destination{Prefix: netip.MustParsePrefix(prefix), Transport: portal.TCP, Ports: portal.PortRange{First: port, Last: port}}
}

func TestIntranetIsReachedThroughTheTunnelUntilRevoked(t *testing.T) {
	w := newWorld(t, nil)
	w.serveEcho("10.9.0.10:80")
	w.serveEcho("[fd09::10]:80")
	w.serveEcho("10.9.0.10:22")
	e, client := w.connect(0, allow("web", tcpTo("10.9.0.10/32", 80), tcpTo("fd09::10/128", 80)))
	for _, to := range []string{"10.9.0.10:80", "[fd09::10]:80"} {
		c, err := dial(t, client, "tcp", to, 10*time.Second)
		if err != nil {
			t.Fatalf("%s: %v", to, err)
		}
		if err := roundTrip(c); err != nil {
			t.Fatalf("%s: %v", to, err)
		}
	}
	if _, err := dial(t, client, "tcp", "10.9.0.10:22", time.Second); err == nil {
		t.Error("a port that no rule allows was reached")
	}
	if _, err := dial(t, client, "ping4", "10.8.0.1", time.Second); err != nil {
		t.Error("the gateway does not answer pings:", err)
	}
	c, err := dial(t, client, "tcp", "10.9.0.10:80", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(portal.Change{Gone: []portal.EntryKey{e.EntryKey}})
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(c); err == nil {
		t.Error("a revoked device goes on talking")
	}
}

func TestOutwardFlowsAreDialledButNeverIntoTheMachineItself(t *testing.T) {
	far, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = far.Close() })
	go echoAll(far)
	w := newWorld(t, func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, far.Addr().String()) // stands for 192.0.2.80
	})
	port := uint16(far.Addr().(*net.TCPAddr).Port)
	everything := allow("all", portal.Destination{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Transport: portal.AnyTransport})
	_, client := w.connect(0, everything)
	c, err := dial(t, client, "tcp", "192.0.2.80:80", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if err := roundTrip(c); err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, client, "tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second); err == nil {
		t.Error("the machine's loopback was reached")
	}
}
