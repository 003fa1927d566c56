package store

import (
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sallyport/sallyport/portal"
)

type scimUserRow struct {
	Issuer     string `gorm:"primaryKey"`
	UserID     string `gorm:"primaryKey"`
	NameKey    string
	ExternalID string
	Subject    string
	Active     bool
	Cut        bool
	Doc        string
	Version    int64
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	ChangedAt  int64
	DeletedAt  int64
}

func (scimUserRow) TableName() string { return "scim_users" }

func (r scimUserRow) user() portal.SCIMUser {
	return portal.SCIMUser{
		Issuer: r.Issuer, User: portal.UserID(r.UserID), UserName: r.NameKey, ExternalID: r.ExternalID, Subject: r.Subject, Active: r.Active,
		Cut: r.Cut, Doc: r.Doc, Version: uint64(r.Version), CreatedAt: fromMicros(r.CreatedAt), ChangedAt: fromMicros(r.ChangedAt), //nolint:gosec // counts up from 1
		DeletedAt: fromMicros(r.DeletedAt),
	}
}

func scimUserRowOf(u portal.SCIMUser) scimUserRow {
	return scimUserRow{
		Issuer: u.Issuer, UserID: string(u.User), NameKey: u.UserName, ExternalID: u.ExternalID, Subject: u.Subject, Active: u.Active, Cut: u.Cut,
		Doc: u.Doc, Version: int64(u.Version), CreatedAt: micros(u.CreatedAt), ChangedAt: micros(u.ChangedAt), DeletedAt: micros(u.DeletedAt), //nolint:gosec // counts up from 1
	}
}

// lockForShare makes a SELECT keep its rows from being changed until the transaction ends. SQLite has one writer.
func (tx *Tx) lockForShare() *gorm.DB {
	if tx.store.oneWriter() {
		return tx.db
	}
	return tx.db.Clauses(clause.Locking{Strength: "SHARE"})
}

// SCIMQuery selects a directory's people; "" in a field selects by something else.
type SCIMQuery struct {
	Issuer     string
	User       portal.UserID
	UserName   string // in lower case
	ExternalID string
}

func (q SCIMQuery) on(db *gorm.DB) *gorm.DB {
	db = db.Where("issuer = ? AND deleted_at = 0", q.Issuer)
	if q.User != "" {
		db = db.Where("user_id = ?", string(q.User))
	}
	if q.UserName != "" {
		db = db.Where("name_key = ?", q.UserName)
	}
	if q.ExternalID != "" {
		db = db.Where("external_id = ?", q.ExternalID)
	}
	return db
}

// SCIMUsers returns up to limit people that the query selects, in the order of their ids, after the one named and without the next skip.
func (tx *Tx) SCIMUsers(q SCIMQuery, after portal.UserID, skip, limit int) ([]portal.SCIMUser, error) {
	var rows []scimUserRow
	if err := q.on(tx.db).Where("user_id > ?", string(after)).Order("user_id").Offset(skip).Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list SCIM users: %w", err)
	}
	users := make([]portal.SCIMUser, len(rows))
	for i, r := range rows {
		users[i] = r.user()
	}
	return users, nil
}

// CountSCIMUsers returns how many people the query selects.
func (tx *Tx) CountSCIMUsers(q SCIMQuery) (int, error) {
	var n int64
	err := q.on(tx.db.Model(&scimUserRow{})).Count(&n).Error
	return int(n), err
}

// SCIMUser returns what a directory said of a person, also when it deleted them. It returns portal.ErrNotFound.
func (tx *Tx) SCIMUser(issuer string, id portal.UserID) (portal.SCIMUser, error) {
	return scimUser(tx.db, issuer, id)
}

// LockSCIMUser does the same and keeps others from changing it until the transaction ends.
func (tx *Tx) LockSCIMUser(issuer string, id portal.UserID) (portal.SCIMUser, error) {
	return scimUser(tx.lockForUpdate(), issuer, id)
}

func scimUser(db *gorm.DB, issuer string, id portal.UserID) (portal.SCIMUser, error) {
	var row scimUserRow
	if err := db.Where("issuer = ? AND user_id = ?", issuer, string(id)).Take(&row).Error; err != nil {
		return portal.SCIMUser{}, translate(err)
	}
	return row.user(), nil
}

// HoldSCIMUsers returns those of ids that are people of the directory and keeps them so until the transaction ends.
func (tx *Tx) HoldSCIMUsers(issuer string, ids []portal.UserID) (map[portal.UserID]bool, error) {
	found := make(map[portal.UserID]bool, len(ids))
	for part := range chunks(ids) {
		var rows []scimUserRow
		err := tx.lockForShare().Select("user_id").Where("issuer = ? AND deleted_at = 0 AND user_id IN ?", issuer, part).Order("user_id").Find(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("hold SCIM users: %w", err)
		}
		for _, r := range rows {
			found[portal.UserID(r.UserID)] = true
		}
	}
	return found, nil
}

// CreateSCIMUser adds what a directory says of a person. It returns portal.ErrDuplicate when somebody else of the directory has the name.
func (tx *Tx) CreateSCIMUser(u portal.SCIMUser) error {
	if err := tx.freeSCIMName(u); err != nil {
		return err
	}
	row := scimUserRowOf(u)
	return translate(tx.db.Create(&row).Error)
}

// UpdateSCIMUser writes all of it. It returns portal.ErrDuplicate and portal.ErrNotFound.
func (tx *Tx) UpdateSCIMUser(u portal.SCIMUser) error {
	if err := tx.freeSCIMName(u); err != nil {
		return err
	}
	row := scimUserRowOf(u)
	return one(tx.db.Model(&scimUserRow{}).Where("issuer = ? AND user_id = ?", u.Issuer, string(u.User)).Select("*").Updates(&row))
}

// freeSCIMName asks first: a clash that the index finds ends the transaction, which is left for races.
func (tx *Tx) freeSCIMName(u portal.SCIMUser) error {
	var other scimUserRow
	err := tx.db.Select("user_id").Where("issuer = ? AND name_key = ? AND deleted_at = 0 AND user_id <> ?", u.Issuer, u.UserName, string(u.User)).Take(&other).Error
	switch {
	case err == nil:
		return portal.ErrDuplicate
	case errors.Is(err, gorm.ErrRecordNotFound):
		return nil
	}
	return fmt.Errorf("look up SCIM user name: %w", err)
}
