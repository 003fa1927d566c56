package peers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// How long certificates are good. The client renews when two thirds of the time are over; the portal makes its own anew likewise.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	serverLife    = 30 * 24 * time.Hour
	gatewayLife   = 30 * 24 * time.Hour
	backdated     = 5 * time.Minute // for clocks that are behind; at most a tenth of the life
)

// authoritySecret is the name of the authority among the portal's secrets, and secretPlace where its sealed value belongs.
const authoritySecret = "gateway-ca"

func secretPlace(name string) string { return "secrets/" + name }

// ErrCSR says that a signing request is not one for an ECDSA P-256 key that its sender holds.
var ErrCSR = &portal.Error{Kind: portal.Invalid, Code: "csr", Msg: "This is not a signing request for an ECDSA P-256 key."}

// authority signs the certificates of gateways, and of the listener that they talk to. It is the portal's own and trusted for nothing else.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// authorityFile is how it is sealed.
type authorityFile struct {
	Certificate []byte `json:"certificate"` // DER
	Key         []byte `json:"key"`         // PKCS #8
}

// certificates holds what is made once.
type certificates struct {
	mu        sync.Mutex
	authority *authority
	server    *tls.Certificate
	renewAt   time.Time
}

// ca returns the authority, which is made on first use. Of portals that start at once, one makes it.
func (g *Gateways) ca(ctx context.Context) (*authority, error) {
	g.certs.mu.Lock()
	defer g.certs.mu.Unlock()
	return g.caLocked(ctx)
}

func (g *Gateways) caLocked(ctx context.Context) (*authority, error) {
	if g.certs.authority != nil {
		return g.certs.authority, nil
	}
	var sealed []byte
	err := g.Store.View(ctx, func(tx *store.Tx) (err error) {
		sealed, err = tx.Secret(authoritySecret)
		return err
	})
	if errors.Is(err, portal.ErrNotFound) {
		sealed, err = g.makeCA(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("gateways' authority: %w", err)
	}
	a, err := g.openCA(sealed)
	if err != nil {
		return nil, fmt.Errorf("gateways' authority: %w", err)
	}
	g.certs.authority = a
	return a, nil
}

// makeCA makes an authority and keeps it, unless another portal was faster; it returns the one that is kept.
func (g *Gateways) makeCA(ctx context.Context) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: "Sallyport gateways"}, NotBefore: g.Now().Add(-backdated), NotAfter: g.Now().Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(authorityFile{der, pkcs8})
	if err != nil {
		return nil, err
	}
	sealed, err := g.Keys.Seal(plain, secretPlace(authoritySecret))
	if err != nil {
		return nil, err
	}
	var kept []byte
	err = g.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.CreateSecret(authoritySecret, sealed); err != nil && !errors.Is(err, portal.ErrDuplicate) {
			return err
		}
		kept, err = tx.Secret(authoritySecret)
		return err
	})
	return kept, err
}

func (g *Gateways) openCA(sealed []byte) (*authority, error) {
	plain, err := g.Keys.Open(sealed, secretPlace(authoritySecret))
	if err != nil {
		return nil, err
	}
	var f authorityFile
	if err := json.Unmarshal(plain, &f); err != nil {
		return nil, errors.New("the sealed value is not an authority")
	}
	cert, err := x509.ParseCertificate(f.Certificate)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(f.Key)
	if err != nil {
		return nil, err
	}
	own, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the authority's key is of another kind")
	}
	return &authority{cert, own}, nil
}

func newSerial() *big.Int {
	b := portal.NewSecret(16)
	b[0] = b[0]&0x7f | 0x40 // positive, and of the same length always (RFC 5280, section 4.1.2.2)
	return new(big.Int).SetBytes(b)
}

// signGateway makes a certificate for the key of a signing request. Nothing else of the request is used: the portal says who it is.
func (a *authority) signGateway(csr []byte, id portal.GatewayID, now time.Time, life time.Duration) (*x509.Certificate, error) {
	pub, err := gatewayKey(csr)
	if err != nil {
		return nil, err
	}
	return a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: string(id)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, pub, now, life)
}

func (a *authority) sign(c *x509.Certificate, pub *ecdsa.PublicKey, now time.Time, life time.Duration) (*x509.Certificate, error) {
	c.SerialNumber, c.NotBefore, c.NotAfter = newSerial(), now.Add(-min(backdated, life/10)), now.Add(life)
	c.KeyUsage, c.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, pub, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// ServerTLS is the configuration of the listener for gateways: TLS 1.3, this portal's own certificate, and client certificates of the
// authority where they are given. The certificate's key lives in memory only.
func (g *Gateways) ServerTLS(ctx context.Context) (*tls.Config, error) {
	a, err := g.ca(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := g.serverCertificate(a); err != nil {
		return nil, err
	}
	if err := (&OpenVPN{Keys: g.Keys}).Ensure(ctx, g.Store); err != nil {
		return nil, fmt.Errorf("authority of OpenVPN: %w", err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: clients, Time: g.Now,
		SessionTicketsDisabled: true, // each connection shows its certificate anew
		GetCertificate:         func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return g.serverCertificate(a) },
	}, nil
}

// serverCertificate returns the listener's certificate, made anew when two thirds of its time are over.
func (g *Gateways) serverCertificate(a *authority) (*tls.Certificate, error) {
	g.certs.mu.Lock()
	defer g.certs.mu.Unlock()
	now := g.Now()
	if g.certs.server != nil && now.Before(g.certs.renewAt) {
		return g.certs.server, nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the listener's key: %w", err)
	}
	leaf, err := a.sign(&x509.Certificate{
		Subject: pkix.Name{CommonName: feed.ServerName}, DNSNames: []string{feed.ServerName}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, &key.PublicKey, now, serverLife)
	if err != nil {
		return nil, err
	}
	g.certs.server = &tls.Certificate{Certificate: [][]byte{leaf.Raw, a.cert.Raw}, PrivateKey: key, Leaf: leaf}
	g.certs.renewAt = now.Add(serverLife / 3 * 2)
	return g.certs.server, nil
}
