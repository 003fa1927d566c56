package trail

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Service reads the trail for people. Fill the fields, then use it from any number of goroutines.
type Service struct {
	Store *store.Store
	Now   func() time.Time // nil for time.Now
}

// maxPage bounds a page of events.
const maxPage = 200

// Search returns up to limit events that the filter chooses, newest first: below a sequence number, 0 for from the newest. It needs
// auth.AuditRead.
func (s *Service) Search(ctx context.Context, by portal.Actor, f store.AuditFilter, before uint64, limit int) (events []portal.AuditEvent, err error) {
	if err := auth.Allow(by, auth.AuditRead, s.now()); err != nil {
		return nil, err
	}
	if err := checkFilter(f); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		events, err = tx.SearchAudit(f, before, min(max(limit, 1), maxPage))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search audit trail: %w", err)
	}
	return events, nil
}

// maxFilter bounds each text of a filter, in bytes.
const maxFilter = 200

func checkFilter(f store.AuditFilter) error {
	var wrong []portal.Field
	for _, one := range []struct{ path, text string }{{"actor", f.Actor}, {"action", f.Action}, {"target", f.Target}, {"q", f.Text}} {
		switch {
		case len(one.text) > maxFilter:
			wrong = append(wrong, portal.Field{Path: one.path, Code: "too_long", Msg: fmt.Sprintf("At most %d bytes.", maxFilter)})
		case strings.ContainsFunc(one.text, unicode.IsControl) || strings.ToValidUTF8(one.text, "") != one.text:
			wrong = append(wrong, portal.Field{Path: one.path, Code: "malformed", Msg: "Use printable characters only."})
		}
	}
	if !f.From.IsZero() && !f.Until.IsZero() && !f.From.Before(f.Until) {
		wrong = append(wrong, portal.Field{Path: "until", Code: "out_of_range", Msg: "The end must be after the beginning."})
	}
	return portal.InvalidFields(wrong...)
}

// asked is a filter as the audit event of an export tells it.
func asked(f store.AuditFilter) map[string]any {
	m := map[string]any{}
	for name, text := range map[string]string{"actor": f.Actor, "action": f.Action, "target": f.Target, "text": f.Text} {
		if text != "" {
			m[name] = text
		}
	}
	for name, t := range map[string]time.Time{"from": f.From, "until": f.Until} {
		if !t.IsZero() {
			m[name] = t
		}
	}
	return m
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}
