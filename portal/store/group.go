package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm/clause"

	"github.com/sallyport/sallyport/portal"
)

type groupRow struct {
	ID        string `gorm:"primaryKey"`
	Name      string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (groupRow) TableName() string { return "groups" }

func (r groupRow) group() portal.Group {
	return portal.Group{ID: portal.GroupID(r.ID), Name: r.Name, CreatedAt: fromMicros(r.CreatedAt)}
}

type membershipRow struct {
	GroupID string `gorm:"primaryKey"`
	UserID  string `gorm:"primaryKey"`
	Source  string `gorm:"primaryKey"`
}

func (membershipRow) TableName() string { return "memberships" }

// maxGroupName is the longest group name in characters. Longer ones from a provider are not taken over.
const maxGroupName = 256

// SetMemberships makes groupNames the whole of what source says about the person: it adds and removes memberships of that source only,
// and creates groups that do not exist. Names that are empty, longer than 256 characters or hold control characters are left out. changed
// tells whether the person's set of groups, over all sources, is another one now; then the person's tunnels must be compiled again.
func (tx *Tx) SetMemberships(user portal.UserID, source portal.GroupSource, groupNames []string) (changed bool, err error) {
	want, err := tx.groupsNamed(groupNames)
	if err != nil {
		return false, err
	}
	var rows []membershipRow
	if err := tx.db.Where("user_id = ?", string(user)).Find(&rows).Error; err != nil {
		return false, fmt.Errorf("read groups of %s: %w", user, err)
	}
	have, others := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		if r.Source == string(source) {
			have[r.GroupID] = true
		} else {
			others[r.GroupID] = true
		}
	}
	for _, id := range want {
		if have[id] {
			delete(have, id) // what is left over in have is to be removed
			continue
		}
		changed = changed || !others[id]
		if err := tx.addMember(portal.GroupID(id), user, source); err != nil {
			return false, err
		}
	}
	for id := range have {
		changed = changed || !others[id]
		if err := tx.removeMember(portal.GroupID(id), user, source); err != nil {
			return false, err
		}
	}
	return changed, nil
}

// groupsNamed returns the ids of the groups with these names, sorted, and creates those that do not exist.
func (tx *Tx) groupsNamed(names []string) ([]string, error) {
	var usable []string
	for _, n := range names {
		if n = strings.TrimSpace(n); usableGroupName(n) {
			usable = append(usable, n)
		}
	}
	slices.Sort(usable)
	usable = slices.Compact(usable)
	var ids []string
	for _, name := range usable {
		row := groupRow{ID: string(portal.NewID[portal.GroupID](tx.Now)), Name: name, CreatedAt: micros(tx.Now)}
		// Two sign-ins may bring the same new group at once: the loser waits for the winner and then finds its row.
		if err := tx.db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "name"}}, DoNothing: true}).Create(&row).Error; err != nil {
			return nil, fmt.Errorf("create group: %w", err)
		}
		var id string
		if err := tx.db.Raw("SELECT id FROM groups WHERE name = ?", name).Scan(&id).Error; err != nil {
			return nil, fmt.Errorf("find group: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func usableGroupName(name string) bool {
	return name != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= maxGroupName && !strings.ContainsFunc(name, unicode.IsControl)
}

// GroupsOf returns the groups of a person and their sources, by name; the built-in group Everyone is not among them.
func (tx *Tx) GroupsOf(user portal.UserID) ([]portal.Membership, error) {
	var rows []struct {
		Row    groupRow `gorm:"embedded"`
		Source string
	}
	err := tx.db.Raw(`SELECT g.id, g.name, g.created_at, m.source FROM memberships m JOIN groups g ON g.id = m.group_id
		WHERE m.user_id = ? ORDER BY g.name, g.id, m.source`, string(user)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read groups of %s: %w", user, err)
	}
	var all []portal.Membership
	for _, r := range rows {
		if n := len(all); n == 0 || string(all[n-1].Group.ID) != r.Row.ID {
			all = append(all, portal.Membership{Group: r.Row.group()})
		}
		last := &all[len(all)-1]
		last.Sources = append(last.Sources, portal.GroupSource(r.Source))
	}
	return all, nil
}

// GroupIDs returns the ids of the groups of a person, sorted, without Everyone.
func (tx *Tx) GroupIDs(user portal.UserID) ([]portal.GroupID, error) {
	var ids []portal.GroupID
	err := tx.db.Raw("SELECT DISTINCT group_id FROM memberships WHERE user_id = ? ORDER BY group_id", string(user)).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("read groups of %s: %w", user, err)
	}
	return ids, nil
}

// GroupIDsOf returns the ids of the groups of each of the people, sorted, without Everyone.
func (tx *Tx) GroupIDsOf(users []portal.UserID) (map[portal.UserID][]portal.GroupID, error) {
	groups := make(map[portal.UserID][]portal.GroupID, len(users))
	for part := range chunks(users) {
		var rows []struct {
			UserID  portal.UserID
			GroupID portal.GroupID
		}
		err := tx.db.Raw("SELECT DISTINCT user_id, group_id FROM memberships WHERE user_id IN ?", part).Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("read groups of people: %w", err)
		}
		for _, r := range rows {
			groups[r.UserID] = append(groups[r.UserID], r.GroupID)
		}
	}
	for _, ids := range groups {
		slices.Sort(ids)
	}
	return groups, nil
}

// Groups returns every group, Everyone included, by name, and the number of members of each (of Everyone 0: it has no rows).
func (tx *Tx) Groups() ([]portal.Group, map[portal.GroupID]int, error) {
	var rows []struct {
		Row     groupRow `gorm:"embedded"`
		Members int
	}
	err := tx.db.Raw(`SELECT g.id, g.name, g.created_at, (SELECT COUNT(DISTINCT m.user_id) FROM memberships m WHERE m.group_id = g.id) AS members
		FROM groups g ORDER BY g.name, g.id`).Scan(&rows).Error
	if err != nil {
		return nil, nil, fmt.Errorf("list groups: %w", err)
	}
	groups, members := make([]portal.Group, len(rows)), make(map[portal.GroupID]int, len(rows))
	for i, r := range rows {
		groups[i] = r.Row.group()
		members[groups[i].ID] = r.Members
	}
	return groups, members, nil
}

// Group returns one group, or portal.ErrNotFound.
func (tx *Tx) Group(id portal.GroupID) (portal.Group, error) {
	var row groupRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.Group{}, translate(err)
	}
	return row.group(), nil
}

// MissingGroups returns those of ids that are no group.
func (tx *Tx) MissingGroups(ids []portal.GroupID) ([]portal.GroupID, error) {
	return missing(tx, "groups", ids)
}

// CreateGroup adds a group. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreateGroup(g portal.Group) error {
	return translate(tx.db.Create(&groupRow{ID: string(g.ID), Name: g.Name, CreatedAt: micros(g.CreatedAt)}).Error)
}

// RenameGroup returns portal.ErrNotFound when there is no such group and portal.ErrDuplicate when the name is taken.
func (tx *Tx) RenameGroup(id portal.GroupID, name string) error {
	return one(tx.db.Model(&groupRow{}).Where("id = ?", string(id)).Update("name", name))
}

// DeleteGroup removes a group and its memberships. Rules and profiles must not name it any more.
func (tx *Tx) DeleteGroup(id portal.GroupID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&groupRow{}))
}

// SetMember gives or takes a local membership. written tells whether there was anything to write; moved, whether the person's set of groups,
// over all sources, is another one now: it is not when another source gives the membership too.
func (tx *Tx) SetMember(group portal.GroupID, user portal.UserID, member bool) (written, moved bool, err error) {
	var sources []string
	err = tx.db.Model(&membershipRow{}).Where("group_id = ? AND user_id = ?", string(group), string(user)).Pluck("source", &sources).Error
	if err != nil {
		return false, false, fmt.Errorf("read sources of %s in group %s: %w", user, group, err)
	}
	local := slices.Contains(sources, string(portal.SourceLocal))
	if local == member {
		return false, false, nil
	}
	if member {
		return true, len(sources) == 0, tx.addMember(group, user, portal.SourceLocal)
	}
	return true, len(sources) == 1, tx.removeMember(group, user, portal.SourceLocal)
}

func (tx *Tx) addMember(group portal.GroupID, user portal.UserID, source portal.GroupSource) error {
	row := membershipRow{GroupID: string(group), UserID: string(user), Source: string(source)}
	if err := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("add %s to group %s: %w", user, group, err)
	}
	return nil
}

func (tx *Tx) removeMember(group portal.GroupID, user portal.UserID, source portal.GroupSource) error {
	err := tx.db.Where("group_id = ? AND user_id = ? AND source = ?", string(group), string(user), string(source)).Delete(&membershipRow{}).Error
	if err != nil {
		return fmt.Errorf("remove %s from group %s: %w", user, group, err)
	}
	return nil
}

// missing returns those of ids that are no key of the table, which is one of ours and never input.
func missing[T ~string](tx *Tx, table string, ids []T) ([]T, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var found []T
	if err := tx.db.Table(table).Where("id IN ?", ids).Pluck("id", &found).Error; err != nil {
		return nil, fmt.Errorf("look up %s: %w", table, err)
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id T) bool { return slices.Contains(found, id) }), nil
}

// DropSource takes away all that a source gave. It returns how many memberships that were, and the people who are not in a group any more for
// it: whom another source gave the same is not among them.
func (tx *Tx) DropSource(source portal.GroupSource) (dropped int, changed []portal.UserID, err error) {
	err = tx.db.Raw(`SELECT DISTINCT user_id FROM memberships m WHERE source = ? AND NOT EXISTS (
		SELECT 1 FROM memberships o WHERE o.group_id = m.group_id AND o.user_id = m.user_id AND o.source <> m.source) ORDER BY user_id`, string(source)).Scan(&changed).Error
	if err != nil {
		return 0, nil, fmt.Errorf("read members by %s: %w", source, err)
	}
	res := tx.db.Where("source = ?", string(source)).Delete(&membershipRow{})
	if res.Error != nil {
		return 0, nil, fmt.Errorf("drop members by %s: %w", source, res.Error)
	}
	return int(res.RowsAffected), changed, nil
}
