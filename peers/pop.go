package peers

import (
	"context"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
)

// NewPoP is what an admin says of a point of presence.
type NewPoP struct {
	Name      string
	Country   string // ISO 3166-1 alpha-2, or ""
	Latitude  float64
	Longitude float64
	Networks  []netip.Prefix
}

// CreatePoP makes a point of presence.
func (g *Gateways) CreatePoP(ctx context.Context, by portal.Actor, in NewPoP) (portal.PoP, error) {
	return portal.PoP{}, errNotYet
}

// UpdatePoP replaces what an admin said of a point of presence.
func (g *Gateways) UpdatePoP(ctx context.Context, by portal.Actor, id portal.PoPID, in NewPoP) (portal.PoP, error) {
	return portal.PoP{}, errNotYet
}

// DeletePoP removes a point of presence. It returns ErrPoPInUse while it has gateways that are not retired.
func (g *Gateways) DeletePoP(ctx context.Context, by portal.Actor, id portal.PoPID) error {
	return errNotYet
}

// PoPs lists all points of presence by name.
func (g *Gateways) PoPs(ctx context.Context) ([]portal.PoP, error) { return nil, errNotYet }
