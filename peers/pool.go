package peers

import (
	"context"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// PoolView is a pool with its use.
type PoolView struct {
	portal.Pool
	Used int
	Size int // addresses that devices can have
}

// Pools returns every pool, the oldest first.
func (s *Service) Pools(ctx context.Context, by portal.Actor) (views []PoolView, err error) {
	if !by.May(portal.GatewaysRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		pools, err := tx.Pools()
		if err != nil {
			return err
		}
		use, err := tx.PoolUse()
		if err != nil {
			return err
		}
		views = make([]PoolView, len(pools))
		for i, p := range pools {
			views[i] = PoolView{Pool: p, Used: use[p.ID], Size: int(p.Last()) - portal.PoolFirst + 1}
		}
		return nil
	})
	return views, err
}

// CreatePool adds a pool. Errors: portal.ErrPool when the prefixes do not fit together, ErrPoolOverlap, portal.ErrDuplicate for the name.
func (s *Service) CreatePool(ctx context.Context, by portal.Actor, name, v4, v6 string) (pool portal.Pool, err error) {
	err = s.managing(ctx, by, portal.GatewaysWrite, func(p *policy) error {
		var c check
		pool = portal.Pool{ID: portal.NewID[portal.PoolID](p.tx.Now), Name: c.name("/name", name)}
		pool.V4, _ = c.prefix("/v4", v4)
		pool.V6, _ = c.prefix("/v6", v6)
		if err := c.err(); err != nil {
			return err
		}
		return addPool(p, by, pool)
	})
	return pool, err
}

func addPool(p *policy, by portal.Actor, pool portal.Pool) error {
	if err := pool.Validate(); err != nil {
		return err
	}
	pools, err := p.tx.Pools()
	if err != nil {
		return err
	}
	for _, other := range pools {
		if other.V4.Overlaps(pool.V4) || other.V6.Overlaps(pool.V6) {
			return ErrPoolOverlap
		}
	}
	if err := p.tx.CreatePool(pool); err != nil {
		return err
	}
	return p.tx.Audit(by, "pool.create", "pool:"+string(pool.ID), map[string]any{"name": pool.Name, "v4": pool.V4, "v6": pool.V6})
}

// randomULA is a unique local prefix (RFC 4193, section 3.2) with as many host bits as an IPv4 prefix of 16 bits has.
func randomULA() netip.Prefix {
	var a [16]byte
	a[0] = 0xfd
	copy(a[1:6], portal.NewSecret(5))
	return netip.PrefixFrom(netip.AddrFrom16(a), 112)
}
