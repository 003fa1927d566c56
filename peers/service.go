package peers

import (
	"context"
	"log/slog"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Service is the control side. Its methods are safe for concurrent use. Time comes from the store's clock.
type Service struct {
	Store  *store.Store
	Log    *slog.Logger
	Portal string // what the head of a client's file calls this portal, usually its public URL

	Quarantine []portal.Destination // what quarantine reaches; the hub tells gateways the same
	Filtering  []netip.Addr         // Node.FilteringDNS; the hub tells gateways the same
	Streams    LiveStatus           // nil: nothing is known of gateways' streams
	Prober     Prober               // nil: nothing is probed

	OpenVPN  *OpenVPN // nil: no device gets a certificate
	Resolver Resolver // nil: names of profiles are not looked up

	within *policy // a transaction that what follows is part of; nil: each use case has its own
}

// manages reports whether the actor may change gateways and points of presence.
func manages(by portal.Actor) bool { return by.May(portal.GatewaysWrite) }

// named is the detail of an event about something that is gone.
func named(name string) map[string]string { return map[string]string{"name": name} }

// managing runs fn in a transaction under the feed lock for an actor with a right; others get portal.ErrForbidden. What changes access
// must leave the policy tests as they are: ErrTests.
func (s *Service) managing(ctx context.Context, by portal.Actor, right portal.Right, fn func(p *policy) error) error {
	if !by.May(right) {
		return portal.ErrForbidden
	}
	if s.within != nil {
		return fn(s.within)
	}
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		if right == portal.AccessWrite || right == portal.GroupsWrite || right == portal.ProfilesWrite {
			return p.guarded(fn)
		}
		return fn(p)
	})
}

// inTx runs fn in the transaction that the service is part of, else in one of its own.
func (s *Service) inTx(ctx context.Context, fn func(tx *store.Tx) error) error {
	if s.within != nil {
		return fn(s.within.tx)
	}
	return s.Store.Tx(ctx, fn)
}
