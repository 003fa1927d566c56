package store

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/sallyport/sallyport/portal"
)

// GroupUses returns what names a group, by kind and name.
func (tx *Tx) GroupUses(id portal.GroupID) ([]portal.GroupUse, error) {
	var uses []portal.GroupUse
	err := tx.db.Raw(`SELECT 'rule' AS kind, r.id, r.name FROM rules r JOIN rule_groups x ON x.rule_id = r.id WHERE x.group_id = ?
		UNION ALL SELECT 'resource', id, name FROM resources WHERE approvers = ?`, string(id), string(id)).Scan(&uses).Error
	if err != nil {
		return nil, fmt.Errorf("find rules and resources with group %s: %w", id, err)
	}
	profiles, err := tx.Profiles()
	if err != nil {
		return nil, err
	}
	for _, p := range profiles {
		if slices.Contains(p.Groups, id) {
			uses = append(uses, portal.GroupUse{Kind: portal.UsedByProfile, ID: string(p.ID), Name: p.Name})
		}
	}
	policies, err := tx.FactorPolicies()
	if err != nil {
		return nil, err
	}
	for _, p := range policies {
		if p.Group.ID == id {
			uses = append(uses, portal.GroupUse{Kind: portal.UsedByFactorPolicy, ID: string(id), Name: p.Group.Name})
		}
	}
	tests, err := tx.PolicyTests()
	if err != nil {
		return nil, err
	}
	for _, t := range tests {
		if t.Group == id {
			uses = append(uses, portal.GroupUse{Kind: portal.UsedByPolicyTest, ID: string(t.ID), Name: t.Name})
		}
	}
	slices.SortFunc(uses, func(a, b portal.GroupUse) int {
		return strings.Compare(string(a.Kind)+"\x00"+a.Name+"\x00"+a.ID, string(b.Kind)+"\x00"+b.Name+"\x00"+b.ID)
	})
	return uses, nil
}

// GroupSources returns how many people each kind of source has put into each group, for those named or, with nil, for all.
func (tx *Tx) GroupSources(ids []portal.GroupID) (map[portal.GroupID]map[portal.GroupSource]int, error) {
	var rows []struct {
		GroupID portal.GroupID
		Source  portal.GroupSource
		N       int
	}
	kinds := tx.db.Model(&membershipRow{}).Select("group_id, user_id, CASE WHEN source LIKE 'claim:%' THEN 'claim' ELSE source END AS source")
	if ids != nil {
		kinds = kinds.Where("group_id IN ?", ids)
	}
	err := tx.db.Table("(?) AS kinds", kinds).Select("group_id, source, COUNT(DISTINCT user_id) AS n").Group("group_id, source").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count memberships by source: %w", err)
	}
	all := map[portal.GroupID]map[portal.GroupSource]int{}
	for _, r := range rows {
		if all[r.GroupID] == nil {
			all[r.GroupID] = map[portal.GroupSource]int{}
		}
		all[r.GroupID][r.Source] = r.N
	}
	return all, nil
}

// GroupDirectories returns the issuers of the directories that keep groups: of those named or, with nil, of all.
func (tx *Tx) GroupDirectories(ids []portal.GroupID) (map[portal.GroupID]string, error) {
	q := tx.db.Select("group_id", "issuer")
	if ids != nil {
		q = q.Where("group_id IN ?", ids)
	}
	var rows []scimGroupRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list groups of directories: %w", err)
	}
	kept := make(map[portal.GroupID]string, len(rows))
	for _, r := range rows {
		kept[portal.GroupID(r.GroupID)] = r.Issuer
	}
	return kept, nil
}

// GroupPage returns up to limit groups by name after the one named, "" for the beginning; there Everyone comes first. search, when not "", must
// occur in the name, in any case of ASCII letters. It returns portal.ErrNotFound when the group named is gone.
func (tx *Tx) GroupPage(search string, after portal.GroupID, limit int) ([]portal.Group, error) {
	q := tx.db.Model(&groupRow{})
	if search != "" {
		q = q.Where(`lower(name) LIKE ? ESCAPE '\'`, "%"+likeEscape.Replace(strings.ToLower(search))+"%")
	}
	var rows, others []groupRow
	switch after {
	case "":
		if err := q.Session(&gorm.Session{}).Where("id = ?", string(portal.Everyone)).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("list groups: %w", err)
		}
	case portal.Everyone:
	default:
		last, err := tx.Group(after)
		if err != nil {
			return nil, err
		}
		q = q.Where("(name, id) > (?, ?)", last.Name, string(last.ID))
	}
	if err := q.Where("id <> ?", string(portal.Everyone)).Order("name, id").Limit(limit - len(rows)).Find(&others).Error; err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	groups := make([]portal.Group, 0, len(rows)+len(others))
	for _, r := range append(rows, others...) {
		groups = append(groups, r.group())
	}
	return groups, nil
}

// CountMembersOf returns how many people are in each of the groups, whoever says so.
func (tx *Tx) CountMembersOf(ids []portal.GroupID) (map[portal.GroupID]int, error) {
	var rows []struct {
		GroupID portal.GroupID
		N       int
	}
	err := tx.db.Raw("SELECT group_id, COUNT(DISTINCT user_id) AS n FROM memberships WHERE group_id IN ? GROUP BY group_id", ids).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count members of groups: %w", err)
	}
	counts := make(map[portal.GroupID]int, len(rows))
	for _, r := range rows {
		counts[r.GroupID] = r.N
	}
	return counts, nil
}

// Members returns up to limit members of a group in the order of their ids after the one named, "" for the beginning, with who says so.
// search, when not "", must occur in name or address, in any case of ASCII letters.
func (tx *Tx) Members(group portal.GroupID, search string, after portal.UserID, limit int) ([]portal.GroupMember, error) {
	q := tx.db.Where("id > ? AND id IN (SELECT user_id FROM memberships WHERE group_id = ?)", string(after), string(group)).Order("id").Limit(limit)
	if search != "" {
		like := "%" + likeEscape.Replace(strings.ToLower(search)) + "%"
		q = q.Where(`(lower(name) LIKE ? ESCAPE '\' OR lower(email) LIKE ? ESCAPE '\')`, like, like)
	}
	var rows []userRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list members of %s: %w", group, err)
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	var sources []membershipRow
	if err := tx.db.Where("group_id = ? AND user_id IN ?", string(group), ids).Order("user_id, source").Find(&sources).Error; err != nil {
		return nil, fmt.Errorf("list members of %s: %w", group, err)
	}
	members := make([]portal.GroupMember, len(rows))
	for i, r := range rows {
		members[i] = portal.GroupMember{User: r.user()}
		for _, m := range sources {
			if m.UserID == r.ID {
				members[i].Sources = append(members[i].Sources, portal.GroupSource(m.Source))
			}
		}
	}
	return members, nil
}

// CountMembers returns how many people are in a group, whoever says so.
func (tx *Tx) CountMembers(id portal.GroupID) (int, error) {
	var n int64
	err := tx.db.Raw("SELECT COUNT(DISTINCT user_id) FROM memberships WHERE group_id = ?", string(id)).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count members of %s: %w", id, err)
	}
	return int(n), nil
}
