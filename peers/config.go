package peers

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Config returns all of the device's file but the private key, pointed at a gateway of pop ("": of the device's own region).
// It returns ErrNoGateway when no gateway there takes clients, and portal.ErrNotFound for a region that does not serve the profile.
func (s *Service) Config(ctx context.Context, by portal.Actor, id portal.DeviceID, pop portal.PoPID) (cfg portal.WireGuardConfig, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		d, err := seenDevice(tx, by, id)
		if err != nil {
			return err
		}
		if d.Protocol != portal.WireGuard {
			return ErrProtocol
		}
		profile, err := tx.Profile(d.Profile)
		if err != nil {
			return fmt.Errorf("read profile %s: %w", d.Profile, err)
		}
		if pop == "" && profile.ServedBy(d.PoP) {
			pop = d.PoP
		}
		pl, err := readPlaces(tx)
		if err != nil {
			return err
		}
		if pop, err = chooseRegion(tx, pl, profile, pop); err != nil {
			return err
		}
		gateway, err := pl.gateway(pop, d.ID)
		if err != nil {
			return err
		}
		cfg = s.config(d, profile, gateway)
		return nil
	})
	return cfg, err
}

// config puts together what a client needs of device, profile and gateway.
func (s *Service) config(d store.DeviceRecord, p portal.Profile, g portal.Gateway) portal.WireGuardConfig {
	cfg := portal.WireGuardConfig{
		FileName: portal.TunnelName(d.Name, p.Name),
		Comments: []string{
			"Sallyport " + s.Portal,
			fmt.Sprintf("Device: %s (%s)", d.Name, d.OwnerName),
			fmt.Sprintf("Profile: %s", p.Name),
		},
		Addresses:  []netip.Prefix{netip.PrefixFrom(d.Addr.V4, 32), netip.PrefixFrom(d.Addr.V6, 128)},
		DNS:        p.DNS,
		Search:     p.Search,
		MTU:        p.MTU,
		AllowedIPs: portal.Routes(p),
		PublicKey:  g.PublicKey,
		Endpoint:   portal.EndpointOf(g),
		Keepalive:  p.Keepalive,
		PoP:        g.PoP,
		Version:    portal.FactsOf(p, g).Version(),
	}
	if cfg.MTU == 0 {
		cfg.MTU = portal.DefaultMTU
	}
	cfg.Shorten()
	return cfg
}
