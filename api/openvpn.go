package api

import (
	"context"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// CreateOpenVPNDevice adds a device that connects by OpenVPN.
func (s *Server) CreateOpenVPNDevice(ctx context.Context, req CreateOpenVPNDeviceRequestObject) (CreateOpenVPNDeviceResponseObject, error) {
	d, err := s.Peers.CreateDevice(ctx, actor(ctx), peers.NewDevice{
		Name: req.Body.Name, Platform: portal.Platform(req.Body.Platform), Profile: portal.ProfileID(req.Body.Profile),
		PoP: portal.PoPID(or(req.Body.Pop)), CSR: someCSR(req.Body.Csr),
	})
	if err != nil {
		return nil, err
	}
	file, err := s.deviceWithOpenVPN(ctx, d)
	return CreateOpenVPNDevice201JSONResponse(file), err
}

// someCSR keeps an empty request a wrong one, and not none.
func someCSR(text string) string {
	if text == "" {
		return " "
	}
	return text
}

// ReplaceDeviceCertificate gives a device a new certificate.
func (s *Server) ReplaceDeviceCertificate(ctx context.Context, req ReplaceDeviceCertificateRequestObject) (ReplaceDeviceCertificateResponseObject, error) {
	id, err := s.mayChange(ctx, req.Id, auth.DevicesKeys)
	if err != nil {
		return nil, err
	}
	d, err := s.Peers.ReplaceCertificate(ctx, actor(ctx), id, req.Body.Csr)
	if err != nil {
		return nil, err
	}
	file, err := s.deviceWithOpenVPN(ctx, d)
	return ReplaceDeviceCertificate200JSONResponse(file), err
}

// GetDeviceOpenVPN returns the file, as JSON or, where the client prefers that, as text.
func (s *Server) GetDeviceOpenVPN(ctx context.Context, req GetDeviceOpenVPNRequestObject) (GetDeviceOpenVPNResponseObject, error) {
	f, err := s.Peers.OpenVPNFile(ctx, actor(ctx), portal.DeviceID(req.Id), portal.PoPID(or(req.Params.Pop)))
	if err != nil {
		return nil, err
	}
	if wantsText(ctx) {
		return GetDeviceOpenVPN200TextResponse(f.Text(portal.PrivateKeyPlaceholder)), nil
	}
	return GetDeviceOpenVPN200JSONResponse(openVPNJSON(f)), nil
}

// deviceWithOpenVPN adds the file. Where no gateway serves OpenVPN now the device is there all the same, and its file has no text until one does.
func (s *Server) deviceWithOpenVPN(ctx context.Context, d peers.DeviceView) (DeviceWithOpenVPN, error) {
	f, err := s.Peers.OpenVPNFile(ctx, actor(ctx), d.ID, "")
	if err != nil && portal.KindOf(err) != portal.Unavailable {
		return DeviceWithOpenVPN{}, err
	}
	out := DeviceWithOpenVPN{Device: deviceJSON(d, s.now()), File: openVPNJSON(f)}
	if err != nil {
		out.File.Text = ""
	}
	return out, nil
}

func openVPNJSON(f portal.OpenVPNFile) OpenVPNFile {
	return OpenVPNFile{FileName: f.FileName, Text: f.Text(portal.PrivateKeyPlaceholder), Placeholder: portal.PrivateKeyPlaceholder}
}
