package store

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm/clause"
)

// LogChange is one change of the feed log: a new value for a key or, with a nil Value, the note that it is gone.
type LogChange struct {
	Key   string
	Value func(revision uint64) any
}

// WriteLog writes many changes as Put and Drop would one after the other, in a few statements. It returns the revision of the last one,
// 0 when there are none. No key may appear twice.
func (tx *Tx) WriteLog(changes []LogChange) (last uint64, err error) {
	if len(changes) == 0 {
		return 0, nil
	}
	err = tx.db.Raw("UPDATE counters SET value = value + ? WHERE name = 'revision' RETURNING value", len(changes)).Scan(&last).Error
	if err != nil {
		return 0, fmt.Errorf("raise counter revision: %w", err)
	}
	tx.emitted = true
	rev := last - uint64(len(changes))
	for part := range chunks(changes) {
		rows := make([]logRow, len(part))
		for i, c := range part {
			rev++
			rows[i] = logRow{Key: c.Key, Rev: int64(rev), Gone: c.Value == nil, At: micros(tx.Now)}
			if c.Value == nil {
				continue
			}
			b, err := json.Marshal(c.Value(rev))
			if err != nil {
				return 0, fmt.Errorf("encode object %s: %w", c.Key, err)
			}
			rows[i].Value = string(b)
		}
		err := tx.db.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "key"}},
			DoUpdates: clause.AssignmentColumns([]string{"rev", "gone", "value", "at"}),
		}).Create(&rows).Error
		if err != nil {
			return 0, fmt.Errorf("write feed log: %w", err)
		}
	}
	return last, nil
}

// ObjectsUnder returns the objects that are there under the keys.
func (tx *Tx) ObjectsUnder(keys []string) (map[string]Object, error) {
	found := make(map[string]Object, len(keys))
	for part := range chunks(keys) {
		err := tx.eachObject(tx.db.Where("key IN ? AND NOT gone", part), func(o Object) error {
			found[o.Key] = o
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// TombstonesBefore returns the highest revision of the objects that were gone before the time, 0 when there is none: how far the log
// may be trimmed.
func (tx *Tx) TombstonesBefore(at time.Time) (uint64, error) {
	var rev uint64
	if err := tx.db.Raw("SELECT COALESCE(MAX(rev), 0) FROM feed_log WHERE gone AND at < ?", micros(at)).Scan(&rev).Error; err != nil {
		return 0, fmt.Errorf("find old tombstones: %w", err)
	}
	return rev, nil
}
