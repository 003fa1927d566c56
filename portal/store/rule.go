package store

import (
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

type ruleRow struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	Reason    string
	Action    string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
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

func newRuleRow(r portal.Rule) ruleRow {
	return ruleRow{ID: string(r.ID), Name: r.Name, Reason: r.Reason, Action: string(r.Action), CreatedAt: micros(r.CreatedAt)}
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
	for _, link := range []any{&ruleGroupRow{}, &ruleResourceRow{}} {
		if err := tx.db.Where("rule_id = ?", row.ID).Delete(link).Error; err != nil {
			return fmt.Errorf("change rule %s: %w", r.ID, err)
		}
	}
	return tx.linkRule(r)
}

// linkRule writes the groups and resources that the rule names.
func (tx *Tx) linkRule(r portal.Rule) error {
	groups, resources := make([]ruleGroupRow, len(r.Groups)), make([]ruleResourceRow, len(r.Resources))
	for i, g := range r.Groups {
		groups[i] = ruleGroupRow{RuleID: string(r.ID), GroupID: string(g)}
	}
	for i, x := range r.Resources {
		resources[i] = ruleResourceRow{RuleID: string(r.ID), ResourceID: string(x)}
	}
	if len(groups) > 0 {
		if err := tx.db.Create(&groups).Error; err != nil {
			return fmt.Errorf("link rule %s to groups: %w", r.ID, err)
		}
	}
	if len(resources) > 0 {
		if err := tx.db.Create(&resources).Error; err != nil {
			return fmt.Errorf("link rule %s to resources: %w", r.ID, err)
		}
	}
	return nil
}

// DeleteRule removes a rule.
func (tx *Tx) DeleteRule(id portal.RuleID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&ruleRow{}))
}

// Rule returns one rule, its groups and resources in the order of their ids, or portal.ErrNotFound.
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

// RulesWithResource returns the rules that name the resource, by name.
func (tx *Tx) RulesWithResource(id portal.ResourceID) ([]portal.Rule, error) {
	var ids []portal.RuleID
	if err := tx.db.Raw("SELECT rule_id FROM rule_resources WHERE resource_id = ?", string(id)).Scan(&ids).Error; err != nil {
		return nil, fmt.Errorf("find rules with resource %s: %w", id, err)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return tx.rules(ids)
}

// rules returns those with the ids, or all when ids is nil.
func (tx *Tx) rules(ids []portal.RuleID) ([]portal.Rule, error) {
	q, groups, resources := tx.db.Order("name, id"), tx.db.Order("group_id"), tx.db.Order("resource_id")
	if ids != nil {
		q, groups, resources = q.Where("id IN ?", ids), groups.Where("rule_id IN ?", ids), resources.Where("rule_id IN ?", ids)
	}
	var rows []ruleRow
	var groupRows []ruleGroupRow
	var resourceRows []ruleResourceRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read rules: %w", err)
	}
	if err := groups.Find(&groupRows).Error; err != nil {
		return nil, fmt.Errorf("read groups of rules: %w", err)
	}
	if err := resources.Find(&resourceRows).Error; err != nil {
		return nil, fmt.Errorf("read resources of rules: %w", err)
	}
	all, at := make([]portal.Rule, len(rows)), make(map[string]*portal.Rule, len(rows))
	for i, r := range rows {
		all[i] = portal.Rule{ID: portal.RuleID(r.ID), Name: r.Name, Reason: r.Reason, Action: portal.Action(r.Action), CreatedAt: fromMicros(r.CreatedAt)}
		at[r.ID] = &all[i]
	}
	for _, g := range groupRows {
		if r := at[g.RuleID]; r != nil { // else it came between two of the queries
			r.Groups = append(r.Groups, portal.GroupID(g.GroupID))
		}
	}
	for _, x := range resourceRows {
		if r := at[x.RuleID]; r != nil {
			r.Resources = append(r.Resources, portal.ResourceID(x.ResourceID))
		}
	}
	return all, nil
}

// RulesOf returns the ids of the rules that concern a person, sorted: those that name one of the person's groups or Everyone.
func (tx *Tx) RulesOf(user portal.UserID) ([]portal.RuleID, error) {
	var ids []portal.RuleID
	err := tx.db.Raw(`SELECT rule_id FROM rule_groups WHERE group_id = ?
		UNION SELECT x.rule_id FROM rule_groups x JOIN memberships m ON m.group_id = x.group_id WHERE m.user_id = ? ORDER BY 1`,
		string(portal.Everyone), string(user)).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("read rules of %s: %w", user, err)
	}
	return ids, nil
}

// RulesOfGroups returns the ids of the rules that name each of the groups; a group that no rule names is not in the map.
func (tx *Tx) RulesOfGroups(groups []portal.GroupID) (map[portal.GroupID][]portal.RuleID, error) {
	rules := make(map[portal.GroupID][]portal.RuleID, len(groups))
	for part := range chunks(groups) {
		var rows []struct {
			GroupID portal.GroupID
			RuleID  portal.RuleID
		}
		if err := tx.db.Raw("SELECT group_id, rule_id FROM rule_groups WHERE group_id IN ?", part).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("read rules of groups: %w", err)
		}
		for _, r := range rows {
			rules[r.GroupID] = append(rules[r.GroupID], r.RuleID)
		}
	}
	return rules, nil
}
