package feed_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestOneOfHundredParallelUsesOfATokenWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		id, token := s.gateway(s.pop())
		key, csr := wireguardKey(t), signingRequest(t)
		var won, used atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				got, err := s.gateways.Enrol(t.Context(), feed.EnrolAsk{Token: token, CSR: csr, PublicKey: key})
				switch {
				case err == nil && got.Gateway == id:
					won.Add(1)
				case errors.Is(err, peers.ErrTokenUsed):
					used.Add(1)
				default:
					t.Errorf("got %v, %v", got, err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || used.Load() != 99 {
			t.Errorf("%d won and %d were told that it is used; want 1 and 99", won.Load(), used.Load())
		}
	})
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

func TestBadTokensAreRefusedClearly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		var later atomic.Int64
		db.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
		s := newSite(t, db)
		pop := s.pop()
		enrol := func(token portal.Secret) error {
			_, err := feed.Enrol(t.Context(), feed.EnrolRequest{Portal: s.addr, Token: token, PublicKey: wireguardKey(t)})
			return err
		}

		_, used := s.gateway(pop)
		if err := enrol(used); err != nil {
			t.Fatal(err)
		}
		if err := enrol(used); !errors.Is(err, peers.ErrTokenUsed) {
			t.Errorf("used: got %v", err)
		}

		id, replaced := s.gateway(pop)
		if _, err := s.gateways.NewToken(t.Context(), admin, id); err != nil {
			t.Fatal(err)
		}
		if err := enrol(replaced); !errors.Is(err, feed.ErrToken) {
			t.Errorf("replaced: got %v", err)
		}

		gone, token := s.gateway(pop)
		if err := s.gateways.RetireGateway(t.Context(), admin, gone); err != nil {
			t.Fatal(err)
		}
		if err := enrol(token); !errors.Is(err, feed.ErrToken) {
			t.Errorf("of a retired gateway: got %v", err)
		}

		_, late := s.gateway(pop)
		later.Store(int64(time.Hour))
		if err := enrol(late); !errors.Is(err, peers.ErrTokenExpired) {
			t.Errorf("an hour later: got %v", err)
		}
		later.Store(0)

		for _, text := range []string{"", "x", "sallyport_gw1_", late.Reveal()[:50], late.Reveal() + "A", strings.ToUpper(late.Reveal())} {
			if err := enrol(portal.NewSecretText(text)); !errors.Is(err, feed.ErrToken) {
				t.Errorf("%q: got %v", text, err)
			}
		}
		if err := enrol(portal.NewSecretText(" " + late.Reveal() + "\n")); err != nil {
			t.Errorf("pasted with blanks around it: got %v", err)
		}
	})
}

func TestTokenOfAnotherPortalIsNotShownToThisOne(t *testing.T) {
	here, there := newSite(t, storetest.New(t)), newSite(t, storetest.New(t))
	_, foreign := there.gateway(there.pop())
	_, err := feed.Enrol(t.Context(), feed.EnrolRequest{Portal: here.addr, Token: foreign, PublicKey: wireguardKey(t)})
	if !errors.Is(err, feed.ErrWrongPortal) {
		t.Errorf("got %v, want ErrWrongPortal", err)
	}
	// Who sends it all the same, past the check on the node, gets nothing either.
	_, err = here.gateways.Enrol(t.Context(), feed.EnrolAsk{Token: foreign, CSR: signingRequest(t), PublicKey: wireguardKey(t)})
	if !errors.Is(err, feed.ErrToken) {
		t.Errorf("got %v, want ErrToken", err)
	}
}

func TestSigningRequestsOfOtherKindsAreRefused(t *testing.T) {
	s := newSite(t, storetest.New(t))
	pop := s.pop()
	good := signingRequest(t)
	forged := append([]byte(nil), good...)
	forged[len(forged)-1] ^= 1
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaCSR, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherCurve, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, p384)
	if err != nil {
		t.Fatal(err)
	}
	_, token := s.gateway(pop)
	for name, csr := range map[string][]byte{"empty": nil, "noise": {1, 2, 3}, "forged": forged, "RSA": rsaCSR, "P-384": otherCurve} {
		_, err := s.gateways.Enrol(t.Context(), feed.EnrolAsk{Token: token, CSR: csr, PublicKey: wireguardKey(t)})
		if !errors.Is(err, peers.ErrCSR) {
			t.Errorf("%s: got %v, want ErrCSR", name, err)
		}
	}
	if _, err := s.gateways.Enrol(t.Context(), feed.EnrolAsk{Token: token, CSR: good}); !errors.Is(err, portal.ErrPublicKey) {
		t.Errorf("no WireGuard key: got %v", err)
	}
	// None of these used the token up.
	if _, err := s.gateways.Enrol(t.Context(), feed.EnrolAsk{Token: token, CSR: good, PublicKey: wireguardKey(t)}); err != nil {
		t.Errorf("after all of them: %v", err)
	}
}

func TestPortalsThatStartAtOnceShareOneAuthority(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		const portals = 8
		tokens := make([]portal.Secret, portals)
		place, err := (&peers.Gateways{Store: db, Now: time.Now}).CreatePoP(t.Context(), admin, peers.NewPoP{Name: "here"})
		if err != nil {
			t.Fatal(err)
		}
		var all [portals]*peers.Gateways
		var wg sync.WaitGroup
		for i := range portals {
			all[i] = &peers.Gateways{Store: db, Keys: keyring(t), Now: time.Now, Log: logger(t), Portals: []string{"portal:1"}}
			wg.Go(func() {
				_, token, err := all[i].CreateGateway(t.Context(), admin, peers.NewGateway{PoP: place.ID, Name: fmt.Sprint("g", i), Host: "h"})
				if err != nil {
					t.Error(err)
				}
				tokens[i] = token.Secret
			})
		}
		wg.Wait()
		for i := range portals {
			_, err := all[(i+1)%portals].Enrol(t.Context(), feed.EnrolAsk{Token: tokens[i], CSR: signingRequest(t), PublicKey: wireguardKey(t)})
			if err != nil {
				t.Errorf("token of portal %d at portal %d: %v", i, (i+1)%portals, err)
			}
		}
	})
}

func TestCredentialsSurviveTheFileAndDoNotShowTheKey(t *testing.T) {
	s := newSite(t, storetest.New(t))
	c := s.enrol(s.pop())
	path := filepath.Join(t.TempDir(), "credentials.json")
	if _, err := feed.ReadCredentials(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	for range 2 {
		if err := c.WriteFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, err %v; want 0600", info.Mode(), err)
	}
	again, err := feed.ReadCredentials(path)
	if err != nil || again.Gateway != c.Gateway {
		t.Fatalf("got %v, %v", again, err)
	}
	newNode(t, again).start().await("a first snapshot", func(st *portal.State) bool { return st.Node.Gateway == c.Gateway })
	text := fmt.Sprintf("%v %+v %#v %s", c, c, &c, struct{ C feed.Credentials }{c})
	if b, err := json.Marshal(c); err == nil {
		text += string(b)
	}
	if strings.Contains(text, "PrivateKey") || strings.Contains(strings.ToLower(text), "ecdsa") || strings.Contains(text, "\"D\"") {
		t.Errorf("credentials show their key: %s", text)
	}
	for _, broken := range []string{"", "{}", `{"gateway":"x"}`} {
		if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := feed.ReadCredentials(path); err == nil {
			t.Errorf("%q is read as credentials", broken)
		}
	}
}

func TestEnrolmentTriesEachPortalOfTheCommand(t *testing.T) {
	s := newSite(t, storetest.New(t))
	_, token := s.gateway(s.pop())
	c, err := feed.Enrol(t.Context(), feed.EnrolRequest{Portal: "127.0.0.1:1," + s.addr, Token: token, PublicKey: wireguardKey(t)})
	if err != nil || c.Gateway == "" {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestEnrolmentIsRateLimitedByAddress(t *testing.T) {
	s := newSite(t, storetest.New(t))
	_, token := s.gateway(s.pop())
	wrong := portal.NewSecretText(changeSecret(token.Reveal()))
	for range 100 {
		_, err := feed.Enrol(t.Context(), feed.EnrolRequest{Portal: s.addr, Token: wrong, PublicKey: wireguardKey(t)})
		if portal.KindOf(err) == portal.Limited {
			return
		}
		if !errors.Is(err, feed.ErrToken) {
			t.Fatalf("got %v", err)
		}
	}
	t.Error("100 tries in a row, and none was refused for being too many")
}

// changeSecret changes the first character of a token's secret.
func changeSecret(token string) string {
	i := len("sallyport_gw1_")
	if token[i] == 'A' {
		return token[:i] + "B" + token[i+1:]
	}
	return token[:i] + "A" + token[i+1:]
}

func TestCertificateRenewsItselfAndTheOldOneEndsWithItsUse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db, certificateLife(3*time.Second))
		pop := s.pop()
		k := s.putEntry(s.profile(s.pool()), "d1")
		first := s.enrol(pop)
		n := newNode(t, first)
		saved := make(chan feed.Credentials, 100)
		n.client.Save = func(c feed.Credentials) error { saved <- c; return nil }
		n.start().awaitEntry(k)
		var second feed.Credentials
		select {
		case second = <-saved:
		case <-time.After(patience):
			t.Fatal("no renewal")
		}
		eventually(t, "use of the new certificate", func() bool {
			g, err := s.gateways.Gateway(t.Context(), first.Gateway)
			return err == nil && g.CertEnds.Equal(second.Ends())
		})
		old := newNode(t, first).start()
		eventually(t, "refusal of the old certificate", func() bool { return s.hub.Metrics().Refused > 0 })
		if old.client.Connected() {
			t.Error("the old certificate still opens a stream")
		}
		old.stop()
		eventually(t, "another renewal, after the first certificate's time", func() bool {
			return time.Now().After(first.Ends()) && n.client.Connected() && len(saved) > 0
		})
		n.awaitEntry(k)
		if n.snapshots() != 1 {
			t.Errorf("%d snapshots; a renewal must not need one", n.snapshots())
		}
	})
}

func TestNodeThatWasReplacedLosesItsStreamAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		old := newNode(t, s.enrol(s.pop())).start()
		id := old.client.Credentials.Gateway
		eventually(t, "the stream", func() bool { return s.hub.Status(id).Connected })
		token, err := s.gateways.NewToken(t.Context(), admin, id)
		if err != nil {
			t.Fatal(err)
		}
		next := wireguardKey(t)
		// The new node has enrolled and is not connected yet. Until then nobody is the gateway.
		if _, err := feed.Enrol(t.Context(), feed.EnrolRequest{Portal: s.addr, Token: token.Secret, PublicKey: next}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the end of the old node's stream", func() bool { return !s.hub.Status(id).Connected && !old.client.Connected() })
		old.client.Report(feed.Report{PublicKey: wireguardKey(t)})
		g, err := s.gateways.Gateway(t.Context(), id)
		if err != nil || g.PublicKey != next || g.Connected {
			t.Errorf("the gateway is %+v, %v; want the new node's key and no stream", g, err)
		}
	})
}
