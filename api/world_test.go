package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/auth/scim"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// patience is how long a test waits for what must happen; only a failure takes so long.
const patience = time.Minute

// world is a portal that answers over real HTTP, on a real database, with a provider and a gateway that is enrolled over mutual TLS.
type world struct {
	*api.Server
	t      testing.TB
	base   string
	idp    *authtest.Provider
	gates  string // listener for gateways
	offset atomic.Int64
	quiet  atomic.Bool // keeps no log: a benchmark
	stop   func()

	mu      sync.Mutex
	seen    bytes.Buffer // the log, and every answer
	secrets []string
}

func (w *world) Write(b []byte) (int, error) {
	if w.quiet.Load() {
		return len(b), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen.Write(b)
}

// now runs with the real clock, ahead of it by what the test has let pass.
func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.offset.Load())) }

func (w *world) pass(d time.Duration) { w.offset.Add(int64(d)) }

type option func(*world)

// publicURL makes the portal believe that browsers call it so; it still answers on plain HTTP.
func publicURL(s string) option {
	return func(w *world) { w.PublicURL = must(url.Parse(s)) }
}

func prefixesOf(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// app is a web app as the build leaves it, in small.
var app = fstest.MapFS{
	"index.html":              {Data: []byte(`<!doctype html><meta name="csp-nonce" content="__CSP_NONCE__"><script type="module" src="/assets/app-abc123.js"></script>`)},
	"assets/app-abc123.js":    {Data: []byte(strings.Repeat("console.log('hello');\n", 100))},
	"assets/big-def456.js":    {Data: []byte("plain")},
	"assets/big-def456.js.br": {Data: []byte("brotli")},
	"icon.svg":                {Data: []byte("<svg/>")},
	".vite/manifest.json":     {Data: []byte("{}")},
}

func newWorld(t testing.TB, options ...option) *world {
	t.Helper()
	return newWorldOn(t, storetest.New(t), options...)
}

func newWorldOn(t testing.TB, db *store.Store, options ...option) *world {
	t.Helper()
	w := &world{t: t, idp: authtest.New(t)}
	db.Now, w.idp.Now = w.now, w.now
	log := slog.New(api.LogHandler{Handler: slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})})
	web := httptest.NewUnstartedServer(nil)
	gates := must(net.Listen("tcp", "127.0.0.1:0"))
	w.base, w.gates = "http://"+web.Listener.Addr().String(), gates.Addr().String()
	keys := must(seal.NewKeyring(must(seal.NewKey("test", bytes.Repeat([]byte{7}, seal.KeySize)))))

	w.Server = &api.Server{Store: db, App: app, PublicURL: must(url.Parse(w.base)), Version: "test", Now: w.now, Log: log}
	for _, o := range options {
		o(w)
	}
	w.Peers = &peers.Service{Store: db, Log: log, Portal: w.base}
	w.Auth = &auth.Service{
		Store: db, Keys: keys, Tunnels: w.Peers, Providers: []*auth.Provider{w.idp.Config("corp")}, PublicURL: w.PublicURL.String(), Now: w.now, Log: log,
	}
	w.Gateways = &peers.Gateways{Store: db, Keys: keys, Now: w.now, Log: log, Portals: []string{w.gates}}
	hub := &feed.Hub{Control: w.Gateways, Now: w.now, Log: log, Poll: 200 * time.Millisecond, Beat: time.Second}
	w.Gateways.Live, w.Live = hub, hub
	w.Metrics = api.NewMetrics("test", hub, db.Ping)
	w.Directories = &scim.Service{Store: db, Accounts: w.Auth, Tunnels: w.Peers, Public: w.base, Log: log}
	web.Config.Handler = must(w.Handler())
	web.Config.RegisterOnShutdown(w.CloseStreams)

	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for what, run := range map[string]func(context.Context) error{
		"hub": hub.Run, "events": w.Run, "gateways": func(ctx context.Context) error { return hub.Serve(ctx, gates) },
	} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	web.Start()
	w.stop = sync.OnceFunc(func() {
		w.CloseStreams()
		web.Close()
		cancel()
		running.Wait()
	})
	t.Cleanup(func() {
		w.stop()
		w.checkSecrets()
	})
	if _, err := w.Peers.SeedPool(t.Context(), netip.Prefix{}, netip.Prefix{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// keep notes a secret that must not be in the log or in an answer after the one that showed it.
func (w *world) keep(secrets ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets = append(w.secrets, secrets...)
}

// checkSecrets holds for every test.
func (w *world) checkSecrets() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range append(w.secrets, authtest.ClientSecret) {
		if s != "" && strings.Contains(w.seen.String(), s) {
			w.t.Errorf("the log or an answer holds the secret %q", s)
		}
	}
}

// visitor is a browser, or with a token a program.
type visitor struct {
	w     *world
	http  *http.Client
	token string
	seed  portal.Secret // of the authenticator app
	id    string        // the person's
}

func (w *world) visitor() *visitor {
	w.t.Helper()
	return &visitor{w: w, http: &http.Client{Jar: must(cookiejar.New(nil)), Timeout: patience, Transport: &http.Transport{}}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) code() string {
	var p struct{ Code string }
	_ = json.Unmarshal([]byte(a.body), &p)
	return p.Code
}

func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

type edit func(*http.Request)

func header(name, value string) edit { return func(r *http.Request) { r.Header.Set(name, value) } }

// send sends a request; path may be one of the API ("/session") or, with a leading "//", of the portal ("//auth/start").
func (v *visitor) send(method, path string, body any, edits ...edit) answer {
	v.w.t.Helper()
	req := v.request(method, path, body)
	for _, e := range edits {
		e(req)
	}
	resp, err := v.http.Do(req)
	if err != nil {
		v.w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.w.t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, string(b)}
	if !shows.MatchString(path) {
		fmt.Fprintf(v.w, "%d %s\n", a.status, a.body)
	}
	return a
}

// shows are the answers whose purpose is to show a secret, once.
var shows = regexp.MustCompile(`^(/factors/|/tokens$|/service-tokens$|/scim/tokens$|/gateways$|/gateways/[^/]+/enrolment$)`)

func (v *visitor) request(method, path string, body any) *http.Request {
	v.w.t.Helper()
	full := v.w.base + "/api/v1" + path
	if strings.HasPrefix(path, "//") {
		full = v.w.base + path[1:]
	}
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		r = bytes.NewReader(must(json.Marshal(b)))
	}
	req := must(http.NewRequestWithContext(v.w.t.Context(), method, full, r))
	if r != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if v.token != "" {
		req.Header.Set("Authorization", "Bearer "+v.token)
	}
	return req
}

// want sends a request and fails the test when the answer has another status.
func (v *visitor) want(status int, method, path string, body any, edits ...edit) answer {
	v.w.t.Helper()
	a := v.send(method, path, body, edits...)
	if a.status != status {
		v.w.t.Fatalf("%s %s: got %d %s, want %d", method, path, a.status, a.body, status)
	}
	return a
}

// signedIn is a browser that has come back from the provider and has yet to show a second factor.
func (w *world) signedIn(subject string, groups ...string) *visitor {
	w.t.Helper()
	v := w.visitor()
	v.signIn(subject, groups...)
	return v
}

func (v *visitor) signIn(subject string, groups ...string) { v.signInFrom(subject, "", groups...) }

// signInFrom signs in with a header that says where the request came from.
func (v *visitor) signInFrom(subject, forwardedFor string, groups ...string) {
	v.w.t.Helper()
	if groups == nil {
		groups = []string{}
	}
	v.w.idp.Set(authtest.Answer{Subject: subject, Claims: map[string]any{"name": "Person " + subject, "email": subject + "@example.com", "groups": groups}})
	v.want(http.StatusOK, "GET", "//auth/start?provider=corp&return_to=/", nil, header("X-Forwarded-For", forwardedFor))
	v.keepCookie()
	var session struct{ User struct{ ID string } }
	v.want(http.StatusOK, "GET", "/session", nil).into(v.w.t, &session)
	v.id = session.User.ID
}

func (v *visitor) keepCookie() {
	for _, c := range v.http.Jar.Cookies(must(url.Parse(v.w.base))) {
		v.w.keep(c.Value)
	}
}

// ready is a person whose session may do everything that the role allows.
func (w *world) ready(subject string, groups ...string) *visitor {
	w.t.Helper()
	v := w.signedIn(subject, groups...)
	v.enrol()
	return v
}

func (v *visitor) enrol() {
	v.w.t.Helper()
	var begun struct{ Secret string }
	v.want(http.StatusCreated, "POST", "/factors/totp", nil).into(v.w.t, &begun)
	v.seed = portal.NewSecretText(begun.Secret)
	var done struct{ RecoveryCodes []string }
	v.want(http.StatusOK, "POST", "/factors/totp/confirm", map[string]string{"code": v.code()}).into(v.w.t, &done)
	v.w.keep(begun.Secret)
	v.w.keep(done.RecoveryCodes...)
	v.keepCookie()
	v.w.pass(time.Minute) // the step of the confirmation is used
}

func (v *visitor) code() string { return authtest.Code(v.w.t, v.seed, v.w.now()) }

// stepUp shows the second factor again.
func (v *visitor) stepUp() {
	v.w.t.Helper()
	v.want(http.StatusOK, "POST", "/session/totp", map[string]string{"code": v.code()})
	v.keepCookie()
	v.w.pass(time.Minute)
}

// place is a point of presence with a gateway that is connected, and a profile that it serves.
type place struct {
	pop, gateway, profile string
	node                  *node
}

func (w *world) place(admin *visitor) place {
	w.t.Helper()
	var p place
	var made struct{ ID string }
	admin.want(http.StatusCreated, "POST", "/pops", map[string]any{"name": "Seoul", "networks": []string{"10.20.0.0/16"}}).into(w.t, &made)
	p.pop = made.ID
	var gateway struct {
		Gateway   struct{ ID string }
		Enrolment struct{ Token string }
	}
	admin.want(http.StatusCreated, "POST", "/gateways", map[string]any{"name": "seoul-1", "pop": p.pop, "host": "vpn.example.com"}).into(w.t, &gateway)
	p.gateway = gateway.Gateway.ID
	p.node = w.node(gateway.Enrolment.Token)
	admin.want(http.StatusCreated, "POST", "/profiles", map[string]any{
		"name": "Company", "mode": "split", "included": []string{"10.20.0.0/16"}, "sessionSeconds": 36000,
	}).into(w.t, &made)
	p.profile = made.ID
	return p
}

// node follows the feed like an agent and holds the state without a data path.
type node struct {
	mu     sync.Mutex
	state  *portal.State
	client *feed.Client
	key    portal.PrivateKey
	news   chan struct{}
}

func (w *world) node(token string) *node {
	w.t.Helper()
	n := &node{state: portal.NewState(), key: must(portal.NewPrivateKey()), news: make(chan struct{}, 1)}
	w.keep(token, n.key.Reveal())
	creds, err := feed.Enrol(w.t.Context(), feed.EnrolRequest{Portal: w.gates, Token: portal.NewSecretText(token), PublicKey: n.key.Public(), Version: "test", Now: w.now})
	if err != nil {
		w.t.Fatal(err)
	}
	n.client = &feed.Client{Credentials: creds, Version: "test", Now: w.now, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = n.client.Run(ctx, n) // a test may retire the gateway
	}()
	w.t.Cleanup(func() {
		cancel()
		<-done
	})
	w.until("the gateway is connected", func() bool { return w.Live.Status(creds.Gateway).Connected })
	return n
}

func (n *node) Since() (uint64, string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state.Revision, n.state.Hash()
}

func (n *node) Apply(_ context.Context, c portal.Change) error {
	n.mu.Lock()
	n.state.Apply(c)
	r := feed.Report{Revision: n.state.Revision, Hash: n.state.Hash(), PublicKey: n.key.Public()}
	n.mu.Unlock()
	n.client.Report(r)
	select {
	case n.news <- struct{}{}:
	default:
	}
	return nil
}

// has reports whether the gateway would let the key in.
func (n *node) has(key portal.PublicKey) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.state.Entries {
		if e.PublicKey == key {
			return true
		}
	}
	return false
}

// until waits for what must become true. It looks again often: there is no one channel that tells of everything.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("waited in vain: %s", what)
		}
	}
}

// device adds a device of the visitor's and returns its id.
func (v *visitor) device(p place, name string) (id string, key portal.PrivateKey) {
	v.w.t.Helper()
	key = must(portal.NewPrivateKey())
	v.w.keep(key.Reveal())
	var made struct{ Device struct{ ID string } }
	v.want(http.StatusCreated, "POST", "/devices", newDevice(p, name, key)).into(v.w.t, &made)
	return made.Device.ID, key
}

func newDevice(p place, name string, key portal.PrivateKey) map[string]any {
	return map[string]any{"name": name, "platform": "linux", "profile": p.profile, "publicKey": key.Public().String()}
}
