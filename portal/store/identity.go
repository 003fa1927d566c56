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

	IDPSubject   string `gorm:"column:idp_subject"`
	SubjectClaim string
}

func (r identityRow) identity() portal.Identity {
	return portal.Identity{
		Issuer: r.Issuer, Subject: r.Subject, User: portal.UserID(r.UserID), AddedAt: fromMicros(r.AddedAt), IDPSub: r.IDPSubject, Claim: r.SubjectClaim,
	}
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
		all[i] = r.identity()
	}
	return all, nil
}

// NoteIdentity writes what the provider calls an account itself, and which claim its subject is from: i.IDPSub and i.Claim. It returns
// portal.ErrDuplicate where the account is known by another claim. Most sign-ins change nothing, and then nothing is written.
func (tx *Tx) NoteIdentity(i portal.Identity) error {
	var row identityRow
	if err := tx.db.Where("issuer = ? AND subject = ?", i.Issuer, i.Subject).Take(&row).Error; err != nil {
		return translate(err)
	}
	switch {
	case row.SubjectClaim != "" && row.SubjectClaim != i.Claim:
		return portal.ErrDuplicate
	case row.SubjectClaim == i.Claim && row.IDPSubject == i.IDPSub:
		return nil
	}
	return tx.db.Exec("UPDATE identities SET idp_subject = ?, subject_claim = ? WHERE issuer = ? AND subject = ?", i.IDPSub, i.Claim, i.Issuer, i.Subject).Error
}

// ClaimsOf returns the claims that people of an issuer are known by; none where nobody of it has signed in.
func (tx *Tx) ClaimsOf(issuer string) (claims []string, err error) {
	err = tx.db.Raw("SELECT DISTINCT subject_claim FROM identities WHERE issuer = ? AND subject_claim <> ''", issuer).Scan(&claims).Error
	return claims, err
}

// UsersUpstream returns whose accounts a provider calls so.
func (tx *Tx) UsersUpstream(issuer, idpSubject string) ([]portal.UserID, error) {
	var ids []portal.UserID
	err := tx.db.Model(&identityRow{}).Where("issuer = ? AND idp_subject = ?", issuer, idpSubject).Order("user_id").Pluck("user_id", &ids).Error
	return ids, err
}

// LinkIdentity gives a person one more account. It returns portal.ErrDuplicate when the account is somebody's already.
func (tx *Tx) LinkIdentity(i portal.Identity) error {
	res := tx.db.Exec("INSERT INTO identities (issuer, subject, user_id, added_at, idp_subject, subject_claim) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
		i.Issuer, i.Subject, string(i.User), micros(tx.Now), i.IDPSub, i.Claim)
	if res.Error != nil {
		return fmt.Errorf("link identity: %w", translate(res.Error))
	}
	if res.RowsAffected == 0 {
		return portal.ErrDuplicate
	}
	return nil
}

// UnlinkIdentity takes an account from a person. It returns portal.ErrNotFound when it is not theirs.
func (tx *Tx) UnlinkIdentity(user portal.UserID, issuer, subject string) error {
	return one(tx.db.Where("issuer = ? AND subject = ? AND user_id = ?", issuer, subject, string(user)).Delete(&identityRow{}))
}
