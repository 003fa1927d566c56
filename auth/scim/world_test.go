package scim_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/scim"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

const issuer = "https://login.example.com"

// world is a directory's view of a real portal: accounts, tunnels and database are the ones of the product.
type world struct {
	*scim.Service
	t      testing.TB
	auth   *auth.Service
	peers  *peers.Service
	ticks  atomic.Int64 // a millisecond for each look at the clock, so that ids are in the order in which they were made
	passed time.Duration
	token  portal.SCIMToken
	secret string
}

func newWorld(t testing.TB, s *store.Store) *world {
	t.Helper()
	w := &world{t: t}
	s.Now = func() time.Time {
		return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC).Add(w.passed + time.Duration(w.ticks.Add(1))*time.Millisecond)
	}
	w.peers = &peers.Service{Store: s, Log: slog.New(slog.DiscardHandler), Portal: "https://vpn.example.com"}
	w.auth = &auth.Service{Store: s, Tunnels: w.peers, Now: s.Now}
	w.Service = &scim.Service{Store: s, Accounts: w.auth, Tunnels: w.peers, Public: "https://vpn.example.com"}
	w.token, w.secret = w.newToken(issuer)
	return w
}

func (w *world) newToken(issuer string) (portal.SCIMToken, string) {
	w.t.Helper()
	token, secret, err := w.CreateToken(w.t.Context(), portal.System, "directory", issuer, portal.SubjectExternalID, time.Hour)
	w.ok(err)
	return token, secret.Reveal()
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) tx(fn func(tx *store.Tx) error) {
	w.t.Helper()
	w.ok(w.Store.Tx(w.t.Context(), fn))
}

var from = auth.Browser{Addr: netip.MustParseAddr("192.0.2.9"), RequestID: "r1"}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// send sends a request with headers "Name: value"; path is below the root of SCIM.
func (w *world) send(method, path, body string, headers ...string) reply {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, scim.Path+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+w.secret)
	if body != "" {
		r.Header.Set("Content-Type", scim.MediaType)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.ServeSCIM(rec, r, from)
	out := reply{status: rec.Code, header: rec.Header(), raw: rec.Body.String()}
	if out.raw != "" {
		if err := json.Unmarshal(rec.Body.Bytes(), &out.body); err != nil {
			w.t.Errorf("%s %s: the answer is not JSON: %v", method, path, err)
		}
		if got := out.header.Get("Content-Type"); got != scim.MediaType {
			w.t.Errorf("%s %s: content type is %q", method, path, got)
		}
	}
	return out
}

// want sends and fails the test on another status.
func (w *world) want(status int, method, path, body string, headers ...string) reply {
	w.t.Helper()
	r := w.send(method, path, body, headers...)
	if r.status != status {
		w.t.Fatalf("%s %s: status %d, want %d: %s", method, path, r.status, status, r.raw)
	}
	return r
}

func userBody(name string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"ext-%s","userName":"%s@example.com","displayName":"%s","active":true}`, name, name, name)
}

func (w *world) user(name string) portal.UserID {
	w.t.Helper()
	id, _ := w.want(http.StatusCreated, "POST", "/Users", userBody(name)).body["id"].(string)
	return portal.UserID(id)
}

func (w *world) group(name string, members ...portal.UserID) portal.GroupID {
	w.t.Helper()
	body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"],"displayName":%q,"members":%s}`, name, memberList(members...))
	id, _ := w.want(http.StatusCreated, "POST", "/Groups?excludedAttributes=members", body).body["id"].(string)
	return portal.GroupID(id)
}

func memberList(ids ...portal.UserID) string {
	items := make([]string, len(ids))
	for i, id := range ids {
		items[i] = fmt.Sprintf(`{"value":%q}`, id)
	}
	return "[" + strings.Join(items, ",") + "]"
}

func patch(operations ...string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + strings.Join(operations, ",") + `]}`
}

// groups is the groups of a person with their sources.
func (w *world) groups(id portal.UserID) string {
	w.t.Helper()
	var parts []string
	w.tx(func(tx *store.Tx) error {
		all, err := tx.GroupsOf(id)
		for _, m := range all {
			parts = append(parts, fmt.Sprint(m.Group.Name, m.Sources))
		}
		return err
	})
	return strings.Join(parts, " ")
}

// audited tells how many events there are with this action and, in actor or detail, this text.
func (w *world) audited(action, text string) (n int) {
	w.t.Helper()
	w.tx(func(tx *store.Tx) error {
		events, err := tx.AuditPage(0, 1000)
		for _, e := range events {
			if e.Action == action && strings.Contains(e.Actor+" "+e.Detail, text) {
				n++
			}
		}
		return err
	})
	return n
}

// each runs a test on both engines.
func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, newWorld(t, s)) })
}

func on(t *testing.T) *world {
	t.Helper()
	return newWorld(t, storetest.New(t))
}
