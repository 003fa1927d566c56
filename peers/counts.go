package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// Counts is how many devices there are and how many have a live tunnel.
type Counts struct {
	Devices   int
	Connected int
}

// CountDevices counts all devices.
func (s *Service) CountDevices(ctx context.Context) (Counts, error) { return Counts{}, errSoon }

// CountByOwner counts the devices of each of the people; who has none is not in the map.
func (s *Service) CountByOwner(ctx context.Context, users []portal.UserID) (map[portal.UserID]Counts, error) {
	return nil, errSoon
}

// ConnectedByGateway counts the devices whose live tunnel ends at each gateway; a gateway without any is not in the map.
func (s *Service) ConnectedByGateway(ctx context.Context) (map[portal.GatewayID]int, error) {
	return nil, errSoon
}
