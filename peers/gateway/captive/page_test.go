package captive_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/peers/gateway/captive"
)

func TestPageLeadsToThePortalWithTheReason(t *testing.T) {
	portal := "https://portal.example.com/base?x=1#y"
	p := &captive.Page{
		Portal: func() string { return portal },
		Why: func(_ context.Context, a netip.Addr) string {
			if a == netip.MustParseAddr("10.8.0.5") {
				return "held"
			}
			return ""
		},
		Log: slog.New(slog.DiscardHandler),
	}
	ask := func(method, from string) *http.Response {
		t.Helper()
		r := httptest.NewRequest(method, "http://anything.example/<script>", strings.NewReader("x"))
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		return w.Result()
	}
	for _, c := range []struct {
		method, from, to string
		status           int
	}{
		{http.MethodGet, "10.8.0.5:1", "https://portal.example.com/?from=gateway&why=held", http.StatusFound},
		{http.MethodHead, "10.8.0.6:1", "https://portal.example.com/?from=gateway", http.StatusFound},
		{http.MethodPost, "10.8.0.5:1", "", http.StatusNetworkAuthenticationRequired},
	} {
		r := ask(c.method, c.from)
		if r.StatusCode != c.status || r.Header.Get("Location") != c.to || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s from %s: %d %v", c.method, c.from, r.StatusCode, r.Header)
		}
	}
	for _, bad := range []string{"", "javascript:alert(1)", "/path", "::"} {
		portal = bad
		if r := ask(http.MethodGet, "10.8.0.5:1"); r.StatusCode != http.StatusNetworkAuthenticationRequired || r.Header.Get("Location") != "" {
			t.Errorf("portal %q: %d %v", bad, r.StatusCode, r.Header)
		}
	}
}
