package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// NewDevice is what a person says of a device to be added. Wrong fields come back as portal.ErrInvalid with the paths of the API's body.
type NewDevice struct {
	Owner     portal.UserID // "": the actor; somebody else's needs the right to manage
	Name      string        // 1 to 64 printable characters, unique per person
	Platform  portal.Platform
	Profile   portal.ProfileID
	PoP       portal.PoPID // "": the first region that serves the profile
	PublicKey string       // base64, as wg pubkey prints it
}

// DeviceView is a device with what people want to know of it.
type DeviceView struct {
	portal.Device
	OwnerName   string
	OwnerEmail  string
	ProfileName string
	ProfileMode portal.Mode
	Grant       portal.Grant
	Live        portal.Live // zero: no gateway has seen it
	LiveGateway string      // name; "" with a zero Live
	LivePoP     string      // name
	Revision    uint64      // of the change just made; 0 where nothing was changed that gateways must know
}

// DeviceQuery selects devices, newest first.
type DeviceQuery struct {
	Owner portal.UserID // "": everybody's, which needs the right to manage
	Text  string        // part of a name, of the owner's name or e-mail; or a whole address or public key
	After string        // Next of the page before
	Limit int           // 1 to 200; 0: 50
}

// DevicePage is one page of devices.
type DevicePage struct {
	Items []DeviceView
	Next  string // "" on the last page
}

// CreateDevice adds a device with a free address and a grant at level full that lasts as long as the profile's sessions.
// Errors: portal.ErrInvalid, portal.ErrPublicKey (in a field), ErrKeyTaken, ErrDeviceName, ErrDeviceLimit, ErrNoRegion, portal.ErrPoolFull;
// portal.ErrNotFound for a profile or region that is not there or not open to the owner.
func (s *Service) CreateDevice(ctx context.Context, by portal.Actor, in NewDevice) (DeviceView, error) {
	return DeviceView{}, errSoon
}

// Device returns one device, or portal.ErrNotFound when it is not there or neither the actor's nor the actor manages.
func (s *Service) Device(ctx context.Context, by portal.Actor, id portal.DeviceID) (DeviceView, error) {
	return DeviceView{}, errSoon
}

// Devices returns a page of devices. Who does not manage gets portal.ErrForbidden for everybody's and portal.ErrNotFound for another person's.
func (s *Service) Devices(ctx context.Context, by portal.Actor, q DeviceQuery) (DevicePage, error) {
	return DevicePage{}, errSoon
}

// RenameDevice returns ErrDeviceName when the owner has another device of that name.
func (s *Service) RenameDevice(ctx context.Context, by portal.Actor, id portal.DeviceID, name string) (DeviceView, error) {
	return DeviceView{}, errSoon
}

// ReplaceKey gives the device another public key; the old one stops working. Addresses, grant and name stay.
func (s *Service) ReplaceKey(ctx context.Context, by portal.Actor, id portal.DeviceID, publicKey string) (DeviceView, error) {
	return DeviceView{}, errSoon
}

// RevokeDevice removes the device, its grant and its entry, and frees its address. It returns the revision at which gateways have cut it.
func (s *Service) RevokeDevice(ctx context.Context, by portal.Actor, id portal.DeviceID) (revision uint64, err error) {
	return 0, errSoon
}

// SuspendDevice cuts the device until it is resumed; it keeps its address and key. Doing it twice changes nothing.
func (s *Service) SuspendDevice(ctx context.Context, by portal.Actor, id portal.DeviceID) (DeviceView, error) {
	return DeviceView{}, errSoon
}

// ResumeDevice lets a suspended device connect again. Only who manages may; others get portal.ErrForbidden for their own device.
func (s *Service) ResumeDevice(ctx context.Context, by portal.Actor, id portal.DeviceID) (DeviceView, error) {
	return DeviceView{}, errSoon
}
