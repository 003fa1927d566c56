package auth_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

var browser = auth.Browser{Addr: netip.MustParseAddr("192.0.2.7"), UserAgent: "Mozilla/5.0 (test)", RequestID: "r1"}

// world is a service on a real database with a provider, a clock that the test moves, and a log that must not hold secrets.
type world struct {
	*auth.Service
	t       testing.TB
	idp     *authtest.Provider
	tunnels *authtest.Tunnels
	clock   time.Time

	mu      sync.Mutex
	logged  bytes.Buffer
	secrets []string
}

func (w *world) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logged.Write(b)
}

func newWorld(t testing.TB, s *store.Store) *world {
	t.Helper()
	key, err := seal.NewKey("k1", portal.NewSecret(seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, idp: authtest.New(t), tunnels: &authtest.Tunnels{}, clock: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.clock }
	s.Now, w.idp.Now = now, now
	w.Service = &auth.Service{
		Store: s, Keys: keys, Tunnels: w.tunnels, Providers: []*auth.Provider{w.idp.Config("corp")}, PublicURL: "https://vpn.example.com",
		Now: now, Log: slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	w.secrets = []string{authtest.ClientSecret}
	t.Cleanup(w.checkLog)
	t.Cleanup(w.checkSealed)
	return w
}

// checkLog holds for every test: what a person or a provider keeps secret is in no log line and in no audit event.
func (w *world) checkLog() {
	text := w.logged.String() + w.auditText()
	for _, secret := range w.secrets {
		if secret != "" && strings.Contains(text, secret) {
			w.t.Errorf("the log or the audit trail holds the secret %q", secret)
		}
	}
}

// sealedColumns are those that Reseal knows.
var sealedColumns = []string{
	"factors.sealed", "identity_providers.client_secret", "provider_tests.draft", "provider_tests.result", "secrets.sealed", "sessions.id_token",
}

// checkSealed holds for every test: nothing is sealed that Reseal does not know, and that a new master key would make unreadable for good.
func (w *world) checkSealed() {
	for _, column := range storetest.ColumnsWith(w.t, w.Store, w.Keys.Head()) {
		if !slices.Contains(sealedColumns, column) {
			w.t.Errorf("%s holds sealed text, of which Reseal does not know", column)
		}
	}
}

func (w *world) auditText() string {
	var b strings.Builder
	for _, e := range w.audits() {
		b.WriteString(e.Action + " " + e.Target + " " + e.Detail + "\n")
	}
	return b.String()
}

// audits returns the events, oldest first.
func (w *world) audits() (events []portal.AuditEvent) {
	w.t.Helper()
	err := w.Store.View(w.t.Context(), func(tx *store.Tx) (err error) {
		events, err = tx.AuditPage(0, 1000)
		return err
	})
	if err != nil && w.t.Context().Err() == nil {
		w.t.Error(err)
	}
	return events
}

// audited tells how many events there are with this action and, in the detail, this text.
func (w *world) audited(action, detail string) (n int) {
	w.t.Helper()
	for _, e := range w.audits() {
		if e.Action == action && strings.Contains(e.Detail, detail) {
			n++
		}
	}
	return n
}

func (w *world) keep(s ...portal.Secret) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range s {
		w.secrets = append(w.secrets, one.Reveal())
	}
}

func (w *world) pass(d time.Duration) { w.clock = w.clock.Add(d) }

// start begins a sign-in and visits the provider.
func (w *world) start(a authtest.Answer) (auth.SignInStart, auth.Callback) {
	w.t.Helper()
	w.idp.Set(a)
	start, err := w.StartSignIn(w.t.Context(), "corp", "/devices", browser)
	if err != nil {
		w.t.Fatal(err)
	}
	cb := w.idp.Visit(w.t, "corp", start.Redirect)
	w.keep(start.Flow, portal.NewSecretText(cb.Code), portal.NewSecretText(cb.State))
	return start, cb
}

// signIn signs a subject in, up to the second factor.
func (w *world) signIn(subject string) auth.Who {
	w.t.Helper()
	return w.signInAs(ada(subject))
}

func ada(subject string) authtest.Answer {
	return authtest.Answer{Subject: subject, Claims: map[string]any{"name": "Ada " + subject, "email": subject + "@example.com", "email_verified": true, "groups": []string{}}}
}

func (w *world) signInAs(a authtest.Answer) auth.Who {
	w.t.Helper()
	in := authtest.SignIn(w.t, w.Service, w.idp, "corp", a, browser)
	w.keep(in.Secret)
	return authtest.Who(w.t, w.Service, in, browser)
}

// person is somebody whose session is ready.
type person struct {
	auth.Who
	seed  portal.Secret
	codes []portal.Secret
}

// enrolled signs a subject in for the first time, with a second factor.
func (w *world) enrolled(a authtest.Answer) person {
	w.t.Helper()
	seed, done := authtest.Enrol(w.t, w.Service, w.signInAs(a), w.clock)
	w.keep(seed, done.Secret)
	w.keep(done.Codes...)
	w.pass(time.Minute) // the step of the confirmation is used
	return person{authtest.Who(w.t, w.Service, done.SignedIn, browser), seed, done.Codes}
}

func (w *world) admin(subject string, group string) person {
	w.t.Helper()
	a := ada(subject)
	a.Claims["groups"] = []string{group}
	return w.enrolled(a)
}

func (w *world) code(p person) string {
	w.t.Helper()
	c := portal.NewSecretText(authtest.Code(w.t, p.seed, w.clock))
	return c.Reveal() // six digits may well be part of a timestamp: not kept
}

// each runs a test on both engines.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, newWorld(t, s)) })
}

// on runs a test on SQLite, where the engine does not matter.
func on(t *testing.T) *world {
	t.Helper()
	return newWorld(t, storetest.New(t))
}

// race calls do n times at once and counts the ends: without an error, and with each of the sentinels. Others fail the test.
func race(t *testing.T, n int, do func() error, sentinels ...*portal.Error) (won int, lost map[string]int) {
	t.Helper()
	var wins atomic.Int64
	var mu sync.Mutex
	lost = map[string]int{}
	ready := make(chan struct{})
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			<-ready
			err := do()
			if err == nil {
				wins.Add(1)
				return
			}
			for _, s := range sentinels {
				if errors.Is(err, s) {
					mu.Lock()
					lost[s.Code]++
					mu.Unlock()
					return
				}
			}
			t.Errorf("unexpected: %v", err)
		})
	}
	close(ready)
	wg.Wait()
	return int(wins.Load()), lost
}

func wantErr(t *testing.T, what string, got error, want *portal.Error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %s", what, got, want.Code)
	}
}
