package openvpn_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/host"
	"github.com/sallyport/sallyport/peers/gateway/openvpn"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
)

func TestMain(m *testing.M) { netnstest.Main(m) }

const (
	tunnelName = "sp0"
	tableName  = "sallyport"
)

var (
	pool     = portal.Pool{ID: "pool", Name: "pool", V4: netip.MustParsePrefix("10.8.0.0/16"), V6: netip.MustParsePrefix("fd08::/112")}
	tomorrow = time.Now().Add(24 * time.Hour)
)

// ca is an authority of a test.
type ca struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCA(t testing.TB, name string) ca {
	t.Helper()
	key := newKey(t)
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: tomorrow,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return ca{c, key}
}

var serial atomic.Int64

func (a ca) sign(t testing.TB, name string, pub *ecdsa.PublicKey, use x509.ExtKeyUsage, end time.Time) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(100 + serial.Add(1)), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: end,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use},
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func certPEM(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func keyPEM(t testing.TB, k *ecdsa.PrivateKey) string {
	t.Helper()
	b, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
}

// world is a gateway that serves OpenVPN and WireGuard, with an office behind it; see netnstest for the picture.
type world struct {
	t         testing.TB
	dir       string
	authority ca
	crypt     portal.Secret
	gateway   *netnstest.NS
	office    *netnstest.NS
	node      portal.Node
	wgKey     portal.PrivateKey
	agent     *gateway.Agent
	server    *openvpn.Server
	stop      func()
	serving   chan struct{}
	revision  uint64
	devices   int
	log       netnstest.Lines // of the agent and, through it, of openvpn
	ask       func(csr []byte) (openvpn.Grant, error)
}

func newWorld(t testing.TB) *world {
	t.Helper()
	netnstest.Need(t)
	w := &world{
		t: t, dir: t.TempDir(), authority: newCA(t, "OpenVPN authority"), crypt: portal.NewTLSCryptServer(),
		gateway: netnstest.Here(t), office: netnstest.New(t, "office"),
	}
	w.ask = w.grant
	netnstest.Cable(t,
		netnstest.End{NS: w.gateway, Interface: "in", Addresses: []string{"10.1.0.1/24", "fd01::1/64"}},
		netnstest.End{NS: w.office, Interface: "up", Addresses: []string{"10.1.0.2/24", "fd01::2/64", "10.1.0.3/24"}})
	var err error
	if w.wgKey, err = portal.NewPrivateKey(); err != nil {
		t.Fatal(err)
	}
	w.node = portal.Node{
		Gateway: "gw", PoP: "pop", Pools: []portal.Pool{pool}, Port: 51820, MTU: 1380, Masquerade: true,
		Networks:   []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("fd01::/64")},
		Quarantine: []portal.Destination{{Prefix: netip.MustParsePrefix("10.1.0.3/32"), Transport: portal.TCP, Ports: portal.PortRange{First: 443, Last: 443}}},
		OpenVPN: portal.OpenVPNNode{Trust: "one", Push: map[portal.ProfileID]portal.Push{
			"p": {
				Routes: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/24"), netip.MustParsePrefix("fd01::/64")},
				DNS:    []netip.Addr{netip.MustParseAddr("10.1.0.2")}, Search: []string{"corp.example"},
			},
			"full": {Full: true, Excluded: []netip.Prefix{netip.MustParsePrefix("192.168.77.0/24")}},
		}},
	}
	w.start()
	t.Cleanup(func() {
		if t.Failed() {
			t.Log("the agent:\n" + w.log.Text())
		}
		w.stop()
		if err := errors.Join(w.server.Cleanup(context.Background()), firewall.Cleanup(tableName), wireguard.Cleanup(tunnelName)); err != nil {
			t.Error(err)
		}
	})
	return w
}

// grant is the portal's answer to a signing request.
func (w *world) grant(csr []byte) (openvpn.Grant, error) {
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return openvpn.Grant{}, err
	}
	leaf := w.authority.sign(w.t, portal.OpenVPNServerName, req.PublicKey.(*ecdsa.PublicKey), x509.ExtKeyUsageServerAuth, tomorrow)
	return openvpn.Grant{
		Certificates: []byte(certPEM(leaf)), Authorities: []byte(certPEM(w.authority.cert)), TLSCrypt: w.crypt, Trust: "one",
	}, nil
}

// start runs a new agent on the world's folder, as after a restart.
func (w *world) start() {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.serving = make(chan struct{}, 16)
	w.server = &openvpn.Server{
		Dir: filepath.Join(w.dir, "openvpn"), User: "nobody", Group: "nogroup", Now: time.Now, Log: log,
		Transports: []openvpn.Transport{{Name: "udp", Port: 1194, Interface: "sp0u"}, {Name: "tcp", Port: 443, Interface: "sp0t"}},
		Ask:        func(_ context.Context, csr []byte) (openvpn.Grant, error) { return w.ask(csr) },
		Changed:    func() { w.serving <- struct{}{} },
	}
	tunnel := &wireguard.System{Name: tunnelName, Key: w.wgKey, Log: log}
	filter := &firewall.Filter{Table: tableName, Interface: tunnelName, More: []string{"sp0u", "sp0t"}, Log: log}
	w.agent = &gateway.Agent{
		Tunnel: tunnel, OpenVPN: w.server, Filter: filter, Host: &host.Host{Interface: tunnelName, Log: log},
		Dir: w.dir, Now: time.Now, Log: log, RepairEvery: 200 * time.Millisecond, PollEvery: 50 * time.Millisecond,
	}
	if err := w.agent.Open(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	for _, run := range []func(context.Context) error{w.agent.Run, w.server.Run} {
		tasks.Go(func() {
			if err := run(ctx); err != nil {
				w.t.Error(err)
			}
		})
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		tasks.Wait()
		filter.Close()
		if err := tunnel.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

// serves waits until both transports do.
func (w *world) serves() {
	w.t.Helper()
	deadline := time.After(60 * time.Second)
	for w.server.Ports() != (portal.OpenVPNPorts{UDP: 1194, TCP: 443}) {
		select {
		case <-w.serving:
		case <-deadline:
			w.t.Fatalf("only %+v are served", w.server.Ports())
		}
	}
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
	*netnstest.OpenVPN
	NS   *netnstest.NS
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

// device adds one that may do what rules say.
func (w *world) device(level portal.Level, profile portal.ProfileID, rules ...portal.CompiledRule) *device {
	w.t.Helper()
	n := w.devices
	w.devices++
	id := portal.DeviceID(fmt.Sprintf("device-%d", n))
	key := newKey(w.t)
	d := &device{key: key, cert: w.authority.sign(w.t, string(id), &key.PublicKey, x509.ExtKeyUsageClientAuth, tomorrow), NS: w.place(n)}
	addr := pool.At(portal.PoolFirst + uint32(n))
	g := signature(rules...)
	d.Entry = portal.Entry{
		EntryKey: portal.EntryKey{Profile: profile, Device: id}, Cert: fingerprint(d.cert), V4: addr.V4, V6: addr.V6,
		Signature: g.ID, Level: level, NotAfter: tomorrow,
	}
	w.apply(portal.Change{Entries: []portal.Entry{d.Entry}, Signatures: []portal.Signature{g}, Rules: rules})
	d.OpenVPN = &netnstest.OpenVPN{NS: d.NS, Config: w.file(d.key, d.cert, n)}
	return d
}

func fingerprint(c *x509.Certificate) portal.CertificateID { return sha256.Sum256(c.Raw) }

// place is a namespace for a client, with a cable to the gateway.
func (w *world) place(n int) *netnstest.NS {
	ns := netnstest.New(w.t, fmt.Sprintf("client%d", n))
	netnstest.Cable(w.t,
		netnstest.End{NS: w.gateway, Interface: fmt.Sprintf("out%d", n), Addresses: []string{fmt.Sprintf("192.0.%d.1/24", n+2)}},
		netnstest.End{NS: ns, Interface: "up", Addresses: []string{fmt.Sprintf("192.0.%d.2/24", n+2)}})
	ns.MustRun(w.t, "ip", "route", "add", "default", "via", fmt.Sprintf("192.0.%d.1", n+2))
	return ns
}

// file is a client's configuration, as the portal's page makes it.
func (w *world) file(key *ecdsa.PrivateKey, cert *x509.Certificate, n int) string {
	crypt, err := portal.NewTLSCryptClient(w.crypt, cert.Subject.CommonName)
	if err != nil {
		w.t.Fatal(err)
	}
	return fmt.Sprintf(`client
dev tun
nobind
remote 192.0.%[1]d.1 1194 udp
remote 192.0.%[1]d.1 443 tcp
server-poll-timeout 2
remote-cert-tls server
verify-x509-name %[2]s name
tls-version-min 1.2
data-ciphers AES-256-GCM:CHACHA20-POLY1305
auth SHA256
auth-nocache
verb 3
suppress-timestamps
<ca>
%[3]s</ca>
<cert>
%[4]s</cert>
<key>
%[5]s</key>
<tls-crypt-v2>
%[6]s</tls-crypt-v2>
`, n+2, portal.OpenVPNServerName, certPEM(w.authority.cert), certPEM(cert), keyPEM(w.t, key), crypt.Reveal())
}

// byTCP leaves only TCP in a file.
func byTCP(file string) string { return strings.Replace(file, " 1194 udp", " 443 tcp", 1) }

func signature(rules ...portal.CompiledRule) portal.Signature {
	g := portal.Signature{}
	for _, r := range rules {
		g.Rules = append(g.Rules, r.ID)
		g.ID += portal.SignatureID(r.ID)
	}
	return g
}

func allow(id portal.RuleID, destinations ...portal.Destination) portal.CompiledRule {
	return portal.CompiledRule{ID: id, Action: portal.Allow, Destinations: destinations}
}

func dst(prefix string, port uint16) portal.Destination {
	return portal.Destination{Prefix: netip.MustParsePrefix(prefix), Transport: portal.TCP, Ports: portal.PortRange{First: port, Last: port}}
}

func web() portal.CompiledRule { return allow("web", dst("10.1.0.2/32", 80), dst("fd01::2/128", 80)) }

// listen echoes on addresses of the office.
func (w *world) listen(addresses ...string) {
	w.t.Helper()
	for _, a := range addresses {
		l := w.office.Listen(w.t, a)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					_, _ = io.Copy(c, c)
				}()
			}
		}()
	}
}

func (d *device) dial(ctx context.Context, address string) (net.Conn, error) {
	var c net.Conn
	err := d.NS.Do(func() (err error) {
		local := &net.TCPAddr{IP: d.V4.AsSlice()}
		if strings.HasPrefix(address, "[") {
			local.IP = d.V6.AsSlice()
		}
		c, err = (&net.Dialer{LocalAddr: local}).DialContext(ctx, "tcp", address)
		return err
	})
	return c, err
}

// has waits until the device has its addresses: a new IPv6 address is looked over by the kernel before it can be used, and openvpn does not wait.
func (d *device) has(t testing.TB) {
	t.Helper()
	for _, a := range []netip.Addr{d.V4, d.V6} {
		for {
			var c net.PacketConn
			err := d.NS.Do(func() (err error) { c, err = net.ListenUDP("udp", &net.UDPAddr{IP: a.AsSlice()}); return err })
			if err == nil {
				c.Close()
				break
			}
			if !errors.Is(err, unix.EADDRNOTAVAIL) || t.Context().Err() != nil {
				t.Fatalf("%s has no address %s: %v", d.Device, a, err)
			}
			runtime.Gosched()
		}
	}
}

// connects starts the client and waits until it has a tunnel.
func (d *device) connects(t testing.TB) (log string) {
	t.Helper()
	d.Start(t)
	log = d.Says(t, netnstest.Connected)
	d.has(t)
	return log
}

func (d *device) reaches(t testing.TB, address string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := d.dial(ctx, address)
	if err == nil {
		err = echo(c, 30*time.Second)
	}
	if err != nil {
		t.Fatalf("%s does not reach %s: %v\n%s", d.Device, address, err, d.Log())
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// refusedWithin is how long a dropped packet is waited for.
const refusedWithin = 700 * time.Millisecond

func (d *device) doesNotReach(t testing.TB, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), refusedWithin)
	defer cancel()
	if c, err := d.dial(ctx, address); err == nil {
		_ = c.Close()
		t.Errorf("%s reaches %s", d.Device, address)
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
