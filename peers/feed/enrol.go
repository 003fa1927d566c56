package feed

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// EnrolRequest is what the pasted command knows.
type EnrolRequest struct {
	Portal    string        // host:port of a portal's listener for gateways; several, with commas between, are tried in turn
	Token     portal.Secret // as the portal showed it: a secret, and the fingerprint of the portal's authority
	PublicKey portal.PublicKey
	Version   string
	Now       func() time.Time // nil: time.Now
}

// ErrWrongPortal says that whoever answered is not the portal that made the token.
var ErrWrongPortal = &portal.Error{
	Kind: portal.Unauthenticated, Code: "wrong_portal", Msg: "What answers at this address is not the portal that made the token. Nothing was sent to it.",
}

var dialer = &net.Dialer{Timeout: dialWithin, KeepAlive: 15 * time.Second}

// requestWithin bounds an enrolment or a renewal.
const requestWithin = 30 * time.Second

// Enrol makes a key for mutual TLS on this node, checks by the fingerprint in the token that it talks to the portal that made it, and
// trades the token for a certificate. It returns ErrToken, ErrWrongPortal, or the portal's *portal.Error when the token is
// unknown, expired or used.
func Enrol(ctx context.Context, req EnrolRequest) (Credentials, error) {
	now := req.Now
	if now == nil {
		now = time.Now
	}
	token, err := ParseToken(req.Token)
	if err != nil {
		return Credentials{}, err
	}
	key, csr, err := newRequest()
	if err != nil {
		return Credentials{}, err
	}
	t := newTransport(pinnedTLS(token, now))
	defer t.CloseIdleConnections()
	ask := enrolMsg{Token: req.Token.Reveal(), CSR: csr, PublicKey: req.PublicKey, Version: req.Version}
	var got enrolAnswer
	portals := strings.Split(req.Portal, ",")
	for _, addr := range portals {
		if err = post(ctx, t, strings.TrimSpace(addr), pathEnrol, ask, &got); err == nil || portal.KindOf(err) != portal.Internal {
			break // it answered; another one would say the same
		}
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("enrol at %s: %w", req.Portal, err)
	}
	c := Credentials{Gateway: got.Gateway, Portals: got.Portals, Certificate: got.Certificate, Authority: got.Authority, key: key}
	if len(c.Portals) == 0 {
		c.Portals = portals
	}
	if err := c.check(); err != nil || !token.IsFrom(c.Authority) {
		return Credentials{}, fmt.Errorf("enrol at %s: the answer does not fit: %w", req.Portal, errors.Join(ErrWrongPortal, err))
	}
	return c, nil
}

// pinnedTLS trusts the one authority whose fingerprint is in the token. The portal sends that authority with its own certificate.
func pinnedTLS(token Token, now func() time.Time) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: ServerName, Time: now,
		InsecureSkipVerify: true, //nolint:gosec // the chain is verified below, against the pin and not the system's roots
		VerifyConnection: func(cs tls.ConnectionState) error {
			if len(cs.PeerCertificates) == 0 {
				return ErrWrongPortal
			}
			for _, authority := range cs.PeerCertificates[1:] {
				if !token.IsFrom(authority.Raw) {
					continue
				}
				roots := x509.NewCertPool()
				roots.AddCert(authority)
				_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: ServerName, Roots: roots, CurrentTime: now()})
				if err != nil {
					return fmt.Errorf("%w (%w)", ErrWrongPortal, err)
				}
				return nil
			}
			return ErrWrongPortal
		},
	}
}

// post sends a message and reads the answer. A refusal comes back as the portal's *portal.Error.
func post(ctx context.Context, t *http.Transport, addr, path string, message, into any) error {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+addr+path, bytes.NewReader(appendLine(nil, message)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := t.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRequest))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return readProblem(resp.StatusCode, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: %w", errMessage, err)
	}
	return nil
}

// OpenVPN asks a portal for the certificate of the node's OpenVPN server, with a signing request in DER for a key that the node has made.
func (c *Client) OpenVPN(ctx context.Context, csr []byte) (OpenVPNGrant, error) {
	c.init()
	creds := c.credentials()
	config, err := creds.clientTLS(c.Now)
	if err != nil {
		return OpenVPNGrant{}, err
	}
	t := newTransport(config)
	defer t.CloseIdleConnections()
	var got serverAnswer
	for _, addr := range creds.Portals {
		if err = post(ctx, t, addr, pathServer, renewMsg{csr}, &got); err == nil || portal.KindOf(err) != portal.Internal {
			break // it answered; another one would say the same
		}
	}
	if err != nil {
		return OpenVPNGrant{}, fmt.Errorf("ask for the certificate of OpenVPN: %w", err)
	}
	return OpenVPNGrant{got.Certificates, got.Authorities, portal.NewSecretText(got.TLSCrypt), got.Trust}, nil
}

// renew trades the credentials for new ones with a new key. The old ones stay good until the new ones are used.
func (c Credentials) renew(ctx context.Context, addr string, now func() time.Time) (Credentials, error) {
	config, err := c.clientTLS(now)
	if err != nil {
		return Credentials{}, err
	}
	key, csr, err := newRequest()
	if err != nil {
		return Credentials{}, err
	}
	t := newTransport(config)
	defer t.CloseIdleConnections()
	var got renewAnswer
	if err := post(ctx, t, addr, pathRenew, renewMsg{csr}, &got); err != nil {
		return Credentials{}, fmt.Errorf("renew certificate at %s: %w", addr, err)
	}
	next := c
	next.Certificate, next.key = got.Certificate, key
	if err := next.check(); err != nil {
		return Credentials{}, fmt.Errorf("renew certificate at %s: the answer does not fit: %w", addr, err)
	}
	return next, nil
}
