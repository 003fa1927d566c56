package peers

import (
	"context"
	"log/slog"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Service is the control side. Its methods are safe for concurrent use. Time comes from the store's clock.
type Service struct {
	Store  *store.Store
	Log    *slog.Logger
	Portal string // what the head of a client's file calls this portal, usually its public URL
}

// manages reports whether the actor may see and change what belongs to everybody: admins, owners and the system itself.
func manages(by portal.Actor) bool {
	return by.Role == portal.RoleAdmin || by.Role == portal.RoleOwner || by.IsSystem()
}

// managing runs fn in a transaction under the feed lock for an actor who manages; others get portal.ErrForbidden.
func (s *Service) managing(ctx context.Context, by portal.Actor, fn func(p *policy) error) error {
	if !manages(by) {
		return portal.ErrForbidden
	}
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		return fn(p)
	})
}
