package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Counts is how many devices there are and how many have a live tunnel.
type Counts = store.DeviceCount

// CountDevices counts all devices.
func (s *Service) CountDevices(ctx context.Context) (n Counts, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		n, err = tx.CountDevices(tx.Now.Add(-portal.ConnectedWithin))
		return err
	})
	return n, err
}

// CountByOwner counts the devices of each of the people; who has none is not in the map.
func (s *Service) CountByOwner(ctx context.Context, users []portal.UserID) (n map[portal.UserID]Counts, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		n, err = tx.CountByOwner(users, tx.Now.Add(-portal.ConnectedWithin))
		return err
	})
	return n, err
}

// ConnectedByGateway counts the devices whose live tunnel ends at each gateway; a gateway without any is not in the map.
func (s *Service) ConnectedByGateway(ctx context.Context) (n map[portal.GatewayID]int, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		n, err = tx.ConnectedByGateway(tx.Now.Add(-portal.ConnectedWithin))
		return err
	})
	return n, err
}
