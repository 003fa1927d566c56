package store

import (
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sallyport/sallyport/portal"
)

// Object is one row of the feed log: the newest value of one key, or the note that it is gone.
type Object struct {
	Key      string // "entry/PROFILE/DEVICE", "sig/ID", "rule/ID", "profile/ID", "pop/ID", "gateway/ID"
	Revision uint64
	Gone     bool
	Value    []byte    // JSON; empty when gone
	At       time.Time // when it was written: the now of that transaction
}

type logRow struct {
	Key   string `gorm:"primaryKey"`
	Rev   int64
	Gone  bool
	Value string
	At    int64
}

func (logRow) TableName() string { return "feed_log" }

// Put writes the value of a key to the feed log under the next revision, which it returns. value is given that revision before it is
// encoded. Gateways hear of it after the commit.
func (tx *Tx) Put(key string, value func(revision uint64) any) (uint64, error) {
	rev, err := tx.nextRevision()
	if err != nil {
		return 0, err
	}
	b, err := json.Marshal(value(rev))
	if err != nil {
		return 0, fmt.Errorf("encode object %s: %w", key, err)
	}
	return rev, tx.writeLog(logRow{Key: key, Rev: int64(rev), Value: string(b)})
}

// Drop writes to the feed log that the key is gone, under the next revision, which it returns.
func (tx *Tx) Drop(key string) (uint64, error) {
	rev, err := tx.nextRevision()
	if err != nil {
		return 0, err
	}
	return rev, tx.writeLog(logRow{Key: key, Rev: int64(rev), Gone: true})
}

func (tx *Tx) writeLog(row logRow) error {
	row.At = micros(tx.Now)
	tx.emitted = true
	err := tx.db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "key"}},
		DoUpdates: clause.AssignmentColumns([]string{"rev", "gone", "value", "at"}),
	}).Create(&row).Error
	if err != nil {
		return fmt.Errorf("write feed log %s: %w", row.Key, err)
	}
	return nil
}

// nextRevision takes the next revision. The counter's row stays locked until the transaction ends, so revisions follow commit order
// and a reader that has seen N will never meet a smaller one later.
func (tx *Tx) nextRevision() (uint64, error) { return tx.count("revision") }

// count raises a counter by one and returns its new value; the row is locked until the transaction ends.
func (tx *Tx) count(name string) (uint64, error) {
	var value uint64
	err := tx.db.Raw("UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", name).Scan(&value).Error
	if err != nil {
		return 0, fmt.Errorf("raise counter %s: %w", name, err)
	}
	return value, nil
}

// Compiled returns in which form the compiler has written the feed log, 0 when nobody has said.
func (tx *Tx) Compiled() (version int, err error) {
	err = tx.db.Raw("SELECT COALESCE(MAX(value), 0) FROM counters WHERE name = 'compiled'").Scan(&version).Error
	return version, err
}

// SetCompiled notes it.
func (tx *Tx) SetCompiled(version int) error {
	return tx.db.Exec("INSERT INTO counters (name, value) VALUES ('compiled', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", version).Error
}

// Revision returns the newest revision and the floor: who is at an older one than the floor can't catch up from the log.
func (tx *Tx) Revision() (head, floor uint64, err error) {
	var rows []struct {
		Name  string
		Value uint64
	}
	err = tx.db.Raw("SELECT name, value FROM counters WHERE name IN ('revision', 'floor')").Scan(&rows).Error
	for _, r := range rows {
		if r.Name == "revision" {
			head = r.Value
		} else {
			floor = r.Value
		}
	}
	return head, floor, err
}

// Since calls fn for each object that changed after revision since, in the order of revisions, gone ones included.
func (tx *Tx) Since(since uint64, fn func(Object) error) error {
	return tx.eachObject(tx.db.Where("rev > ?", int64(since)).Order("rev"), fn)
}

// Objects calls fn for each object that is there, in the order of revisions.
func (tx *Tx) Objects(fn func(Object) error) error {
	return tx.eachObject(tx.db.Where("NOT gone").Order("rev"), fn)
}

// Object returns the object under key. It returns portal.ErrNotFound when there is none or it is gone.
func (tx *Tx) Object(key string) (Object, error) {
	var row logRow
	if err := tx.db.Where("key = ? AND NOT gone", key).Take(&row).Error; err != nil {
		return Object{}, translate(err)
	}
	return row.object(), nil
}

func (tx *Tx) eachObject(q *gorm.DB, fn func(Object) error) error {
	rows, err := q.Model(&logRow{}).Select("key", "rev", "gone", "value", "at").Rows()
	if err != nil {
		return fmt.Errorf("read feed log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row logRow
		if err := rows.Scan(&row.Key, &row.Rev, &row.Gone, &row.Value, &row.At); err != nil {
			return fmt.Errorf("read feed log: %w", err)
		}
		if err := fn(row.object()); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r logRow) object() Object {
	return Object{Key: r.Key, Revision: uint64(r.Rev), Gone: r.Gone, Value: []byte(r.Value), At: fromMicros(r.At)}
}

// TrimLog forgets what is gone up to the given revision and raises the floor to it. It returns how many rows went.
func (tx *Tx) TrimLog(upTo uint64) (int64, error) {
	res := tx.db.Where("gone AND rev <= ?", int64(upTo)).Delete(&logRow{})
	if res.Error != nil {
		return 0, fmt.Errorf("trim feed log: %w", res.Error)
	}
	err := tx.db.Exec("UPDATE counters SET value = ? WHERE name = 'floor' AND value < ?", int64(upTo), int64(upTo)).Error
	return res.RowsAffected, err
}

// EntryKey is the key of a device's entry.
func EntryKey(k portal.EntryKey) string { return "entry/" + string(k.Profile) + "/" + string(k.Device) }

// SignatureKey is the key of a signature.
func SignatureKey(id portal.SignatureID) string { return "sig/" + string(id) }

// RuleKey is the key of a compiled rule.
func RuleKey(id portal.RuleID) string { return "rule/" + string(id) }

// ProfileKey is the key of a profile's note of where it is served.
func ProfileKey(id portal.ProfileID) string { return "profile/" + string(id) }

// PoPKey is the key of what concerns all gateways of a PoP.
func PoPKey(id portal.PoPID) string { return "pop/" + string(id) }

// GatewayKey is the key of what concerns one gateway.
func GatewayKey(id portal.GatewayID) string { return "gateway/" + string(id) }
