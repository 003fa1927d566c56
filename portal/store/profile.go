package store

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type profileRow struct {
	ID          string `gorm:"primaryKey"`
	Name        string
	Description string
	Mode        string
	Included    string
	Names       string
	Excluded    string
	DNS         string `gorm:"column:dns"`
	Search      string
	Match       string `gorm:"column:match_domains"`
	MTU         int64  `gorm:"column:mtu"`
	Keepalive   int64  // seconds
	Session     int64  // seconds
	Idle        int64  // seconds
	MaxDevices  int64
	Approval    bool
	Protocols   string
	PoolID      string
	GroupIDs    string `gorm:"column:group_ids"`
	PopIDs      string `gorm:"column:pop_ids"`
	CreatedAt   int64  `gorm:"autoCreateTime:false"`

	LogoutEndsGrants bool
}

func (profileRow) TableName() string { return "profiles" }

func newProfileRow(p portal.Profile) profileRow {
	return profileRow{
		ID: string(p.ID), Name: p.Name, Description: p.Description, Mode: string(p.Mode), Included: list(p.Included), Excluded: list(p.Excluded),
		DNS: list(p.DNS), Search: list(p.Search), MTU: int64(p.MTU), Keepalive: seconds(p.Keepalive), Session: seconds(p.Session),
		Names: list(p.Names), Match: list(p.Match), Idle: seconds(p.Idle), Approval: p.Approval,
		MaxDevices: int64(p.MaxDevices), Protocols: list(p.Protocols), PoolID: string(p.Pool), GroupIDs: list(p.Groups), PopIDs: list(p.PoPs),
		CreatedAt: micros(p.CreatedAt), LogoutEndsGrants: p.LogoutEndsGrants,
	}
}

func (r profileRow) profile() (portal.Profile, error) {
	included, err1 := fromList[netip.Prefix](r.Included)
	excluded, err2 := fromList[netip.Prefix](r.Excluded)
	dns, err3 := fromList[netip.Addr](r.DNS)
	search, err4 := fromList[string](r.Search)
	protocols, err5 := fromList[portal.Protocol](r.Protocols)
	groups, err6 := fromList[portal.GroupID](r.GroupIDs)
	pops, err7 := fromList[portal.PoPID](r.PopIDs)
	names, err8 := fromList[string](r.Names)
	match, err9 := fromList[string](r.Match)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9); err != nil {
		return portal.Profile{}, fmt.Errorf("read profile %s: %w", r.ID, err)
	}
	return portal.Profile{
		ID: portal.ProfileID(r.ID), Name: r.Name, Description: r.Description, Mode: portal.Mode(r.Mode), Included: included, Excluded: excluded,
		DNS: dns, Search: search, MTU: int(r.MTU), Keepalive: time.Duration(r.Keepalive) * time.Second, Session: time.Duration(r.Session) * time.Second,
		Names: names, Match: match, Idle: time.Duration(r.Idle) * time.Second, Approval: r.Approval,
		MaxDevices: int(r.MaxDevices), Protocols: protocols, Pool: portal.PoolID(r.PoolID), Groups: groups, PoPs: pops, CreatedAt: fromMicros(r.CreatedAt),
		LogoutEndsGrants: r.LogoutEndsGrants,
	}, nil
}

// CreateProfile adds a profile. It returns portal.ErrDuplicate when the name is taken.
func (tx *Tx) CreateProfile(p portal.Profile) error {
	row := newProfileRow(p)
	return translate(tx.db.Create(&row).Error)
}

// UpdateProfile replaces a profile. It returns portal.ErrNotFound, or portal.ErrDuplicate when the name is taken.
func (tx *Tx) UpdateProfile(p portal.Profile) error {
	row := newProfileRow(p)
	return one(tx.db.Model(&profileRow{}).Where("id = ?", row.ID).Select("*").Omit("id", "created_at").Updates(&row))
}

// DeleteProfile removes a profile that no device uses.
func (tx *Tx) DeleteProfile(id portal.ProfileID) error {
	return one(tx.db.Where("id = ?", string(id)).Delete(&profileRow{}))
}

// Profile returns one profile, or portal.ErrNotFound.
func (tx *Tx) Profile(id portal.ProfileID) (portal.Profile, error) {
	var row profileRow
	if err := tx.db.Where("id = ?", string(id)).Take(&row).Error; err != nil {
		return portal.Profile{}, translate(err)
	}
	p, err := row.profile()
	if err != nil || len(p.Names) == 0 {
		return p, err
	}
	answers, err := tx.Answers(p.Names)
	p.Answers = answersOf(p, answers)
	return p, err
}

// Profiles returns every profile, by name.
func (tx *Tx) Profiles() ([]portal.Profile, error) {
	var rows []profileRow
	if err := tx.db.Order("name, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list profiles: %w", err)
	}
	profiles := make([]portal.Profile, len(rows))
	for i, r := range rows {
		p, err := r.profile()
		if err != nil {
			return nil, err
		}
		profiles[i] = p
	}
	var names []string
	for _, p := range profiles {
		names = append(names, p.Names...)
	}
	if len(names) == 0 {
		return profiles, nil
	}
	answers, err := tx.Answers(names)
	if err != nil {
		return nil, err
	}
	for i, p := range profiles {
		profiles[i].Answers = answersOf(p, answers)
	}
	return profiles, nil
}

// ProfileUse returns how many devices use each profile.
func (tx *Tx) ProfileUse() (map[portal.ProfileID]int, error) {
	var rows []struct {
		ProfileID portal.ProfileID
		N         int
	}
	if err := tx.db.Raw("SELECT profile_id, COUNT(*) AS n FROM devices GROUP BY profile_id").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("count devices of profiles: %w", err)
	}
	use := make(map[portal.ProfileID]int, len(rows))
	for _, r := range rows {
		use[r.ProfileID] = r.N
	}
	return use, nil
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
