package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// DeviceView is a device with what people want to know of it.
type DeviceView struct {
	portal.Device
	Certificate portal.DeviceCertificate // of OpenVPN; zero for WireGuard
	OwnerName   string
	OwnerEmail  string
	ProfileName string
	ProfileMode portal.Mode
	Grant       portal.Grant
	Live        portal.Live         // zero: no gateway has seen it
	LiveGateway string              // name; "" with a zero Live
	LivePoP     string              // name
	Outdated    []portal.FileReason // what its file lacks; empty when it is as it would be made now, and when that is not known
	Revision    uint64              // of the change just made; 0 where nothing was changed that gateways must know
}

// DeviceQuery selects devices, newest first.
type DeviceQuery struct {
	Owner    portal.UserID      // "": everybody's, which needs the right to manage
	Text     string             // part of a name, of the owner's name or e-mail; or an address, the beginning of one, or a public key
	State    portal.DeviceState // "": any
	Outdated bool               // only devices whose file is out of date
	After    string             // Next of the page before
	Limit    int                // 1 to 200; 0: 50
}

// DevicePage is one page of devices.
type DevicePage struct {
	Items []DeviceView
	Next  string // "" on the last page
}

// The bounds of a page.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// Device returns one device, or portal.ErrNotFound when it is not there or neither the actor's nor the actor may see everybody's.
func (s *Service) Device(ctx context.Context, by portal.Actor, id portal.DeviceID) (view DeviceView, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		views, err := viewDevices(tx, store.DeviceFilter{IDs: []portal.DeviceID{id}})
		if err != nil {
			return err
		}
		if len(views) == 0 || views[0].User != by.User && !by.May(portal.DevicesRead) {
			return portal.ErrNotFound
		}
		view = views[0]
		return nil
	})
	return view, err
}

// Devices returns a page of devices. Who may not see everybody's gets portal.ErrForbidden for everybody's and portal.ErrNotFound for another person's.
func (s *Service) Devices(ctx context.Context, by portal.Actor, q DeviceQuery) (page DevicePage, err error) {
	f, err := q.filter(by)
	if err != nil {
		return DevicePage{}, err
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if q.Outdated {
			known, err := readFiles(tx)
			if err != nil {
				return err
			}
			if f.Files, err = known.outdatedFiles(""); err != nil {
				return err
			}
		}
		f.Limit++ // one more tells whether there is another page
		views, err := viewDevices(tx, f)
		if err != nil {
			return err
		}
		page = DevicePage{Items: views}
		if len(views) == f.Limit {
			page.Items = views[:f.Limit-1]
			page.Next = string(page.Items[f.Limit-2].ID)
		}
		return nil
	})
	return page, err
}

func (q DeviceQuery) filter(by portal.Actor) (store.DeviceFilter, error) {
	f := store.DeviceFilter{State: q.State, Text: q.Text, Before: portal.DeviceID(q.After), Newest: true, Limit: q.Limit}
	if f.Limit == 0 {
		f.Limit = defaultLimit
	}
	switch {
	case q.Owner != "" && q.Owner != by.User && !by.May(portal.DevicesRead):
		return f, portal.ErrNotFound
	case q.Owner == "" && !by.May(portal.DevicesRead):
		return f, portal.ErrForbidden
	case q.Owner != "":
		f.Users = []portal.UserID{q.Owner}
	}
	var c check
	f.Text = c.text("q", q.Text, 100)
	c.number("limit", f.Limit, 1, maxLimit)
	return f, c.err()
}

// viewDevices reads devices with their live state.
func viewDevices(tx *store.Tx, f store.DeviceFilter) ([]DeviceView, error) {
	devices, err := tx.Devices(f)
	if err != nil {
		return nil, err
	}
	ids := make([]portal.DeviceID, len(devices))
	for i, d := range devices {
		ids[i] = d.ID
	}
	live, err := tx.Live(ids)
	if err != nil {
		return nil, err
	}
	known, err := readFiles(tx)
	if err != nil {
		return nil, err
	}
	certs, err := tx.Certificates(withCertificate(devices))
	if err != nil {
		return nil, err
	}
	views := make([]DeviceView, len(devices))
	for i, d := range devices {
		l := live[d.ID]
		outdated, err := known.outdated(d.Profile, d.File)
		if err != nil {
			return nil, err
		}
		views[i] = DeviceView{
			Device: d.Device, Certificate: certs[d.ID], OwnerName: d.OwnerName, OwnerEmail: d.OwnerEmail, ProfileName: d.ProfileName, ProfileMode: d.ProfileMode, Grant: d.Grant,
			Live: l.Live, LiveGateway: l.GatewayName, LivePoP: l.PoPName, Outdated: outdated,
		}
	}
	return views, nil
}

func withCertificate(devices []store.DeviceRecord) (ids []portal.DeviceID) {
	for _, d := range devices {
		if d.Protocol == portal.OpenVPN {
			ids = append(ids, d.ID)
		}
	}
	return ids
}
