package store

import (
	"fmt"
	"time"

	"gorm.io/gorm/clause"
)

// AuditSink is how far a receiver of the audit trail has got.
type AuditSink struct {
	Name    string
	Seq     uint64    // of the last event that it has; 0: none
	SentAt  time.Time // of the last delivery; zero: never
	Problem string    // of the last try, "" when it went well
}

type auditSinkRow struct {
	Name       string `gorm:"primaryKey"`
	Seq        int64
	SentAt     int64
	Problem    string
	Owner      string
	OwnedUntil int64
}

func (auditSinkRow) TableName() string { return "audit_sinks" }

func (r auditSinkRow) sink() AuditSink {
	return AuditSink{Name: r.Name, Seq: uint64(r.Seq), SentAt: fromMicros(r.SentAt), Problem: r.Problem}
}

// AuditSinks returns every receiver that was ever configured, by name.
func (tx *Tx) AuditSinks() ([]AuditSink, error) {
	var rows []auditSinkRow
	if err := tx.db.Order("name").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list audit sinks: %w", err)
	}
	sinks := make([]AuditSink, len(rows))
	for i, r := range rows {
		sinks[i] = r.sink()
	}
	return sinks, nil
}

// AuditSinkSeq returns how far a receiver has got, 0 for one that is new.
func (tx *Tx) AuditSinkSeq(name string) (uint64, error) {
	var seq uint64
	err := tx.db.Raw("SELECT COALESCE(MAX(seq), 0) FROM audit_sinks WHERE name = ?", name).Scan(&seq).Error
	if err != nil {
		return 0, fmt.Errorf("read audit sink %s: %w", name, err)
	}
	return seq, nil
}

// BeginAuditSink makes a receiver that has everything up to seq already, unless it is there.
func (tx *Tx) BeginAuditSink(name string, seq uint64) error {
	if err := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&auditSinkRow{Name: name, Seq: int64(seq)}).Error; err != nil {
		return fmt.Errorf("make audit sink %s: %w", name, err)
	}
	return nil
}

// HoldAuditSink makes owner the one that sends to a receiver for a while, and returns how far it has got. ok is false while another owner
// holds it: with several portals one sends, so that the order is kept.
func (tx *Tx) HoldAuditSink(name, owner string, hold time.Duration) (seq uint64, ok bool, err error) {
	if err := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&auditSinkRow{Name: name}).Error; err != nil {
		return 0, false, fmt.Errorf("make audit sink %s: %w", name, err)
	}
	var rows []auditSinkRow
	err = tx.db.Raw("UPDATE audit_sinks SET owner = ?, owned_until = ? WHERE name = ? AND (owner = ? OR owned_until <= ?) RETURNING *",
		owner, micros(tx.Now.Add(hold)), name, owner, micros(tx.Now)).Scan(&rows).Error
	if err != nil {
		return 0, false, fmt.Errorf("hold audit sink %s: %w", name, err)
	}
	if len(rows) == 0 {
		return 0, false, nil
	}
	return uint64(rows[0].Seq), true, nil
}

// MoveAuditSink notes that a receiver has every event up to seq. It changes nothing when owner no longer holds it.
func (tx *Tx) MoveAuditSink(name, owner string, seq uint64) error {
	err := tx.db.Model(&auditSinkRow{}).Where("name = ? AND owner = ? AND seq < ?", name, owner, int64(seq)).
		Updates(map[string]any{"seq": int64(seq), "sent_at": micros(tx.Now), "problem": ""}).Error
	if err != nil {
		return fmt.Errorf("move audit sink %s: %w", name, err)
	}
	return nil
}

// ReleaseAuditSink gives a receiver up, with what went wrong ("" for nothing), so that another portal can try at once.
func (tx *Tx) ReleaseAuditSink(name, owner, problem string) error {
	err := tx.db.Model(&auditSinkRow{}).Where("name = ? AND owner = ?", name, owner).
		Updates(map[string]any{"owner": "", "owned_until": 0, "problem": problem}).Error
	if err != nil {
		return fmt.Errorf("release audit sink %s: %w", name, err)
	}
	return nil
}
