package peers

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// A revocation list is good for crlLife, and one that was made is shown again for crlFresh: anybody may ask for it, and each is a signature.
const (
	crlLife  = 7 * 24 * time.Hour
	crlFresh = time.Minute
)

// crl is a list that was made.
type crl struct {
	der []byte
	at  time.Time
}

// Authorities lists the authorities of OpenVPN, oldest first, for who may see settings.
func (s *Service) Authorities(ctx context.Context, by portal.Actor) (all []AuthorityView, err error) {
	if !by.May(portal.SettingsRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) { all, err = s.OpenVPN.Show(tx); return err })
	return all, err
}

// RotateAuthority begins a rotation; see OpenVPN.Rotate.
func (s *Service) RotateAuthority(ctx context.Context, by portal.Actor) ([]AuthorityView, error) {
	return s.changeAuthorities(ctx, by, func(tx *store.Tx) error { return s.OpenVPN.Rotate(tx, by) })
}

// FinishAuthority ends a rotation; see OpenVPN.Finish.
func (s *Service) FinishAuthority(ctx context.Context, by portal.Actor, cut bool) ([]AuthorityView, error) {
	return s.changeAuthorities(ctx, by, func(tx *store.Tx) error { return s.OpenVPN.Finish(tx, by, cut) })
}

func (s *Service) changeAuthorities(ctx context.Context, by portal.Actor, change func(tx *store.Tx) error) (all []AuthorityView, err error) {
	if !by.May(portal.SettingsWrite) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		all, err = s.OpenVPN.Show(tx)
		return err
	})
	return all, err
}

// RevocationList is the list of an authority, in DER, and public. It returns portal.ErrNotFound for one that is not there, has not been signed yet, or
// may not sign lists. Certificates of revoked devices are refused by gateways whether or not anybody has read it.
func (s *Service) RevocationList(ctx context.Context, id string) (der []byte, err error) {
	o := s.OpenVPN
	o.mu.Lock()
	defer o.mu.Unlock()
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Authorities()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(a portal.Authority) bool { return a.ID == id && a.State != portal.AuthorityRequested })
		if i < 0 {
			return portal.ErrNotFound
		}
		if made, there := o.lists[id]; there && tx.Now.Sub(made.at) < crlFresh {
			der = made.der
			return nil
		}
		if der, err = o.signList(tx, all[i]); err != nil {
			return err
		}
		if o.lists == nil {
			o.lists = map[string]crl{}
		}
		o.lists[id] = crl{der, tx.Now}
		return nil
	})
	return der, err
}

func (o *OpenVPN) signList(tx *store.Tx, of portal.Authority) ([]byte, error) {
	a, err := o.signer(tx, of)
	if err != nil {
		return nil, err
	}
	if a.cert.KeyUsage&x509.KeyUsageCRLSign == 0 || len(a.cert.SubjectKeyId) == 0 {
		return nil, portal.ErrNotFound
	}
	revoked, err := tx.RevokedCertificates(of.ID)
	if err != nil {
		return nil, err
	}
	template := &x509.RevocationList{
		Number: big.NewInt(tx.Now.Unix()), ThisUpdate: tx.Now, NextUpdate: tx.Now.Add(crlLife),
		RevokedCertificateEntries: make([]x509.RevocationListEntry, len(revoked)),
	}
	for i, r := range revoked {
		serial, ok := new(big.Int).SetString(r.Serial, 16)
		if !ok {
			return nil, fmt.Errorf("serial %q of a revoked certificate", r.Serial)
		}
		template.RevokedCertificateEntries[i] = x509.RevocationListEntry{SerialNumber: serial, RevocationTime: r.At}
	}
	return x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
}
