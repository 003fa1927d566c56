package store

import (
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/sallyport/sallyport/portal"
)

type onetimeRow struct {
	Kind      string `gorm:"primaryKey"`
	Key       string `gorm:"primaryKey"`
	UsedAt    int64
	ExpiresAt int64
}

func (onetimeRow) TableName() string { return "onetime" }

// UseOnce marks (kind, key) as used. Of any number of callers, on any number of portals, exactly one succeeds; the others get
// portal.ErrAlreadyUsed. The row may be swept after remember, when the thing has expired by other means.
func (tx *Tx) UseOnce(kind, key string, remember time.Duration) error {
	// The row is the use. A clash must not end the whole PostgreSQL transaction, so it is asked for and not waited for as an error.
	res := tx.db.Exec("INSERT INTO onetime (kind, key, used_at, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		kind, key, micros(tx.Now), micros(tx.Now.Add(remember)))
	if errors.Is(res.Error, gorm.ErrDuplicatedKey) || res.Error == nil && res.RowsAffected == 0 {
		return portal.ErrAlreadyUsed
	}
	if res.Error != nil {
		return fmt.Errorf("use %s once: %w", kind, res.Error)
	}
	return nil
}

// SweepOnce forgets uses that are past their time and returns how many.
func (tx *Tx) SweepOnce() (int64, error) {
	res := tx.db.Where("expires_at < ?", micros(tx.Now)).Delete(&onetimeRow{})
	return res.RowsAffected, res.Error
}
