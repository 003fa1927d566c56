package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Somebody else holds the database's write lock: writing answers 503 and changes nothing, reading goes on, and the same request works later.
func TestALockedDatabaseIsUnavailableAndLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits out SQLite's busy timeout of 5 s")
	}
	path := filepath.Join(t.TempDir(), "sallyport.db")
	db, other := open(t, path), open(t, path)
	w := newWorldOn(t, db)
	p := w.place(w.ready("boss", "admins"))
	v := w.ready("ada")

	v.want(http.StatusOK, "GET", "/devices", nil) // notes the session's last use, which would wait for the lock, too

	held, hold := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release) // before the databases are closed, which would wait
	done := make(chan error, 1)
	go func() {
		done <- other.Tx(context.WithoutCancel(t.Context()), func(*store.Tx) error {
			close(held)
			<-hold
			return nil
		})
	}()
	<-held
	key := must(portal.NewPrivateKey())
	body := newDevice(p, "Laptop", key)
	a := v.send("POST", "/devices", body)
	if a.status != http.StatusServiceUnavailable || a.code() != "unavailable" || a.header.Get("Retry-After") == "" {
		t.Errorf("a write to a locked database: %d %s", a.status, a.body)
	}
	v.want(http.StatusOK, "GET", "/devices", nil)
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	v.want(http.StatusCreated, "POST", "/devices", body)
	w.until("the gateway has the key", func() bool { return p.node.has(key.Public()) })
}

func open(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

func TestMetricsTellOfRequestsSignInsAndTheFeed(t *testing.T) {
	w := newWorld(t)
	p := w.place(w.ready("boss", "admins"))
	v := w.ready("ada")
	v.send("POST", "/session/totp", map[string]string{"code": "000000"})
	_, key := v.device(p, "Laptop")
	w.until("the gateway has the key", func() bool { return p.node.has(key.Public()) })
	rec := httptest.NewRecorder()
	w.HealthHandler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`sallyport_info{version="test"} 1`, "sallyport_database_up 1", "sallyport_feed_streams 1", `sallyport_sign_ins_total{result="provider"} 2`,
		`sallyport_sign_ins_total{result="enrolled"} 2`, `sallyport_sign_ins_total{result="wrong_code"} 1`,
		`sallyport_http_request_duration_seconds_count{method="POST",route="/api/v1/devices",status="2xx"} 1`, "sallyport_feed_propagation_seconds_count", "go_goroutines",
	} {
		if !strings.Contains(rec.Body.String(), line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
	if strings.Contains(rec.Body.String(), v.id) {
		t.Error("the metrics name a person")
	}
}

func TestProxiesAreTrustedOnlyWhenNamed(t *testing.T) {
	w := newWorld(t, func(w *world) { w.Trusted = prefixesOf("127.0.0.0/8", "10.9.0.0/16") })
	v := w.visitor()
	v.signInFrom("ada", "203.0.113.9, 10.9.1.1")
	var sessions struct{ Items []struct{ Address string } }
	v.enrol()
	v.want(http.StatusOK, "GET", "/sessions", nil).into(t, &sessions)
	if got := sessions.Items[0].Address; got != "203.0.113.9" {
		t.Errorf("behind trusted proxies the client is %s", got)
	}
}
