package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certificate writes one for 127.0.0.1 that signs itself.
func certificate(t *testing.T, dir string, serial int64) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "portal"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return certFile, keyFile, pool
}

// freePort asks the kernel for one. Somebody else could take it before it is used, which has not been seen.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestThePortalServesOverTLSAndEndsInOrder(t *testing.T) {
	dir := t.TempDir()
	cert, key, pool := certificate(t, dir, 1)
	web, gates, ops := freePort(t), freePort(t), freePort(t)
	secret := newKeyLine(time.Now())
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "sallyport.yaml")
	text := fmt.Sprintf(`public_url: https://%s
listen: %s
tls: {cert_file: %s, key_file: %s}
database: %s
master_key_file: %s
gateways: {listen: "%s"}
metrics: {listen: "%s"}
pools: [{name: Offices, v4: 10.90.0.0/16, v6: "fd90::/64"}, {name: Guests, v4: 10.91.0.0/24, v6: "fd91::/64"}]
providers: [{id: corp, name: Corp, issuer: "https://idp.invalid", client_id: sallyport, client_secret_env: CORP_SECRET}]
`, web, web, cert, key, filepath.Join(dir, "sallyport.db"), keys, gates, ops)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := func(name string) (string, bool) { return "the-client-secret", name == "CORP_SECRET" }
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var out, log buffer
	var outcome error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		outcome = run(ctx, []string{"serve", "--config", config}, environment, &out, &log)
	}()
	for !log.has("portal is up") {
		select {
		case <-ended:
			t.Fatalf("the portal ended: %v\n%s", outcome, log.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}, Timeout: 20 * time.Second}
	for _, url := range []string{"https://" + web + "/readyz", "https://" + web + "/api/v1/sign-in", "http://" + ops + "/metrics", "http://" + ops + "/readyz"} {
		resp, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, resp.Status)
		}
		if strings.HasPrefix(url, "https") && resp.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("%s: no HSTS", url)
		}
	}
	stop()
	<-ended
	if outcome != nil {
		t.Errorf("the portal ended with %v\n%s", outcome, log.String())
	}
	for line := range strings.Lines(log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a line of the log is not JSON: %s", line)
		}
	}
	_, value, _ := strings.Cut(secret, ":")
	for _, s := range []string{value, "the-client-secret"} {
		if log.has(s) || out.has(s) {
			t.Errorf("the log holds the secret %q", s)
		}
	}
}

func TestARenewedCertificateIsTaken(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile, _ := certificate(t, dir, 1)
	files, err := newCertFiles(certFile, keyFile, quietLog)
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		c, err := files.get(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64()
	}
	certificate(t, dir, 2)
	later := time.Now().Add(time.Hour)
	for _, f := range []string{certFile, keyFile} {
		if err := os.Chtimes(f, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if got := serial(); got != 1 {
		t.Errorf("looked at the files again at once: serial %d", got)
	}
	files.looked = files.looked.Add(-lookEvery)
	if got := serial(); got != 2 {
		t.Errorf("after a minute the serial is %d, want 2", got)
	}
	if err := os.WriteFile(certFile, []byte("half writ"), 0o600); err != nil {
		t.Fatal(err)
	}
	files.looked = files.looked.Add(-lookEvery)
	if got := serial(); got != 2 {
		t.Errorf("with a broken file the serial is %d, want the old 2", got)
	}
}
