package peers_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func (h *house) gateways() *peers.Gateways {
	h.t.Helper()
	key, err := seal.NewKey("test", portal.NewSecret(seal.KeySize))
	h.ok(err)
	keys, err := seal.NewKeyring(key)
	h.ok(err)
	return &peers.Gateways{
		Store: h.s.Store, Keys: keys, Now: func() time.Time { return h.now }, Log: slog.New(slog.DiscardHandler), Portals: []string{"vpn.example.com:8444"},
	}
}

func signingRequest(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}

func TestOnlyThoseWhoManageChangeGateways(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	g := h.gateways()
	for _, by := range []portal.Actor{{}, h.mina, {Gateway: h.gateway.ID}} {
		_, _, created := g.CreateGateway(h.ctx(), by, peers.NewGateway{PoP: h.pop.ID, Name: "x", Host: "x.example.com"})
		_, token := g.NewToken(h.ctx(), by, h.gateway.ID)
		_, made := g.CreatePoP(h.ctx(), by, peers.NewPoP{Name: "Busan"})
		_, changed := g.UpdatePoP(h.ctx(), by, h.pop.ID, peers.NewPoP{Name: "Busan"})
		for what, err := range map[string]error{
			"create gateway": created, "new token": token, "create PoP": made, "update PoP": changed,
			"drain": g.DrainGateway(h.ctx(), by, h.gateway.ID), "undrain": g.UndrainGateway(h.ctx(), by, h.gateway.ID),
			"retire": g.RetireGateway(h.ctx(), by, h.gateway.ID), "delete PoP": g.DeletePoP(h.ctx(), by, h.pop.ID),
		} {
			if !errors.Is(err, portal.ErrForbidden) {
				t.Errorf("%s: got %v, want forbidden", what, err)
			}
		}
	}
}

func TestNodeCannotEnrolWithAKeyThatIsInUse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g := h.gateways()
		made, token, err := g.CreateGateway(h.ctx(), h.admin, peers.NewGateway{PoP: h.pop.ID, Name: "busan-1", Host: "b.example.com"})
		h.ok(err)
		other := h.device(h.mina, "laptop").PublicKey
		enrol := func(key portal.PublicKey) error {
			_, err := g.Enrol(h.ctx(), feed.EnrolAsk{Token: token.Secret, CSR: signingRequest(t), PublicKey: key})
			return err
		}
		wantErr(t, enrol(other), peers.ErrKeyTaken)
		wantErr(t, enrol(h.gateway.PublicKey), peers.ErrKeyTaken)
		alias := other
		alias[31] |= 0x80 // the same point for X25519
		wantErr(t, enrol(alias), portal.ErrPublicKey)

		own := newKey(t)
		h.ok(enrol(own)) // a refusal did not use the token up
		in := h.newDevice("phone")
		in.PublicKey = own.String()
		_, err = h.s.CreateDevice(h.ctx(), h.mina, in)
		wantErr(t, err, peers.ErrKeyTaken)

		again, err := g.NewToken(h.ctx(), h.admin, made.ID)
		h.ok(err)
		token = again
		h.ok(enrol(own)) // the same node once more
		h.ok(g.RetireGateway(h.ctx(), h.admin, made.ID))
		_, token, err = g.CreateGateway(h.ctx(), h.admin, peers.NewGateway{PoP: h.pop.ID, Name: "busan-1", Host: "b.example.com"})
		h.ok(err)
		h.ok(enrol(own)) // what is retired holds no key
	})
}

func TestGatewayCannotReportAKeyThatIsInUse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g, victim, device := h.gateways(), h.addGateway(h.pop.ID, "seoul-2"), h.device(h.mina, "laptop")
		own := newKey(t)
		for _, key := range []portal.PublicKey{victim.PublicKey, device.PublicKey, own} {
			_, _, err := g.SaveReports(h.ctx(), []feed.GatewayReport{{Gateway: h.gateway.ID, At: h.now, Report: feed.Report{Revision: 7, PublicKey: key}}})
			h.ok(err)
			row, err := g.Gateway(h.ctx(), h.gateway.ID)
			h.ok(err)
			want := h.gateway.PublicKey
			if key == own {
				want = own
			}
			if row.PublicKey != want || row.Applied != 7 {
				t.Errorf("after a report with %v the row has %v and revision %d", key, row.PublicKey, row.Applied)
			}
		}
	})
}

func TestExpiredEnrolmentTokensAreSwept(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	_, token, err := h.gateways().CreateGateway(h.ctx(), h.admin, peers.NewGateway{PoP: h.pop.ID, Name: "busan-1", Host: "b.example.com"})
	h.ok(err)
	parsed, err := feed.ParseToken(token.Secret)
	h.ok(err)
	kept := func() bool {
		err := h.s.Store.View(h.ctx(), func(tx *store.Tx) error { _, _, err := tx.EnrolToken(parsed.Hash()); return err })
		return err == nil
	}
	h.now = h.now.Add(2 * time.Hour)
	h.ok(h.s.SweepOnce(h.ctx()))
	if !kept() {
		t.Error("an hour after its end the token is forgotten; its user would hear that it never was")
	}
	h.now = h.now.Add(24 * time.Hour)
	h.ok(h.s.SweepOnce(h.ctx()))
	if kept() {
		t.Error("a day after its end the token is still kept")
	}
}

// FuzzSigningRequest: whatever a node sends, its certificate is for the gateway of its token and nothing else.
func FuzzSigningRequest(f *testing.F) {
	good := signingRequest(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte{0x30, 0x80})
	h := newHouse(f, storetest.New(f))
	g := h.gateways()
	made, token, err := g.CreateGateway(h.ctx(), h.admin, peers.NewGateway{PoP: h.pop.ID, Name: "fuzz", Host: "f.example.com"})
	h.ok(err)
	grant, err := g.Enrol(h.ctx(), feed.EnrolAsk{Token: token.Secret, CSR: good, PublicKey: newKey(f)})
	h.ok(err)
	first, err := x509.ParseCertificate(grant.Certificate)
	h.ok(err)
	who := feed.StreamAsk{Gateway: made.ID, Serial: first.SerialNumber.Text(16), Ends: first.NotAfter}
	f.Fuzz(func(t *testing.T, csr []byte) {
		der, err := g.Renew(t.Context(), who, csr)
		if err != nil {
			if portal.KindOf(err) != portal.Invalid {
				t.Errorf("got %v", err)
			}
			return
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if c.Subject.String() != "CN="+string(made.ID) || c.IsCA || len(c.DNSNames)+len(c.IPAddresses)+len(c.URIs)+len(c.EmailAddresses) > 0 ||
			len(c.ExtKeyUsage) != 1 || c.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth || c.NotAfter.After(h.now.Add(31*24*time.Hour)) {
			t.Errorf("the certificate says more than who the gateway is: %v", c.Subject)
		}
		if pub, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || pub.Curve != elliptic.P256() {
			t.Errorf("the certificate is for a %T", c.PublicKey)
		}
	})
}
