package store

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type passkeyRow struct {
	FactorID       string `gorm:"primaryKey"`
	UserID         string
	CredentialID   string
	PublicKey      string
	AAGUID         string `gorm:"column:aaguid"`
	Transports     string
	SignCount      int64
	UserVerified   bool
	BackupEligible bool
	BackedUp       bool
}

func (passkeyRow) TableName() string { return "passkeys" }

func (r passkeyRow) passkey() (portal.Passkey, error) {
	p := portal.Passkey{
		Factor: portal.FactorID(r.FactorID), User: portal.UserID(r.UserID), SignCount: uint32(r.SignCount),
		UserVerified: r.UserVerified, BackupEligible: r.BackupEligible, BackedUp: r.BackedUp,
	}
	for _, v := range []struct {
		text string
		into *[]byte
	}{{r.CredentialID, &p.CredentialID}, {r.PublicKey, &p.PublicKey}, {r.AAGUID, &p.AAGUID}} {
		b, err := base64.RawURLEncoding.DecodeString(v.text)
		if err != nil {
			return p, fmt.Errorf("read passkey %s: %w", r.FactorID, err)
		}
		*v.into = b
	}
	var err error
	p.Transports, err = fromList[string](r.Transports)
	return p, err
}

// CreatePasskey adds what belongs to a factor that is a passkey. It returns portal.ErrConflict when the credential is known already.
func (tx *Tx) CreatePasskey(p portal.Passkey) error {
	text := base64.RawURLEncoding.EncodeToString
	row := passkeyRow{
		FactorID: string(p.Factor), UserID: string(p.User), CredentialID: text(p.CredentialID), PublicKey: text(p.PublicKey), AAGUID: text(p.AAGUID),
		Transports: list(p.Transports), SignCount: int64(p.SignCount), UserVerified: p.UserVerified, BackupEligible: p.BackupEligible, BackedUp: p.BackedUp,
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create passkey: %w", translate(err))
	}
	return nil
}

// HasCredential reports whether anybody has this credential.
func (tx *Tx) HasCredential(credential []byte) (bool, error) {
	var n int64
	err := tx.db.Model(&passkeyRow{}).Where("credential_id = ?", base64.RawURLEncoding.EncodeToString(credential)).Count(&n).Error
	return n > 0, err
}

// Passkeys returns a person's passkeys, oldest first.
func (tx *Tx) Passkeys(user portal.UserID) ([]portal.Passkey, error) {
	var rows []passkeyRow
	if err := tx.db.Where("user_id = ?", string(user)).Order("factor_id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list passkeys: %w", err)
	}
	keys := make([]portal.Passkey, len(rows))
	for i, r := range rows {
		var err error
		if keys[i], err = r.passkey(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// PasskeyByCredential returns the passkey with this id. It returns portal.ErrNotFound.
func (tx *Tx) PasskeyByCredential(credential []byte) (portal.Passkey, error) {
	var row passkeyRow
	if err := tx.db.Where("credential_id = ?", base64.RawURLEncoding.EncodeToString(credential)).Take(&row).Error; err != nil {
		return portal.Passkey{}, translate(err)
	}
	return row.passkey()
}

// UsePasskey notes that a passkey signed: its counter, and whether it is backed up by now.
func (tx *Tx) UsePasskey(p portal.Passkey) error {
	err := one(tx.db.Model(&passkeyRow{}).Where("factor_id = ?", string(p.Factor)).Updates(map[string]any{
		"sign_count": int64(p.SignCount), "user_verified": p.UserVerified, "backed_up": p.BackedUp,
	}))
	if err != nil {
		return err
	}
	return tx.TouchFactor(p.Factor)
}

// Challenge is what a passkey has yet to sign.
type Challenge struct {
	Purpose   string
	User      portal.UserID    // "" before anybody is known
	Session   portal.SessionID // "" before there is one
	State     string           // JSON
	ExpiresAt time.Time
}

type challengeRow struct {
	IDHash    string `gorm:"primaryKey"`
	Purpose   string
	UserID    string
	SessionID string
	State     string
	ExpiresAt int64
}

func (challengeRow) TableName() string { return "passkey_challenges" }

// CreateChallenge keeps a challenge under the hash of its value.
func (tx *Tx) CreateChallenge(hash string, c Challenge) error {
	row := challengeRow{
		IDHash: hash, Purpose: c.Purpose, UserID: string(c.User), SessionID: string(c.Session), State: c.State, ExpiresAt: micros(c.ExpiresAt),
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create challenge: %w", translate(err))
	}
	return nil
}

// TakeChallenge takes a challenge away. Of any number of callers, on any number of portals, exactly one gets it, also when its time is
// over; the others get portal.ErrNotFound.
func (tx *Tx) TakeChallenge(hash string) (Challenge, error) {
	var row challengeRow
	if err := tx.db.Where("id_hash = ?", hash).Take(&row).Error; err != nil {
		return Challenge{}, translate(err)
	}
	if err := one(tx.db.Where("id_hash = ?", hash).Delete(&challengeRow{})); err != nil {
		return Challenge{}, err
	}
	return Challenge{
		Purpose: row.Purpose, User: portal.UserID(row.UserID), Session: portal.SessionID(row.SessionID), State: row.State,
		ExpiresAt: fromMicros(row.ExpiresAt),
	}, nil
}

// SweepChallenges forgets challenges that are past their time and returns how many.
func (tx *Tx) SweepChallenges() (int64, error) {
	res := tx.db.Where("expires_at < ?", micros(tx.Now)).Delete(&challengeRow{})
	return res.RowsAffected, res.Error
}
