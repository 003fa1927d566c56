package store

import "fmt"

// CountUsers returns how many people there are, suspended ones included.
func (tx *Tx) CountUsers() (int, error) {
	var n int64
	if err := tx.db.Model(&userRow{}).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count people: %w", err)
	}
	return int(n), nil
}
