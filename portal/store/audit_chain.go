package store

import (
	"fmt"
	"strings"
)

// noHash is what the first event has for the hash of the one before it.
var noHash = strings.Repeat("0", 64)

// chainStep is how many events are checked at once.
const chainStep = 1000

// AuditChain is a walk along the trail from its beginning. The zero value stands before the first event.
type AuditChain struct {
	Good   uint64 // events that are as they were written
	Hash   string // of the last good one; "" before the first
	Broken uint64 // sequence number of the first event that was changed or is missing; 0: none so far
}

// CheckAudit walks on and reports whether there may be more. Events are never changed, so a walk may take any number of transactions.
func (tx *Tx) CheckAudit(c *AuditChain) (more bool, err error) {
	var rows []auditRow
	if err := tx.db.Where("seq > ?", int64(c.Good)).Order("seq").Limit(chainStep).Find(&rows).Error; err != nil {
		return false, fmt.Errorf("read audit trail: %w", err)
	}
	for _, r := range rows {
		if !c.follows(r) {
			return false, nil
		}
	}
	if len(rows) == chainStep {
		return true, nil
	}
	return false, tx.checkEnd(c)
}

// follows takes in an event that continues the chain. Rows below 1 are nobody's either: none is written there.
func (c *AuditChain) follows(r auditRow) bool {
	prev := c.Hash
	if prev == "" {
		prev = noHash
	}
	if uint64(r.Seq) != c.Good+1 || r.Prev != prev || r.Hash != r.digest() {
		c.Broken = c.Good + 1
		return false
	}
	c.Good, c.Hash = c.Good+1, r.Hash
	return true
}

// checkEnd compares the end of the walk with the number of events that were written: who deletes the newest and forgets the counter is
// seen without an anchor.
func (tx *Tx) checkEnd(c *AuditChain) error {
	written, err := tx.auditCount()
	if err != nil {
		return err
	}
	if written != c.Good {
		c.Broken = min(written, c.Good) + 1
	}
	return nil
}

func (tx *Tx) auditCount() (uint64, error) {
	var n uint64
	if err := tx.db.Raw("SELECT value FROM counters WHERE name = 'audit'").Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("read counter audit: %w", err)
	}
	return n, nil
}

// VerifyAudit walks the whole chain in one transaction and returns how many events are good and the sequence number of the first one that
// is not, 0 when all are.
func (tx *Tx) VerifyAudit() (good, broken uint64, err error) {
	var c AuditChain
	for more := true; more; {
		if more, err = tx.CheckAudit(&c); err != nil {
			return c.Good, 0, err
		}
	}
	return c.Good, c.Broken, nil
}

// AuditHash returns the hash of an event as it is kept. It returns portal.ErrNotFound when the trail does not have it.
func (tx *Tx) AuditHash(seq uint64) (string, error) {
	var r auditRow
	if err := tx.db.Select("hash").Where("seq = ?", int64(seq)).Take(&r).Error; err != nil {
		return "", translate(err)
	}
	return r.Hash, nil
}

// AuditHead returns the sequence number of the newest event, 0 when there is none.
func (tx *Tx) AuditHead() (uint64, error) {
	var seq uint64
	if err := tx.db.Raw("SELECT COALESCE(MAX(seq), 0) FROM audit").Scan(&seq).Error; err != nil {
		return 0, fmt.Errorf("read end of audit trail: %w", err)
	}
	return seq, nil
}
