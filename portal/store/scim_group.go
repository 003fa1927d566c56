package store

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/sallyport/sallyport/portal"
)

type scimGroupRow struct {
	GroupID    string `gorm:"primaryKey"`
	Issuer     string
	ExternalID string
	Made       bool
	Version    int64
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	ChangedAt  int64
}

func (scimGroupRow) TableName() string { return "scim_groups" }

// scimGroupNamed is the row with the group's own columns.
type scimGroupNamed struct {
	Row   scimGroupRow `gorm:"embedded"`
	Name  string
	Since int64
}

func (r scimGroupNamed) group() portal.SCIMGroup {
	return portal.SCIMGroup{
		Group:  portal.Group{ID: portal.GroupID(r.Row.GroupID), Name: r.Name, CreatedAt: fromMicros(r.Since)},
		Issuer: r.Row.Issuer, ExternalID: r.Row.ExternalID, Made: r.Row.Made, Version: uint64(r.Row.Version), //nolint:gosec // counts up from 1
		KeptSince: fromMicros(r.Row.CreatedAt), ChangedAt: fromMicros(r.Row.ChangedAt),
	}
}

// SCIMGroupQuery selects a directory's groups; "" in a field selects by something else.
type SCIMGroupQuery struct {
	Issuer     string
	Group      portal.GroupID
	ExternalID string
	Member     portal.UserID // groups that the directory put this person into
}

func (q SCIMGroupQuery) on(tx *Tx) *gorm.DB {
	db := tx.db.Table("scim_groups AS s").Joins("JOIN groups g ON g.id = s.group_id").Where("s.issuer = ?", q.Issuer)
	if q.Group != "" {
		db = db.Where("s.group_id = ?", string(q.Group))
	}
	if q.ExternalID != "" {
		db = db.Where("s.external_id = ?", q.ExternalID)
	}
	if q.Member != "" {
		db = db.Where("s.group_id IN (SELECT m.group_id FROM memberships m WHERE m.user_id = ? AND m.source = 'scim')", string(q.Member))
	}
	return db
}

// SCIMGroups returns up to limit groups that the query selects, in the order of their ids, after the one named and without the next skip.
func (tx *Tx) SCIMGroups(q SCIMGroupQuery, after portal.GroupID, skip, limit int) ([]portal.SCIMGroup, error) {
	var rows []scimGroupNamed
	err := q.on(tx).Select("s.*, g.name AS name, g.created_at AS since").Where("s.group_id > ?", string(after)).
		Order("s.group_id").Offset(skip).Limit(limit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list SCIM groups: %w", err)
	}
	groups := make([]portal.SCIMGroup, len(rows))
	for i, r := range rows {
		groups[i] = r.group()
	}
	return groups, nil
}

// CountSCIMGroups returns how many groups the query selects.
func (tx *Tx) CountSCIMGroups(q SCIMGroupQuery) (int, error) {
	var n int64
	err := q.on(tx).Count(&n).Error
	return int(n), err
}

// SCIMGroup returns a group of a directory. It returns portal.ErrNotFound.
func (tx *Tx) SCIMGroup(issuer string, id portal.GroupID) (portal.SCIMGroup, error) {
	groups, err := tx.SCIMGroups(SCIMGroupQuery{Issuer: issuer, Group: id}, "", 0, 1)
	if err != nil {
		return portal.SCIMGroup{}, err
	}
	if len(groups) == 0 {
		return portal.SCIMGroup{}, portal.ErrNotFound
	}
	return groups[0], nil
}

// LockSCIMGroup does the same and keeps others from changing it until the transaction ends.
func (tx *Tx) LockSCIMGroup(issuer string, id portal.GroupID) (portal.SCIMGroup, error) {
	var row scimGroupRow
	if err := tx.lockForUpdate().Where("group_id = ? AND issuer = ?", string(id), issuer).Take(&row).Error; err != nil {
		return portal.SCIMGroup{}, translate(err)
	}
	return tx.SCIMGroup(issuer, id)
}

// CreateSCIMGroup makes an existing group one that a directory keeps. It returns portal.ErrDuplicate when a directory does already.
func (tx *Tx) CreateSCIMGroup(g portal.SCIMGroup) error {
	res := tx.db.Exec(`INSERT INTO scim_groups (group_id, issuer, external_id, made, version, created_at, changed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		string(g.ID), g.Issuer, g.ExternalID, g.Made, int64(g.Version), micros(g.KeptSince), micros(g.ChangedAt)) //nolint:gosec // counts up from 1
	if res.Error != nil {
		return fmt.Errorf("create SCIM group: %w", translate(res.Error))
	}
	if res.RowsAffected == 0 {
		return portal.ErrDuplicate
	}
	return nil
}

// UpdateSCIMGroup writes external id, version and time of change. It returns portal.ErrNotFound.
func (tx *Tx) UpdateSCIMGroup(g portal.SCIMGroup) error {
	return one(tx.db.Model(&scimGroupRow{}).Where("group_id = ?", string(g.ID)).Updates(map[string]any{
		"external_id": g.ExternalID, "version": int64(g.Version), "changed_at": micros(g.ChangedAt), //nolint:gosec // counts up from 1
	}))
}

// DeleteSCIMGroup ends that a directory keeps a group; the group and its memberships stay. It returns portal.ErrNotFound.
func (tx *Tx) DeleteSCIMGroup(id portal.GroupID) error {
	return one(tx.db.Where("group_id = ?", string(id)).Delete(&scimGroupRow{}))
}

// GroupByName returns the group with this name, or portal.ErrNotFound.
func (tx *Tx) GroupByName(name string) (portal.Group, error) {
	var row groupRow
	if err := tx.db.Where("name = ?", name).Take(&row).Error; err != nil {
		return portal.Group{}, translate(err)
	}
	return row.group(), nil
}

// UsableGroupName reports whether a group may be called so: not empty, at most 256 characters, none of them a control character.
func UsableGroupName(name string) bool { return usableGroupName(name) }

// HasMembers reports whether a source gave any membership in the group.
func (tx *Tx) HasMembers(id portal.GroupID) (bool, error) {
	var n int64
	err := tx.db.Raw("SELECT COUNT(*) FROM (SELECT 1 FROM memberships WHERE group_id = ? LIMIT 1) AS found", string(id)).Scan(&n).Error
	return n > 0, err
}

// MembersWithDevices returns the members of a group who have a device, from whatever source.
func (tx *Tx) MembersWithDevices(id portal.GroupID) (ids []portal.UserID, err error) {
	err = tx.db.Raw(`SELECT DISTINCT user_id FROM memberships m WHERE group_id = ? AND EXISTS (SELECT 1 FROM devices d WHERE d.user_id = m.user_id)
		ORDER BY user_id`, string(id)).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("read members of group %s: %w", id, err)
	}
	return ids, nil
}

// MembersBySource returns the ids of those whom a source made members, sorted.
func (tx *Tx) MembersBySource(id portal.GroupID, source portal.GroupSource) ([]portal.UserID, error) {
	var ids []portal.UserID
	err := tx.db.Raw("SELECT user_id FROM memberships WHERE group_id = ? AND source = ? ORDER BY user_id", string(id), string(source)).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("read members of %s: %w", id, err)
	}
	return ids, nil
}

// SCIMMembers returns those whom the directory made members, in the order of their ids; of only, where it is not nil.
func (tx *Tx) SCIMMembers(id portal.GroupID, only []portal.UserID) ([]portal.SCIMMember, error) {
	q := tx.db.Table("memberships AS m").Joins("JOIN users u ON u.id = m.user_id").Select(`m.user_id AS "user", u.name AS name`).
		Where("m.group_id = ? AND m.source = 'scim'", string(id)).Order("m.user_id")
	if only != nil {
		q = q.Where("m.user_id IN ?", only)
	}
	var members []portal.SCIMMember
	if err := q.Scan(&members).Error; err != nil {
		return nil, fmt.Errorf("read members of %s: %w", id, err)
	}
	return members, nil
}

// AddMembers gives memberships of a source, and returns those who did not have it from that source before.
func (tx *Tx) AddMembers(id portal.GroupID, source portal.GroupSource, users []portal.UserID) (added []portal.UserID, err error) {
	for part := range chunks(users) {
		var fresh []portal.UserID
		err := tx.db.Raw("INSERT INTO memberships (group_id, user_id, source) SELECT ?, u.id, ? FROM users u WHERE u.id IN ? ON CONFLICT DO NOTHING RETURNING user_id",
			string(id), string(source), part).Scan(&fresh).Error
		if err != nil {
			return nil, fmt.Errorf("add members to %s: %w", id, err)
		}
		added = append(added, fresh...)
	}
	return added, nil
}

// RemoveMembers takes memberships of a source, and returns those who had one.
func (tx *Tx) RemoveMembers(id portal.GroupID, source portal.GroupSource, users []portal.UserID) (removed []portal.UserID, err error) {
	for part := range chunks(users) {
		var gone []portal.UserID
		err := tx.db.Raw("DELETE FROM memberships WHERE group_id = ? AND source = ? AND user_id IN ? RETURNING user_id", string(id), string(source), part).Scan(&gone).Error
		if err != nil {
			return nil, fmt.Errorf("remove members of %s: %w", id, err)
		}
		removed = append(removed, gone...)
	}
	return removed, nil
}

// LeaveSCIMGroups takes all memberships that directories gave a person; the groups get a new version.
func (tx *Tx) LeaveSCIMGroups(issuer string, user portal.UserID) ([]portal.GroupID, error) {
	const mine = "group_id IN (SELECT m.group_id FROM memberships m WHERE m.user_id = ? AND m.source = 'scim')"
	err := tx.db.Exec("UPDATE scim_groups SET version = version + 1, changed_at = ? WHERE issuer = ? AND "+mine, micros(tx.Now), issuer, string(user)).Error
	if err != nil {
		return nil, fmt.Errorf("change groups of %s: %w", user, err)
	}
	var left []portal.GroupID
	err = tx.db.Raw(`DELETE FROM memberships WHERE user_id = ? AND source = 'scim' AND group_id IN (SELECT s.group_id FROM scim_groups s WHERE s.issuer = ?)
		RETURNING group_id`, string(user), issuer).Scan(&left).Error
	if err != nil {
		return nil, fmt.Errorf("leave groups: %w", err)
	}
	return left, nil
}

// LockSCIMGroupsOf keeps the groups that a directory put a person into from being changed until the transaction ends.
func (tx *Tx) LockSCIMGroupsOf(issuer string, user portal.UserID) error {
	if tx.store.oneWriter() {
		return nil
	}
	return tx.db.Exec(`SELECT 1 FROM scim_groups WHERE issuer = ? AND group_id IN (SELECT m.group_id FROM memberships m WHERE m.user_id = ? AND m.source = 'scim')
		ORDER BY group_id FOR UPDATE`, issuer, string(user)).Error
}

// WithDevices returns those of users who have a device.
func (tx *Tx) WithDevices(users []portal.UserID) (with []portal.UserID, err error) {
	for part := range chunks(users) {
		var found []portal.UserID
		if err := tx.db.Raw("SELECT DISTINCT user_id FROM devices WHERE user_id IN ? ORDER BY user_id", part).Scan(&found).Error; err != nil {
			return nil, fmt.Errorf("find people with devices: %w", err)
		}
		with = append(with, found...)
	}
	return with, nil
}
