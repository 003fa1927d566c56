package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// PoolView is a pool with its use.
type PoolView struct {
	portal.Pool
	Used int
	Size int // addresses that devices can have
}

// Pools returns every pool, by name.
func (s *Service) Pools(ctx context.Context, by portal.Actor) ([]PoolView, error) {
	return nil, errSoon
}

// CreatePool adds a pool. Pools must not overlap: portal.ErrPool, ErrPoolOverlap.
func (s *Service) CreatePool(ctx context.Context, by portal.Actor, name, v4, v6 string) (portal.Pool, error) {
	return portal.Pool{}, errSoon
}
