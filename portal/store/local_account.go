package store

import (
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type localAccountRow struct {
	UserID     string `gorm:"primaryKey"`
	Username   string
	Password   string
	PasswordAt int64
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
}

func (localAccountRow) TableName() string { return "local_accounts" }

func (r localAccountRow) account() portal.LocalAccount {
	return portal.LocalAccount{
		User: portal.UserID(r.UserID), Username: r.Username, Hash: r.Password, PasswordAt: fromMicros(r.PasswordAt), CreatedAt: fromMicros(r.CreatedAt),
	}
}

// CreateLocalAccount adds a way in to a person. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreateLocalAccount(a portal.LocalAccount) error {
	row := localAccountRow{
		UserID: string(a.User), Username: a.Username, Password: a.Hash, PasswordAt: micros(a.PasswordAt), CreatedAt: micros(a.CreatedAt),
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create local account: %w", translate(err))
	}
	return nil
}

// LocalAccount returns a person's local account. It returns portal.ErrNotFound when there is none.
func (tx *Tx) LocalAccount(user portal.UserID) (portal.LocalAccount, error) {
	var row localAccountRow
	if err := tx.db.Where("user_id = ?", string(user)).Take(&row).Error; err != nil {
		return portal.LocalAccount{}, translate(err)
	}
	return row.account(), nil
}

// LocalAccountNamed returns the local account with a name, in lower case. It returns portal.ErrNotFound.
func (tx *Tx) LocalAccountNamed(username string) (portal.LocalAccount, error) {
	var row localAccountRow
	if err := tx.db.Where("username = ?", username).Take(&row).Error; err != nil {
		return portal.LocalAccount{}, translate(err)
	}
	return row.account(), nil
}

// LocalAccounts returns all of them, by name.
func (tx *Tx) LocalAccounts() ([]portal.LocalAccount, error) {
	var rows []localAccountRow
	if err := tx.db.Order("username").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list local accounts: %w", err)
	}
	all := make([]portal.LocalAccount, len(rows))
	for i, r := range rows {
		all[i] = r.account()
	}
	return all, nil
}

// SetLocalPassword replaces the hash of a password. It returns portal.ErrNotFound.
func (tx *Tx) SetLocalPassword(user portal.UserID, hash string) error {
	return one(tx.db.Model(&localAccountRow{}).Where("user_id = ?", string(user)).Updates(map[string]any{"password": hash, "password_at": micros(tx.Now)}))
}
