package peers

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Waiting is how many things wait for somebody to decide.
type Waiting struct {
	Devices  int // for approval; 0 for who may not approve
	Requests int // for temporary access that the actor may decide on
}

// Waiting counts what waits for the actor. It is asked on every page, so it looks only at what waits.
func (s *Service) Waiting(ctx context.Context, by portal.Actor) (w Waiting, err error) {
	requests, err := s.Requests(ctx, by, RequestsDecide)
	if err != nil && !errors.Is(err, portal.ErrForbidden) { // a token without that scope decides on nothing
		return w, err
	}
	w.Requests = len(requests)
	if !by.May(portal.DevicesWrite) {
		return w, nil
	}
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		w.Devices, err = tx.CountPending()
		return err
	})
	return w, err
}
