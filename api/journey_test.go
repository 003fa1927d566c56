package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestAWorkerGoesFromSignInToARevokedDevice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorldOn(t, db)
		admin := w.ready("boss", "admins")
		p := w.place(admin)

		v := w.signedIn("ada")
		var session struct{ Stage string }
		v.want(http.StatusOK, "GET", "/session", nil).into(t, &session)
		if session.Stage != "factor_enrolment" {
			t.Fatalf("after sign-in the stage is %q", session.Stage)
		}
		if a := v.send("GET", "/devices", nil); a.status != http.StatusForbidden || a.code() != "factor_enrolment_required" {
			t.Errorf("devices before the second factor: %d %s", a.status, a.code())
		}
		v.enrol()

		id, key := v.device(p, "Laptop")
		w.until("the gateway has the key", func() bool { return p.node.has(key.Public()) })
		var page struct {
			Items []struct{ ID, Name, Status, IPv4 string }
		}
		v.want(http.StatusOK, "GET", "/devices", nil).into(t, &page)
		if len(page.Items) != 1 || page.Items[0].Status != "ready" || page.Items[0].IPv4 != "10.77.0.4" {
			t.Errorf("devices: %+v", page.Items)
		}
		file := v.want(http.StatusOK, "GET", "/devices/"+id+"/config", nil, header("Accept", "text/plain"))
		for _, line := range []string{
			"PrivateKey = REPLACE-WITH-YOUR-PRIVATE-KEY", "PublicKey = " + p.node.key.Public().String(), "Endpoint = vpn.example.com:51820",
			"AllowedIPs = 10.20.0.0/16", "Address = 10.77.0.4/32, fd",
		} {
			if !strings.Contains(file.body, line) {
				t.Errorf("the file has no %q:\n%s", line, file.body)
			}
		}
		if got := file.header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
			t.Errorf("the file is %s", got)
		}

		v.want(http.StatusOK, "DELETE", "/devices/"+id, nil)
		w.until("the gateway has lost the key", func() bool { return !p.node.has(key.Public()) })
		v.want(http.StatusNotFound, "GET", "/devices/"+id, nil)
		v.want(http.StatusNoContent, "DELETE", "/session", nil)
		v.want(http.StatusUnauthorized, "GET", "/session", nil)
	})
}

func TestSuspendingAPersonEndsSessionsAndTunnels(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	p := w.place(admin)
	v := w.ready("ada")
	_, key := v.device(p, "Phone")
	w.until("the gateway has the key", func() bool { return p.node.has(key.Public()) })
	admin.want(http.StatusOK, "POST", "/people/"+v.id+"/suspend", nil)
	w.until("the gateway has lost the key", func() bool { return !p.node.has(key.Public()) })
	v.want(http.StatusUnauthorized, "GET", "/devices", nil)
}

func TestAdminWritesNeedAFreshSecondFactor(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	w.pass(11 * time.Minute)
	pop := map[string]any{"name": "Seoul", "networks": []string{}}
	if a := admin.want(http.StatusForbidden, "POST", "/pops", pop); a.code() != "step_up_required" {
		t.Errorf("got %s", a.code())
	}
	admin.stepUp()
	admin.want(http.StatusCreated, "POST", "/pops", pop)
}

func TestATokenWorksLikeItsPersonButNotOnSecurity(t *testing.T) {
	w := newWorld(t)
	p := w.place(w.ready("boss", "admins"))
	v := w.ready("ada")
	var made struct{ Secret string }
	v.want(http.StatusCreated, "POST", "/tokens", map[string]any{"name": "script"}).into(t, &made)
	w.keep(made.Secret)
	program := w.visitor()
	program.token = made.Secret
	id, _ := program.device(p, "Server")
	program.want(http.StatusOK, "GET", "/devices/"+id, nil)
	for _, path := range []string{"/sessions", "/factors", "/tokens", "/session"} {
		if a := program.want(http.StatusForbidden, "GET", path, nil); a.code() != "session_required" {
			t.Errorf("GET %s with a token: %s", path, a.code())
		}
	}
	program.token += "x"
	if a := program.want(http.StatusUnauthorized, "GET", "/devices", nil); a.code() != "bad_token" || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("a wrong token: %s", a.body)
	}
}

func TestRenewNeedsARecentSecondFactor(t *testing.T) {
	w := newWorld(t)
	p := w.place(w.ready("boss", "admins"))
	v := w.ready("ada")
	v.device(p, "Laptop")
	var renewed struct{ Devices int }
	v.want(http.StatusOK, "POST", "/grants/renew", nil).into(t, &renewed)
	if renewed.Devices != 1 {
		t.Errorf("renewed %d devices, want 1", renewed.Devices)
	}
	w.pass(2 * time.Hour)
	if a := v.want(http.StatusForbidden, "POST", "/grants/renew", nil); a.code() != "step_up_required" {
		t.Errorf("got %s", a.code())
	}
}

// What is not there and what is somebody else's must not be told apart.
func TestSomebodyElsesThingsAreNotThere(t *testing.T) {
	w := newWorld(t)
	p := w.place(w.ready("boss", "admins"))
	ada, eve := w.ready("ada"), w.ready("eve")
	device, _ := ada.device(p, "Laptop")
	var sessions struct{ Items []struct{ ID string } }
	ada.want(http.StatusOK, "GET", "/sessions", nil).into(t, &sessions)
	var token struct{ Token struct{ ID string } }
	ada.want(http.StatusCreated, "POST", "/tokens", map[string]any{"name": "script"}).into(t, &token)
	nowhere := string(portal.NewID[portal.DeviceID](time.Now()))
	for _, c := range []struct {
		method, path, theirs string
		body                 any
	}{
		{"GET", "/devices/", device, nil},
		{"PATCH", "/devices/", device, map[string]any{"name": "Mine"}},
		{"DELETE", "/devices/", device, nil},
		{"DELETE", "/sessions/", sessions.Items[0].ID, nil},
		{"DELETE", "/tokens/", token.Token.ID, nil},
	} {
		theirs, none := eve.send(c.method, c.path+c.theirs, c.body), eve.send(c.method, c.path+nowhere, c.body)
		if theirs.status != http.StatusNotFound || withoutRequestID(theirs.body) != withoutRequestID(none.body) {
			t.Errorf("%s %s: theirs %d %s, none %d %s", c.method, c.path, theirs.status, theirs.body, none.status, none.body)
		}
		for name := range theirs.header {
			if name != "X-Request-Id" && name != "Date" && theirs.header.Get(name) != none.header.Get(name) {
				t.Errorf("%s %s: header %s differs: %q, %q", c.method, c.path, name, theirs.header.Get(name), none.header.Get(name))
			}
		}
	}
	for _, sub := range []string{"/config", "/key"} {
		method, body := "GET", any(nil)
		if sub == "/key" {
			method, body = "PUT", map[string]any{"publicKey": must(portal.NewPrivateKey()).Public().String()}
		}
		eve.want(http.StatusNotFound, method, "/devices/"+device+sub, body)
	}
	ada.want(http.StatusOK, "GET", "/devices/"+device, nil)
}

func withoutRequestID(body string) string {
	before, after, ok := strings.Cut(body, `"requestId":"`)
	if !ok {
		return body
	}
	_, after, _ = strings.Cut(after, `"`)
	return before + after
}
