package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// Config returns all of the device's file but the private key, pointed at a gateway of pop ("": of the device's own region).
// It returns ErrNoGateway when no gateway there takes clients, and portal.ErrNotFound for a region that does not serve the profile.
func (s *Service) Config(ctx context.Context, by portal.Actor, id portal.DeviceID, pop portal.PoPID) (portal.WireGuardConfig, error) {
	return portal.WireGuardConfig{}, errSoon
}
