package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ErrPending says that the device waits for approval, which suspending and resuming must not go around.
var ErrPending = &portal.Error{Kind: portal.Conflict, Code: "device_pending", Msg: "This device waits for approval. Approve or refuse it."}

// ErrNotPending says that the device was approved before.
var ErrNotPending = &portal.Error{Kind: portal.Conflict, Code: "device_not_pending", Msg: "This device does not wait for approval any more."}

// ApproveDevice gives a device that waits its entry. It needs portal.DevicesWrite. Of two who approve at once one does, and both hear
// that it is approved; approving twice changes nothing.
func (s *Service) ApproveDevice(ctx context.Context, by portal.Actor, id portal.DeviceID) (DeviceView, error) {
	if err := s.mayJudge(ctx, by, id); err != nil {
		return DeviceView{}, err
	}
	return s.changeDevice(ctx, by, portal.DevicesWrite, id, func(tx *store.Tx, _ store.DeviceRecord) (uint64, error) {
		p, err := lockPolicy(tx)
		if err != nil {
			return 0, err
		}
		d, err := tx.Device(id) // again, under the lock
		switch {
		case err != nil:
			return 0, err
		case d.State == portal.DeviceSuspended:
			return 0, ErrNotPending
		case d.State != portal.DevicePending:
			return 0, nil
		}
		if err := tx.SetDeviceState(id, portal.DeviceActive); err != nil {
			return 0, err
		}
		if err := p.devices(store.DeviceFilter{IDs: []portal.DeviceID{id}}); err != nil {
			return 0, err
		}
		return p.last, tx.Audit(by, "device.approve", deviceTarget(id), map[string]any{"owner": d.User, "name": d.Name, "publicKey": d.PublicKey})
	})
}

// RefuseDevice removes a device that waits. It returns ErrNotPending for one that was approved, which RevokeDevice is for.
func (s *Service) RefuseDevice(ctx context.Context, by portal.Actor, id portal.DeviceID) (revision uint64, err error) {
	if err := s.mayJudge(ctx, by, id); err != nil {
		return 0, err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		d, err := ownDevice(tx, by, portal.DevicesWrite, id)
		if err != nil {
			return err
		}
		if d.State != portal.DevicePending {
			return ErrNotPending
		}
		revision, err = remove(p, by, d, "device.refuse")
		return err
	})
	return revision, err
}

// mayJudge keeps people without the right from approving their own devices.
func (s *Service) mayJudge(ctx context.Context, by portal.Actor, id portal.DeviceID) error {
	if by.May(portal.DevicesWrite) {
		return nil
	}
	if _, err := s.Device(ctx, by, id); err != nil {
		return err
	}
	return portal.ErrForbidden
}

// newState is what a device with the profile begins as.
func newState(profile portal.Profile) portal.DeviceState {
	if profile.Approval {
		return portal.DevicePending
	}
	return portal.DeviceActive
}
