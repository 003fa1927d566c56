package peers

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// LevelInput is at which level somebody is to be held, as typed.
type LevelInput struct {
	Level  portal.Level // LevelFull: hold them no more
	Reason string       // required below LevelFull
	Until  time.Time    // zero: until somebody lifts it
}

// maxHold is how far ahead a hold may end.
const maxHold = 366 * 24 * time.Hour

func (in LevelInput) hold(tx *store.Tx, by portal.Actor) (portal.Hold, error) {
	var c check
	h := portal.Hold{
		Source: portal.HoldByHand, Reason: c.text("/reason", in.Reason, maxDescription), Until: in.Until.UTC().Truncate(time.Second), By: by.User, CreatedAt: tx.Now,
		Level: oneOf(&c, "/level", in.Level, portal.LevelFull, portal.LevelRestricted, portal.LevelQuarantine, portal.LevelNone),
	}
	if h.Level != portal.LevelFull && h.Reason == "" {
		c.wrong("/reason", "required", "Say why.")
	}
	if in.Until.IsZero() {
		h.Until = time.Time{}
	} else if !h.Until.After(tx.Now) || h.Until.After(tx.Now.Add(maxHold)) {
		c.wrong("/until", "out_of_range", "A time from now on, at most a year ahead.")
	}
	return h, c.err()
}

// SetDeviceLevel holds a device at a level, or lets it go. It needs portal.DevicesWrite.
func (s *Service) SetDeviceLevel(ctx context.Context, by portal.Actor, id portal.DeviceID, in LevelInput) (DeviceView, error) {
	if err := s.mayJudge(ctx, by, id); err != nil {
		return DeviceView{}, err
	}
	return s.changeDevice(ctx, by, portal.DevicesWrite, id, func(tx *store.Tx, _ store.DeviceRecord) (uint64, error) {
		h, err := in.hold(tx, by)
		if err != nil {
			return 0, err
		}
		h.Device = id
		return SetHold(tx, by, h)
	})
}

// SetUserLevel holds all devices of a person at a level, also those that come later, or lets them go. It needs portal.DevicesWrite, and the
// right to touch the account.
func (s *Service) SetUserLevel(ctx context.Context, by portal.Actor, id portal.UserID, in LevelInput) error {
	if !by.May(portal.DevicesWrite) {
		return portal.ErrForbidden
	}
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		u, err := tx.User(id)
		if err != nil {
			return err
		}
		if err := mayTouch(by, u); err != nil {
			return err
		}
		h, err := in.hold(tx, by)
		if err != nil {
			return err
		}
		h.User = id
		_, err = SetHold(tx, by, h)
		return err
	})
}

// HoldOn returns the lowest hold on a person, nil when there is none. Whether the person may be seen was decided before.
func (s *Service) HoldOn(ctx context.Context, id portal.UserID) (lowest *portal.Hold, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		holds, err := tx.HoldsOn([]portal.UserID{id}, nil)
		for i, h := range holds {
			if lowest == nil || h.Level.Below(lowest.Level) {
				lowest = &holds[i]
			}
		}
		return err
	})
	return lowest, err
}

// SetHold puts a hold in the place of the one that its source has on the same person or device, or lifts that when the level is full, and tells
// gateways. Whether by may was decided before.
func SetHold(tx *store.Tx, by portal.Actor, h portal.Hold) (revision uint64, err error) {
	p, err := lockPolicy(tx)
	if err != nil {
		return 0, err
	}
	var before *portal.Hold
	users, devices, target := []portal.UserID{h.User}, []portal.DeviceID(nil), userTarget(h.User)
	filter := ofUser(h.User)
	if h.Device != "" {
		users, devices, target = nil, []portal.DeviceID{h.Device}, deviceTarget(h.Device)
		filter = store.DeviceFilter{IDs: devices}
	}
	there, err := tx.HoldsOn(users, devices)
	if err != nil {
		return 0, err
	}
	for i, x := range there {
		if x.Source == h.Source {
			before = &there[i]
		}
	}
	action := "level.hold"
	if h.Level == portal.LevelFull {
		if before == nil {
			return 0, nil
		}
		action = "level.lift"
		err = tx.DropHold(h.Source, h.User, h.Device)
	} else {
		err = tx.SetHold(h)
	}
	if err != nil {
		return 0, err
	}
	if err := p.devices(filter); err != nil {
		return 0, err
	}
	return p.last, tx.Audit(by, action, target, store.Changed{Now: h, Before: before})
}

// HoldsEvery is how often holds are lifted whose time is over.
const HoldsEvery = 15 * time.Second

// endHolds lifts the holds whose time is over.
func (s *Service) endHolds(ctx context.Context) error {
	for more := true; more; {
		err := s.Store.Tx(ctx, func(tx *store.Tx) error {
			over, err := tx.HoldsOver(1)
			if more = len(over) > 0; err != nil || !more {
				return err
			}
			p, err := lockPolicy(tx)
			if err != nil {
				return err
			}
			if over, err = tx.HoldsOver(batch); err != nil { // again, under the lock
				return err
			}
			for _, h := range over {
				filter, target := ofUser(h.User), userTarget(h.User)
				if h.Device != "" {
					filter, target = store.DeviceFilter{IDs: []portal.DeviceID{h.Device}}, deviceTarget(h.Device)
				}
				if err := tx.DropHold(h.Source, h.User, h.Device); err != nil {
					return err
				}
				if err := p.devices(filter); err != nil {
					return err
				}
				if err := tx.Audit(portal.System, "level.lift", target, store.Changed{Now: portal.Hold{Source: h.Source, Level: portal.LevelFull}, Before: h}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
