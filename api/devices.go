package api

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// ListDevices lists the actor's devices, or everybody's for those who manage.
func (s *Server) ListDevices(ctx context.Context, req ListDevicesRequestObject) (ListDevicesResponseObject, error) {
	after, err := decodeCursor(devicesCursor, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	q := peers.DeviceQuery{Owner: actor(ctx).User, Text: or(req.Params.Q), After: after, Limit: limit(req.Params.Limit)}
	if or(req.Params.Scope) == ListDevicesParamsScopeAll {
		q.Owner = ""
	}
	switch or(req.Params.Only) {
	case ListDevicesParamsOnlyPending:
		q.State = portal.DevicePending
	case ListDevicesParamsOnlyOutdated:
		q.Outdated = true
	}
	if req.Params.Owner != nil {
		q.Owner = portal.UserID(*req.Params.Owner)
	}
	page, err := s.Peers.Devices(ctx, actor(ctx), q)
	if err != nil {
		return nil, err
	}
	out := ListDevices200JSONResponse{Items: make([]Device, len(page.Items)), Next: encodeCursor(devicesCursor, page.Next)}
	for i, d := range page.Items {
		out.Items[i] = deviceJSON(d, s.now())
	}
	return out, nil
}

// defaultLimit is the length of a page where the client does not say; the contract bounds it at 200.
const defaultLimit = 50

func limit(asked *int) int {
	if asked == nil {
		return defaultLimit
	}
	return *asked
}

// CreateDevice adds a device.
func (s *Server) CreateDevice(ctx context.Context, req CreateDeviceRequestObject) (CreateDeviceResponseObject, error) {
	d, err := s.Peers.CreateDevice(ctx, actor(ctx), peers.NewDevice{
		Name: req.Body.Name, Platform: portal.Platform(req.Body.Platform), Profile: portal.ProfileID(req.Body.Profile),
		PoP: portal.PoPID(or(req.Body.Pop)), PublicKey: req.Body.PublicKey,
	})
	if err != nil {
		return nil, err
	}
	file, err := s.deviceWithConfig(ctx, d)
	return CreateDevice201JSONResponse(file), err
}

// deviceWithConfig adds the file. Where no gateway takes clients now the device is there all the same: its config is without a key
// and an endpoint until one does, and getDeviceConfig says so.
func (s *Server) deviceWithConfig(ctx context.Context, d peers.DeviceView) (DeviceWithConfig, error) {
	c, err := s.Peers.Config(ctx, actor(ctx), d.ID, "")
	if err != nil && portal.KindOf(err) != portal.Unavailable {
		return DeviceWithConfig{}, err
	}
	return DeviceWithConfig{Device: deviceJSON(d, s.now()), Config: configJSON(c)}, nil
}

// GetDevice describes one device.
func (s *Server) GetDevice(ctx context.Context, req GetDeviceRequestObject) (GetDeviceResponseObject, error) {
	d, err := s.Peers.Device(ctx, actor(ctx), portal.DeviceID(req.Id))
	if err != nil {
		return nil, err
	}
	return GetDevice200JSONResponse{s.device(d)}, nil
}

// UpdateDevice renames a device.
func (s *Server) UpdateDevice(ctx context.Context, req UpdateDeviceRequestObject) (UpdateDeviceResponseObject, error) {
	id, err := s.mayChange(ctx, req.Id, auth.DevicesWrite)
	if err != nil {
		return nil, err
	}
	d, err := s.Peers.RenameDevice(ctx, actor(ctx), id, req.Body.Name)
	if err != nil {
		return nil, err
	}
	return UpdateDevice200JSONResponse{s.device(d)}, nil
}

// mayChange asks for a right over everybody's devices, and so for a fresh second factor, where the device is somebody else's. Who
// may not even see it hears from peers that it is not there.
func (s *Server) mayChange(ctx context.Context, id string, right auth.Action) (portal.DeviceID, error) {
	d, err := s.Peers.Device(ctx, actor(ctx), portal.DeviceID(id))
	if err != nil {
		return "", err
	}
	if d.User != actor(ctx).User {
		return d.ID, auth.Allow(actor(ctx), right, s.now())
	}
	return d.ID, nil
}

// RevokeDevice ends a device.
func (s *Server) RevokeDevice(ctx context.Context, req RevokeDeviceRequestObject) (RevokeDeviceResponseObject, error) {
	id, err := s.mayChange(ctx, req.Id, auth.DevicesWrite)
	if err != nil {
		return nil, err
	}
	revision, err := s.Peers.RevokeDevice(ctx, actor(ctx), id)
	if err != nil {
		return nil, err
	}
	return RevokeDevice200JSONResponse{Revision: int64(revision)}, nil
}

// ReplaceDeviceKey gives a device a new key.
func (s *Server) ReplaceDeviceKey(ctx context.Context, req ReplaceDeviceKeyRequestObject) (ReplaceDeviceKeyResponseObject, error) {
	id, err := s.mayChange(ctx, req.Id, auth.DevicesKeys)
	if err != nil {
		return nil, err
	}
	d, err := s.Peers.ReplaceKey(ctx, actor(ctx), id, req.Body.PublicKey)
	if err != nil {
		return nil, err
	}
	file, err := s.deviceWithConfig(ctx, d)
	return ReplaceDeviceKey200JSONResponse(file), err
}

// GetDeviceConfig returns the file, as JSON or, where the client prefers that, as text.
func (s *Server) GetDeviceConfig(ctx context.Context, req GetDeviceConfigRequestObject) (GetDeviceConfigResponseObject, error) {
	c, err := s.Peers.Config(ctx, actor(ctx), portal.DeviceID(req.Id), portal.PoPID(or(req.Params.Pop)))
	if err != nil {
		return nil, err
	}
	if wantsText(ctx) {
		if err := s.noteOwnFile(ctx, portal.DeviceID(req.Id), c.Version); err != nil {
			return nil, err
		}
		return GetDeviceConfig200TextResponse(wgQuick(c)), nil
	}
	return GetDeviceConfig200JSONResponse(configJSON(c)), nil
}

// noteOwnFile notes that the owner has read the file as it goes onto the device.
func (s *Server) noteOwnFile(ctx context.Context, id portal.DeviceID, version string) error {
	d, err := s.Peers.Device(ctx, actor(ctx), id)
	if err != nil || d.User != actor(ctx).User {
		return err
	}
	_, err = s.Peers.NoteFile(ctx, actor(ctx), id, version)
	return err
}

// NoteDeviceFile keeps which version of its file a device has.
func (s *Server) NoteDeviceFile(ctx context.Context, req NoteDeviceFileRequestObject) (NoteDeviceFileResponseObject, error) {
	id, err := s.mayChange(ctx, req.Id, auth.DevicesKeys)
	if err != nil {
		return nil, err
	}
	d, err := s.Peers.NoteFile(ctx, actor(ctx), id, req.Body.Version)
	if err != nil {
		return nil, err
	}
	return NoteDeviceFile200JSONResponse{s.device(d)}, nil
}

// ApproveDevice lets a device in that waits.
func (s *Server) ApproveDevice(ctx context.Context, req ApproveDeviceRequestObject) (ApproveDeviceResponseObject, error) {
	d, err := s.Peers.ApproveDevice(ctx, actor(ctx), portal.DeviceID(req.Id))
	if err != nil {
		return nil, err
	}
	return ApproveDevice200JSONResponse{s.device(d)}, nil
}

// RefuseDevice removes a device that waits.
func (s *Server) RefuseDevice(ctx context.Context, req RefuseDeviceRequestObject) (RefuseDeviceResponseObject, error) {
	revision, err := s.Peers.RefuseDevice(ctx, actor(ctx), portal.DeviceID(req.Id))
	if err != nil {
		return nil, err
	}
	return RefuseDevice200JSONResponse{Revision: int64(revision)}, nil
}

// SuspendDevice cuts a device until it is resumed.
func (s *Server) SuspendDevice(ctx context.Context, req SuspendDeviceRequestObject) (SuspendDeviceResponseObject, error) {
	d, err := s.Peers.SuspendDevice(ctx, actor(ctx), portal.DeviceID(req.Id))
	if err != nil {
		return nil, err
	}
	return SuspendDevice200JSONResponse{s.device(d)}, nil
}

// ResumeDevice lets it connect again.
func (s *Server) ResumeDevice(ctx context.Context, req ResumeDeviceRequestObject) (ResumeDeviceResponseObject, error) {
	d, err := s.Peers.ResumeDevice(ctx, actor(ctx), portal.DeviceID(req.Id))
	if err != nil {
		return nil, err
	}
	return ResumeDevice200JSONResponse{s.device(d)}, nil
}

// RenewGrants renews all of the actor's devices. The second factor must not be older than the portal asks for renewals.
func (s *Server) RenewGrants(ctx context.Context, _ RenewGrantsRequestObject) (RenewGrantsResponseObject, error) {
	by := actor(ctx)
	if by.TrustedAt.IsZero() || s.now().Sub(by.TrustedAt) > s.renewWithin() {
		return nil, portal.ErrStepUp
	}
	n, notAfter, err := s.Peers.RenewGrants(ctx, by, by.User)
	if err != nil {
		return nil, err
	}
	return RenewGrants200JSONResponse{Devices: n, NotAfter: moment(notAfter)}, nil
}

func (s *Server) device(d peers.DeviceView) DeviceResponseJSONResponse {
	return DeviceResponseJSONResponse(deviceJSON(d, s.now()))
}

func deviceJSON(d peers.DeviceView, now time.Time) Device {
	out := Device{
		Id: string(d.ID), Name: d.Name, Platform: Platform(d.Platform), Protocol: DeviceProtocol(d.Protocol), Pop: text(d.PoP),
		PublicKey: publicKeyText(d.PublicKey), Ipv4: addrText(d.Addr.V4), Ipv6: addrText(d.Addr.V6), State: DeviceState(d.State),
		Status: deviceStatus(d, now), CreatedAt: d.CreatedAt, KeyAt: d.KeyAt,
	}
	if c := d.Certificate; c.Serial != "" {
		out.Certificate = newOf(out.Certificate)
		out.Certificate.Serial, out.Certificate.Fingerprint, out.Certificate.NotBefore, out.Certificate.NotAfter = c.Serial, d.Cert.String(), c.NotBefore, c.NotAfter
	}
	out.Owner.Id, out.Owner.Name, out.Owner.Email = string(d.User), d.OwnerName, d.OwnerEmail
	out.Profile.Id, out.Profile.Name, out.Profile.Mode = string(d.Profile), d.ProfileName, DeviceProfileMode(d.ProfileMode)
	out.Outdated = make([]DeviceOutdated, len(d.Outdated))
	for i, reason := range d.Outdated {
		out.Outdated[i] = DeviceOutdated(reason)
	}
	level, _ := d.Grant.At(now)
	out.Grant.Level, out.Grant.NotAfter = DeviceGrantLevel(level), d.Grant.NotAfter
	if len(d.Grant.Holds) > 0 {
		holds := make([]Hold, len(d.Grant.Holds))
		for i, h := range d.Grant.Holds {
			holds[i] = holdJSON(h)
		}
		out.Grant.Holds = &holds
	}
	if !d.Live.Handshake.IsZero() {
		out.Live = newOf(out.Live)
		out.Live.Gateway, out.Live.Pop, out.Live.HandshakeAt = d.LiveGateway, text(d.LivePoP), d.Live.Handshake
		out.Live.Rx, out.Live.Tx, out.Live.At = int64(d.Live.Rx), int64(d.Live.Tx), d.Live.At
		if d.Live.Endpoint.IsValid() {
			out.Live.Endpoint = text(d.Live.Endpoint.String())
		}
	}
	return out
}

// deviceStatus is what to show first. A device that is suspended or whose session has ended may still have a handshake: it is in quarantine.
func deviceStatus(d peers.DeviceView, now time.Time) DeviceStatus {
	switch {
	case d.State == portal.DevicePending:
		return DeviceStatusPending
	case d.State == portal.DeviceSuspended:
		return DeviceStatusSuspended
	case !d.Grant.Held().HasRules():
		return DeviceStatusHeld
	case !now.Before(d.Grant.NotAfter):
		return DeviceStatusExpired
	case d.Live.Connected(now):
		return DeviceStatusConnected
	}
	return DeviceStatusReady
}

func publicKeyText(k portal.PublicKey) string {
	if k.IsZero() {
		return ""
	}
	return k.String()
}
