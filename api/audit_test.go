package api_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

func TestAuditIsFilteredExportedAndProved(t *testing.T) {
	w := newWorld(t)
	auditor := w.readyAs(portal.RoleAuditor)
	w.ready("ada")
	var page struct {
		Items []struct {
			Seq                   int64
			Actor, Action, Target string
		}
		Next string
	}
	seen, next := 0, ""
	for {
		page.Next, page.Items = "", nil
		auditor.want(http.StatusOK, "GET", "/audit?limit=1&action=session.sign&cursor="+url.QueryEscape(next), nil).into(t, &page)
		for _, e := range page.Items {
			if seen++; e.Action != "session.sign_in" {
				t.Errorf("got %+v", e)
			}
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if seen < 2 {
		t.Errorf("%d sign-ins, want those of both", seen)
	}
	auditor.want(http.StatusOK, "GET", "/audit?q=NO-SUCH-TEXT", nil).into(t, &page)
	if len(page.Items) != 0 {
		t.Errorf("got %+v", page.Items)
	}
	if a := auditor.send("GET", "/audit?from=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z", nil); a.code() != "invalid_input" {
		t.Errorf("backwards: got %s", a.code())
	}

	var first, second struct {
		Whole, AnchorLost bool
		Good              int64
		Head              string
	}
	auditor.want(http.StatusOK, "POST", "/audit/verify", map[string]any{}).into(t, &first)
	auditor.want(http.StatusOK, "POST", "/audit/verify", map[string]any{"anchor": first.Head}).into(t, &second)
	if !first.Whole || !second.Whole || second.Good < first.Good+1 {
		t.Errorf("got %+v, then %+v", first, second)
	}
	auditor.want(http.StatusOK, "POST", "/audit/verify", map[string]any{"anchor": "1:" + strings.Repeat("0", 64)}).into(t, &second)
	if second.Whole || !second.AnchorLost {
		t.Errorf("another trail's anchor: got %+v", second)
	}
	if a := auditor.send("POST", "/audit/verify", map[string]any{"anchor": "soon"}); a.code() != "invalid_input" {
		t.Errorf("no anchor: got %s", a.code())
	}

	file := auditor.want(http.StatusOK, "GET", "/audit/export?format=jsonl", nil)
	lines := strings.Split(strings.TrimSuffix(file.body, "\n"), "\n")
	if kind := file.header.Get("Content-Type"); kind != "application/jsonl" || int64(len(lines)) < second.Good {
		t.Errorf("%d lines of %s", len(lines), kind)
	}
	for i, line := range lines {
		var e struct{ Seq int }
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != i+1 {
			t.Fatalf("line %d: %s", i+1, line)
		}
	}
	table := auditor.want(http.StatusOK, "GET", "/audit/export?format=csv&action=audit.verify", nil)
	if n := strings.Count(table.body, "\r\n"); n != 4 || !strings.HasPrefix(table.header.Get("Content-Disposition"), `attachment; filename="audit-`) {
		t.Errorf("%d lines, %v", n, table.header)
	}
}
