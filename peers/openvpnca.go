package peers

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
)

// How long the certificates of OpenVPN are good. A device's is renewed by its person, a server's by the gateway when two thirds are over.
const (
	openVPNRootLife    = 20 * 365 * 24 * time.Hour
	openVPNIssuingLife = 10 * 365 * 24 * time.Hour
	openVPNServerLife  = 30 * 24 * time.Hour
	openVPNClientLife  = 90 * 24 * time.Hour
	importedAtLeast    = 2 * openVPNClientLife // that an imported authority must be good for
)

// tlsCryptSecret is the name of the servers' tls-crypt-v2 key among the portal's secrets; authorityKey that of an authority's key.
const tlsCryptSecret = "openvpn-tls-crypt"

func authorityKey(id string) string { return "openvpn-ca/" + id }

// What an operator who handles authorities may be told.
var (
	ErrRotating    = &portal.Error{Kind: portal.Conflict, Code: "ca_rotating", Msg: "An authority of before is still trusted. Finish that rotation first."}
	ErrNotRotating = &portal.Error{Kind: portal.Conflict, Code: "ca_not_rotating", Msg: "There is no authority of before."}
	ErrNoRequest   = &portal.Error{Kind: portal.Conflict, Code: "ca_no_request", Msg: "There is no signing request that waits. Make one first."}
	ErrRequested   = &portal.Error{Kind: portal.Conflict, Code: "ca_requested", Msg: "A signing request waits already."}
	ErrChain       = &portal.Error{Kind: portal.Invalid, Code: "ca_chain", Msg: "This is not the certificate for the portal's request with its chain up to a root: an authority with certificate signing, good for at least 180 days."}
	ErrCAInUse     = &portal.Error{Kind: portal.Conflict, Code: "ca_in_use", Msg: "Devices still have certificates of the authority of before. They would be cut off."}
)

// OpenVPN is the certificate authority of OpenVPN: it signs devices and gateways' servers. See docs/decisions/0017-openvpn-certificates.md.
type OpenVPN struct {
	Keys *seal.Keyring

	mu    sync.Mutex
	lists map[string]crl // by authority, those that were made last
}

// AuthorityView is an authority with what an operator wants to know of it.
type AuthorityView struct {
	portal.Authority
	Fingerprint string    // SHA-256 of the certificate that signs; "" while requested
	NotAfter    time.Time // of that certificate
	Devices     int       // that have a certificate of it
}

// Show lists the authorities, oldest first.
func (o *OpenVPN) Show(tx *store.Tx) ([]AuthorityView, error) {
	all, err1 := tx.Authorities()
	counts, err2 := tx.CountCertificates()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	views := make([]AuthorityView, len(all))
	for i, a := range all {
		views[i] = AuthorityView{Authority: a, Devices: counts[a.ID]}
		if certs, err := parseChain(a.Chain); err == nil && len(certs) > 0 {
			sum := sha256.Sum256(certs[0].Raw)
			views[i].Fingerprint, views[i].NotAfter = hex.EncodeToString(sum[:]), certs[0].NotAfter
		}
	}
	return views, nil
}

// openVPNTrust names the authorities that there are and what each is for; "" while there is none.
func openVPNTrust(tx *store.Tx) (string, error) {
	all, err := tx.Authorities()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	n := 0
	for _, a := range all {
		if a.State != portal.AuthorityRequested {
			n++
			fmt.Fprintf(h, "%s %s\n", a.ID, a.State)
		}
	}
	if n == 0 {
		return "", nil
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// Ensure makes an authority and the servers' tls-crypt-v2 key where there is none. Of portals that start at once, one makes them.
func (o *OpenVPN) Ensure(ctx context.Context, db *store.Store) error {
	var trust string
	err := db.View(ctx, func(tx *store.Tx) (err error) { trust, err = openVPNTrust(tx); return err })
	if err != nil || trust != "" {
		return err
	}
	return db.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFeed(); err != nil {
			return err
		}
		if trust, err := openVPNTrust(tx); err != nil || trust != "" {
			return err
		}
		if err := o.makeTLSCrypt(tx); err != nil {
			return err
		}
		return o.makeOwn(tx, portal.Actor{}, "openvpn.ca.create")
	})
}

func (o *OpenVPN) makeTLSCrypt(tx *store.Tx) error {
	sealed, err := o.Keys.Seal([]byte(portal.NewTLSCryptServer().Reveal()), secretPlace(tlsCryptSecret))
	if err != nil {
		return err
	}
	if err := tx.CreateSecret(tlsCryptSecret, sealed); err != nil && !errors.Is(err, portal.ErrDuplicate) {
		return err
	}
	return nil
}

// makeOwn makes an authority with a root of its own. The root's key signs once and is forgotten: nobody can take it.
func (o *OpenVPN) makeOwn(tx *store.Tx, by portal.Actor, action string) error {
	rootKey, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("make the keys of an authority: %w", err)
	}
	a := portal.Authority{ID: newAuthorityID(), State: portal.AuthoritySigning, CreatedAt: tx.Now}
	root := authorityTemplate("Sallyport OpenVPN root "+a.ID, tx.Now, openVPNRootLife, 1)
	issuing := authorityTemplate("Sallyport OpenVPN "+a.ID, tx.Now, openVPNIssuingLife, 0)
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return fmt.Errorf("sign the root of an authority: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, issuing, root, &key.PublicKey, rootKey)
	if err != nil {
		return fmt.Errorf("sign an authority: %w", err)
	}
	a.Root, a.Chain = certificatePEM(rootDER), certificatePEM(der)
	if err := tx.CreateAuthority(a); err != nil {
		return err
	}
	return o.keep(tx, by, a, key, action)
}

func newAuthorityID() string { return hex.EncodeToString(portal.NewSecret(6)) }

func authorityTemplate(name string, now time.Time, life time.Duration, path int) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: newSerial(), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-backdated), NotAfter: now.Add(life),
		IsCA: true, BasicConstraintsValid: true, MaxPathLen: path, MaxPathLenZero: path == 0, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

// keep seals the key, says in the log that there is something new to trust, and writes the event.
func (o *OpenVPN) keep(tx *store.Tx, by portal.Actor, a portal.Authority, key *ecdsa.PrivateKey, action string) error {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	sealed, err := o.Keys.Seal(pkcs8, secretPlace(authorityKey(a.ID)))
	if err != nil {
		return err
	}
	if err := tx.CreateSecret(authorityKey(a.ID), sealed); err != nil {
		return err
	}
	return o.changed(tx, by, a, action)
}

// changed tells gateways to look, through the log, and writes the event.
func (o *OpenVPN) changed(tx *store.Tx, by portal.Actor, a portal.Authority, action string) error {
	trust, err := openVPNTrust(tx)
	if err != nil {
		return err
	}
	if a.State != portal.AuthorityRequested {
		value := func(rev uint64) any { return map[string]any{"trust": trust, "rev": rev} }
		if _, err := tx.WriteLog([]store.LogChange{{Key: "authority/openvpn", Value: value}}); err != nil {
			return err
		}
	}
	return tx.Audit(by, action, "openvpn-ca:"+a.ID, map[string]any{"state": a.State})
}

// byState returns the authorities by state; of the trusted ones the oldest.
func byState(tx *store.Tx) (map[portal.AuthorityState]portal.Authority, error) {
	all, err := tx.Authorities()
	if err != nil {
		return nil, err
	}
	by := map[portal.AuthorityState]portal.Authority{}
	for _, a := range slices.Backward(all) {
		by[a.State] = a
	}
	return by, nil
}

// Rotate begins a rotation: a new authority signs devices from now on, and the one of before is trusted until Finish. It returns ErrRotating.
func (o *OpenVPN) Rotate(tx *store.Tx, by portal.Actor) error {
	if err := tx.LockFeed(); err != nil {
		return err
	}
	if err := o.stepBack(tx); err != nil {
		return err
	}
	return o.makeOwn(tx, by, "openvpn.ca.rotate")
}

// stepBack makes place for another authority that signs.
func (o *OpenVPN) stepBack(tx *store.Tx) error {
	have, err := byState(tx)
	if err != nil {
		return err
	}
	if _, rotating := have[portal.AuthorityTrusted]; rotating {
		return ErrRotating
	}
	signing, there := have[portal.AuthoritySigning]
	if !there {
		return o.makeTLSCrypt(tx)
	}
	signing.State = portal.AuthorityTrusted
	return tx.ChangeAuthority(signing, portal.AuthoritySigning)
}

// Finish ends a rotation: the authority of before is trusted no more, and gateways show servers of the new one. It returns ErrNotRotating, and
// ErrCAInUse where devices would be cut off, unless that is wanted.
func (o *OpenVPN) Finish(tx *store.Tx, by portal.Actor, cut bool) error {
	if err := tx.LockFeed(); err != nil {
		return err
	}
	have, err := byState(tx)
	if err != nil {
		return err
	}
	old, rotating := have[portal.AuthorityTrusted]
	if !rotating {
		return ErrNotRotating
	}
	counts, err := tx.CountCertificates()
	if err != nil {
		return err
	}
	if counts[old.ID] > 0 && !cut {
		return ErrCAInUse
	}
	if err := errors.Join(tx.DeleteAuthority(old.ID), tx.DeleteSecret(authorityKey(old.ID))); err != nil {
		return err
	}
	return o.changed(tx, by, old, "openvpn.ca.finish")
}

// Request makes a key for an authority whose root is elsewhere, and returns the signing request for it, in PEM. It returns ErrRequested.
func (o *OpenVPN) Request(tx *store.Tx, by portal.Actor) (string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	a := portal.Authority{ID: newAuthorityID(), State: portal.AuthorityRequested}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "Sallyport OpenVPN " + a.ID}}, key)
	if err != nil {
		return "", err
	}
	a.Request = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	if err := tx.CreateAuthority(a); errors.Is(err, portal.ErrDuplicate) {
		return "", ErrRequested
	} else if err != nil {
		return "", err
	}
	return a.Request, o.keep(tx, by, a, key, "openvpn.ca.request")
}

// Import begins a rotation to the authority that was requested, whose certificate has come: PEM, the authority's own first and a root last.
// Errors: ErrNoRequest, ErrChain, ErrRotating.
func (o *OpenVPN) Import(tx *store.Tx, by portal.Actor, chain string) error {
	if err := tx.LockFeed(); err != nil {
		return err
	}
	have, err := byState(tx)
	if err != nil {
		return err
	}
	a, requested := have[portal.AuthorityRequested]
	if !requested {
		return ErrNoRequest
	}
	key, err := o.openKey(tx, a.ID)
	if err != nil {
		return err
	}
	certs, err := checkChain(chain, &key.PublicKey, tx.Now)
	if err != nil {
		return err
	}
	if err := o.stepBack(tx); err != nil {
		return err
	}
	a.State, a.Chain = portal.AuthoritySigning, ""
	for _, c := range certs[:len(certs)-1] {
		a.Chain += certificatePEM(c.Raw)
	}
	a.Root = certificatePEM(certs[len(certs)-1].Raw)
	if err := tx.ChangeAuthority(a, portal.AuthorityRequested); err != nil {
		return err
	}
	return o.changed(tx, by, a, "openvpn.ca.import")
}

// checkChain reads a chain whose first certificate is for pub and may sign, and whose last is a root.
func checkChain(chain string, pub *ecdsa.PublicKey, now time.Time) ([]*x509.Certificate, error) {
	certs, err := parseChain(chain)
	if err != nil || len(certs) < 2 || len(certs) > 6 {
		return nil, ErrChain
	}
	first, root := certs[0], certs[len(certs)-1]
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(root)
	for _, c := range certs[1 : len(certs)-1] {
		between.AddCert(c)
	}
	own, ok := first.PublicKey.(*ecdsa.PublicKey)
	switch {
	case !ok || !own.Equal(pub), !first.IsCA, first.KeyUsage&x509.KeyUsageCertSign == 0, root.CheckSignatureFrom(root) != nil,
		bytes.Equal(first.Raw, root.Raw), now.Add(importedAtLeast).After(first.NotAfter):
		return nil, ErrChain
	}
	for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth} {
		_, err := first.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{use}})
		if err != nil {
			return nil, ErrChain
		}
	}
	return certs, nil
}

// parseChain reads certificates in PEM, and nothing else.
func parseChain(text string) (certs []*x509.Certificate, err error) {
	rest := []byte(text)
	for strings.TrimSpace(string(rest)) != "" {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil || block.Type != "CERTIFICATE" {
			return nil, errors.New("not certificates in PEM")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	return certs, nil
}

func certificatePEM(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func (o *OpenVPN) openKey(tx *store.Tx, id string) (*ecdsa.PrivateKey, error) {
	sealed, err := tx.Secret(authorityKey(id))
	if err != nil {
		return nil, fmt.Errorf("key of authority %s: %w", id, err)
	}
	plain, err := o.Keys.Open(sealed, secretPlace(authorityKey(id)))
	if err != nil {
		return nil, fmt.Errorf("key of authority %s: %w", id, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(plain)
	if own, ok := key.(*ecdsa.PrivateKey); err == nil && ok {
		return own, nil
	}
	return nil, fmt.Errorf("key of authority %s: not what was sealed", id)
}

func (o *OpenVPN) tlsCrypt(tx *store.Tx) (portal.Secret, error) {
	sealed, err := tx.Secret(tlsCryptSecret)
	if err != nil {
		return portal.Secret{}, fmt.Errorf("tls-crypt-v2 key: %w", err)
	}
	plain, err := o.Keys.Open(sealed, secretPlace(tlsCryptSecret))
	if err != nil {
		return portal.Secret{}, fmt.Errorf("tls-crypt-v2 key: %w", err)
	}
	return portal.NewSecretText(string(plain)), nil
}
