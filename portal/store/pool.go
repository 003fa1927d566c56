package store

import (
	"fmt"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
)

type poolRow struct {
	ID    string `gorm:"primaryKey"`
	Name  string
	V4    string
	V6    string
	NextN int64
}

func (poolRow) TableName() string { return "pools" }

func (r poolRow) pool() (portal.Pool, error) {
	v4, err4 := netip.ParsePrefix(r.V4)
	v6, err6 := netip.ParsePrefix(r.V6)
	p := portal.Pool{ID: portal.PoolID(r.ID), Name: r.Name, V4: v4, V6: v6}
	if err4 != nil || err6 != nil || p.Validate() != nil {
		return portal.Pool{}, fmt.Errorf("pool %s in the database has unusable prefixes %q and %q", r.ID, r.V4, r.V6)
	}
	return p, nil
}

// CreatePool adds a pool whose prefixes fit together. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreatePool(p portal.Pool) error {
	row := poolRow{ID: string(p.ID), Name: p.Name, V4: p.V4.String(), V6: p.V6.String(), NextN: portal.PoolFirst}
	return translate(tx.db.Create(&row).Error)
}

// Pool returns one pool, or portal.ErrNotFound.
func (tx *Tx) Pool(id portal.PoolID) (portal.Pool, error) {
	var row poolRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.Pool{}, translate(err)
	}
	return row.pool()
}

// Pools returns every pool, the oldest first.
func (tx *Tx) Pools() ([]portal.Pool, error) {
	var rows []poolRow
	if err := tx.db.Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list pools: %w", err)
	}
	pools := make([]portal.Pool, len(rows))
	for i, r := range rows {
		p, err := r.pool()
		if err != nil {
			return nil, err
		}
		pools[i] = p
	}
	return pools, nil
}

// PoolUse returns how many addresses of each pool devices have.
func (tx *Tx) PoolUse() (map[portal.PoolID]int, error) {
	var rows []struct {
		PoolID portal.PoolID
		N      int
	}
	if err := tx.db.Raw("SELECT pool_id, COUNT(*) AS n FROM devices GROUP BY pool_id").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count addresses: %w", err)
	}
	use := make(map[portal.PoolID]int, len(rows))
	for _, r := range rows {
		use[r.PoolID] = r.N
	}
	return use, nil
}

// TakeAddress gives out the lowest free number of the pool; its row stays locked until the transaction ends. It returns
// portal.ErrPoolFull when every number is taken. Time follows the logarithm of what is taken: freed numbers are rows, and next_n is
// the lowest number that was never given.
func (tx *Tx) TakeAddress(p portal.Pool) (portal.Address, error) {
	if err := tx.lockPool(p.ID); err != nil {
		return portal.Address{}, err
	}
	var n []int64
	err := tx.db.Raw(`DELETE FROM free_addresses WHERE pool_id = ? AND n = (SELECT MIN(n) FROM free_addresses WHERE pool_id = ?) RETURNING n`,
		string(p.ID), string(p.ID)).Scan(&n).Error
	if err == nil && len(n) == 0 {
		err = tx.db.Raw("UPDATE pools SET next_n = next_n + 1 WHERE id = ? AND next_n <= ? RETURNING next_n - 1", string(p.ID), int64(p.Last())).Scan(&n).Error
	}
	switch {
	case err != nil:
		return portal.Address{}, fmt.Errorf("take address of pool %s: %w", p.ID, err)
	case len(n) == 0:
		return portal.Address{}, portal.ErrPoolFull
	}
	return p.At(uint32(n[0])), nil
}

// FreeAddress gives a number back to its pool.
func (tx *Tx) FreeAddress(a portal.Address) error {
	if err := tx.lockPool(a.Pool); err != nil {
		return err
	}
	if err := tx.db.Exec("INSERT INTO free_addresses (pool_id, n) VALUES (?, ?)", string(a.Pool), int64(a.N)).Error; err != nil {
		return fmt.Errorf("free address %d of pool %s: %w", a.N, a.Pool, err)
	}
	return nil
}

// lockPool makes those who take or free an address wait for one another. SQLite has one writer, so there it does nothing.
func (tx *Tx) lockPool(id portal.PoolID) error {
	if tx.store.oneWriter() {
		return nil
	}
	var got string
	if err := tx.db.Raw("SELECT id FROM pools WHERE id = ? FOR UPDATE", string(id)).Scan(&got).Error; err != nil {
		return fmt.Errorf("lock pool %s: %w", id, err)
	}
	return nil
}
