package store

import (
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type serviceTokenRow struct {
	ID         string `gorm:"primaryKey"`
	SecretHash string
	Name       string
	Role       string
	Scopes     string
	MadeBy     string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	ExpiresAt  int64
	UsedAt     int64
}

func (serviceTokenRow) TableName() string { return "service_tokens" }

func (r serviceTokenRow) token() portal.ServiceToken {
	t := portal.ServiceToken{
		ID: portal.ServiceTokenID(r.ID), Name: r.Name, Role: portal.Role(r.Role), Scopes: portal.ParseScopes(r.Scopes), MadeBy: portal.UserID(r.MadeBy),
		CreatedAt: fromMicros(r.CreatedAt), ExpiresAt: fromMicros(r.ExpiresAt), UsedAt: fromMicros(r.UsedAt),
	}
	if t.Scopes == nil {
		t.Scopes = portal.Scopes{} // no limit is nothing that a program can have
	}
	return t
}

// CreateServiceToken adds the token of a program under the hash of its secret. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreateServiceToken(t portal.ServiceToken, secretHash string) error {
	res := tx.db.Exec(`INSERT INTO service_tokens (id, secret_hash, name, role, scopes, made_by, created_at, expires_at, used_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT DO NOTHING`,
		string(t.ID), secretHash, t.Name, string(t.Role), t.Scopes.String(), string(t.MadeBy), micros(t.CreatedAt), micros(t.ExpiresAt))
	if res.Error != nil {
		return fmt.Errorf("create service token: %w", translate(res.Error))
	}
	if res.RowsAffected == 0 {
		return portal.ErrDuplicate
	}
	return nil
}

// ServiceTokenBySecret returns the token whose secret has this hash, also when its time is over. It returns portal.ErrNotFound.
func (tx *Tx) ServiceTokenBySecret(secretHash string) (portal.ServiceToken, error) {
	var row serviceTokenRow
	if err := tx.db.Where("secret_hash = ?", secretHash).Take(&row).Error; err != nil {
		return portal.ServiceToken{}, translate(err)
	}
	return row.token(), nil
}

// ServiceToken returns one token. It returns portal.ErrNotFound.
func (tx *Tx) ServiceToken(id portal.ServiceTokenID) (portal.ServiceToken, error) {
	var row serviceTokenRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.ServiceToken{}, translate(err)
	}
	return row.token(), nil
}

// ServiceTokens returns the tokens of all programs, by name, also those whose time is over and that nobody has swept yet.
func (tx *Tx) ServiceTokens() ([]portal.ServiceToken, error) {
	var rows []serviceTokenRow
	if err := tx.db.Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list service tokens: %w", err)
	}
	tokens := make([]portal.ServiceToken, len(rows))
	for i, r := range rows {
		tokens[i] = r.token()
	}
	return tokens, nil
}

// TouchServiceToken notes that a token is in use. A token that has gone meanwhile stays gone.
func (tx *Tx) TouchServiceToken(id portal.ServiceTokenID) error {
	return tx.db.Exec("UPDATE service_tokens SET used_at = ? WHERE id = ?", micros(tx.Now), string(id)).Error
}

// DeleteServiceToken ends a token. It returns portal.ErrNotFound.
func (tx *Tx) DeleteServiceToken(id portal.ServiceTokenID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&serviceTokenRow{}))
}

// SweepServiceTokens forgets tokens that reached their end and returns how many.
func (tx *Tx) SweepServiceTokens() (int64, error) {
	res := tx.db.Where("expires_at < ?", micros(tx.Now)).Delete(&serviceTokenRow{})
	return res.RowsAffected, res.Error
}
