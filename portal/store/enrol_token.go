package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type enrolTokenRow struct {
	SecretHash string `gorm:"primaryKey"`
	GatewayID  string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	ExpiresAt  int64
}

func (enrolTokenRow) TableName() string { return "enrol_tokens" }

// ReplaceEnrolToken makes the token with this hash the only one that enrols the gateway.
func (tx *Tx) ReplaceEnrolToken(gateway portal.GatewayID, secretHash string, expires time.Time) error {
	if err := tx.db.Where("gateway_id = ?", string(gateway)).Delete(&enrolTokenRow{}).Error; err != nil {
		return fmt.Errorf("delete enrolment tokens: %w", err)
	}
	row := enrolTokenRow{SecretHash: secretHash, GatewayID: string(gateway), CreatedAt: micros(tx.Now), ExpiresAt: micros(expires)}
	return translate(tx.db.Create(&row).Error)
}

// EnrolToken returns which gateway the token enrols and until when. It returns portal.ErrNotFound when it is not known. It does
// not use it up; UseOnce does.
func (tx *Tx) EnrolToken(secretHash string) (gateway portal.GatewayID, expires time.Time, err error) {
	var row enrolTokenRow
	if err := tx.db.Where("secret_hash = ?", secretHash).Take(&row).Error; err != nil {
		return "", time.Time{}, translate(err)
	}
	return portal.GatewayID(row.GatewayID), fromMicros(row.ExpiresAt), nil
}

// SweepEnrolTokens forgets tokens that expired before the given time and returns how many.
func (tx *Tx) SweepEnrolTokens(before time.Time) (int64, error) {
	res := tx.db.Where("expires_at < ?", micros(before)).Delete(&enrolTokenRow{})
	return res.RowsAffected, res.Error
}
