package trail_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func export(t *testing.T, svc *trail.Service, f store.AuditFilter, format trail.Format) string {
	t.Helper()
	e, err := svc.Export(t.Context(), auditor, f, format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := e.WriteTo(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestOnlyWhoMayReadTheTrail(t *testing.T) {
	svc := &trail.Service{Store: storetest.New(t)}
	for _, role := range portal.Roles() {
		by := portal.Actor{User: "u", Role: role}
		want := error(nil)
		if role != portal.RoleOwner && role != portal.RoleAdmin && role != portal.RoleAuditor {
			want = portal.ErrForbidden
		}
		_, search := svc.Search(t.Context(), by, store.AuditFilter{}, 0, 10)
		_, files := svc.Export(t.Context(), by, store.AuditFilter{}, trail.CSV)
		_, verify := svc.Verify(t.Context(), by, trail.Anchor{})
		for what, err := range map[string]error{"search": search, "export": files, "verify": verify} {
			if !errors.Is(err, want) {
				t.Errorf("%s as %s: got %v, want %v", what, role, err, want)
			}
		}
	}
	for name, f := range map[string]store.AuditFilter{
		"control characters": {Text: "a\x00b"}, "too long": {Actor: strings.Repeat("x", 201)}, "not text": {Target: "\xff"},
		"backwards": {From: time.Unix(2, 0), Until: time.Unix(1, 0)},
	} {
		if _, err := svc.Search(t.Context(), auditor, f, 0, 10); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestExportedLinesProveTheChain does what somebody without the portal would do with a file: it follows the hashes.
func TestExportedLinesProveTheChain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		write(t, s, 1203) // more than two pages
		text := export(t, &trail.Service{Store: s}, store.AuditFilter{}, trail.JSONLines)
		prev, n := strings.Repeat("0", 64), 0
		for line := range strings.Lines(text) {
			var e struct {
				Seq                                                       int64
				At, Actor, Action, Target, Address, RequestID, Prev, Hash string
				Detail                                                    json.RawMessage
			}
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339Nano, e.At)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.New()
			for _, f := range []string{
				e.Prev, strconv.FormatInt(e.Seq, 10), strconv.FormatInt(at.UnixMicro(), 10), e.Actor, e.Action, e.Target, string(e.Detail), e.Address, e.RequestID,
			} {
				fmt.Fprintf(sum, "%d:%s", len(f), f)
			}
			n++
			if e.Seq != int64(n) || e.Prev != prev || e.Hash != hex.EncodeToString(sum.Sum(nil)) {
				t.Fatalf("line %d does not prove: %s", n, line)
			}
			prev = e.Hash
		}
		if n != 1203 {
			t.Errorf("%d lines, want 1203", n)
		}
		var events []portal.AuditEvent
		err := s.View(t.Context(), func(tx *store.Tx) (err error) {
			events, err = tx.SearchAudit(store.AuditFilter{Action: "audit.export", Actor: "user:u-auditor"}, 0, 10)
			return err
		})
		if err != nil || len(events) != 1 || events[0].RequestID != "r1" {
			t.Errorf("the export is not in the trail: %v, %v", events, err)
		}
	})
}

func TestCSVRunsNoFormula(t *testing.T) {
	s := storetest.New(t)
	svc := &trail.Service{Store: s}
	for i, bad := range []string{"=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "a\";=1", "plain, \"quoted\"\nand lines", "\ufeff=1"} {
		put(t, s, portal.System, bad, fmt.Sprintf("x:%d", i), nil)
	}
	text := export(t, svc, store.AuditFilter{}, trail.CSV)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 12 || strings.Join(rows[0], " ") != "seq at actor action target detail address request_id prev hash" {
		t.Fatalf("got %q, %v", rows, err)
	}
	for _, row := range rows[1:] {
		action := row[3]
		if safe := strings.HasPrefix(action, "'") || strings.HasPrefix(action, "a") || strings.HasPrefix(action, "plain"); !safe {
			t.Errorf("a spreadsheet would run %q", action)
		}
	}
	for line := range strings.Lines(text) {
		if strings.Contains(line, "=") && !strings.Contains(line, `"`) {
			t.Errorf("not in quotes: %s", line)
		}
	}
	if rows := strings.Count(export(t, svc, store.AuditFilter{Target: "x:3"}, trail.CSV), "\r\n"); rows != 2 {
		t.Errorf("%d lines for one event, want 2", rows)
	}
}

// blocked is a reader of a file who goes away.
type blocked struct{ after int }

func (b *blocked) Write(p []byte) (int, error) {
	if b.after -= len(p); b.after < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

func TestExportThatBreaksOffSaysSo(t *testing.T) {
	s := storetest.New(t)
	write(t, s, 50)
	e, err := (&trail.Service{Store: s}).Export(t.Context(), auditor, store.AuditFilter{}, trail.JSONLines)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.WriteTo(t.Context(), &blocked{100}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestVerifyKnowsAnAnchor(t *testing.T) {
	s := storetest.New(t)
	svc := &trail.Service{Store: s}
	write(t, s, 5)
	first, err := svc.Verify(t.Context(), auditor, trail.Anchor{})
	if err != nil || !first.Whole() || first.Good != 5 || first.Head.Seq != 5 {
		t.Fatalf("got %+v, %v", first, err)
	}
	anchor, err := trail.ParseAnchor(first.Head.String())
	if err != nil {
		t.Fatal(err)
	}
	second, err := svc.Verify(t.Context(), auditor, anchor)
	if err != nil || !second.Whole() || second.Good != 6 {
		t.Errorf("with the anchor: %+v, %v", second, err)
	}
	// Somebody copies the trail without its end and starts the portal on the copy: the chain is whole and shorter.
	short := storetest.New(t)
	write(t, short, 3)
	for name, other := range map[string]trail.Anchor{"cut off": anchor, "written anew": {Seq: 2, Hash: first.Head.Hash}} {
		report, err := (&trail.Service{Store: short}).Verify(t.Context(), auditor, other)
		if err != nil || report.Broken != 0 || !report.AnchorLost || report.Whole() {
			t.Errorf("%s: got %+v, %v", name, report, err)
		}
	}
	for _, bad := range []string{"", "5", "5:", "0:" + first.Head.Hash, "5:" + strings.ToUpper(first.Head.Hash) + "F", "-1:" + first.Head.Hash} {
		if _, err := trail.ParseAnchor(bad); err == nil {
			t.Errorf("%q is an anchor", bad)
		}
	}
}

func TestVerifyOfAnEmptyTrail(t *testing.T) {
	report, err := (&trail.Service{Store: storetest.New(t)}).Verify(t.Context(), portal.System, trail.Anchor{})
	if err != nil || !report.Whole() || report.Good != 0 || report.Head != (trail.Anchor{}) {
		t.Errorf("got %+v, %v", report, err)
	}
}
