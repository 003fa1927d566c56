package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type tokenRow struct {
	ID         string `gorm:"primaryKey"`
	SecretHash string
	UserID     string
	Name       string
	Scopes     string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	ExpiresAt  int64
	UsedAt     int64
	Policy     int64 // 1: yes
}

func (tokenRow) TableName() string { return "tokens" }

func (r tokenRow) token() portal.Token {
	return portal.Token{
		ID: portal.TokenID(r.ID), User: portal.UserID(r.UserID), Name: r.Name, Scopes: portal.ParseScopes(r.Scopes), CreatedAt: fromMicros(r.CreatedAt),
		ExpiresAt: fromMicros(r.ExpiresAt), UsedAt: fromMicros(r.UsedAt),
		Policy: r.Policy != 0,
	}
}

// CreateToken adds a token under the hash of its secret.
func (tx *Tx) CreateToken(t portal.Token, secretHash string) error {
	row := tokenRow{
		ID: string(t.ID), SecretHash: secretHash, UserID: string(t.User), Name: t.Name, Scopes: t.Scopes.String(), CreatedAt: micros(t.CreatedAt),
		ExpiresAt: micros(t.ExpiresAt), UsedAt: micros(t.UsedAt),
	}
	if t.Policy {
		row.Policy = 1
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create token: %w", translate(err))
	}
	return nil
}

// TokenBySecret returns the token whose secret has this hash, also when its time is over. It returns portal.ErrNotFound.
func (tx *Tx) TokenBySecret(secretHash string) (portal.Token, error) {
	var row tokenRow
	if err := tx.db.Where("secret_hash = ?", secretHash).Take(&row).Error; err != nil {
		return portal.Token{}, translate(err)
	}
	return row.token(), nil
}

// LastProof is when the person last showed a second factor: in a session that still runs, or to make this token.
func (tx *Tx) LastProof(id portal.UserID, token portal.TokenID) (time.Time, error) {
	var last int64
	err := tx.db.Raw(`SELECT COALESCE(MAX(at), 0) FROM (
		SELECT factor_at AS at FROM sessions WHERE user_id = ? UNION ALL SELECT created_at FROM tokens WHERE id = ? AND user_id = ?) AS proofs`,
		string(id), string(token), string(id)).Scan(&last).Error
	if err != nil {
		return time.Time{}, fmt.Errorf("find last second factor of %s: %w", id, err)
	}
	return fromMicros(last), nil
}

// Tokens returns a person's tokens that have not reached their end, newest first.
func (tx *Tx) Tokens(id portal.UserID) ([]portal.Token, error) {
	var rows []tokenRow
	if err := tx.db.Where("user_id = ? AND expires_at > ?", string(id), micros(tx.Now)).Order("id DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	tokens := make([]portal.Token, len(rows))
	for i, r := range rows {
		tokens[i] = r.token()
	}
	return tokens, nil
}

// TouchToken notes that a token is in use. A token that has gone meanwhile stays gone.
func (tx *Tx) TouchToken(id portal.TokenID) error {
	return tx.db.Exec("UPDATE tokens SET used_at = ? WHERE id = ?", micros(tx.Now), string(id)).Error
}

// DeleteToken ends one token of a person. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (tx *Tx) DeleteToken(user portal.UserID, id portal.TokenID) error {
	return one(tx.db.Where("id = ? AND user_id = ?", string(id), string(user)).Delete(&tokenRow{}))
}

// DeleteTokens ends all tokens of a person and returns how many.
func (tx *Tx) DeleteTokens(user portal.UserID) (int, error) {
	res := tx.db.Where("user_id = ?", string(user)).Delete(&tokenRow{})
	return int(res.RowsAffected), res.Error
}

// SweepTokens forgets tokens that reached their end and returns how many.
func (tx *Tx) SweepTokens() (int64, error) {
	res := tx.db.Where("expires_at < ?", micros(tx.Now)).Delete(&tokenRow{})
	return res.RowsAffected, res.Error
}
