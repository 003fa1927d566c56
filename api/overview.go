package api

import (
	"context"
	"strconv"

	"github.com/sallyport/sallyport/portal/store"
)

func itoa(n int) string { return strconv.Itoa(n) }

// GetOverview is everything in a few numbers.
func (s *Server) GetOverview(ctx context.Context, _ GetOverviewRequestObject) (GetOverviewResponseObject, error) {
	devices, err := s.Peers.CountDevices(ctx)
	if err != nil {
		return nil, err
	}
	gateways, err := s.Gateways.Gateways(ctx)
	if err != nil {
		return nil, err
	}
	out := GetOverview200JSONResponse{Devices: devices.Devices, Connected: devices.Connected, Pending: devices.Pending, Gateways: len(gateways)}
	for _, g := range gateways {
		if g.Connected {
			out.GatewaysOnline++
		}
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		head, _, err := tx.Revision()
		if err != nil {
			return err
		}
		out.Revision = int64(head)
		out.People, err = tx.CountUsers()
		return err
	})
	if m := s.Live.Metrics(); m.ClickP99 > 0 {
		p50, p99 := milliseconds(m.ClickP50), milliseconds(m.ClickP99)
		out.PushP50Ms, out.PushP99Ms = &p50, &p99
	}
	return out, err
}

// GetWaiting counts what waits for the actor's decision.
func (s *Server) GetWaiting(ctx context.Context, _ GetWaitingRequestObject) (GetWaitingResponseObject, error) {
	w, err := s.Peers.Waiting(ctx, actor(ctx))
	return GetWaiting200JSONResponse{Devices: w.Devices, Requests: w.Requests}, err
}
