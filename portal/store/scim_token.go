package store

import (
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type scimTokenRow struct {
	ID         string `gorm:"primaryKey"`
	SecretHash string
	Name       string
	Issuer     string
	Subject    string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	ExpiresAt  int64
	UsedAt     int64
	WroteAt    int64
	FailedAt   int64
	Failure    string
}

func (scimTokenRow) TableName() string { return "scim_tokens" }

func (r scimTokenRow) token() portal.SCIMToken {
	return portal.SCIMToken{
		ID: portal.SCIMTokenID(r.ID), Name: r.Name, Issuer: r.Issuer, Subject: portal.SCIMSubject(r.Subject),
		CreatedAt: fromMicros(r.CreatedAt), ExpiresAt: fromMicros(r.ExpiresAt), UsedAt: fromMicros(r.UsedAt),
		WroteAt: fromMicros(r.WroteAt), FailedAt: fromMicros(r.FailedAt), Failure: r.Failure,
	}
}

// CreateSCIMToken adds a directory's token under the hash of its secret.
func (tx *Tx) CreateSCIMToken(t portal.SCIMToken, secretHash string) error {
	row := scimTokenRow{
		ID: string(t.ID), SecretHash: secretHash, Name: t.Name, Issuer: t.Issuer, Subject: string(t.Subject),
		CreatedAt: micros(t.CreatedAt), ExpiresAt: micros(t.ExpiresAt), UsedAt: micros(t.UsedAt),
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create SCIM token: %w", translate(err))
	}
	return nil
}

// SCIMTokenBySecret returns the token whose secret has this hash, also when its time is over. It returns portal.ErrNotFound.
func (tx *Tx) SCIMTokenBySecret(secretHash string) (portal.SCIMToken, error) {
	var row scimTokenRow
	if err := tx.db.Where("secret_hash = ?", secretHash).Take(&row).Error; err != nil {
		return portal.SCIMToken{}, translate(err)
	}
	return row.token(), nil
}

// HoldSCIMToken keeps a token from being revoked until the transaction ends. It returns portal.ErrNotFound when it was revoked before.
func (tx *Tx) HoldSCIMToken(id portal.SCIMTokenID) error {
	var row scimTokenRow
	return translate(tx.lockForShare().Where("id = ?", string(id)).Take(&row).Error)
}

// SCIMTokens returns every token, oldest first.
func (tx *Tx) SCIMTokens() ([]portal.SCIMToken, error) {
	var rows []scimTokenRow
	if err := tx.db.Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list SCIM tokens: %w", err)
	}
	tokens := make([]portal.SCIMToken, len(rows))
	for i, r := range rows {
		tokens[i] = r.token()
	}
	return tokens, nil
}

// TouchSCIMToken notes that a token is in use. A token that has gone meanwhile stays gone.
func (tx *Tx) TouchSCIMToken(id portal.SCIMTokenID) error {
	return tx.db.Exec("UPDATE scim_tokens SET used_at = ? WHERE id = ?", micros(tx.Now), string(id)).Error
}

// NoteSCIMWrite notes that a directory changed something.
func (tx *Tx) NoteSCIMWrite(id portal.SCIMTokenID) error {
	return tx.db.Exec("UPDATE scim_tokens SET wrote_at = ? WHERE id = ?", micros(tx.Now), string(id)).Error
}

// NoteSCIMFailure notes that a change of a directory was refused, and why.
func (tx *Tx) NoteSCIMFailure(id portal.SCIMTokenID, why string) error {
	return tx.db.Exec("UPDATE scim_tokens SET failed_at = ?, failure = ? WHERE id = ?", micros(tx.Now), why, string(id)).Error
}

// DeleteSCIMToken ends a token. It returns portal.ErrNotFound.
func (tx *Tx) DeleteSCIMToken(id portal.SCIMTokenID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&scimTokenRow{}))
}
