package peers

import (
	"context"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
)

// SeedPool makes the first pool when there is none: 10.77.0.0/16 and a random unique local IPv6 prefix (RFC 4193) where v4 and v6 are zero.
// It returns the pool that there is, the oldest.
func (s *Service) SeedPool(ctx context.Context, v4, v6 netip.Prefix) (portal.Pool, error) {
	return portal.Pool{}, errSoon
}

// Demo says what the demo's policy is about.
type Demo struct {
	Intranet netip.Prefix // the page that only the tunnel reaches
	Ports    []portal.PortRange
	DNS      []netip.Addr
}

// SeedDemo makes a split and a full profile, the intranet as a resource, and a rule that lets everyone reach it, when there is no profile yet.
func (s *Service) SeedDemo(ctx context.Context, d Demo) error { return errSoon }
