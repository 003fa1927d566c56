package store

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"github.com/sallyport/sallyport/portal"
)

type nameAnswerRow struct {
	Name   string `gorm:"primaryKey"`
	Addr   string `gorm:"primaryKey"`
	SeenAt int64
}

func (nameAnswerRow) TableName() string { return "name_answers" }

// Answers returns the addresses that names stand for, in order.
func (tx *Tx) Answers(names []string) (map[string][]netip.Addr, error) {
	answers := map[string][]netip.Addr{}
	for part := range chunks(names) {
		var rows []nameAnswerRow
		if err := tx.db.Where("name IN ?", part).Order("name, addr").Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read answers of names: %w", err)
		}
		for _, r := range rows {
			a, err := netip.ParseAddr(r.Addr)
			if err != nil {
				return nil, fmt.Errorf("read answer of %s: %w", r.Name, err)
			}
			answers[r.Name] = append(answers[r.Name], a)
		}
	}
	return answers, nil
}

// AnyAnswers reports whether any name is known to stand for something.
func (tx *Tx) AnyAnswers() (bool, error) {
	var names []string
	if err := tx.db.Raw("SELECT name FROM name_answers LIMIT 1").Scan(&names).Error; err != nil {
		return false, fmt.Errorf("look for answers of names: %w", err)
	}
	return len(names) > 0, nil
}

// SeeAnswers notes that a name stands for these addresses now.
func (tx *Tx) SeeAnswers(name string, addrs []netip.Addr) error {
	if len(addrs) == 0 {
		return nil
	}
	rows := make([]nameAnswerRow, len(addrs))
	for i, a := range addrs {
		rows[i] = nameAnswerRow{Name: name, Addr: a.String(), SeenAt: micros(tx.Now)}
	}
	err := tx.db.Clauses(clause.OnConflict{
		Columns: []clause.Column{{Name: "name"}, {Name: "addr"}}, DoUpdates: clause.AssignmentColumns([]string{"seen_at"}),
	}).Create(&rows).Error
	if err != nil {
		return fmt.Errorf("note answers of %s: %w", name, err)
	}
	return nil
}

// ForgetAnswers removes addresses that were last among the answers before then, of names that have newer ones, and all of names that
// are not in keep.
func (tx *Tx) ForgetAnswers(keep []string, before time.Time) error {
	err := tx.db.Exec(`DELETE FROM name_answers WHERE seen_at < ? AND name IN (SELECT name FROM name_answers WHERE seen_at >= ?)`,
		micros(before), micros(before)).Error
	if err == nil {
		err = tx.db.Exec("DELETE FROM name_answers WHERE name NOT IN ?", append(slices.Clone(keep), "")).Error
	}
	if err != nil {
		return fmt.Errorf("forget answers of names: %w", err)
	}
	return nil
}

// answersOf is what the names of a profile stand for, in order and without repetition.
func answersOf(p portal.Profile, answers map[string][]netip.Addr) []netip.Addr {
	var all []netip.Addr
	for _, n := range p.Names {
		all = append(all, answers[n]...)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return slices.Compact(all)
}
