package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// deviceKey is a key and its signing request, as a browser makes them.
func deviceKey(t *testing.T) (key, csr string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// worker is somebody who may reach port 8080 of the office, and nothing else.
func (s *site) worker(t *testing.T) (*peers.Service, portal.Actor) {
	t.Helper()
	u := portal.User{ID: portal.NewID[portal.UserID](time.Now()), Name: "Mina Kim", Email: "mina@example.com", Role: portal.RoleUser, State: portal.UserActive, CreatedAt: time.Now()}
	if err := s.peers.Store.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateUser(u) }); err != nil {
		t.Fatal(err)
	}
	people := &peers.Service{Store: s.peers.Store, Log: slog.New(slog.DiscardHandler), Portal: "https://vpn.example.com", OpenVPN: &peers.OpenVPN{Keys: s.peers.Keys}}
	owner := portal.Actor{User: "admin", Role: portal.RoleOwner, TrustedAt: time.Now().Add(time.Hour)}
	web, err := people.CreateResource(t.Context(), owner, peers.ResourceInput{
		Name: "Web", Prefixes: []string{"10.1.0.2/32", "fd01::2/128"}, Transport: portal.TCP, Ports: []portal.PortRange{{First: 8080, Last: 8080}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = people.CreateRule(t.Context(), owner, peers.RuleInput{Name: "Web", Reason: "work", Action: portal.Allow, People: []portal.UserID{u.ID}, Resources: []portal.ResourceID{web.ID}})
	if err != nil {
		t.Fatal(err)
	}
	return people, portal.Actor{User: u.ID, Role: portal.RoleUser, Session: "s", TrustedAt: time.Now().Add(time.Hour)}
}

// echoes answers on addresses of a namespace.
func echoes(t *testing.T, ns *netnstest.NS, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		l := ns.Listen(t, a)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer func() { _ = c.Close() }()
					_, _ = io.Copy(c, c)
				}()
			}
		}()
	}
}

func echo(c net.Conn, within time.Duration) error {
	if err := c.SetDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 5))
	return err
}

// reach dials until it gets there: a new IPv6 address is looked over by the kernel before it can be used.
func reach(t *testing.T, ns *netnstest.NS, address string) net.Conn {
	t.Helper()
	var c net.Conn
	await(t, address+" is reached", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var err error
		if c, err = ns.Dial(ctx, "tcp", address); err != nil {
			return false
		}
		return echo(c, 5*time.Second) == nil
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func unreachable(ns *netnstest.NS, address string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	c, err := ns.Dial(ctx, "tcp", address)
	if err == nil {
		_ = c.Close()
	}
	return err != nil
}

// The whole way: a portal, the gateway's program, and the stock client with the file that the portal and the device's key make together.
// It needs root, for namespaces and TUN devices.
func TestFileOfThePortalConnectsAndItsDeviceKeepsOneTunnelUntilItIsRevoked(t *testing.T) {
	here, client, office := netnstest.Here(t), netnstest.New(t, "client"), netnstest.New(t, "office")
	netnstest.Cable(t, netnstest.End{NS: here, Interface: "out0", Addresses: []string{"192.0.2.1/24"}}, netnstest.End{NS: client, Interface: "up", Addresses: []string{"192.0.2.2/24"}})
	netnstest.Cable(t, netnstest.End{NS: here, Interface: "lan0", Addresses: []string{"10.1.0.1/24", "fd01::1/64"}}, netnstest.End{NS: office, Interface: "eth0", Addresses: []string{"10.1.0.2/24", "fd01::2/64"}})
	echoes(t, office, "10.1.0.2:8080", "10.1.0.2:22", "[fd01::2]:8080")
	s := newSite(t)
	people, mina := s.worker(t)

	flags := []string{"--state-dir", t.TempDir(), "--interface", "spo0", "--table", "spopenvpn", "--userspace", "--metrics", "off", "--openvpn"}
	ports := func(want portal.OpenVPNPorts) func() bool {
		return func() bool {
			g, err := s.peers.Gateway(t.Context(), s.id)
			return err == nil && g.State == portal.GatewayActive && g.Problem == "" && g.OpenVPN == want
		}
	}
	both := portal.OpenVPNPorts{UDP: 1194, TCP: 443}
	_, stop := started(t, append([]string{"--portal", s.address, "--token", s.token}, flags...)...)
	t.Cleanup(func() {
		stop()
		if err := run(context.WithoutCancel(t.Context()), append([]string{"--cleanup"}, flags...), env(), io.Discard, io.Discard); err != nil {
			t.Error(err)
		}
	})
	await(t, "the portal hears where OpenVPN is served", ports(both))

	key, csr := deviceKey(t)
	d, err := people.CreateDevice(t.Context(), mina, peers.NewDevice{Name: "laptop", Platform: portal.Linux, Profile: s.profile, CSR: csr})
	if err != nil {
		t.Fatal(err)
	}
	file, err := people.OpenVPNFile(t.Context(), mina, d.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	c := &netnstest.OpenVPN{NS: client, Config: file.Text(key)}
	c.Start(t)
	log := c.Says(t, netnstest.Connected)
	for _, want := range []string{"UDPv4 link remote", "TLSv1.3", "dhcp-option DNS 10.1.0.2", "ifconfig " + d.Addr.V4.String()} {
		if !strings.Contains(log, want) {
			t.Errorf("the client's log has no %q:\n%s", want, log)
		}
	}
	live := reach(t, client, "10.1.0.2:8080")
	reach(t, client, "[fd01::2]:8080")
	if !unreachable(client, "10.1.0.2:22") {
		t.Error("it reaches what no rule allows")
	}
	// The agent ends, and the tunnel does not; the next one takes it over.
	stop()
	if err := echo(live, 10*time.Second); err != nil {
		t.Errorf("without an agent: %v", err)
	}
	_, stop = started(t, flags...)
	await(t, "the next agent serves", ports(both))
	if err := echo(live, 10*time.Second); err != nil {
		t.Errorf("with the next agent: %v", err)
	}

	// The session ends: the tunnel stays and reaches nothing, until its person renews.
	err = people.Store.Tx(t.Context(), func(tx *store.Tx) error { _, err := people.LoggedOut(tx, mina, mina.User); return err })
	if err != nil {
		t.Fatal(err)
	}
	await(t, "nothing is reached without a session", func() bool { return unreachable(client, "10.1.0.2:8080") })
	if _, _, err := people.RenewGrants(t.Context(), mina, mina.User); err != nil {
		t.Fatal(err)
	}
	reach(t, client, "10.1.0.2:8080")
	if n := strings.Count(c.Log(), netnstest.Connected); n != 1 {
		t.Errorf("the client has connected %d times:\n%s", n, c.Log())
	}

	// The same file where UDP does not get through.
	c.Stop()
	here.MustRun(t, "nft", "add table inet block; add chain inet block in { type filter hook input priority -10; }; add rule inet block in udp dport 1194 drop")
	t.Cleanup(func() { _, _ = here.Run(context.Background(), "nft", "delete", "table", "inet", "block") })
	c.Forget()
	c.Args = []string{"--server-poll-timeout", "1"} // the file waits longer
	c.Start(t)
	if log := c.Says(t, netnstest.Connected); !strings.Contains(log, "TCPv4_CLIENT link remote") {
		t.Errorf("the client did not come by TCP:\n%s", log)
	}
	live = reach(t, client, "10.1.0.2:8080")

	began := time.Now()
	if _, err := people.RevokeDevice(t.Context(), mina, d.ID); err != nil {
		t.Fatal(err)
	}
	c.Says(t, "revoked or suspended")
	t.Logf("revoked, and the client says why, after %v", time.Since(began))
	if echo(live, 500*time.Millisecond) == nil || !unreachable(client, "10.1.0.2:8080") {
		t.Error("a revoked device reaches the office")
	}
}
