package feed

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// ServerName is the name in the certificate of every portal's listener for gateways, whatever its address is: what makes a portal is that
// the authority from the enrolment signed for this name.
const ServerName = "portal.sallyport.internal"

// Credentials are what a gateway shows to portals: its own key and the certificate for it. The key does not print or marshal.
type Credentials struct {
	Gateway     portal.GatewayID
	Portals     []string // host:port
	Certificate []byte   // DER
	Authority   []byte   // DER
	key         *ecdsa.PrivateKey
}

// Format prints whose credentials these are, and nothing else of them.
func (c Credentials) Format(w fmt.State, _ rune) {
	_, _ = io.WriteString(w, "[credentials of gateway "+string(c.Gateway)+"]")
}

// credentialsFile is how they are kept.
type credentialsFile struct {
	Gateway     portal.GatewayID `json:"gateway"`
	Portals     []string         `json:"portals"`
	Certificate []byte           `json:"certificate"`
	Authority   []byte           `json:"authority"`
	Key         []byte           `json:"key"` // PKCS #8
}

// ReadCredentials reads the file that WriteFile made. It returns an error that is fs.ErrNotExist when there is none.
func ReadCredentials(path string) (Credentials, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Credentials{}, fmt.Errorf("read credentials: %w", err)
	}
	c, err := parseCredentials(b)
	if err != nil {
		return Credentials{}, fmt.Errorf("read credentials from %s: %w", path, err)
	}
	return c, nil
}

func parseCredentials(b []byte) (Credentials, error) {
	var f credentialsFile
	if err := json.Unmarshal(b, &f); err != nil {
		return Credentials{}, errors.New("not a file of credentials") // the error may repeat what is in it
	}
	key, err := x509.ParsePKCS8PrivateKey(f.Key)
	if err != nil {
		return Credentials{}, errors.New("the key cannot be read")
	}
	own, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return Credentials{}, errors.New("the key is of another kind")
	}
	c := Credentials{Gateway: f.Gateway, Portals: f.Portals, Certificate: f.Certificate, Authority: f.Authority, key: own}
	return c, c.check()
}

// check reports whether the parts belong together.
func (c Credentials) check() error {
	leaf, err := x509.ParseCertificate(c.Certificate)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	authority, err := x509.ParseCertificate(c.Authority)
	if err != nil {
		return fmt.Errorf("authority: %w", err)
	}
	if err := leaf.CheckSignatureFrom(authority); err != nil {
		return fmt.Errorf("certificate is not of the authority: %w", err)
	}
	if pub, ok := leaf.PublicKey.(*ecdsa.PublicKey); !ok || c.key == nil || !pub.Equal(&c.key.PublicKey) {
		return errors.New("certificate is for another key")
	}
	if leaf.Subject.CommonName != string(c.Gateway) || c.Gateway == "" {
		return errors.New("certificate is for another gateway")
	}
	if len(c.Portals) == 0 {
		return errors.New("no portal is named")
	}
	return nil
}

// WriteFile keeps the credentials in one file with mode 0600, replaced in one step and on disk when it returns.
func (c Credentials) WriteFile(path string) error {
	key, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	b, err := json.MarshalIndent(credentialsFile{c.Gateway, c.Portals, c.Certificate, c.Authority, key}, "", "  ")
	if err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	if err := replaceFile(path, append(b, '\n')); err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	return nil
}

func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Ends returns when the certificate ends; the zero time when it can't be read.
func (c Credentials) Ends() time.Time {
	leaf, err := x509.ParseCertificate(c.Certificate)
	if err != nil {
		return time.Time{}
	}
	return leaf.NotAfter
}

// RenewAt returns when two thirds of the certificate's time are over.
func (c Credentials) RenewAt() time.Time {
	leaf, err := x509.ParseCertificate(c.Certificate)
	if err != nil {
		return time.Time{}
	}
	return leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 3 * 2)
}

// newRequest makes a key and a signing request for it. The portal decides what stands in the certificate.
func newRequest() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key for mutual TLS: %w", err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a signing request: %w", err)
	}
	return key, csr, nil
}

// clientTLS trusts portals of the authority only, and shows the certificate.
func (c Credentials) clientTLS(now func() time.Time) (*tls.Config, error) {
	authority, err := x509.ParseCertificate(c.Authority)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: ServerName, RootCAs: roots, Time: now,
		Certificates: []tls.Certificate{{Certificate: [][]byte{c.Certificate}, PrivateKey: c.key}},
	}, nil
}

// dialWithin bounds the connection and the handshake, each.
const dialWithin = 10 * time.Second

// newTransport speaks HTTP/2 on one connection. Close its idle connections when done.
func newTransport(config *tls.Config) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP2(true)
	return &http.Transport{
		TLSClientConfig: config, Protocols: &protocols, TLSHandshakeTimeout: dialWithin, DialContext: dialer.DialContext,
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 1 << 20, MaxReceiveBufferPerConnection: 1 << 20},
	}
}
