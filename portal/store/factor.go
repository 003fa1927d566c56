package store

import (
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type factorRow struct {
	ID          string `gorm:"primaryKey"`
	UserID      string
	Kind        string
	Name        string
	Sealed      string
	CreatedAt   int64 `gorm:"autoCreateTime:false"`
	ConfirmedAt int64
	UsedAt      int64
}

func (factorRow) TableName() string { return "factors" }

func (r factorRow) factor() portal.Factor {
	return portal.Factor{
		ID: portal.FactorID(r.ID), User: portal.UserID(r.UserID), Kind: portal.FactorKind(r.Kind), Name: r.Name, Sealed: []byte(r.Sealed),
		CreatedAt: fromMicros(r.CreatedAt), ConfirmedAt: fromMicros(r.ConfirmedAt), UsedAt: fromMicros(r.UsedAt),
	}
}

// CreateFactor adds a factor. Sealed must be text, as seal.Keyring makes it.
func (tx *Tx) CreateFactor(f portal.Factor) error {
	row := factorRow{
		ID: string(f.ID), UserID: string(f.User), Kind: string(f.Kind), Name: f.Name, Sealed: string(f.Sealed), CreatedAt: micros(f.CreatedAt),
		ConfirmedAt: micros(f.ConfirmedAt), UsedAt: micros(f.UsedAt),
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("create factor: %w", translate(err))
	}
	return nil
}

// Factors returns a person's factors, oldest first, those included that are not confirmed.
func (tx *Tx) Factors(id portal.UserID) ([]portal.Factor, error) {
	var rows []factorRow
	if err := tx.db.Where("user_id = ?", string(id)).Order("id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list factors: %w", err)
	}
	factors := make([]portal.Factor, len(rows))
	for i, r := range rows {
		factors[i] = r.factor()
	}
	return factors, nil
}

// HasFactor reports whether a person has a confirmed factor.
func (tx *Tx) HasFactor(id portal.UserID) (bool, error) {
	var n int64
	err := tx.db.Model(&factorRow{}).Where("user_id = ? AND confirmed_at <> 0", string(id)).Count(&n).Error
	return n > 0, err
}

// ConfirmFactor makes a factor count. It returns portal.ErrNotFound when there is none that waits for it.
func (tx *Tx) ConfirmFactor(id portal.FactorID) error {
	return one(tx.db.Model(&factorRow{}).Where("id = ? AND confirmed_at = 0", string(id)).Updates(map[string]any{"confirmed_at": micros(tx.Now)}))
}

// TouchFactor notes that a factor was shown just now.
func (tx *Tx) TouchFactor(id portal.FactorID) error {
	return tx.db.Exec("UPDATE factors SET used_at = ? WHERE id = ?", micros(tx.Now), string(id)).Error
}

// RenameFactor gives a factor of a person another name. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (tx *Tx) RenameFactor(user portal.UserID, id portal.FactorID, name string) error {
	return one(tx.db.Model(&factorRow{}).Where("id = ? AND user_id = ? AND confirmed_at <> 0", string(id), string(user)).Updates(map[string]any{"name": name}))
}

// FactorsAfter returns up to limit factors with a sealed seed, of everybody, in the order of their ids after the one named, "" for the beginning.
func (tx *Tx) FactorsAfter(after portal.FactorID, limit int) ([]portal.Factor, error) {
	var rows []factorRow
	if err := tx.db.Where("id > ? AND sealed <> ''", string(after)).Order("id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list factors: %w", err)
	}
	factors := make([]portal.Factor, len(rows))
	for i, r := range rows {
		factors[i] = r.factor()
	}
	return factors, nil
}

// ResealFactor replaces the sealed seed, after a change of the master key. It returns portal.ErrNotFound when it is not old any more.
func (tx *Tx) ResealFactor(id portal.FactorID, old, sealed []byte) error {
	return one(tx.db.Model(&factorRow{}).Where("id = ? AND sealed = ?", string(id), string(old)).Updates(map[string]any{"sealed": string(sealed)}))
}

// DeleteFactor forgets one factor of a person. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (tx *Tx) DeleteFactor(user portal.UserID, id portal.FactorID) error {
	return one(tx.db.Where("id = ? AND user_id = ?", string(id), string(user)).Delete(&factorRow{}))
}

// DeleteUnconfirmedFactors forgets enrolments that a person began and did not finish.
func (tx *Tx) DeleteUnconfirmedFactors(user portal.UserID) error {
	return tx.db.Where("user_id = ? AND confirmed_at = 0", string(user)).Delete(&factorRow{}).Error
}

// DeleteFactors forgets all factors of a person and returns how many there were.
func (tx *Tx) DeleteFactors(user portal.UserID) (int, error) {
	res := tx.db.Where("user_id = ?", string(user)).Delete(&factorRow{})
	return int(res.RowsAffected), res.Error
}
