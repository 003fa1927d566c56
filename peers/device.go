package peers

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// NewDevice is what a person says of a device to be added. Wrong fields come back as portal.ErrInvalid with the paths of the API's body.
type NewDevice struct {
	Owner     portal.UserID // "": the actor; somebody else's needs portal.DevicesKeys
	Name      string        // 1 to 64 printable characters, unique per person
	Platform  portal.Platform
	Profile   portal.ProfileID
	PoP       portal.PoPID // "": the first region that serves the profile, one that is ready before others
	PublicKey string       // base64, as wg pubkey prints it; for WireGuard
	CSR       string       // PKCS #10 in PEM for a key of ECDSA P-256, without a subject and extensions; for OpenVPN, and then PublicKey is ""
}

// CreateDevice adds a device with a free address and a grant at level full that lasts as long as the profile's sessions, from the person's
// last second factor on. Errors: portal.ErrStepUp when that one is too old, portal.ErrInvalid, portal.ErrPublicKey (in a field), ErrKeyTaken, ErrDeviceName, ErrDeviceLimit, ErrNoRegion, portal.ErrPoolFull;
// ErrNoOpenVPN; portal.ErrNotFound for a profile or region that is not there or not open to the owner.
func (s *Service) CreateDevice(ctx context.Context, by portal.Actor, in NewDevice) (DeviceView, error) {
	d, pub, err := in.device(by)
	if err != nil {
		return DeviceView{}, err
	}
	pl, err := s.places(ctx)
	if err != nil {
		return DeviceView{}, err
	}
	var view DeviceView
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		d := d // it may be run again
		owner, err := tx.HoldUser(d.User)
		if err != nil {
			return err
		}
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		if err := mayTouch(by, owner); err != nil {
			return err
		}
		profile, err := placeDevice(p, pl, owner, &d)
		if err != nil {
			return err
		}
		d.ID = portal.NewID[portal.DeviceID](tx.Now)
		d.CreatedAt, d.KeyAt = tx.Now, tx.Now
		grant, err := firstGrant(tx, by, d, profile)
		if err != nil {
			return err
		}
		if !profile.Offers(d.Protocol) {
			return ErrNotOffered
		}
		d.State = newState(profile)
		var cert portal.DeviceCertificate
		if d.Protocol == portal.OpenVPN {
			if err := servedByOpenVPN(tx, profile, d.PoP); err != nil {
				return err
			}
			if cert, err = s.certify(tx, &d, pub); err != nil {
				return err
			}
		}
		sig, err := p.newDevice(d, grant, profile)
		if err != nil {
			return err
		}
		if err := tx.CreateDevice(d, grant, sig, pl.firstFile(d, profile)); err != nil {
			return fmt.Errorf("add device for %s: %w", d.User, err)
		}
		if d.Protocol == portal.OpenVPN {
			if err := tx.SetCertificate(cert); err != nil {
				return fmt.Errorf("add device for %s: %w", d.User, err)
			}
		}
		if err := judgeNew(p, by, d.ID); err != nil {
			return err
		}
		view = DeviceView{
			Device: d, Certificate: cert, OwnerName: owner.Name, OwnerEmail: owner.Email, ProfileName: profile.Name, ProfileMode: profile.Mode, Grant: grant, Revision: p.last,
		}
		detail := map[string]any{
			"owner": d.User, "name": d.Name, "profile": d.Profile, "publicKey": d.PublicKey, "ipv4": d.Addr.V4, "ipv6": d.Addr.V6, "state": d.State,
		}
		if d.Protocol == portal.OpenVPN {
			detail["certificate"], detail["serial"], detail["notAfter"] = d.Cert, cert.Serial, cert.NotAfter
		}
		return tx.Audit(by, "device.create", deviceTarget(d.ID), detail)
	})
	return view, err
}

// firstGrant lasts as long as a session of the profile, counted from when the person last showed a second factor: a new device is no way
// around the next one, and neither is a token. It returns portal.ErrStepUp when that is too long ago, or never was and policy asks for it.
// What others add counts from now.
func firstGrant(tx *store.Tx, by portal.Actor, d portal.Device, profile portal.Profile) (portal.Grant, error) {
	proved, factor := tx.Now, time.Time{}
	if by.User == d.User {
		if by.Token != "" {
			var err error
			if by.FactorAt, err = tx.LastProof(by.User, by.Token); err != nil {
				return portal.Grant{}, err
			}
		}
		at := by.FactorAt
		if factor = at; at.IsZero() {
			at = by.TrustedAt
		}
		if at.IsZero() && by.Session != "" {
			return portal.Grant{}, portal.ErrStepUp // within the grace for setting up a factor
		}
		if !at.IsZero() && at.Before(tx.Now) {
			proved = at
		}
	}
	g := portal.Grant{Device: d.ID, Level: portal.LevelFull, NotAfter: proved.Add(sessionOf(profile)), RenewAt: proved, FactorAt: factor}
	if !tx.Now.Before(g.NotAfter) {
		return g, portal.ErrStepUp
	}
	var err error
	g.Holds, err = tx.HoldsOn([]portal.UserID{d.User}, nil)
	return g, err
}

// device checks all that can be checked without the database.
func (in NewDevice) device(by portal.Actor) (d portal.Device, csr *ecdsa.PublicKey, err error) {
	d = portal.Device{User: in.Owner, Profile: in.Profile, PoP: in.PoP, Protocol: portal.WireGuard, State: portal.DeviceActive}
	if d.User == "" {
		d.User = by.User
	}
	if d.User != by.User && !by.May(portal.DevicesKeys) {
		return d, nil, portal.ErrNotFound
	}
	var c check
	d.Name = c.name("/name", in.Name)
	d.Platform = oneOf(&c, "/platform", in.Platform, portal.Windows, portal.MacOS, portal.Linux, portal.IOS, portal.Android, portal.Server, portal.Other)
	if in.Profile == "" {
		c.wrong("/profile", "required", "Choose a profile.")
	}
	if in.CSR != "" {
		d.Protocol, csr = portal.OpenVPN, c.csr("/csr", in.CSR)
	} else {
		d.PublicKey = c.publicKey("/publicKey", in.PublicKey)
	}
	return d, csr, c.err()
}

// placeDevice decides whether the device may be, and gives it a region and an address.
func placeDevice(p *policy, pl places, owner portal.User, d *portal.Device) (portal.Profile, error) {
	tx := p.tx
	profile, err := tx.Profile(d.Profile)
	if err != nil {
		return profile, err
	}
	groups, err := tx.GroupIDs(owner.ID)
	if err != nil {
		return profile, err
	}
	if owner.State != portal.UserActive || !profile.OpenTo(groups) {
		return profile, portal.ErrNotFound
	}
	if err := mayAdd(tx, profile, d); err != nil {
		return profile, err
	}
	if d.PoP, err = chooseRegion(tx, pl, profile, d.PoP); err != nil {
		return profile, err
	}
	pool, err := tx.Pool(profile.Pool)
	if err != nil {
		return profile, fmt.Errorf("read pool of profile %s: %w", profile.ID, err)
	}
	d.Addr, err = tx.TakeAddress(pool)
	return profile, err
}

// mayAdd checks that key and name are free and that the person may have another device with the profile.
func mayAdd(tx *store.Tx, profile portal.Profile, d *portal.Device) error {
	clash, err := tx.Clashes(d.User, d.Name, d.PublicKey, "")
	switch {
	case err != nil:
		return err
	case clash.KeyUses > 0:
		return ErrKeyTaken
	case clash.NameUses > 0:
		return ErrDeviceName
	case profile.MaxDevices == 0:
		return nil
	}
	n, err := tx.CountWithProfile(d.User, profile.ID)
	if err == nil && n >= profile.MaxDevices {
		err = ErrDeviceLimit
	}
	return err
}

// RenameDevice returns ErrDeviceName when the owner has another device of that name.
func (s *Service) RenameDevice(ctx context.Context, by portal.Actor, id portal.DeviceID, name string) (DeviceView, error) {
	var c check
	name = c.name("/name", name)
	if err := c.err(); err != nil {
		return DeviceView{}, err
	}
	return s.changeDevice(ctx, by, portal.DevicesWrite, id, func(tx *store.Tx, d store.DeviceRecord) (uint64, error) {
		if d.Name == name {
			return 0, nil
		}
		if err := tx.SetDeviceName(id, name); errors.Is(err, portal.ErrDuplicate) {
			return 0, ErrDeviceName
		} else if err != nil {
			return 0, err
		}
		return 0, tx.Audit(by, "device.rename", deviceTarget(id), map[string]any{"owner": d.User, "from": d.Name, "to": name})
	})
}

// ReplaceKey gives the device another public key; the old one stops working. Addresses, grant and name stay.
func (s *Service) ReplaceKey(ctx context.Context, by portal.Actor, id portal.DeviceID, publicKey string) (DeviceView, error) {
	var c check
	key := c.publicKey("/publicKey", publicKey)
	if err := c.err(); err != nil {
		return DeviceView{}, err
	}
	pl, err := s.places(ctx)
	if err != nil {
		return DeviceView{}, err
	}
	return s.changeDevice(ctx, by, portal.DevicesKeys, id, func(tx *store.Tx, d store.DeviceRecord) (uint64, error) {
		p, err := lockPolicy(tx)
		if err != nil {
			return 0, err
		}
		clash, err := tx.Clashes(d.User, d.Name, key, id)
		switch {
		case err != nil:
			return 0, err
		case d.Protocol != portal.WireGuard:
			return 0, ErrProtocol
		case clash.KeyUses > 0:
			return 0, ErrKeyTaken
		case d.PublicKey == key:
			return 0, nil
		}
		profile, err := p.profile(d.Profile)
		switch {
		case err != nil:
			return 0, err
		case !profile.Offers(portal.WireGuard):
			return 0, ErrNotOffered
		}
		if err := tx.SetDeviceKey(id, key); err != nil {
			return 0, fmt.Errorf("replace key of device %s: %w", id, err)
		}
		if err := tx.SetDeviceFile(id, pl.firstFile(d.Device, profile)); err != nil {
			return 0, err
		}
		if err := p.devices(store.DeviceFilter{IDs: []portal.DeviceID{id}}); err != nil {
			return 0, err
		}
		return p.last, tx.Audit(by, "device.key", deviceTarget(id), map[string]any{"owner": d.User, "from": d.PublicKey, "to": key})
	})
}

// RevokeDevice removes the device, its grant and its entry, and frees its address. It returns the revision at which gateways have cut it.
func (s *Service) RevokeDevice(ctx context.Context, by portal.Actor, id portal.DeviceID) (revision uint64, err error) {
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		d, err := ownDevice(tx, by, portal.DevicesWrite, id)
		if err != nil {
			return err
		}
		revision, err = revoke(p, by, d)
		return err
	})
	return revision, err
}

func revoke(p *policy, by portal.Actor, d store.DeviceRecord) (uint64, error) {
	return remove(p, by, d, "device.revoke")
}

func remove(p *policy, by portal.Actor, d store.DeviceRecord, action string) (uint64, error) {
	if err := p.tx.DeleteDevice(d.ID); err != nil {
		return 0, fmt.Errorf("revoke device %s: %w", d.ID, err)
	}
	if err := p.tx.FreeAddress(d.Addr); err != nil {
		return 0, err
	}
	if err := p.dropDevice(d); err != nil {
		return 0, err
	}
	return p.last, p.tx.Audit(by, action, deviceTarget(d.ID), map[string]any{"owner": d.User, "name": d.Name, "publicKey": d.PublicKey, "ipv4": d.Addr.V4})
}

// SuspendDevice cuts the device until it is resumed; it keeps its address and key. Doing it twice changes nothing.
func (s *Service) SuspendDevice(ctx context.Context, by portal.Actor, id portal.DeviceID) (DeviceView, error) {
	return s.setState(ctx, by, id, portal.DeviceSuspended, "device.suspend")
}

// ResumeDevice lets a suspended device connect again. It needs portal.DevicesWrite; others get portal.ErrForbidden for their own device.
func (s *Service) ResumeDevice(ctx context.Context, by portal.Actor, id portal.DeviceID) (DeviceView, error) {
	if err := s.mayJudge(ctx, by, id); err != nil {
		return DeviceView{}, err
	}
	return s.setState(ctx, by, id, portal.DeviceActive, "device.resume")
}

func (s *Service) setState(ctx context.Context, by portal.Actor, id portal.DeviceID, state portal.DeviceState, action string) (DeviceView, error) {
	return s.changeDevice(ctx, by, portal.DevicesWrite, id, func(tx *store.Tx, _ store.DeviceRecord) (uint64, error) {
		p, err := lockPolicy(tx)
		if err != nil {
			return 0, err
		}
		d, err := tx.Device(id) // again, under the lock
		if err != nil || d.State == state {
			return 0, err
		}
		if d.State == portal.DevicePending {
			return 0, ErrPending
		}
		if err := tx.SetDeviceState(id, state); err != nil {
			return 0, err
		}
		if err := p.devices(store.DeviceFilter{IDs: []portal.DeviceID{id}}); err != nil {
			return 0, err
		}
		return p.last, tx.Audit(by, action, deviceTarget(id), map[string]any{"owner": d.User, "name": d.Name})
	})
}

// changeDevice runs change on a device that the actor may change, in one transaction, and returns what it is afterwards. right is what
// it takes for somebody else's.
func (s *Service) changeDevice(ctx context.Context, by portal.Actor, right portal.Right, id portal.DeviceID,
	change func(tx *store.Tx, d store.DeviceRecord) (revision uint64, err error),
) (view DeviceView, err error) {
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		d, err := ownDevice(tx, by, right, id)
		if err != nil {
			return err
		}
		revision, err := change(tx, d)
		if err != nil {
			return err
		}
		views, err := viewDevices(tx, store.DeviceFilter{IDs: []portal.DeviceID{id}})
		if err != nil {
			return err
		}
		if len(views) == 0 {
			return portal.ErrNotFound // revoked by another portal meanwhile
		}
		view = views[0]
		view.Revision = revision
		return nil
	})
	return view, err
}

// seenDevice returns a device that is the actor's or that the actor may see. Not there and not to be seen are the same portal.ErrNotFound.
func seenDevice(tx *store.Tx, by portal.Actor, id portal.DeviceID) (store.DeviceRecord, error) {
	d, err := tx.Device(id)
	if err == nil && d.User != by.User && !by.May(portal.DevicesRead) {
		return store.DeviceRecord{}, portal.ErrNotFound
	}
	return d, err
}

// ownDevice returns a device that is the actor's, or somebody's whose devices the actor may change. One that may only be seen is
// portal.ErrForbidden, or portal.ErrAboveOwn by its owner's role.
func ownDevice(tx *store.Tx, by portal.Actor, right portal.Right, id portal.DeviceID) (store.DeviceRecord, error) {
	d, err := seenDevice(tx, by, id)
	if err != nil || d.User == by.User {
		return d, err
	}
	if !by.May(right) {
		return store.DeviceRecord{}, portal.ErrForbidden
	}
	owner, err := tx.User(d.User)
	if err == nil {
		err = mayTouch(by, owner)
	}
	return d, err
}

// mayTouch returns portal.ErrAboveOwn for what belongs to somebody with more rights than the actor may touch.
func mayTouch(by portal.Actor, owner portal.User) error {
	if by.IsSystem() || by.User == owner.ID {
		return nil
	}
	return by.Role.MayTouch(owner.Role)
}

func deviceTarget(id portal.DeviceID) string { return "device:" + string(id) }
