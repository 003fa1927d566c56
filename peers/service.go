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

// manages reports whether the actor may see and change what belongs to everybody: admins, owners and the system itself. A request
// from outside always carries an address, so one that lost its person is not taken for the system.
func manages(by portal.Actor) bool {
	return by.Role == portal.RoleAdmin || by.Role == portal.RoleOwner || isSystem(by)
}

func isSystem(by portal.Actor) bool {
	return by.User == "" && by.Gateway == "" && by.Session == "" && by.Token == "" && !by.Addr.IsValid()
}

var errSoon = errors.New("not yet")
