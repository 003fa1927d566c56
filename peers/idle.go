package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// endIdle ends the grants of devices that no gateway has had a handshake of for their profile's idle time. Gateways do the same by
// themselves for the devices that they have seen, sooner and without a portal; this covers those that came to no gateway at all.
func (s *Service) endIdle(ctx context.Context) error {
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		profiles, err := tx.Profiles()
		if err != nil {
			return err
		}
		for _, profile := range profiles {
			if profile.Idle == 0 {
				continue
			}
			ids, err := tx.IdleDevices(profile.ID, tx.Now.Add(-profile.Idle), batch)
			if err != nil {
				return err
			}
			if err := endGrants(p, ids); err != nil {
				return err
			}
		}
		return nil
	})
}

// endIdled ends the grants that gateways have ended by themselves, unless they were renewed since.
func endIdled(tx *store.Tx, live []portal.Live) error {
	var idled []portal.DeviceID
	for _, l := range live {
		if l.Idled {
			idled = append(idled, l.Device)
		}
	}
	if len(idled) == 0 {
		return nil
	}
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	devices, err := tx.Devices(store.DeviceFilter{IDs: idled})
	if err != nil {
		return err
	}
	var ids []portal.DeviceID
	for _, d := range devices {
		profile, err := p.profile(d.Profile)
		if err != nil {
			return err
		}
		if profile.Idle > 0 && tx.Now.Before(d.Grant.NotAfter) && !d.Grant.RenewAt.Add(profile.Idle).After(tx.Now) {
			ids = append(ids, d.ID)
		}
	}
	return endGrants(p, ids)
}

func endGrants(p *policy, ids []portal.DeviceID) error {
	if len(ids) == 0 {
		return nil
	}
	if err := p.tx.EndGrants(ids); err != nil {
		return err
	}
	if err := p.devices(store.DeviceFilter{IDs: ids}); err != nil {
		return err
	}
	for _, id := range ids {
		if err := p.tx.Audit(portal.System, "grant.idle", deviceTarget(id), nil); err != nil {
			return err
		}
	}
	return nil
}
