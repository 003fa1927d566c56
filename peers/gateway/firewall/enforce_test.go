package firewall_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/sallyport/sallyport/peers/gateway/enforcetest"
	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/host"
	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
)

func TestMain(m *testing.M) { netnstest.Main(m) }

// enforcer is the kernel with a packet device for the tunnel and one for the networks behind the gateway.
type enforcer struct {
	*firewall.Filter
	tunnel, uplink *side
}

// side is a packet device whose packets are collected.
type side struct {
	file *os.File
	got  chan []byte
}

func newSide(t *testing.T, ns *netnstest.NS, name string) *side {
	s := &side{ns.TUN(t, name), make(chan []byte, 1024)}
	go func() {
		defer close(s.got)
		b := make([]byte, 65536)
		for {
			n, err := s.file.Read(b)
			if err != nil {
				return
			}
			s.got <- bytes.Clone(b[:n])
		}
	}()
	return s
}

func newEnforcer(t *testing.T) enforcetest.Enforcer {
	here := netnstest.Here(t)
	e := enforcer{
		&firewall.Filter{Table: "sallyport", Interface: "sp0", Log: slog.New(slog.DiscardHandler)},
		newSide(t, here, "sp0"), newSide(t, here, "up0"),
	}
	here.MustRun(t, "sysctl", "-q", "-w", "net.ipv4.conf.up0.forwarding=1")
	for _, n := range enforcetest.Networks {
		here.MustRun(t, "ip", "route", "add", n.String(), "dev", "up0")
	}
	if err := netlink.ConntrackTableFlush(netlink.ConntrackTable); err != nil {
		t.Fatal(err)
	}
	h := host.Host{Interface: "sp0", Log: slog.New(slog.DiscardHandler)}
	if _, err := h.Sync(t.Context(), portal.Node{Pools: []portal.Pool{enforcetest.Pool}}); err != nil {
		t.Fatal(err)
	}
	awaitAddress(t, here)
	t.Cleanup(func() {
		e.Close()
		if err := firewall.Cleanup("sallyport"); err != nil {
			t.Error(err)
		}
	})
	return e
}

// awaitAddress waits until the gateway's IPv6 address is in use, which is a moment after it was added.
func awaitAddress(t *testing.T, here *netnstest.NS) {
	t.Helper()
	for t.Context().Err() == nil {
		if strings.HasPrefix(here.MustRun(t, "ip", "route", "get", enforcetest.Pool.At(portal.PoolGateway).V6.String()), "local") {
			return
		}
	}
}

func (e enforcer) FromTunnel(t *testing.T, packet, token []byte) bool {
	return e.send(t, e.tunnel, packet, token)
}

func (e enforcer) ToTunnel(t *testing.T, packet, token []byte) bool {
	return e.send(t, e.uplink, packet, token)
}

// send gives the kernel a packet and then sentinels, which come out on both sides after it: the kernel forwards within the write.
func (e enforcer) send(t *testing.T, in *side, packet, token []byte) bool {
	t.Helper()
	mark := append([]byte("sentinel"), token...)
	outward, answered := enforcetest.SentinelPackets(mark)
	for _, w := range []struct {
		to *side
		b  []byte
	}{{in, packet}, {e.tunnel, outward}, {e.tunnel, answered}} {
		if _, err := w.to.file.Write(w.b); err != nil {
			t.Fatal(err)
		}
	}
	passed := false
	deadline := time.After(10 * time.Second)
	for _, s := range []*side{e.uplink, e.tunnel} {
		for arrived := false; !arrived; {
			select {
			case b := <-s.got:
				arrived = bytes.Contains(b, mark)
				passed = passed || !arrived && bytes.Contains(b, token)
			case <-deadline:
				t.Fatal(errors.New("a packet that always passes did not arrive"))
			}
		}
	}
	return passed
}

func TestKernelPassesTheCommonCases(t *testing.T) {
	netnstest.Need(t)
	enforcetest.Run(t, newEnforcer)
}
