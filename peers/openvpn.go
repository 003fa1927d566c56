package peers

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// maxRemotes bounds the addresses in one file: more would keep a person waiting for minutes.
const maxRemotes = 8

// certify signs a device that is about to be added, and makes it known by its certificate.
func (s *Service) certify(tx *store.Tx, d *portal.Device, pub *ecdsa.PublicKey) (cert portal.DeviceCertificate, err error) {
	if s.OpenVPN == nil {
		return cert, ErrNoOpenVPN
	}
	cert, d.Cert, err = s.OpenVPN.signDevice(tx, d.ID, pub)
	return cert, err
}

// ReplaceCertificate gives a device of OpenVPN a new certificate, for a new signing request; the old one stops working. Errors: ErrProtocol,
// portal.ErrInvalid with the field.
func (s *Service) ReplaceCertificate(ctx context.Context, by portal.Actor, id portal.DeviceID, csr string) (DeviceView, error) {
	var c check
	pub := c.csr("/csr", csr)
	if err := c.err(); err != nil {
		return DeviceView{}, err
	}
	return s.changeDevice(ctx, by, portal.DevicesKeys, id, func(tx *store.Tx, d store.DeviceRecord) (uint64, error) {
		p, err := lockPolicy(tx)
		if err != nil {
			return 0, err
		}
		if d.Protocol != portal.OpenVPN {
			return 0, ErrProtocol
		}
		profile, err := p.profile(d.Profile)
		if err != nil {
			return 0, err
		}
		if !profile.Offers(portal.OpenVPN) {
			return 0, ErrNotOffered
		}
		before := d.Cert
		cert, err := s.certify(tx, &d.Device, pub)
		if err != nil {
			return 0, err
		}
		if err := errors.Join(tx.SetDeviceCert(id, d.Cert), tx.SetCertificate(cert)); err != nil {
			return 0, fmt.Errorf("replace certificate of device %s: %w", id, err)
		}
		if err := p.devices(store.DeviceFilter{IDs: []portal.DeviceID{id}}); err != nil {
			return 0, err
		}
		return p.last, tx.Audit(by, "device.certificate", deviceTarget(id), map[string]any{
			"owner": d.User, "from": before, "to": d.Cert, "serial": cert.Serial, "notAfter": cert.NotAfter,
		})
	})
}

// OpenVPNFile returns all of the device's file but the private key. Its remotes begin with those of the device's region, or of pop. Each time it has
// another key for tls-crypt-v2; all of them work. Errors: ErrProtocol, ErrNoOpenVPN when no gateway serves the profile by OpenVPN, and
// portal.ErrNotFound for a region that does not serve the profile.
func (s *Service) OpenVPNFile(ctx context.Context, by portal.Actor, id portal.DeviceID, pop portal.PoPID) (file portal.OpenVPNFile, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		d, err := seenDevice(tx, by, id)
		if err != nil {
			return err
		}
		if d.Protocol != portal.OpenVPN {
			return ErrProtocol
		}
		if s.OpenVPN == nil {
			return ErrNoOpenVPN
		}
		profile, err := tx.Profile(d.Profile)
		if err != nil {
			return fmt.Errorf("read profile %s: %w", d.Profile, err)
		}
		if pop != "" && !profile.ServedBy(pop) {
			return portal.ErrNotFound
		}
		file, err = s.openVPNFile(tx, d, profile, pop)
		return err
	})
	return file, err
}

func (s *Service) openVPNFile(tx *store.Tx, d store.DeviceRecord, profile portal.Profile, pop portal.PoPID) (portal.OpenVPNFile, error) {
	if pop == "" {
		pop = d.PoP
	}
	pl, err1 := readPlaces(tx)
	certs, err2 := tx.Certificates([]portal.DeviceID{d.ID})
	have, err3 := byState(tx)
	if err := errors.Join(err1, err2, err3); err != nil {
		return portal.OpenVPNFile{}, err
	}
	remotes := pl.remotes(profile, pop)
	if len(remotes) == 0 {
		return portal.OpenVPNFile{}, ErrNoOpenVPN
	}
	server, err := s.OpenVPN.tlsCrypt(tx)
	if err != nil {
		return portal.OpenVPNFile{}, err
	}
	crypt, err := portal.NewTLSCryptClient(server, string(d.ID))
	if err != nil {
		return portal.OpenVPNFile{}, err
	}
	return portal.OpenVPNFile{
		FileName: portal.TunnelName(d.Name, profile.Name),
		Comments: []string{
			"Sallyport " + s.Portal,
			fmt.Sprintf("Device: %s (%s)", d.Name, d.OwnerName),
			fmt.Sprintf("Profile: %s", profile.Name),
		},
		FriendlyName: profile.Name,
		Remotes:      remotes,
		Roots:        have[portal.AuthorityTrusted].Root + have[portal.AuthoritySigning].Root,
		Certificate:  certs[d.ID].Certificate,
		TLSCrypt:     crypt,
	}, nil
}

// servedByOpenVPN returns ErrNoOpenVPN when a file of the profile would have no address in it.
func servedByOpenVPN(tx *store.Tx, profile portal.Profile, pop portal.PoPID) error {
	pl, err := readPlaces(tx)
	if err == nil && len(pl.remotes(profile, pop)) == 0 {
		err = ErrNoOpenVPN
	}
	return err
}

// servesOpenVPN reports whether files may point at the gateway.
func servesOpenVPN(g portal.Gateway) bool { return g.State == portal.GatewayActive && g.OpenVPN.Any() }

// remotes lists where clients of a profile may try: first the gateways of pop by UDP, then by TCP, then those of other places, the ones that were
// heard of before others.
func (pl places) remotes(profile portal.Profile, pop portal.PoPID) []portal.OpenVPNRemote {
	var serving []portal.Gateway
	for _, g := range pl.gateways {
		if servesOpenVPN(g) && profile.ServedBy(g.PoP) {
			serving = append(serving, g)
		}
	}
	rank := func(g portal.Gateway) int {
		n := 0
		if !pl.seen(g) {
			n += 2
		}
		if g.PoP != pop {
			n++
		}
		return n
	}
	slices.SortStableFunc(serving, func(a, b portal.Gateway) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	var near, far []portal.OpenVPNRemote
	for _, proto := range []string{"udp", "tcp"} {
		for _, g := range serving {
			port := g.OpenVPN.UDP
			if proto == "tcp" {
				port = g.OpenVPN.TCP
			}
			r := portal.OpenVPNRemote{Host: g.Host, Port: port, Proto: proto}
			switch {
			case port == 0:
			case g.PoP == pop:
				near = append(near, r)
			default:
				far = append(far, r)
			}
		}
	}
	all := append(near, far...)
	return all[:min(len(all), maxRemotes)]
}
