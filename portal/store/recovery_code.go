package store

import (
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type recoveryCodeRow struct {
	UserID    string `gorm:"primaryKey"`
	Hash      string `gorm:"primaryKey"`
	CreatedAt int64  `gorm:"autoCreateTime:false"`
}

func (recoveryCodeRow) TableName() string { return "recovery_codes" }

// ReplaceRecoveryCodes forgets a person's recovery codes and keeps the hashes of new ones; none is fine.
func (tx *Tx) ReplaceRecoveryCodes(user portal.UserID, hashes []string) error {
	if err := tx.db.Where("user_id = ?", string(user)).Delete(&recoveryCodeRow{}).Error; err != nil {
		return fmt.Errorf("forget recovery codes: %w", err)
	}
	if len(hashes) == 0 {
		return nil
	}
	rows := make([]recoveryCodeRow, len(hashes))
	for i, h := range hashes {
		rows[i] = recoveryCodeRow{UserID: string(user), Hash: h, CreatedAt: micros(tx.Now)}
	}
	if err := tx.db.Create(&rows).Error; err != nil {
		return fmt.Errorf("keep recovery codes: %w", translate(err))
	}
	return nil
}

// UseRecoveryCode takes a code away. Of any number of callers exactly one succeeds; the others, and those whose code never was,
// get portal.ErrNotFound.
func (tx *Tx) UseRecoveryCode(user portal.UserID, hash string) error {
	return one(tx.db.Where("user_id = ? AND hash = ?", string(user), hash).Delete(&recoveryCodeRow{}))
}

// RecoveryCodes returns how many codes a person has left.
func (tx *Tx) RecoveryCodes(user portal.UserID) (int, error) {
	var n int64
	err := tx.db.Model(&recoveryCodeRow{}).Where("user_id = ?", string(user)).Count(&n).Error
	return int(n), err
}
