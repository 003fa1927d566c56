package api

import (
	"context"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// SetDeviceLevel holds a device at a level.
func (s *Server) SetDeviceLevel(ctx context.Context, req SetDeviceLevelRequestObject) (SetDeviceLevelResponseObject, error) {
	d, err := s.Peers.SetDeviceLevel(ctx, actor(ctx), portal.DeviceID(req.Id), levelInput(req.Body))
	if err != nil {
		return nil, err
	}
	return SetDeviceLevel200JSONResponse{s.device(d)}, nil
}

// SetPersonLevel holds a person at a level.
func (s *Server) SetPersonLevel(ctx context.Context, req SetPersonLevelRequestObject) (SetPersonLevelResponseObject, error) {
	if err := s.Peers.SetUserLevel(ctx, actor(ctx), portal.UserID(req.Id), levelInput(req.Body)); err != nil {
		return nil, err
	}
	p, err := s.person(ctx, portal.UserID(req.Id))
	return SetPersonLevel200JSONResponse{p}, err
}

func levelInput(in *LevelInput) peers.LevelInput {
	return peers.LevelInput{Level: portal.Level(in.Level), Reason: or(in.Reason), Until: or(in.Until)}
}

func holdJSON(h portal.Hold) Hold {
	out := Hold{On: HoldOnDevice, Source: HoldSource(h.Source), Level: Level(h.Level), Reason: h.Reason, Until: moment(h.Until), At: moment(h.CreatedAt)}
	if h.User != "" {
		out.On = HoldOnPerson
	}
	return out
}
