package store

import (
	"encoding/json"
	"fmt"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
)

type deviceFactRow struct {
	DeviceID string
	Source   string
	ByName   string
	Name     string
	Value    string
	Why      string
	At       int64
	Expires  int64
}

func (deviceFactRow) TableName() string { return "device_facts" }

func (r deviceFactRow) fact() (posture.Fact, error) {
	f := posture.Fact{Name: r.Name, Why: r.Why, Source: posture.Source(r.Source), By: r.ByName, At: fromMicros(r.At), Expires: fromMicros(r.Expires)}
	if err := json.Unmarshal([]byte(r.Value), &f.Value); err != nil {
		return f, fmt.Errorf("read fact %s of device %s: %w", r.Name, r.DeviceID, err)
	}
	return f, nil
}

// DeviceFacts returns what is known of these devices, by name, source and token.
func (tx *Tx) DeviceFacts(ids []portal.DeviceID) (map[portal.DeviceID][]posture.Fact, error) {
	all := map[portal.DeviceID][]posture.Fact{}
	for part := range chunks(ids) {
		var rows []deviceFactRow
		if err := tx.db.Where("device_id IN ?", part).Order("name, source, by_name").Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("read facts: %w", err)
		}
		for _, r := range rows {
			f, err := r.fact()
			if err != nil {
				return nil, err
			}
			all[portal.DeviceID(r.DeviceID)] = append(all[portal.DeviceID(r.DeviceID)], f)
		}
	}
	return all, nil
}

// SetDeviceFacts puts facts in the place of all that the same source said of the device under the same name.
func (tx *Tx) SetDeviceFacts(device portal.DeviceID, source posture.Source, by string, facts []posture.Fact) error {
	if err := tx.db.Where("device_id = ? AND source = ? AND by_name = ?", string(device), string(source), by).Delete(&deviceFactRow{}).Error; err != nil {
		return fmt.Errorf("replace facts of device %s: %w", device, err)
	}
	if len(facts) == 0 {
		return nil
	}
	rows := make([]deviceFactRow, len(facts))
	for i, f := range facts {
		rows[i] = deviceFactRow{
			DeviceID: string(device), Source: string(source), ByName: by, Name: f.Name, Value: structure(f.Value), Why: f.Why, At: micros(f.At), Expires: micros(f.Expires),
		}
	}
	if err := tx.db.Create(&rows).Error; err != nil {
		return fmt.Errorf("write facts of device %s: %w", device, translate(err))
	}
	return nil
}

// KeepFacts forgets the facts of all devices but those of these names.
func (tx *Tx) KeepFacts(names []string) error {
	q := tx.db.Where("1 = 1")
	if len(names) > 0 {
		q = tx.db.Where("name NOT IN ?", names)
	}
	if err := q.Delete(&deviceFactRow{}).Error; err != nil {
		return fmt.Errorf("forget facts that no check reads: %w", err)
	}
	return nil
}
