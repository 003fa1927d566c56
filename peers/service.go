package peers

import (
	"errors"
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

var errSoon = errors.New("not yet")
