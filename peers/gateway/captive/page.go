package captive

import (
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Page answers every request with the way to the portal.
type Page struct {
	Portal func() string                                  // the portal's URL; "" : not known
	Why    func(ctx context.Context, a netip.Addr) string // why the device with this address is in quarantine: a short word; "": not known
	Log    *slog.Logger
	Every  time.Duration // how often Follow looks at the gateway's addresses; 0: 2 s
}

// most is how many connections are served at a time. A page is small, and who is turned away tries again.
const most = 64

// Serve answers on l until ctx ends, which is not an error. It closes l.
func (p *Page) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler: p, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, MaxHeaderBytes: 8 << 10,
		ErrorLog: slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
	srv.SetKeepAlivesEnabled(false) // a connection must not outlive the quarantine
	defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
	if err := srv.Serve(&bounded{l, make(chan struct{}, most)}); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeHTTP sends browsers on (302); what is no question for a page hears that the network wants a sign-in (511, RFC 6585, section 6).
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	to := p.target(r)
	status := http.StatusNetworkAuthenticationRequired
	if to != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		h.Set("Location", to)
		status = http.StatusFound
	}
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_ = text.Execute(w, to) // who has gone needs no page
	}
}

func (p *Page) target(r *http.Request) string {
	u, err := url.Parse(p.Portal())
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	q := url.Values{"from": {"gateway"}}
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		if why := p.Why(r.Context(), from.Addr().Unmap()); why != "" {
			q.Set("why", why)
		}
	}
	u.Path, u.RawQuery, u.Fragment = "/", q.Encode(), ""
	return u.String()
}

var text = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:15vh auto;padding:0 1.25rem}</style>
<p>This tunnel reaches only the portal until you have signed in again.{{if .}} <a href="{{.}}">Open the portal</a>{{end}}</p>
<p lang="ko">다시 로그인할 때까지 이 터널은 포털에만 연결됩니다.{{if .}} <a href="{{.}}">포털 열기</a>{{end}}</p>
</html>
`))

// bounded accepts a connection only when there is room, and closes those that come meanwhile.
type bounded struct {
	net.Listener
	room chan struct{}
}

// Accept returns the next connection that there is room for.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case b.room <- struct{}{}:
			return &counted{Conn: c, leave: sync.OnceFunc(func() { <-b.room })}, nil
		default:
			_ = c.Close()
		}
	}
}

type counted struct {
	net.Conn
	leave func()
}

// Close closes the connection and makes room, once.
func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
