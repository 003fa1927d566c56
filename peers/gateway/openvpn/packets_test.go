package openvpn_test

import (
	"context"
	"crypto/x509"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
)

// These tests need root, for namespaces and TUN devices, and the stock openvpn as server and client. Each is a story in one world, since a world
// takes seconds to make.

func TestClientsGetWhatTheirEntrySaysUntilItEnds(t *testing.T) {
	w := newWorld(t)
	w.listen("10.1.0.2:80", "10.1.0.2:22", "10.1.0.3:443", "[fd01::2]:80", "[fd01::2]:22")
	d := w.device(portal.LevelFull, "p", web())
	other := w.device(portal.LevelFull, "full", web())
	w.serves()

	log := d.connects(t)
	for _, want := range []string{
		"dhcp-option DNS 10.1.0.2", "dhcp-option DOMAIN-SEARCH corp.example", "tun-mtu 1380", "AES-256-GCM", "TLSv1.3", "UDPv4 link remote",
		"route 10.1.0.0 255.255.255.0", "route-ipv6 fd01::/64", "ifconfig " + d.V4.String() + " ",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the client's log has no %q:\n%s", want, log)
		}
	}
	d.reaches(t, "10.1.0.2:80")
	d.reaches(t, "[fd01::2]:80")
	d.doesNotReach(t, "10.1.0.2:22")
	d.doesNotReach(t, "[fd01::2]:22")

	// Another profile at the same time: everything goes through the tunnel, but what is left out.
	log = other.connects(t)
	if !strings.Contains(log, "redirect-gateway def1 ipv6") || !strings.Contains(log, "route 192.168.77.0 255.255.255.0 net_gateway") {
		t.Errorf("the client of the full tunnel was not told so:\n%s", log)
	}
	if way := other.NS.MustRun(t, "ip", "route", "get", "203.0.113.5"); !strings.Contains(way, "dev tun") {
		t.Errorf("the way to the world is %s", way)
	}
	if way := other.NS.MustRun(t, "ip", "route", "get", "192.168.77.1"); !strings.Contains(way, "dev up") {
		t.Errorf("the way to what is left out is %s", way)
	}
	other.reaches(t, "10.1.0.2:80")

	// Quarantine and back, without the client doing anything.
	d.Level = portal.LevelQuarantine
	w.apply(portal.Change{Entries: []portal.Entry{d.Entry}})
	d.doesNotReach(t, "10.1.0.2:80")
	d.reaches(t, "10.1.0.3:443")
	d.Level = portal.LevelFull
	w.apply(portal.Change{Entries: []portal.Entry{d.Entry}})
	d.reaches(t, "10.1.0.2:80")

	// Revoked: cut at once, and told why.
	began := time.Now()
	w.apply(portal.Change{Gone: []portal.EntryKey{d.EntryKey}})
	d.Says(t, "revoked or suspended")
	t.Logf("revoked, and the client knows why, after %v", time.Since(began))
	d.doesNotReach(t, "10.1.0.2:80")
	other.reaches(t, "10.1.0.2:80")

	// Its file is of no use any more, and says so.
	d.Stop()
	d.Forget()
	d.Start(t)
	d.Says(t, "This certificate is not in use. Get a new file from the portal.")

	// A process that dies is started again.
	other.Stop()
	other.Forget()
	w.kill("udp")
	other.connects(t)
	other.reaches(t, "10.1.0.2:80")
}

func TestSameFileComesByTCPWhereUDPIsDroppedAndOutlivesTheAgent(t *testing.T) {
	w := newWorld(t)
	w.listen("10.1.0.2:80")
	d := w.device(portal.LevelFull, "p", web())
	w.serves()
	w.gateway.MustRun(t, "nft", "add table inet block; add chain inet block in { type filter hook input priority -10; }; add rule inet block in udp dport 1194 drop")
	t.Cleanup(func() { _, _ = w.gateway.Run(context.Background(), "nft", "delete", "table", "inet", "block") })
	if log := d.connects(t); !strings.Contains(log, "TCPv4_CLIENT link remote") {
		t.Errorf("the client did not come by TCP:\n%s", log)
	}
	c := d.reaches(t, "10.1.0.2:80")

	// The agent ends, and its client goes on; the next agent knows who it is.
	w.stop()
	if err := echo(c, 30*time.Second); err != nil {
		t.Fatalf("without an agent: %v", err)
	}
	w.start()
	w.serves()
	if err := echo(c, 30*time.Second); err != nil {
		t.Fatalf("with the next agent: %v", err)
	}
	if live := w.server.Live(); len(live) != 1 || live[0].Entry != d.EntryKey || !live[0].Endpoint.IsValid() {
		t.Errorf("the next agent knows %+v", live)
	}

	// A copy of the file, elsewhere: only one of them at a time, and the first is told.
	copied := &device{Entry: d.Entry, OpenVPN: &netnstest.OpenVPN{NS: w.place(7), Config: byTCP(w.file(d.key, d.cert, 7))}}
	copied.OpenVPN.Start(t)
	copied.Says(t, netnstest.Connected)
	d.Says(t, "This device has connected again from somewhere else.")
	copied.Stop()

	// Others are refused: a certificate of another authority, one whose time is over, and a newer one's predecessor.
	foreign := newCA(t, "OpenVPN authority")
	late := w.authority.sign(t, "late", &d.key.PublicKey, x509.ExtKeyUsageClientAuth, time.Now().Add(-time.Minute))
	for name, c := range map[string]struct {
		cert *x509.Certificate
		says string
	}{
		"foreign": {foreign.sign(t, "foreign", &d.key.PublicKey, x509.ExtKeyUsageClientAuth, tomorrow), "VERIFY ERROR: depth=0, error=unable to get local issuer certificate: CN=foreign"},
		"expired": {late, "VERIFY ERROR: depth=0, error=certificate has expired: CN=late"},
		"unknown": {w.authority.sign(t, "unknown", &d.key.PublicKey, x509.ExtKeyUsageClientAuth, tomorrow), "OpenVPN client refused"},
	} {
		x := &netnstest.OpenVPN{NS: d.NS, Config: byTCP(w.file(d.key, c.cert, 0))}
		x.Start(t)
		if log, ok := w.log.Wait(c.says, t.Context().Done(), time.Minute); !ok {
			t.Fatalf("a client whose certificate is %s was not refused:\n%s\n%s", name, log, x.Log())
		}
		x.Stop()
		if log := x.Log(); strings.Contains(log, netnstest.Connected) {
			t.Errorf("a client whose certificate is %s has connected:\n%s", name, log)
		}
	}
	newer := d.Entry
	newer.Cert = fingerprint(w.authority.sign(t, string(d.Device), &d.key.PublicKey, x509.ExtKeyUsageClientAuth, tomorrow))
	d.Stop()
	d.Forget()
	d.Config = byTCP(d.Config)
	d.connects(t)
	w.apply(portal.Change{Entries: []portal.Entry{newer}})
	d.Says(t, "This device has a newer certificate.")
}

// kill ends the transport's process without warning.
func (w *world) kill(transport string) {
	w.t.Helper()
	before := w.server.Pids()
	if err := syscall.Kill(before[transport], syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
	deadline := time.After(60 * time.Second)
	for slices.Contains([]int{0, before[transport]}, w.server.Pids()[transport]) {
		select {
		case <-w.serving:
		case <-deadline:
			w.t.Fatal("it was not started again")
		}
	}
}
