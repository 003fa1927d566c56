package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

type auditRow struct {
	Seq       int64 `gorm:"primaryKey;autoIncrement:false"`
	At        int64
	Actor     string
	Action    string
	Target    string
	Detail    string
	Addr      string
	RequestID string
	Prev      string
	Hash      string
}

func (auditRow) TableName() string { return "audit" }

// Audit appends an event to the trail when the transaction commits. target is "device:ID" and the like; detail is encoded as a JSON
// object and must not hold secrets.
func (tx *Tx) Audit(by portal.Actor, action, target string, detail any) error {
	body := []byte("{}")
	if detail != nil {
		var err error
		if body, err = json.Marshal(detail); err != nil {
			return fmt.Errorf("encode audit detail of %s: %w", action, err)
		}
	}
	tx.audits = append(tx.audits, auditRow{
		At: micros(tx.Now), Actor: actorText(by), Action: action, Target: target, Detail: string(body), Addr: addrText(by.Addr), RequestID: by.RequestID,
	})
	return nil
}

// appendAudits chains the events of the transaction to the trail, whose counter stays locked until the commit. It is the last thing that
// a transaction does: others wait for the lock only so long, and no two transactions can wait for each other's.
func (tx *Tx) appendAudits() error {
	if len(tx.audits) == 0 {
		return nil
	}
	var seq int64
	err := tx.db.Raw("UPDATE counters SET value = value + ? WHERE name = 'audit' RETURNING value", len(tx.audits)).Scan(&seq).Error
	if err != nil {
		return fmt.Errorf("raise counter audit: %w", err)
	}
	seq -= int64(len(tx.audits))
	prev := noHash
	if seq > 0 {
		if err := tx.db.Raw("SELECT hash FROM audit WHERE seq = ?", seq).Scan(&prev).Error; err != nil {
			return fmt.Errorf("read end of audit trail: %w", err)
		}
	}
	for i := range tx.audits {
		row := &tx.audits[i]
		row.Seq, row.Prev = seq+int64(i)+1, prev
		row.Hash = row.digest()
		prev = row.Hash
	}
	for part := range slices.Chunk(tx.audits, 1000) { // SQLite takes 32,766 values in a statement
		if err := tx.db.Create(&part).Error; err != nil {
			return fmt.Errorf("append audit events: %w", err)
		}
	}
	return nil
}

// digest is the SHA-256 of every field but the hash itself, each with its length before it.
func (r auditRow) digest() string {
	var b strings.Builder
	for _, f := range []string{
		r.Prev, strconv.FormatInt(r.Seq, 10), strconv.FormatInt(r.At, 10), r.Actor, r.Action, r.Target, r.Detail, r.Addr, r.RequestID,
	} {
		b.WriteString(strconv.Itoa(len(f)))
		b.WriteByte(':')
		b.WriteString(f)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

func (r auditRow) event() portal.AuditEvent {
	return portal.AuditEvent{
		Seq: uint64(r.Seq), At: fromMicros(r.At), Actor: r.Actor, Action: r.Action, Target: r.Target, Detail: r.Detail, Addr: r.Addr,
		RequestID: r.RequestID, Prev: r.Prev, Hash: r.Hash,
	}
}

func actorText(by portal.Actor) string {
	switch {
	case by.User != "":
		return "user:" + string(by.User)
	case by.Service != "":
		return "service:" + string(by.Service)
	case by.Gateway != "":
		return "gateway:" + string(by.Gateway)
	case by.SCIM != "":
		return "scim:" + string(by.SCIM)
	case by.IsSystem():
		return "system"
	}
	return "nobody"
}
