package store

import (
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type holdRow struct {
	Source    string
	UserID    *string
	DeviceID  *string
	Level     string
	Reason    string
	Until     int64
	ByUser    string
	CreatedAt int64 `gorm:"autoCreateTime:false"`
}

func (holdRow) TableName() string { return "level_holds" }

func (r holdRow) hold() portal.Hold {
	h := portal.Hold{
		Source: portal.HoldSource(r.Source), Level: portal.Level(r.Level), Reason: r.Reason, Until: fromMicros(r.Until), By: portal.UserID(r.ByUser),
		CreatedAt: fromMicros(r.CreatedAt),
	}
	if r.UserID != nil {
		h.User = portal.UserID(*r.UserID)
	}
	if r.DeviceID != nil {
		h.Device = portal.DeviceID(*r.DeviceID)
	}
	return h
}

// SetHold puts a hold in the place of the one that its source has on the same person or device.
func (tx *Tx) SetHold(h portal.Hold) error {
	if err := tx.DropHold(h.Source, h.User, h.Device); err != nil {
		return err
	}
	row := holdRow{Source: string(h.Source), Level: string(h.Level), Reason: h.Reason, Until: micros(h.Until), ByUser: string(h.By), CreatedAt: micros(h.CreatedAt)}
	if h.User != "" {
		row.UserID = (*string)(&h.User)
	} else {
		row.DeviceID = (*string)(&h.Device)
	}
	if err := tx.db.Create(&row).Error; err != nil {
		return fmt.Errorf("hold at level %s: %w", h.Level, translate(err))
	}
	return nil
}

// DropHold removes the hold that a source has on a person or a device, if there is one.
func (tx *Tx) DropHold(source portal.HoldSource, user portal.UserID, device portal.DeviceID) error {
	q := tx.db.Where("source = ? AND device_id = ?", string(source), string(device))
	if user != "" {
		q = tx.db.Where("source = ? AND user_id = ?", string(source), string(user))
	}
	if err := q.Delete(&holdRow{}).Error; err != nil {
		return fmt.Errorf("lift a hold: %w", err)
	}
	return nil
}

// HoldsOn returns the holds in force on these people and on these devices.
func (tx *Tx) HoldsOn(users []portal.UserID, devices []portal.DeviceID) (holds []portal.Hold, err error) {
	for part := range chunks(users) {
		if holds, err = tx.holds(holds, "user_id IN ?", part); err != nil {
			return nil, err
		}
	}
	for part := range chunks(devices) {
		if holds, err = tx.holds(holds, "device_id IN ?", part); err != nil {
			return nil, err
		}
	}
	return holds, nil
}

// HoldsOver returns holds whose time is over, at most limit.
func (tx *Tx) HoldsOver(limit int) ([]portal.Hold, error) {
	var rows []holdRow
	if err := tx.db.Where("until > 0 AND until <= ?", micros(tx.Now)).Order("until").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("look for holds that are over: %w", err)
	}
	return holdsOf(nil, rows), nil
}

func (tx *Tx) holds(all []portal.Hold, where string, ids any) ([]portal.Hold, error) {
	var rows []holdRow
	if err := tx.db.Where(where, ids).Where("until = 0 OR until > ?", micros(tx.Now)).Order("created_at, source").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read holds: %w", err)
	}
	return holdsOf(all, rows), nil
}

func holdsOf(all []portal.Hold, rows []holdRow) []portal.Hold {
	for _, r := range rows {
		all = append(all, r.hold())
	}
	return all
}

// attachHolds gives each device's grant the holds in force on it and on its owner.
func (tx *Tx) attachHolds(all []DeviceRecord) error {
	if len(all) == 0 {
		return nil
	}
	users, devices := make([]portal.UserID, len(all)), make([]portal.DeviceID, len(all))
	for i, d := range all {
		users[i], devices[i] = d.User, d.ID
	}
	slices.Sort(users)
	holds, err := tx.HoldsOn(slices.Compact(users), devices)
	if err != nil || len(holds) == 0 {
		return err
	}
	byUser, byDevice := map[portal.UserID][]portal.Hold{}, map[portal.DeviceID][]portal.Hold{}
	for _, h := range holds {
		if h.User != "" {
			byUser[h.User] = append(byUser[h.User], h)
		} else {
			byDevice[h.Device] = append(byDevice[h.Device], h)
		}
	}
	for i, d := range all {
		all[i].Grant.Holds = append(slices.Clone(byUser[d.User]), byDevice[d.ID]...)
	}
	return nil
}

// SetFactorAt notes when the person last showed a second factor for a grant, unless a later one is known.
func (tx *Tx) SetFactorAt(device portal.DeviceID, at time.Time) error {
	err := tx.db.Exec("UPDATE grants SET factor_at = ? WHERE device_id = ? AND factor_at < ?", micros(at), string(device), micros(at)).Error
	if err != nil {
		return fmt.Errorf("note the second factor of device %s: %w", device, err)
	}
	return nil
}
