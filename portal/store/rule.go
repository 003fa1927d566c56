package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/sallyport/sallyport/portal"
)

type ruleRow struct {
	ID         string `gorm:"primaryKey"`
	Name       string
	Reason     string
	Action     string
	Conditions string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
}

func (ruleRow) TableName() string { return "rules" }

type ruleGroupRow struct {
	RuleID  string `gorm:"primaryKey"`
	GroupID string `gorm:"primaryKey"`
}

func (ruleGroupRow) TableName() string { return "rule_groups" }

type ruleResourceRow struct {
	RuleID     string `gorm:"primaryKey"`
	ResourceID string `gorm:"primaryKey"`
}

func (ruleResourceRow) TableName() string { return "rule_resources" }

type ruleTagRow struct {
	RuleID string `gorm:"primaryKey"`
	Tag    string `gorm:"primaryKey"`
}

func (ruleTagRow) TableName() string { return "rule_tags" }

type rulePersonRow struct {
	RuleID string `gorm:"primaryKey"`
	UserID string `gorm:"primaryKey"`
}

func (rulePersonRow) TableName() string { return "rule_people" }

func newRuleRow(r portal.Rule) ruleRow {
	return ruleRow{
		ID: string(r.ID), Name: r.Name, Reason: r.Reason, Action: string(r.Action), Conditions: structure(r.Conditions), CreatedAt: micros(r.CreatedAt),
	}
}

func (r ruleRow) rule() (portal.Rule, error) {
	rule := portal.Rule{ID: portal.RuleID(r.ID), Name: r.Name, Reason: r.Reason, Action: portal.Action(r.Action), CreatedAt: fromMicros(r.CreatedAt)}
	if err := json.Unmarshal([]byte(r.Conditions), &rule.Conditions); err != nil {
		return rule, fmt.Errorf("read conditions of rule %s: %w", r.ID, err)
	}
	return rule, nil
}

// CreateRule adds a rule. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreateRule(r portal.Rule) error {
	row := newRuleRow(r)
	if err := tx.db.Create(&row).Error; err != nil {
		return translate(err)
	}
	return tx.linkRule(r)
}

// UpdateRule replaces a rule. It returns portal.ErrNotFound, or portal.ErrDuplicate when the name is taken.
func (tx *Tx) UpdateRule(r portal.Rule) error {
	row := newRuleRow(r)
	if err := one(tx.db.Model(&ruleRow{}).Where("id = ?", row.ID).Select("*").Omit("id", "created_at").Updates(&row)); err != nil {
		return err
	}
	for _, link := range []any{&ruleGroupRow{}, &ruleResourceRow{}, &ruleTagRow{}, &rulePersonRow{}} {
		if err := tx.db.Where("rule_id = ?", row.ID).Delete(link).Error; err != nil {
			return fmt.Errorf("change rule %s: %w", r.ID, err)
		}
	}
	return tx.linkRule(r)
}

// linkRule writes what the rule names.
func (tx *Tx) linkRule(r portal.Rule) error {
	groups := rowsOf(r.Groups, func(g portal.GroupID) ruleGroupRow { return ruleGroupRow{RuleID: string(r.ID), GroupID: string(g)} })
	people := rowsOf(r.People, func(u portal.UserID) rulePersonRow { return rulePersonRow{RuleID: string(r.ID), UserID: string(u)} })
	resources := rowsOf(r.Resources, func(x portal.ResourceID) ruleResourceRow {
		return ruleResourceRow{RuleID: string(r.ID), ResourceID: string(x)}
	})
	tags := rowsOf(r.Tags, func(t string) ruleTagRow { return ruleTagRow{RuleID: string(r.ID), Tag: t} })
	if err := errors.Join(groups(tx), people(tx), resources(tx), tags(tx)); err != nil {
		return fmt.Errorf("link rule %s: %w", r.ID, err)
	}
	return nil
}

// rowsOf writes one row for each item.
func rowsOf[T, R any](items []T, row func(T) R) func(tx *Tx) error {
	rows := make([]R, len(items))
	for i, x := range items {
		rows[i] = row(x)
	}
	return func(tx *Tx) error {
		if len(rows) == 0 {
			return nil
		}
		return tx.db.Create(&rows).Error
	}
}

// DeleteRule removes a rule.
func (tx *Tx) DeleteRule(id portal.RuleID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&ruleRow{}))
}

// Rule returns one rule, all that it names in the order of their ids, or portal.ErrNotFound.
func (tx *Tx) Rule(id portal.RuleID) (portal.Rule, error) {
	rules, err := tx.rules([]portal.RuleID{id})
	if err == nil && len(rules) == 0 {
		err = portal.ErrNotFound
	}
	if err != nil {
		return portal.Rule{}, err
	}
	return rules[0], nil
}

// Rules returns every rule, by name.
func (tx *Tx) Rules() ([]portal.Rule, error) { return tx.rules(nil) }

// RulesWithResource returns the rules that name the resource, itself or by a tag, by name.
func (tx *Tx) RulesWithResource(id portal.ResourceID) ([]portal.Rule, error) {
	var ids []portal.RuleID
	err := tx.db.Raw(`SELECT rule_id FROM rule_resources WHERE resource_id = ?
		UNION SELECT x.rule_id FROM rule_tags x JOIN resource_tags g ON g.tag = x.tag WHERE g.resource_id = ?`, string(id), string(id)).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("find rules with resource %s: %w", id, err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.rules(ids)
}

// rules returns those with the ids, or all when ids is nil.
func (tx *Tx) rules(ids []portal.RuleID) ([]portal.Rule, error) {
	of := func(order, column string) *gorm.DB {
		q := tx.db.Order(order)
		if ids != nil {
			q = q.Where(column+" IN ?", ids)
		}
		return q
	}
	var rows []ruleRow
	var groups []ruleGroupRow
	var people []rulePersonRow
	var resources []ruleResourceRow
	var tags []ruleTagRow
	err := errors.Join(
		of("name, id", "id").Find(&rows).Error,
		of("group_id", "rule_id").Find(&groups).Error,
		of("user_id", "rule_id").Find(&people).Error,
		of("resource_id", "rule_id").Find(&resources).Error,
		of("tag", "rule_id").Find(&tags).Error,
	)
	if err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	all, at := make([]portal.Rule, len(rows)), make(map[string]int, len(rows))
	for i, row := range rows {
		if all[i], err = row.rule(); err != nil {
			return nil, err
		}
		at[row.ID] = i
	}
	// What is not in at came between two of the queries.
	for _, x := range groups {
		if i, there := at[x.RuleID]; there {
			all[i].Groups = append(all[i].Groups, portal.GroupID(x.GroupID))
		}
	}
	for _, x := range people {
		if i, there := at[x.RuleID]; there {
			all[i].People = append(all[i].People, portal.UserID(x.UserID))
		}
	}
	for _, x := range resources {
		if i, there := at[x.RuleID]; there {
			all[i].Resources = append(all[i].Resources, portal.ResourceID(x.ResourceID))
		}
	}
	for _, x := range tags {
		if i, there := at[x.RuleID]; there {
			all[i].Tags = append(all[i].Tags, x.Tag)
		}
	}
	return all, nil
}

// RightsOf returns the groups of a person, without Everyone, and the rules that name the person, both sorted.
func (tx *Tx) RightsOf(user portal.UserID) (groups []portal.GroupID, rules []portal.RuleID, err error) {
	var rows []struct {
		Kind string
		ID   string
	}
	err = tx.db.Raw(`SELECT DISTINCT 'group' AS kind, group_id AS id FROM memberships WHERE user_id = ?
		UNION ALL SELECT 'rule', rule_id FROM rule_people WHERE user_id = ? ORDER BY 1, 2`, string(user), string(user)).Scan(&rows).Error
	if err != nil {
		return nil, nil, fmt.Errorf("read rights of %s: %w", user, err)
	}
	for _, r := range rows {
		if r.Kind == "group" {
			groups = append(groups, portal.GroupID(r.ID))
		} else {
			rules = append(rules, portal.RuleID(r.ID))
		}
	}
	return groups, rules, nil
}

// RulesOfPeople returns the ids of the rules that name each of the people themselves; whom no rule names is not in the map.
func (tx *Tx) RulesOfPeople(people []portal.UserID) (map[portal.UserID][]portal.RuleID, error) {
	rules := map[portal.UserID][]portal.RuleID{}
	for part := range chunks(people) {
		var rows []struct {
			UserID portal.UserID
			RuleID portal.RuleID
		}
		if err := tx.db.Raw("SELECT user_id, rule_id FROM rule_people WHERE user_id IN ?", part).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("read rules of people: %w", err)
		}
		for _, r := range rows {
			rules[r.UserID] = append(rules[r.UserID], r.RuleID)
		}
	}
	return rules, nil
}
