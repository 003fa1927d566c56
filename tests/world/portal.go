package world

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// PortalURL is what browsers call the portal; Issuer is the identity provider beside it.
const (
	PortalURL = "https://" + PortalV4
	Issuer    = "https://" + PortalV4 + ":9443"
)

// Portal is `sallyport serve` in the portal's namespace, on SQLite, with the certified OpenID provider beside it.
type Portal struct {
	*Process
	w      *World
	config string
	ca     *x509.CertPool
	caFile string
}

// PortalOptions change what StartPortal writes into the configuration.
type PortalOptions struct {
	Database string // DSN; "": an SQLite file of the world
	Grace    time.Duration
	Extra    string // more YAML at the top level
}

// StartPortal starts the provider and the portal and returns when both answer.
func (w *World) StartPortal(o PortalOptions) *Portal {
	w.t.Helper()
	p := &Portal{w: w}
	cert, key := p.certificates()
	secret := portal.NewSecretText("the-client-secret-of-the-tests-0123456789")
	w.startProvider(secret.Reveal(), cert, key)

	keys := filepath.Join(w.Dir, "master.keys")
	run(w.t, w.Program("sallyport"), "keys", "new", "--out", keys)
	if o.Database == "" {
		o.Database = filepath.Join(w.Dir, "sallyport.db")
	}
	if o.Grace == 0 {
		o.Grace = 24 * time.Hour
	}
	p.config = w.File("sallyport.yaml", fmt.Sprintf(`public_url: %s
listen: %s:443
tls: {cert_file: %s, key_file: %s}
database: %s
master_key_file: %s
gateways: {listen: "%s:8443", grace: %s}
metrics: {listen: "127.0.0.1:9090"}
limits: {requests_per_second: 0, guesses_per_second: 0}
quarantine: ["%s/32 tcp/443"]
providers:
  - id: corp
    name: Corp
    issuer: %s
    client_id: sallyport
    client_secret_file: %s
    scopes: [openid, email, profile, groups]
    groups_claim: groups
    owner_groups: [owners]
    create: true
log: {format: text, level: info}
%s
`, PortalURL, PortalV4, cert, key, o.Database, keys, PortalV4, o.Grace, PortalV4, Issuer, w.File("client.secret", secret.Reveal()), o.Extra))
	p.Restart()
	return p
}

// Restart starts the portal again after Kill or Stop.
func (p *Portal) Restart() {
	p.w.t.Helper()
	cmd := p.w.Portal.Command(context.Background(), p.w.Program("sallyport"), "serve", "--config", p.config)
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+p.caFile)
	p.Process = Start(p.w.t, "portal", cmd)
	p.w.mustSay(p.Process, "portal is up")
}

func (w *World) mustSay(p *Process, text string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := p.WaitLine(ctx, text); err != nil {
		w.t.Fatalf("%v", err)
	}
}

// startProvider runs the certified provider of tests/world/oidc.
func (w *World) startProvider(secret, cert, key string) {
	w.t.Helper()
	dir := filepath.Join(w.Root, "tests/world/oidc")
	if _, err := os.Stat(filepath.Join(w.Root, "auth/testdata/oidc-provider/node_modules/oidc-provider")); err != nil {
		w.t.Fatalf("the OpenID provider is not installed: run `make tools`")
	}
	cmd := w.Portal.Command(context.Background(), "node", filepath.Join(dir, "server.mjs"), Issuer, secret, PortalURL+"/auth/callback/corp", cert, key)
	w.mustSay(Start(w.t, "provider", cmd), "provider is up")
}

// certificates makes an authority and one certificate for the portal's address, and returns the leaf's files.
func (p *Portal) certificates() (certFile, keyFile string) {
	t := p.w.t
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tests"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	check(t, err)
	ca, err = x509.ParseCertificate(caDER)
	check(t, err)
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "portal"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		IPAddresses: []net.IP{net.ParseIP(PortalV4)}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &leafKey.PublicKey, caKey)
	check(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	check(t, err)
	p.ca = x509.NewCertPool()
	p.ca.AddCert(ca)
	p.caFile = p.w.File("ca.pem", pemText("CERTIFICATE", caDER))
	return p.w.File("portal.pem", pemText("CERTIFICATE", leafDER)), p.w.File("portal.key", pemText("PRIVATE KEY", keyDER))
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// TLS is a client configuration that trusts the portal.
func (p *Portal) TLS() *tls.Config { return &tls.Config{RootCAs: p.ca, MinVersion: tls.VersionTLS12} }
