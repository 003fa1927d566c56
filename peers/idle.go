package peers

import (
	"context"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// endIdle ends the grants of devices that no gateway has had a handshake of for their profile's idle time. Gateways do the same by
// themselves for the devices that they have seen, sooner and without a portal; this covers those that came to no gateway at all. It ends
// nothing while a gateway that serves the profile is not heard of: the device may be there, and a portal that was away knows nothing.
func (s *Service) endIdle(ctx context.Context) error {
	var profiles []portal.Profile
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		profiles, err = tx.Profiles()
		return err
	})
	if err != nil {
		return err
	}
	for _, profile := range profiles {
		for more := profile.Idle > 0; more; {
			if more, err = s.endIdleOf(ctx, profile.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// endIdleOf ends some of a profile's idle grants, so that nobody waits long for the lock, and reports whether there may be more.
func (s *Service) endIdleOf(ctx context.Context, id portal.ProfileID) (more bool, err error) {
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		profile, err := p.profile(id)
		if err != nil || profile.Idle == 0 {
			return err
		}
		pl, err := readPlaces(tx)
		if err != nil || !pl.allSeen(profile) {
			return err
		}
		ids, err := tx.IdleDevices(id, tx.Now.Add(-profile.Idle), batch)
		more = len(ids) == batch
		if err != nil {
			return err
		}
		return endGrants(p, ids)
	})
	return more, err
}

// allSeen reports whether every gateway that devices of the profile may be at was heard of.
func (pl places) allSeen(profile portal.Profile) bool {
	return !slices.ContainsFunc(pl.gateways, func(g portal.Gateway) bool {
		return g.State != portal.GatewayRetired && profile.ServedBy(g.PoP) && !g.EnrolledAt.IsZero() && !pl.seen(g)
	})
}

// endIdled ends the grants that gateways, by device, have ended by themselves. A gateway sees only what comes to it: where the device was at
// another one meanwhile, it is told to let the device in again. What it saw itself after the end lets nobody in.
func endIdled(tx *store.Tx, by map[portal.DeviceID]portal.GatewayID) error {
	ids := slices.Sorted(maps.Keys(by))
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	devices, err := tx.Devices(store.DeviceFilter{IDs: ids})
	if err != nil {
		return err
	}
	live, err := tx.Live(ids)
	if err != nil {
		return err
	}
	pl, err := readPlaces(tx)
	if err != nil {
		return err
	}
	var idle, busy []portal.DeviceID
	for _, d := range devices {
		profile, err := p.profile(d.Profile)
		if err != nil {
			return err
		}
		since := tx.Now.Add(-profile.Idle)
		switch {
		case profile.Idle == 0, !tx.Now.Before(d.Grant.NotAfter), d.Grant.RenewAt.After(since):
			// its entry says so already
		case live[d.ID].Handshake.After(since) && live[d.ID].Gateway != by[d.ID]:
			busy = append(busy, d.ID)
		case pl.allSeen(profile):
			idle = append(idle, d.ID)
		}
	}
	if err := letIn(p, busy); err != nil {
		return err
	}
	return endGrants(p, idle)
}

// letIn tells gateways to let these devices in again.
func letIn(p *policy, ids []portal.DeviceID) error {
	if len(ids) == 0 {
		return nil
	}
	if err := p.tx.LetIn(ids); err != nil {
		return err
	}
	return p.devices(store.DeviceFilter{IDs: ids})
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
