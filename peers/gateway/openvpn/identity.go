package openvpn

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

// Grant is what the portal gives for a signing request: all but the node's own key.
type Grant struct {
	Certificates []byte        `json:"certificates"` // PEM: the node's own, then what leads to an authority
	Authorities  []byte        `json:"authorities"`  // PEM: those whose clients may connect
	TLSCrypt     portal.Secret `json:"-"`            // PEM: the server's key for tls-crypt-v2, the same on all gateways
	Trust        string        `json:"trust"`        // the name of all this; see portal.OpenVPNNode
}

// identity is what an openvpn server shows and checks.
type identity struct {
	Grant
	key     []byte // PEM
	renewAt time.Time
}

// identityFile is how it is kept, mode 0600.
type identityFile struct {
	Grant
	Key      string `json:"key"`
	TLSCrypt string `json:"tlsCrypt"`
}

const identityName = "identity.json"

func (s *Server) loadIdentity() (identity, error) {
	b, err := os.ReadFile(filepath.Join(s.Dir, identityName))
	if err != nil {
		return identity{}, err
	}
	var f identityFile
	if json.Unmarshal(b, &f) != nil {
		return identity{}, errors.New("not a file of an OpenVPN server's identity") // the error may repeat what is in it
	}
	f.Grant.TLSCrypt = portal.NewSecretText(f.TLSCrypt)
	return f.Grant.with([]byte(f.Key))
}

// askIdentity makes a key, asks for its certificate, and keeps both.
func (s *Server) askIdentity(ctx context.Context) (identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return identity{}, fmt.Errorf("make the OpenVPN server's key: %w", err)
	}
	csr, err1 := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	pkcs8, err2 := x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(err1, err2); err != nil {
		return identity{}, fmt.Errorf("ask for the OpenVPN server's certificate: %w", err)
	}
	grant, err := s.Ask(ctx, csr)
	if err != nil {
		return identity{}, fmt.Errorf("ask for the OpenVPN server's certificate: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	id, err := grant.with(text)
	if err != nil {
		return identity{}, err
	}
	b, err := json.Marshal(identityFile{grant, string(text), grant.TLSCrypt.Reveal()})
	if err != nil {
		return identity{}, err
	}
	return id, gateway.WriteFile(filepath.Join(s.Dir, identityName), b)
}

// with checks that the parts belong together.
func (g Grant) with(key []byte) (identity, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return identity{}, errors.New("the OpenVPN server's key cannot be read")
	}
	own, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return identity{}, errors.New("the OpenVPN server's key cannot be read")
	}
	leaf, _ := pem.Decode(g.Certificates)
	if leaf == nil || g.Trust == "" || g.TLSCrypt.IsZero() || !bytes.Contains(g.Authorities, []byte("BEGIN CERTIFICATE")) {
		return identity{}, errors.New("the OpenVPN server's certificate came without its parts")
	}
	cert, err := x509.ParseCertificate(leaf.Bytes)
	if err != nil {
		return identity{}, fmt.Errorf("the OpenVPN server's certificate: %w", err)
	}
	if k, ok := own.(*ecdsa.PrivateKey); !ok || !k.PublicKey.Equal(cert.PublicKey) {
		return identity{}, errors.New("the OpenVPN server's certificate is for another key")
	}
	return identity{Grant: g, key: key, renewAt: cert.NotBefore.Add(cert.NotAfter.Sub(cert.NotBefore) / 3 * 2)}, nil
}

// identityFor is one that fits what the node should trust: the one that is kept, or else a new one. A kept one that is merely due for renewal serves on
// when nobody answers.
func (s *Server) identityFor(ctx context.Context, trust string) (identity, error) {
	s.identity.Lock() // the transports share one
	defer s.identity.Unlock()
	kept, err := s.loadIdentity()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.Log.WarnContext(ctx, "read the OpenVPN server's identity; asking for a new one", "err", err)
	}
	fits := err == nil && kept.Trust == trust
	if fits && s.Now().Before(kept.renewAt) {
		return kept, nil
	}
	fresh, err := s.askIdentity(ctx)
	if err != nil && fits {
		s.Log.WarnContext(ctx, "renew the OpenVPN server's certificate", "err", err)
		return kept, nil
	}
	return fresh, err
}
