package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// The demo's intranet: one page on an address that only the tunnel reaches, and next to it one that no rule allows.
var (
	demoIntranetPrefix = netip.MustParsePrefix("10.20.0.10/32")
	demoIntranet       = netip.MustParseAddrPort("10.20.0.10:80")
	demoForbidden      = netip.MustParseAddrPort("10.20.0.66:80")
)

//go:embed intranet.html
var intranetHTML string

var intranetPage = template.Must(template.New("intranet").Parse(intranetHTML))

// intranet shows who the gateway sees, in Korean or English.
func intranet(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/stream" {
		intranetStream(w, r)
		return
	}
	if r.URL.Path != "/" {
		http.NotFound(w, r)
		return
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	var page bytes.Buffer
	err = intranetPage.Execute(&page, map[string]any{
		"Korean": strings.HasPrefix(r.Header.Get("Accept-Language"), "ko"), "From": from, "At": time.Now().UTC().Format("15:04:05 UTC"),
	})
	if err != nil {
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'") // one page, no script, no input
	_, _ = w.Write(page.Bytes())
}

// intranetStream sends a line every 10 ms until the client is gone: something to watch while a device is revoked.
func intranetStream(w http.ResponseWriter, r *http.Request) {
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // the server's is for requests that end
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		_ = out.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if _, err := w.Write([]byte("still here\n")); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
