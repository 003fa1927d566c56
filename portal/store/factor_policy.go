package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"github.com/sallyport/sallyport/portal"
)

type factorPolicyRow struct {
	GroupID     string `gorm:"primaryKey"`
	Required    bool
	TOTP        bool `gorm:"column:totp"`
	Recovery    bool
	GraceDays   int64
	PasskeyDays int64
	ChangedAt   int64
}

func (factorPolicyRow) TableName() string { return "factor_policies" }

const day = 24 * time.Hour

func (r factorPolicyRow) policy() portal.FactorPolicy {
	return portal.FactorPolicy{
		Required: r.Required, TOTP: r.TOTP, Recovery: r.Recovery, Grace: time.Duration(r.GraceDays) * day, PasskeyAlone: time.Duration(r.PasskeyDays) * day,
	}
}

// FactorPolicyOf returns what holds for a person: the strictest of their groups. Everyone is a member of the group of that name, whose
// policy is the default one until it is set.
func (tx *Tx) FactorPolicyOf(user portal.UserID) (portal.FactorPolicy, error) {
	var rows []factorPolicyRow
	err := tx.db.Where("group_id = ? OR group_id IN (SELECT group_id FROM memberships WHERE user_id = ?)", string(portal.Everyone), string(user)).Find(&rows).Error
	if err != nil {
		return portal.FactorPolicy{}, fmt.Errorf("read factor policy of %s: %w", user, err)
	}
	base, rest := portal.DefaultFactorPolicy(), rows[:0]
	for _, r := range rows {
		if r.GroupID == string(portal.Everyone) {
			base = r.policy()
			continue
		}
		rest = append(rest, r)
	}
	for _, r := range rest {
		base = base.Strictest(r.policy())
	}
	return base, nil
}

// FactorPolicies returns the policies that are set, by the names of the groups.
func (tx *Tx) FactorPolicies() ([]portal.GroupFactorPolicy, error) {
	var rows []factorPolicyRow
	if err := tx.db.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list factor policies: %w", err)
	}
	all := make([]portal.GroupFactorPolicy, len(rows))
	for i, r := range rows {
		group, err := tx.Group(portal.GroupID(r.GroupID))
		if err != nil {
			return nil, fmt.Errorf("list factor policies: group %s: %w", r.GroupID, err)
		}
		all[i] = portal.GroupFactorPolicy{Group: group, Policy: r.policy(), ChangedAt: fromMicros(r.ChangedAt)}
	}
	slices.SortFunc(all, func(a, b portal.GroupFactorPolicy) int { return strings.Compare(a.Group.Name, b.Group.Name) })
	return all, nil
}

// FactorPolicy returns the policy of one group. It returns portal.ErrNotFound when none is set.
func (tx *Tx) FactorPolicy(group portal.GroupID) (portal.FactorPolicy, error) {
	var row factorPolicyRow
	if err := tx.db.Where("group_id = ?", string(group)).Take(&row).Error; err != nil {
		return portal.FactorPolicy{}, translate(err)
	}
	return row.policy(), nil
}

// SetFactorPolicy sets the policy of a group, which must exist. Durations are kept in whole days.
func (tx *Tx) SetFactorPolicy(group portal.GroupID, p portal.FactorPolicy) error {
	row := factorPolicyRow{
		GroupID: string(group), Required: p.Required, TOTP: p.TOTP, Recovery: p.Recovery, GraceDays: int64(p.Grace / day),
		PasskeyDays: int64(p.PasskeyAlone / day), ChangedAt: micros(tx.Now),
	}
	if err := tx.db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("set factor policy of %s: %w", group, translate(err))
	}
	return nil
}

// DeleteFactorPolicy takes a group's policy away. It returns portal.ErrNotFound when none is set.
func (tx *Tx) DeleteFactorPolicy(group portal.GroupID) error {
	return one(tx.db.Where("group_id = ?", string(group)).Delete(&factorPolicyRow{}))
}

// GraceFrom returns when a person's time to set up a second factor began; the zero time before the first sign-in.
func (tx *Tx) GraceFrom(id portal.UserID) (time.Time, error) {
	var row userRow
	if err := tx.db.Select("grace_from").Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return time.Time{}, translate(err)
	}
	return fromMicros(row.GraceFrom), nil
}

// EndGrace takes away what is left of a person's time to set up a second factor, for good.
func (tx *Tx) EndGrace(id portal.UserID) error {
	return one(tx.db.Model(&userRow{}).Where("id = ?", string(id)).Updates(map[string]any{"grace_from": 1}))
}

// VouchedAt returns when a provider last said who the person is; the zero time for never.
func (tx *Tx) VouchedAt(id portal.UserID) (time.Time, error) {
	var row userRow
	if err := tx.db.Select("vouched_at").Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return time.Time{}, translate(err)
	}
	return fromMicros(row.VouchedAt), nil
}

// NoteSignIn writes that a person signed in just now, for the first time or again; vouched, that a provider said so.
func (tx *Tx) NoteSignIn(id portal.UserID, vouched bool) error {
	now := micros(tx.Now)
	q := "UPDATE users SET last_sign_in = ?, grace_from = CASE WHEN grace_from = 0 THEN ? ELSE grace_from END"
	args := []any{now, now}
	if vouched {
		q, args = q+", vouched_at = ?", append(args, now)
	}
	return tx.db.Exec(q+" WHERE id = ?", append(args, string(id))...).Error
}
