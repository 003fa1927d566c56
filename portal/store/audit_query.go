package store

import (
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/sallyport/sallyport/portal"
)

// AuditFilter chooses events; a zero field chooses all.
type AuditFilter struct {
	Actor  string    // exactly, "user:ID"
	Action string    // the beginning: "device." or "device.revoke"
	Target string    // exactly
	From   time.Time // at or after
	Until  time.Time // before
	Text   string    // in actor, target, action, address, request id or detail, or in the name of actor or target; in any case of ASCII letters
}

// apply narrows a query. LIKE patterns are escaped, so that a "%" is only itself.
func (f AuditFilter) apply(q *gorm.DB) *gorm.DB {
	if f.Actor != "" {
		q = q.Where("actor = ?", f.Actor)
	}
	if f.Target != "" {
		q = q.Where("target = ?", f.Target)
	}
	if f.Action != "" {
		q = q.Where(`action LIKE ? ESCAPE '\'`, likeEscape.Replace(f.Action)+"%")
	}
	if !f.From.IsZero() {
		q = q.Where("at >= ?", micros(f.From))
	}
	if !f.Until.IsZero() {
		q = q.Where("at < ?", micros(f.Until))
	}
	if f.Text != "" {
		like := "%" + likeEscape.Replace(strings.ToLower(f.Text)) + "%"
		q = q.Where(`(lower(actor) LIKE @t ESCAPE '\' OR lower(target) LIKE @t ESCAPE '\' OR lower(action) LIKE @t ESCAPE '\'`+
			` OR lower(addr) LIKE @t ESCAPE '\' OR lower(request_id) LIKE @t ESCAPE '\' OR lower(detail) LIKE @t ESCAPE '\'`+
			` OR actor IN (SELECT 'user:' || id FROM users WHERE lower(name) LIKE @t ESCAPE '\')`+
			` OR target IN (SELECT 'user:' || id FROM users WHERE lower(name) LIKE @t ESCAPE '\'))`,
			map[string]any{"t": like})
	}
	return q
}

// AuditPage returns up to limit events with a sequence number below before (0: from the newest), newest first.
func (tx *Tx) AuditPage(before uint64, limit int) ([]portal.AuditEvent, error) {
	return tx.SearchAudit(AuditFilter{}, before, limit)
}

// SearchAudit is AuditPage for the events that the filter chooses.
func (tx *Tx) SearchAudit(f AuditFilter, before uint64, limit int) ([]portal.AuditEvent, error) {
	q := f.apply(tx.db).Order("seq DESC").Limit(limit)
	if before > 0 {
		q = q.Where("seq < ?", int64(before))
	}
	return auditEvents(q)
}

// AuditAfter returns up to limit of the chosen events, oldest first: those after one sequence number, up to another one, 0 for no bound.
func (tx *Tx) AuditAfter(f AuditFilter, after, upTo uint64, limit int) ([]portal.AuditEvent, error) {
	q := f.apply(tx.db).Where("seq > ?", int64(after)).Order("seq").Limit(limit)
	if upTo > 0 {
		q = q.Where("seq <= ?", int64(upTo))
	}
	return auditEvents(q)
}

func auditEvents(q *gorm.DB) ([]portal.AuditEvent, error) {
	var rows []auditRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read audit trail: %w", err)
	}
	events := make([]portal.AuditEvent, len(rows))
	for i, r := range rows {
		events[i] = r.event()
	}
	return events, nil
}
