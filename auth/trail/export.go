package trail

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Format is the form of an exported file.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl" // one JSON object a line
	CSV       Format = "csv"   // RFC 4180, in UTF-8, with a line of names; made safe for spreadsheets
)

// exportStep is how many events are in memory at once.
const exportStep = 500

// Export is a file that is ready to be written: it was allowed, and is in the trail itself.
type Export struct {
	store  *store.Store
	filter store.AuditFilter
	format Format
	upTo   uint64
}

// Export prepares a file of the events that the filter chooses, oldest first, up to now. It needs auth.AuditExport.
func (s *Service) Export(ctx context.Context, by portal.Actor, f store.AuditFilter, format Format) (*Export, error) {
	if err := auth.Allow(by, auth.AuditExport, s.now()); err != nil {
		return nil, err
	}
	if err := checkFilter(f); err != nil {
		return nil, err
	}
	if format != JSONLines && format != CSV {
		return nil, portal.InvalidFields(portal.Field{Path: "format", Code: "unknown", Msg: "Choose jsonl or csv."})
	}
	e := &Export{store: s.Store, filter: f, format: format}
	err := s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if e.upTo, err = tx.AuditHead(); err != nil {
			return err
		}
		return tx.Audit(by, "audit.export", "audit", map[string]any{"format": format, "filter": asked(f), "upTo": e.upTo})
	})
	if err != nil {
		return nil, fmt.Errorf("export audit trail: %w", err)
	}
	return e, nil
}

// WriteTo writes the file. However long it is, only a few hundred events are in memory, and no transaction stays open while w is slow. An
// error tells that the file is not whole.
func (e *Export) WriteTo(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriter(w)
	if e.format == CSV {
		if _, err := out.WriteString(csvLine(csvNames...)); err != nil {
			return err
		}
	}
	for after := uint64(0); e.upTo > 0; {
		page, err := e.page(ctx, after)
		if err != nil {
			return fmt.Errorf("export audit trail after %d: %w", after, err)
		}
		if len(page) == 0 {
			break
		}
		for _, event := range page {
			if err := e.put(out, event); err != nil {
				return err
			}
			after = event.Seq
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
	return out.Flush()
}

func (e *Export) page(ctx context.Context, after uint64) (events []portal.AuditEvent, err error) {
	err = e.store.View(ctx, func(tx *store.Tx) error {
		events, err = tx.AuditAfter(e.filter, after, e.upTo, exportStep)
		return err
	})
	return events, err
}

func (e *Export) put(w *bufio.Writer, event portal.AuditEvent) error {
	line := ""
	if e.format == CSV {
		line = csvLine(strconv.FormatUint(event.Seq, 10), formTime(event.At), event.Actor, event.Action, event.Target, event.Detail, event.Addr,
			event.RequestID, event.Prev, event.Hash)
	} else {
		text, err := encode(event)
		if err != nil {
			return err
		}
		line = string(text) + "\n"
	}
	_, err := w.WriteString(line)
	return err
}

var csvNames = []string{"seq", "at", "actor", "action", "target", "detail", "address", "request_id", "prev", "hash"}

// csvLine writes each field in quotes (RFC 4180, section 2), so that no program finds another separator in one.
func csvLine(fields ...string) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(strings.ReplaceAll(harmless(f), `"`, `""`))
		b.WriteByte('"')
	}
	b.WriteString("\r\n")
	return b.String()
}

// harmless puts an apostrophe before what a spreadsheet would run as a formula: text that begins, after white space, with one of the signs
// that begin one, also in their wide forms.
func harmless(s string) string {
	if s == "" {
		return s
	}
	first := strings.TrimLeft(s, " \t\r\n\v\f\u00a0\u3000\ufeff")
	if s[0] == '\t' || s[0] == '\r' || s[0] == '\n' || strings.ContainsAny(firstRune(first), "=+-@＝＋－＠|%") {
		return "'" + s
	}
	return s
}

func firstRune(s string) string {
	for _, r := range s {
		return string(r)
	}
	return ""
}
