package store

import (
	"encoding/json"
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type policyTestRow struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	Reason    string
	Spec      string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (policyTestRow) TableName() string { return "policy_tests" }

func newPolicyTestRow(t portal.PolicyTest) (policyTestRow, error) {
	spec, err := json.Marshal(t)
	return policyTestRow{ID: string(t.ID), Name: t.Name, Reason: t.Reason, Spec: string(spec), CreatedAt: micros(t.CreatedAt)}, err
}

func (r policyTestRow) test() (t portal.PolicyTest, err error) {
	if err := json.Unmarshal([]byte(r.Spec), &t); err != nil {
		return t, fmt.Errorf("read policy test %s: %w", r.ID, err)
	}
	t.ID, t.Name, t.Reason, t.CreatedAt = portal.PolicyTestID(r.ID), r.Name, r.Reason, fromMicros(r.CreatedAt)
	return t, nil
}

// CreatePolicyTest adds a test. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreatePolicyTest(t portal.PolicyTest) error {
	row, err := newPolicyTestRow(t)
	if err != nil {
		return err
	}
	return translate(tx.db.Create(&row).Error)
}

// UpdatePolicyTest replaces a test. It returns portal.ErrNotFound, or portal.ErrDuplicate when the name is taken.
func (tx *Tx) UpdatePolicyTest(t portal.PolicyTest) error {
	row, err := newPolicyTestRow(t)
	if err != nil {
		return err
	}
	return one(tx.db.Model(&policyTestRow{}).Where("id = ?", row.ID).Select("*").Omit("id", "created_at").Updates(&row))
}

// DeletePolicyTest removes a test.
func (tx *Tx) DeletePolicyTest(id portal.PolicyTestID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&policyTestRow{}))
}

// PolicyTests returns every test, by name.
func (tx *Tx) PolicyTests() ([]portal.PolicyTest, error) {
	var rows []policyTestRow
	if err := tx.db.Order("name, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list policy tests: %w", err)
	}
	all := make([]portal.PolicyTest, len(rows))
	for i, r := range rows {
		var err error
		if all[i], err = r.test(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Subject is one person as policy sees them.
type Subject struct {
	ID     portal.UserID
	Name   string
	Groups []portal.GroupID // without Everyone
}

// Subjects returns the active people with their groups: the members of a group, one person, or with neither everybody.
func (tx *Tx) Subjects(group portal.GroupID, person portal.UserID) ([]Subject, error) {
	where, args := " WHERE u.state = ?", []any{string(portal.UserActive)}
	switch {
	case person != "":
		where, args = where+" AND u.id = ?", append(args, string(person))
	case group != "" && group != portal.Everyone:
		where, args = where+" AND u.id IN (SELECT user_id FROM memberships WHERE group_id = ?)", append(args, string(group))
	}
	var people []struct{ ID, Name string }
	if err := tx.db.Raw("SELECT u.id, u.name FROM users u"+where+" ORDER BY u.id", args...).Scan(&people).Error; err != nil {
		return nil, fmt.Errorf("read people for policy: %w", err)
	}
	all, at := make([]Subject, len(people)), make(map[string]int, len(people))
	for i, p := range people {
		all[i], at[p.ID] = Subject{ID: portal.UserID(p.ID), Name: p.Name}, i
	}
	rows, err := tx.db.Raw("SELECT DISTINCT m.user_id, m.group_id FROM memberships m JOIN users u ON u.id = m.user_id"+where, args...).Rows()
	if err != nil {
		return nil, fmt.Errorf("read groups for policy: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var user, group string
		if err := rows.Scan(&user, &group); err != nil {
			return nil, fmt.Errorf("read groups for policy: %w", err)
		}
		if i, there := at[user]; there {
			all[i].Groups = append(all[i].Groups, portal.GroupID(group))
		}
	}
	return all, rows.Err()
}
