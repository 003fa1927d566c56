package store

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type identityRow struct {
	Issuer  string `gorm:"primaryKey"`
	Subject string `gorm:"primaryKey"`
	UserID  string
	AddedAt int64
}

func (identityRow) TableName() string { return "identities" }

// UserByIdentity returns the person that an account at a provider belongs to. It returns portal.ErrNotFound when there is none.
func (tx *Tx) UserByIdentity(issuer, subject string) (portal.User, error) {
	var row identityRow
	if err := tx.db.Where("issuer = ? AND subject = ?", issuer, subject).Take(&row).Error; err != nil {
		return portal.User{}, translate(err)
	}
	return tx.User(portal.UserID(row.UserID))
}

// EnsureIdentity returns the person that an account belongs to, and makes u that person where there is none. Of two that sign in for the
// first time at the same moment one is created, and both get it.
func (tx *Tx) EnsureIdentity(issuer, subject string, u portal.User) (user portal.User, created bool, err error) {
	user, err = tx.UserByIdentity(issuer, subject)
	if err == nil || !errors.Is(err, portal.ErrNotFound) {
		return user, false, err
	}
	if err := tx.CreateUser(u); err != nil {
		return portal.User{}, false, err
	}
	res := tx.db.Exec("INSERT INTO identities (issuer, subject, user_id, added_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		issuer, subject, string(u.ID), micros(tx.Now))
	if res.Error != nil {
		return portal.User{}, false, fmt.Errorf("add identity: %w", translate(res.Error))
	}
	if res.RowsAffected == 1 {
		return u, true, nil
	}
	if err := one(tx.db.Where("id = ?", string(u.ID)).Delete(&userRow{})); err != nil { // somebody was faster
		return portal.User{}, false, err
	}
	user, err = tx.UserByIdentity(issuer, subject)
	return user, false, err
}

// Identities returns a person's accounts at providers.
func (tx *Tx) Identities(id portal.UserID) ([]portal.Identity, error) {
	var rows []identityRow
	if err := tx.db.Where("user_id = ?", string(id)).Order("issuer, subject").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	all := make([]portal.Identity, len(rows))
	for i, r := range rows {
		all[i] = portal.Identity{Issuer: r.Issuer, Subject: r.Subject, User: portal.UserID(r.UserID), AddedAt: fromMicros(r.AddedAt)}
	}
	return all, nil
}
