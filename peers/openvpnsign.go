package peers

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// signer opens an authority for use.
func (o *OpenVPN) signer(tx *store.Tx, a portal.Authority) (*authority, error) {
	certs, err := parseChain(a.Chain)
	if err != nil || len(certs) == 0 {
		return nil, fmt.Errorf("authority %s has no certificate", a.ID)
	}
	key, err := o.openKey(tx, a.ID)
	if err != nil {
		return nil, err
	}
	return &authority{certs[0], key}, nil
}

// signDevice makes a device's certificate, within the life of the authority.
func (o *OpenVPN) signDevice(tx *store.Tx, id portal.DeviceID, pub *ecdsa.PublicKey) (portal.DeviceCertificate, portal.CertificateID, error) {
	have, err := byState(tx)
	if err != nil {
		return portal.DeviceCertificate{}, portal.CertificateID{}, err
	}
	by, there := have[portal.AuthoritySigning]
	if !there {
		return portal.DeviceCertificate{}, portal.CertificateID{}, ErrNoOpenVPN
	}
	leaf, err := o.sign(tx, by, string(id), x509.ExtKeyUsageClientAuth, pub, openVPNClientLife)
	if err != nil {
		return portal.DeviceCertificate{}, portal.CertificateID{}, fmt.Errorf("sign device %s: %w", id, err)
	}
	return portal.DeviceCertificate{
		Device: id, Serial: leaf.SerialNumber.Text(16), Authority: by.ID, NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter, Certificate: certificatePEM(leaf.Raw),
	}, sha256.Sum256(leaf.Raw), nil
}

func (o *OpenVPN) sign(tx *store.Tx, by portal.Authority, name string, use x509.ExtKeyUsage, pub *ecdsa.PublicKey, life time.Duration) (*x509.Certificate, error) {
	a, err := o.signer(tx, by)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{use}}
	if use == x509.ExtKeyUsageServerAuth {
		template.DNSNames = []string{name}
	}
	return a.sign(template, pub, tx.Now, min(life, a.cert.NotAfter.Sub(tx.Now)))
}

// OpenVPN gives a gateway the certificate for its OpenVPN server and what the server needs beside it. The request's key is all that is used of it.
// Errors: ErrCSR, those of a certificate that is void, and ErrNoOpenVPN while there is no authority.
func (g *Gateways) OpenVPN(ctx context.Context, who feed.StreamAsk, csr []byte) (grant feed.OpenVPNGrant, err error) {
	pub, err := gatewayKey(csr)
	if err != nil {
		return grant, err
	}
	o := &OpenVPN{Keys: g.Keys}
	err = g.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.UseCertificate(who.Gateway, who.Serial, who.Ends); err != nil {
			return refusal(tx, who.Gateway, err)
		}
		if grant, err = o.serverGrant(tx, pub); err != nil {
			return err
		}
		return tx.Audit(portal.Actor{Gateway: who.Gateway, Addr: who.Addr.Addr()}, "gateway.openvpn", "gateway:"+string(who.Gateway), map[string]string{"trust": grant.Trust})
	})
	if err != nil {
		return feed.OpenVPNGrant{}, fmt.Errorf("certificate for OpenVPN of gateway %s: %w", who.Gateway, err)
	}
	return grant, nil
}

// serverGrant is signed by the authority of before while there is one: every client trusts it.
func (o *OpenVPN) serverGrant(tx *store.Tx, pub *ecdsa.PublicKey) (g feed.OpenVPNGrant, err error) {
	have, err := byState(tx)
	if err != nil {
		return g, err
	}
	by, there := have[portal.AuthorityTrusted]
	if !there {
		by, there = have[portal.AuthoritySigning]
	}
	if !there {
		return g, ErrNoOpenVPN
	}
	leaf, err := o.sign(tx, by, portal.OpenVPNServerName, x509.ExtKeyUsageServerAuth, pub, openVPNServerLife)
	if err != nil {
		return g, err
	}
	var trusted strings.Builder
	for _, state := range []portal.AuthorityState{portal.AuthorityTrusted, portal.AuthoritySigning} {
		trusted.WriteString(have[state].Root + have[state].Chain)
	}
	g.Certificates, g.Authorities = []byte(certificatePEM(leaf.Raw)+by.Chain), []byte(trusted.String())
	crypt, err1 := o.tlsCrypt(tx)
	trust, err2 := openVPNTrust(tx)
	g.TLSCrypt, g.Trust = crypt, trust
	return g, errors.Join(err1, err2)
}

// gatewayKey is the key of a gateway's signing request, in DER; see signGateway.
func gatewayKey(csr []byte) (*ecdsa.PublicKey, error) {
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, ErrCSR
	}
	pub, ok := req.PublicKey.(*ecdsa.PublicKey)
	if !ok || pub.Curve != elliptic.P256() {
		return nil, ErrCSR // before the signature: that of a huge RSA key takes long to check
	}
	if req.CheckSignature() != nil {
		return nil, ErrCSR
	}
	return pub, nil
}
