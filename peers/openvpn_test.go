package peers_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func ring(t testing.TB, names ...string) *seal.Keyring {
	t.Helper()
	var keys []seal.Key
	for _, name := range names {
		k, err := seal.NewKey(name, bytes.Repeat([]byte(name[:1]), seal.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	r, err := seal.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func csr(t testing.TB) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// openVPN makes the house serve OpenVPN: it has an authority, and its gateway says that it listens.
func (h *house) openVPN() (g *peers.Gateways) {
	h.t.Helper()
	g = &peers.Gateways{Store: h.s.Store, Keys: ring(h.t, "old"), Now: func() time.Time { return h.now }}
	h.s.OpenVPN = &peers.OpenVPN{Keys: g.Keys}
	h.ok(h.s.OpenVPN.Ensure(h.ctx(), h.s.Store))
	h.ok(h.s.OpenVPN.Ensure(h.ctx(), h.s.Store)) // once is enough
	h.gateway.CertSerial, h.gateway.CertEnds = "5e", h.now.Add(time.Hour)
	h.tx(func(tx *store.Tx) error { return tx.EnrolGateway(h.gateway, 0) })
	h.gateway.OpenVPN = portal.OpenVPNPorts{UDP: 1194, TCP: 443}
	h.report(h.gateway)
	h.offer(portal.WireGuard, portal.OpenVPN)
	return g
}

// offer sets how devices of the profile may connect.
func (h *house) offer(protocols ...portal.Protocol) {
	h.t.Helper()
	_, err := h.s.UpdateProfile(h.ctx(), h.admin, h.profile.ID, peers.ProfileInput{
		Name: "Work", Mode: portal.Split, Included: []string{"10.20.0.0/16", "fd00:20::/32"}, Protocols: protocols,
	})
	h.ok(err)
}

func (h *house) openVPNDevice(by portal.Actor, name string) peers.DeviceView {
	h.t.Helper()
	d, err := h.s.CreateDevice(h.ctx(), by, peers.NewDevice{Name: name, Platform: portal.Linux, Profile: h.profile.ID, CSR: csr(h.t)})
	h.ok(err)
	return d
}

// inline is what stands between <name> and </name> of a file.
func inline(t testing.TB, file, name string) string {
	t.Helper()
	_, rest, ok1 := strings.Cut(file, "<"+name+">\n")
	text, _, ok2 := strings.Cut(rest, "</"+name+">")
	if !ok1 || !ok2 {
		t.Fatalf("the file has no <%s>:\n%s", name, file)
	}
	return text
}

func certOf(t testing.TB, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("no PEM: %q", text)
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// verifies checks a leaf against what is trusted, as openvpn does: everything in one file, roots and what is between.
func verifies(leaf *x509.Certificate, trusted, between []byte, use x509.ExtKeyUsage, now time.Time) error {
	roots, middle := x509.NewCertPool(), x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	middle.AppendCertsFromPEM(between)
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{use}})
	return err
}

func TestDeviceOfOpenVPNIsItsCertificate(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, err := h.s.CreateDevice(h.ctx(), h.mina, peers.NewDevice{Name: "early", Platform: portal.Linux, Profile: h.profile.ID, CSR: csr(t)})
		wantErr(t, err, peers.ErrNotOffered) // profiles are for WireGuard until somebody says otherwise
		gateways := h.openVPN()
		_, err = h.s.CreateDevice(h.ctx(), h.mina, peers.NewDevice{Name: "wrong", Platform: portal.Linux, Profile: h.profile.ID, CSR: " "})
		wantField(t, err, "/csr:csr_malformed")
		if p, err := h.s.Profile(h.ctx(), h.mina, h.profile.ID); err != nil || len(p.Regions) != 1 || !p.Regions[0].OpenVPN {
			t.Errorf("regions %+v, %v", p.Regions, err)
		}

		d := h.openVPNDevice(h.mina, "laptop")
		file, err := h.s.OpenVPNFile(h.ctx(), h.mina, d.ID, "")
		h.ok(err)
		text := file.Text(portal.PrivateKeyPlaceholder)
		leaf := certOf(t, inline(t, text, "cert"))
		e, there := h.entry(d)
		if !there || e.Cert != sha256.Sum256(leaf.Raw) || !e.PublicKey.IsZero() || e.V4 != d.Addr.V4 {
			t.Errorf("entry %+v", e)
		}
		if leaf.Subject.String() != "CN="+string(d.ID) || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || leaf.IsCA ||
			leaf.NotAfter.Sub(h.now) != 90*24*time.Hour || leaf.SerialNumber.Text(16) != d.Certificate.Serial {
			t.Errorf("the certificate is for %s, %v, until %v", leaf.Subject, leaf.ExtKeyUsage, leaf.NotAfter)
		}
		for _, line := range []string{
			"remote seoul-1.vpn.example.com 1194 udp\nremote seoul-1.vpn.example.com 443 tcp\n", "remote-cert-tls server\nverify-x509-name gateway.sallyport.internal name\n",
			"setenv FRIENDLY_NAME \"Work\"\n", "auth-nocache\n", "<key>\n" + portal.PrivateKeyPlaceholder + "\n</key>\n",
		} {
			if !strings.Contains(text, line) {
				t.Errorf("the file has no %q:\n%s", line, text)
			}
		}
		again, err := h.s.OpenVPNFile(h.ctx(), h.mina, d.ID, "")
		h.ok(err)
		if again.TLSCrypt.Reveal() == file.TLSCrypt.Reveal() {
			t.Error("two files have the same tls-crypt-v2 key")
		}

		// A gateway's server: another authority for what it is, the same for whom it trusts.
		grant := h.serverGrant(gateways)
		server := certOf(t, string(grant.Certificates))
		h.ok(verifies(server, []byte(inline(t, text, "ca")), grant.Certificates, x509.ExtKeyUsageServerAuth, h.now))
		h.ok(verifies(leaf, grant.Authorities, grant.Authorities, x509.ExtKeyUsageClientAuth, h.now))
		if verifies(leaf, []byte(inline(t, text, "ca")), grant.Certificates, x509.ExtKeyUsageServerAuth, h.now) == nil {
			t.Error("a device's certificate makes a server")
		}
		if err := verifies(leaf, grant.Authorities, grant.Authorities, x509.ExtKeyUsageClientAuth, h.now.Add(91*24*time.Hour)); err == nil {
			t.Error("it is good after its end")
		}
		who := feed.StreamAsk{Gateway: h.gateway.ID, Serial: "bad"}
		if _, err := gateways.OpenVPN(h.ctx(), who, derCSR(t)); portal.KindOf(err) != portal.Unauthenticated {
			t.Errorf("a gateway whose certificate is void: %v", err)
		}

		// Renewed: the old certificate is nobody's any more. The protocols' ways do not mix.
		renewed, err := h.s.ReplaceCertificate(h.ctx(), h.mina, d.ID, csr(t))
		h.ok(err)
		if e, _ := h.entry(d); e.Cert == sha256.Sum256(leaf.Raw) || e.Cert != renewed.Cert || renewed.Addr != d.Addr || renewed.Certificate.Serial == d.Certificate.Serial {
			t.Errorf("entry %+v after the renewal", e)
		}
		_, err = h.s.ReplaceKey(h.ctx(), h.mina, d.ID, newKey(t).String())
		wantErr(t, err, peers.ErrProtocol)
		_, err = h.s.Config(h.ctx(), h.mina, d.ID, "")
		wantErr(t, err, peers.ErrProtocol)
		phone := h.device(h.mina, "phone")
		if a, _ := h.entry(d); a.Signature == "" || a.Profile != phone.Profile {
			t.Errorf("entry %+v", a)
		} else if b, _ := h.entry(phone); a.Signature != b.Signature || a.Level != b.Level || a.NotAfter != b.NotAfter {
			t.Errorf("by OpenVPN the rights are %+v, by WireGuard %+v", a, b)
		}
		_, err = h.s.ReplaceCertificate(h.ctx(), h.mina, phone.ID, csr(t))
		wantErr(t, err, peers.ErrProtocol)
		_, err = h.s.OpenVPNFile(h.ctx(), h.mina, phone.ID, "")
		wantErr(t, err, peers.ErrProtocol)
		_, err = h.s.OpenVPNFile(h.ctx(), h.jun, d.ID, "")
		wantErr(t, err, portal.ErrNotFound)
		_, err = h.s.ReplaceCertificate(h.ctx(), h.jun, d.ID, csr(t))
		wantErr(t, err, portal.ErrNotFound)

		// Where the profile leaves a protocol out, what there is goes on and gets no new key.
		h.offer(portal.WireGuard)
		_, err = h.s.ReplaceCertificate(h.ctx(), h.mina, d.ID, csr(t))
		wantErr(t, err, peers.ErrNotOffered)
		if _, there := h.entry(d); !there {
			t.Error("its entry is gone")
		}
		h.offer(portal.OpenVPN)
		_, err = h.s.ReplaceKey(h.ctx(), h.mina, phone.ID, newKey(t).String())
		wantErr(t, err, peers.ErrNotOffered)
		_, err = h.s.CreateDevice(h.ctx(), h.mina, h.newDevice("by WireGuard"))
		wantErr(t, err, peers.ErrNotOffered)

		// One policy: suspension and revocation take the entry.
		_, err = h.s.SuspendDevice(h.ctx(), h.admin, d.ID)
		h.ok(err)
		if _, there := h.entry(d); there {
			t.Error("a suspended device has an entry")
		}
		_, err = h.s.RevokeDevice(h.ctx(), h.mina, d.ID)
		h.ok(err)
		// The list for others: what was renewed and what was revoked, not what is suspended.
		der, err := h.s.RevocationList(h.ctx(), d.Certificate.Authority)
		h.ok(err)
		list, err := x509.ParseRevocationList(der)
		h.ok(err)
		h.ok(list.CheckSignatureFrom(certOf(t, string(grant.Authorities[bytes.Index(grant.Authorities, []byte("-----END"))+len("-----END CERTIFICATE-----"):]))))
		if r := list.RevokedCertificateEntries; len(r) != 2 || r[0].SerialNumber.Cmp(leaf.SerialNumber) != 0 && r[1].SerialNumber.Cmp(leaf.SerialNumber) != 0 || list.NextUpdate.Sub(h.now) != 7*24*time.Hour {
			t.Errorf("the list has %+v, until %v", r, list.NextUpdate)
		}
		h.now = h.now.Add(91 * 24 * time.Hour)
		der, err = h.s.RevocationList(h.ctx(), d.Certificate.Authority)
		h.ok(err)
		if list, err = x509.ParseRevocationList(der); err != nil || len(list.RevokedCertificateEntries) != 0 {
			t.Errorf("certificates that have ended are listed: %+v, %v", list, err)
		}
		_, err = h.s.RevocationList(h.ctx(), "none")
		wantErr(t, err, portal.ErrNotFound)
		h.tx(func(tx *store.Tx) error {
			counts, err := tx.CountCertificates()
			if len(counts) != 0 {
				t.Errorf("certificates of %v", counts)
			}
			return err
		})
	})
}

func derCSR(t testing.TB) []byte {
	t.Helper()
	block, _ := pem.Decode([]byte(csr(t)))
	return block.Bytes
}

func (h *house) serverGrant(g *peers.Gateways) feed.OpenVPNGrant {
	h.t.Helper()
	grant, err := g.OpenVPN(h.ctx(), feed.StreamAsk{Gateway: h.gateway.ID, Serial: "5e", Ends: h.gateway.CertEnds}, derCSR(h.t))
	h.ok(err)
	return grant
}

func TestAuthoritiesOverlapUntilTheRotationIsFinished(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		gateways := h.openVPN()
		ca := h.s.OpenVPN
		text := func(d peers.DeviceView) string {
			f, err := h.s.OpenVPNFile(h.ctx(), h.mina, d.ID, "")
			h.ok(err)
			return f.Text("key")
		}
		before := h.openVPNDevice(h.mina, "before")
		oldFile, oldGrant := text(before), h.serverGrant(gateways)
		h.now = h.now.Add(time.Second)
		_, err := h.s.RotateAuthority(h.ctx(), h.admin)
		wantErr(t, err, portal.ErrForbidden)
		owner := h.admin
		owner.Role = portal.RoleOwner
		shown, err := h.s.RotateAuthority(h.ctx(), owner)
		h.ok(err)
		if len(shown) != 2 || shown[0].State != portal.AuthorityTrusted || shown[0].Devices != 1 || shown[1].State != portal.AuthoritySigning {
			t.Errorf("the authorities are %+v", shown)
		}
		h.tx(func(tx *store.Tx) error { wantErr(t, ca.Rotate(tx, h.admin), peers.ErrRotating); return nil })
		after := h.openVPNDevice(h.mina, "after")
		newFile, grant := text(after), h.serverGrant(gateways)
		if grant.Trust == oldGrant.Trust || after.Certificate.Authority == before.Certificate.Authority {
			t.Error("nothing has changed")
		}
		server := certOf(t, string(grant.Certificates))
		for name, file := range map[string]string{"before": oldFile, "after": newFile} {
			if err := verifies(server, []byte(inline(t, file, "ca")), grant.Certificates, x509.ExtKeyUsageServerAuth, h.now); err != nil {
				t.Errorf("the file from %s does not trust the gateway: %v", name, err)
			}
			if err := verifies(certOf(t, inline(t, file, "cert")), grant.Authorities, grant.Authorities, x509.ExtKeyUsageClientAuth, h.now); err != nil {
				t.Errorf("the gateway does not trust the file from %s: %v", name, err)
			}
		}
		h.tx(func(tx *store.Tx) error { wantErr(t, ca.Finish(tx, h.admin, false), peers.ErrCAInUse); return nil })
		_, err = h.s.ReplaceCertificate(h.ctx(), h.mina, before.ID, csr(t))
		h.ok(err)
		h.tx(func(tx *store.Tx) error { return ca.Finish(tx, h.admin, false) })
		h.tx(func(tx *store.Tx) error { wantErr(t, ca.Finish(tx, h.admin, false), peers.ErrNotRotating); return nil })
		grant = h.serverGrant(gateways)
		if err := verifies(certOf(t, inline(t, oldFile, "cert")), grant.Authorities, grant.Authorities, x509.ExtKeyUsageClientAuth, h.now); err == nil {
			t.Error("a certificate of the authority of before is good")
		}
		h.ok(verifies(certOf(t, string(grant.Certificates)), []byte(inline(t, newFile, "ca")), grant.Certificates, x509.ExtKeyUsageServerAuth, h.now))

		// The master key rotates, and with it what seals the authority.
		_, err = (&auth.Service{Store: h.s.Store, Keys: ring(t, "new", "old")}).Reseal(h.ctx())
		h.ok(err)
		h.s.OpenVPN = &peers.OpenVPN{Keys: ring(t, "new")}
		h.openVPNDevice(h.jun, "resealed")
	})
}

func TestRootElsewhereSignsTheAuthority(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	h.openVPN()
	ca := h.s.OpenVPN
	h.tx(func(tx *store.Tx) error { wantErr(t, ca.Import(tx, h.admin, "x"), peers.ErrNoRequest); return nil })
	var request string
	h.now = h.now.Add(time.Second)
	h.tx(func(tx *store.Tx) (err error) { request, err = ca.Request(tx, h.admin); return err })
	h.tx(func(tx *store.Tx) error {
		_, err := ca.Request(tx, h.admin)
		wantErr(t, err, peers.ErrRequested)
		return nil
	})
	block, _ := pem.Decode([]byte(request))
	req, err := x509.ParseCertificateRequest(block.Bytes)
	h.ok(err)

	rootKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	h.ok(err)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Company root"}, NotBefore: h.now, NotAfter: h.now.AddDate(20, 0, 0), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	sign := func(template *x509.Certificate, pub any) string {
		template.SerialNumber, template.NotBefore = big.NewInt(2), h.now
		der, err := x509.CreateCertificate(rand.Reader, template, root, pub, rootKey)
		h.ok(err)
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	rootPEM := sign(root, &rootKey.PublicKey)
	intermediate := func(end time.Time, ca bool) *x509.Certificate {
		return &x509.Certificate{
			Subject: pkix.Name{CommonName: "Sallyport"}, NotAfter: end, IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLenZero: ca,
		}
	}
	good := sign(intermediate(h.now.AddDate(5, 0, 0), true), req.PublicKey)
	for name, chain := range map[string]string{
		"nothing":            "",
		"without the root":   good,
		"of another key":     sign(intermediate(h.now.AddDate(5, 0, 0), true), &rootKey.PublicKey) + rootPEM,
		"not an authority":   sign(intermediate(h.now.AddDate(5, 0, 0), false), req.PublicKey) + rootPEM,
		"that ends too soon": sign(intermediate(h.now.AddDate(0, 5, 0), true), req.PublicKey) + rootPEM,
		"the wrong way":      rootPEM + good,
		"with something":     good + rootPEM + "x",
	} {
		err := h.s.Store.Tx(h.ctx(), func(tx *store.Tx) error { return ca.Import(tx, h.admin, chain) })
		if !errors.Is(err, peers.ErrChain) {
			t.Errorf("a chain %s: %v, want ErrChain", name, err)
		}
	}
	h.now = h.now.Add(time.Second)
	h.tx(func(tx *store.Tx) error { return ca.Import(tx, h.admin, good+rootPEM) })
	d := h.openVPNDevice(h.mina, "laptop")
	f, err := h.s.OpenVPNFile(h.ctx(), h.mina, d.ID, "")
	h.ok(err)
	if !strings.Contains(f.Roots, rootPEM) {
		t.Error("the file does not trust the company's root")
	}
	h.ok(verifies(certOf(t, f.Certificate), []byte(rootPEM), []byte(good), x509.ExtKeyUsageClientAuth, h.now))
	h.ok(h.s.Store.View(context.Background(), func(tx *store.Tx) error {
		all, err := ca.Show(tx)
		if len(all) != 2 || all[0].State != portal.AuthorityTrusted || all[1].State != portal.AuthoritySigning || all[1].Devices != 1 || all[1].Fingerprint == "" {
			t.Errorf("shown: %+v", all)
		}
		return err
	}))
}
