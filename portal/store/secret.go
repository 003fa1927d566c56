package store

import (
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type secretRow struct {
	Name      string `gorm:"primaryKey"`
	Sealed    string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (secretRow) TableName() string { return "secrets" }

// CreateSecret keeps a sealed value under a name. Of two portals that make the same one, the first wins and the other gets
// portal.ErrDuplicate; the transaction goes on, so that it can read the winner's. Sealed must be text, as seal.Keyring makes it.
func (tx *Tx) CreateSecret(name string, sealed []byte) error {
	res := tx.db.Exec("INSERT INTO secrets (name, sealed, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", name, string(sealed), micros(tx.Now))
	if res.Error != nil {
		return fmt.Errorf("keep secret %s: %w", name, res.Error)
	}
	if res.RowsAffected == 0 {
		return portal.ErrDuplicate
	}
	return nil
}

// Secret returns the sealed value under a name. It returns portal.ErrNotFound when there is none.
func (tx *Tx) Secret(name string) ([]byte, error) {
	var row secretRow
	if err := tx.db.Where("name = ?", name).Take(&row).Error; err != nil {
		return nil, translate(err)
	}
	return []byte(row.Sealed), nil
}

// DeleteSecret removes a value for good. It returns portal.ErrNotFound when there is none.
func (tx *Tx) DeleteSecret(name string) error {
	return one(tx.db.Where("name = ?", name).Delete(&secretRow{}))
}

// ResealSecret replaces the sealed value under a name, after a change of the master key. It returns portal.ErrNotFound when it is not
// old any more.
func (tx *Tx) ResealSecret(name string, old, sealed []byte) error {
	return one(tx.db.Model(&secretRow{}).Where("name = ? AND sealed = ?", name, string(old)).Updates(map[string]any{"sealed": string(sealed)}))
}

// SecretNames returns the names of all secrets, sorted.
func (tx *Tx) SecretNames() ([]string, error) {
	var names []string
	err := tx.db.Model(&secretRow{}).Order("name").Pluck("name", &names).Error
	return names, err
}
