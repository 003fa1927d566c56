package store

import (
	"fmt"
	"time"
)

// LoginFlow is a sign-in on its way to the provider and back.
type LoginFlow struct {
	Provider  string
	ReturnTo  string
	Purpose   FlowPurpose
	Ref       string // the session or the test that it is for; "" for a sign-in
	ExpiresAt time.Time
}

// FlowPurpose says what the provider's answer is for.
type FlowPurpose string

// The purposes.
const (
	FlowSignIn FlowPurpose = "sign_in"
	FlowLink   FlowPurpose = "link"
	FlowTest   FlowPurpose = "test"
)

type loginFlowRow struct {
	IDHash    string `gorm:"primaryKey"`
	Provider  string
	ReturnTo  string
	Purpose   string
	Ref       string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
	ExpiresAt int64
}

func (loginFlowRow) TableName() string { return "login_flows" }

// CreateLoginFlow adds a flow under the hash of the secret that the browser holds.
func (tx *Tx) CreateLoginFlow(secretHash string, f LoginFlow) error {
	row := loginFlowRow{IDHash: secretHash, Provider: f.Provider, ReturnTo: f.ReturnTo, Purpose: string(f.Purpose), Ref: f.Ref, CreatedAt: micros(tx.Now), ExpiresAt: micros(f.ExpiresAt)}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create login flow: %w", translate(err))
	}
	return nil
}

// LoginFlow returns the flow whose secret has this hash, also when its time is over or it was used: UseOnce tells that.
// It returns portal.ErrNotFound.
func (tx *Tx) LoginFlow(secretHash string) (LoginFlow, error) {
	var row loginFlowRow
	if err := tx.db.Where("id_hash = ?", secretHash).Take(&row).Error; err != nil {
		return LoginFlow{}, translate(err)
	}
	return LoginFlow{Provider: row.Provider, ReturnTo: row.ReturnTo, Purpose: FlowPurpose(row.Purpose), Ref: row.Ref, ExpiresAt: fromMicros(row.ExpiresAt)}, nil
}

// SweepLoginFlows forgets flows whose time is over and returns how many.
func (tx *Tx) SweepLoginFlows() (int64, error) {
	res := tx.db.Where("expires_at < ?", micros(tx.Now)).Delete(&loginFlowRow{})
	return res.RowsAffected, res.Error
}
