package store

import (
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

// CountUsers returns how many people there are, suspended ones included.
func (tx *Tx) CountUsers() (int, error) {
	var n int64
	if err := tx.db.Model(&userRow{}).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count people: %w", err)
	}
	return int(n), nil
}

// RoleHolder is somebody with a role, and who gave it.
type RoleHolder struct {
	portal.User
	Source RoleSource
}

// RoleHolders returns up to limit people who have a role, oldest first.
func (tx *Tx) RoleHolders(role portal.Role, limit int) ([]RoleHolder, error) {
	var rows []userRow
	if err := tx.db.Where("role = ?", string(role)).Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list people who are %s: %w", role, err)
	}
	holders := make([]RoleHolder, len(rows))
	for i, r := range rows {
		holders[i] = RoleHolder{r.user(), RoleSource(r.RoleSource)}
	}
	return holders, nil
}

// CountByRole returns how many people have each role, suspended ones included.
func (tx *Tx) CountByRole() (map[portal.Role]int, error) {
	var rows []struct {
		Role portal.Role
		N    int
	}
	if err := tx.db.Raw("SELECT role, COUNT(*) AS n FROM users GROUP BY role").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count people by role: %w", err)
	}
	counts := make(map[portal.Role]int, len(rows))
	for _, r := range rows {
		counts[r.Role] = r.N
	}
	return counts, nil
}
