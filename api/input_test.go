package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

// wrong is an answer about input: its status, its code, and the paths of the fields that it names.
type wrong struct {
	Code   string
	Errors []struct{ Path, Code, Message string }
}

func (w wrong) fields() []string {
	var all []string
	for _, e := range w.Errors {
		all = append(all, e.Path+" "+e.Code)
	}
	slices.Sort(all)
	return all
}

func TestBadInputIsRefusedWithThePlaceOfEachMistake(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	p := w.place(admin)
	key := must(portal.NewPrivateKey()).Public().String()
	long := strings.Repeat("x", 10_000)
	device := func(change map[string]any) map[string]any {
		body := map[string]any{"name": "Laptop", "platform": "linux", "profile": p.profile, "publicKey": key}
		for k, v := range change {
			if body[k] = v; v == nil {
				delete(body, k)
			}
		}
		return body
	}
	for _, c := range []struct {
		what, method, path string
		body               any
		status             int
		code               string
		fields             []string
	}{
		{"no body", "POST", "/devices", nil, 415, "unsupported_media_type", nil},
		{"not JSON", "POST", "/devices", "{", 400, "invalid_input", []string{" malformed"}},
		{"JSON and more", "POST", "/devices", `{"name":"a"} {"name":"b"}`, 400, "invalid_input", nil},
		{"not an object", "POST", "/devices", "[]", 400, "invalid_input", []string{" wrong_type"}},
		{"empty body", "POST", "/devices", "", 400, "invalid_input", []string{" required"}},
		{"everything missing", "POST", "/devices", "{}", 400, "invalid_input", []string{"/name required", "/platform required", "/profile required", "/publicKey required"}},
		{"unknown field", "POST", "/devices", device(map[string]any{"admin": true}), 400, "invalid_input", []string{"/admin unknown_field"}},
		{"a field in other letters", "POST", "/devices", device(map[string]any{"Name": "Laptop"}), 400, "invalid_input", []string{"/Name unknown_field"}},
		{"wrong type", "POST", "/devices", device(map[string]any{"name": 5}), 400, "invalid_input", []string{"/name wrong_type"}},
		{"null", "POST", "/devices", `{"name":null,"platform":"linux","profile":"x","publicKey":"` + key + `"}`, 400, "invalid_input", []string{"/name wrong_type"}},
		{"10,000 characters", "POST", "/devices", device(map[string]any{"name": long}), 400, "invalid_input", []string{"/name too_long"}},
		{"empty name", "POST", "/devices", device(map[string]any{"name": ""}), 400, "invalid_input", []string{"/name too_short"}},
		{"control character", "POST", "/devices", device(map[string]any{"name": "a\nPrivateKey = x"}), 400, "invalid_input", []string{"/name control_character"}},
		{"text turned around", "POST", "/devices", device(map[string]any{"name": "a\u202eb"}), 400, "invalid_input", []string{"/name control_character"}},
		{"no such platform", "POST", "/devices", device(map[string]any{"platform": "amiga"}), 400, "invalid_input", []string{"/platform not_allowed"}},
		{"short key", "POST", "/devices", device(map[string]any{"publicKey": "AAAA"}), 400, "invalid_input", []string{"/publicKey too_short"}},
		{"zero key", "POST", "/devices", device(map[string]any{"publicKey": strings.Repeat("A", 43) + "="}), 400, "invalid_input", []string{"/publicKey public_key"}},
		{"no such profile", "POST", "/devices", device(map[string]any{"profile": "nowhere"}), 404, "not_found", nil},
		{"path in an id", "GET", "/devices/..%2f..%2fetc", nil, 400, "invalid_input", []string{"id malformed"}},
		{"long id", "GET", "/devices/" + strings.Repeat("a", 65), nil, 400, "invalid_input", []string{"id too_long"}},
		{"limit", "GET", "/devices?limit=9999", nil, 400, "invalid_input", []string{"limit too_large"}},
		{"limit is a word", "GET", "/devices?limit=many", nil, 400, "invalid_input", []string{"limit malformed"}},
		{"cursor", "GET", "/devices?cursor=nonsense", nil, 400, "invalid_input", []string{"cursor malformed"}},
		{"cursor of another list", "GET", "/audit?cursor=ZDAx", nil, 400, "invalid_input", []string{"cursor malformed"}},
		{"search", "GET", "/people?q=%00", nil, 400, "invalid_input", []string{"q control_character"}},
		{"a body where none is wanted", "POST", "/factors/totp", "{}", 400, "invalid_input", []string{" no_body"}},
		{"prefix", "POST", "/pops", map[string]any{"name": "X", "networks": []string{"10.20.0.0/16", "10.20.0.1/16", "hello"}}, 400, "invalid_input", []string{"/networks/1 prefix", "/networks/2 prefix"}},
		{"prefix of a resource", "POST", "/resources", map[string]any{"name": "X", "prefixes": []string{"10.0.0.1/8"}, "transport": "tcp"}, 400, "invalid_input", nil},
		{"no prefixes", "POST", "/resources", map[string]any{"name": "X", "prefixes": []string{}, "transport": "tcp"}, 400, "invalid_input", []string{"/prefixes required"}},
		{"port 0", "POST", "/resources", map[string]any{"name": "X", "prefixes": []string{"10.0.0.0/8"}, "transport": "tcp", "ports": []any{map[string]int{"first": 0, "last": 5}}}, 400, "invalid_input", []string{"/ports/0/first too_small"}},
		{"port of a gateway", "POST", "/gateways", map[string]any{"name": "g", "pop": p.pop, "host": "h", "port": 70000}, 400, "invalid_input", []string{"/port too_large"}},
		{"DNS of a profile", "POST", "/profiles", map[string]any{"name": "X", "mode": "full", "dns": []string{"not an address"}}, 400, "invalid_input", nil},
		{"rule without groups", "POST", "/rules", map[string]any{"name": "X", "reason": "why", "action": "allow", "groups": []string{}, "resources": []string{"a"}}, 400, "invalid_input", []string{"/groups required", "/resources/0 unknown"}},
		{"no such role", "PUT", "/people/x/role", map[string]any{"role": "god"}, 400, "invalid_input", []string{"/role not_allowed"}},
	} {
		a := admin.send(c.method, c.path, c.body)
		var got wrong
		a.into(t, &got)
		if a.status != c.status || got.Code != c.code {
			t.Errorf("%s: got %d %s, want %d %s", c.what, a.status, a.body, c.status, c.code)
		}
		if c.fields != nil && !slices.Equal(got.fields(), c.fields) {
			t.Errorf("%s: got fields %q, want %q", c.what, got.fields(), c.fields)
		}
		if strings.Contains(a.body, "xxxxxxxxxx") || len(a.body) > 4096 {
			t.Errorf("%s: the answer repeats the input: %.200s", c.what, a.body)
		}
	}
}

func TestBodiesAndTypes(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	big := map[string]any{"name": "X", "networks": []string{strings.Repeat("1", 70_000)}}
	if a := admin.send("POST", "/pops", big); a.status != 413 || a.code() != "body_too_large" {
		t.Errorf("a body that says its length: %d %s", a.status, a.code())
	}
	chunked := func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(must(json.Marshal(big)))), -1
		r.GetBody = nil
	}
	if a := admin.send("POST", "/pops", big, chunked); a.status != 413 || a.code() != "body_too_large" {
		t.Errorf("a body that does not: %d %s", a.status, a.code())
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "multipart/form-data; boundary=x", "application/jsonx"} {
		if a := admin.send("POST", "/pops", `{"name":"X","networks":[]}`, header("Content-Type", kind)); a.status != 415 {
			t.Errorf("content type %q: %d", kind, a.status)
		}
	}
	if a := admin.send("POST", "/pops", `{"name":"X","networks":[]}`, header("Content-Type", "application/json; charset=UTF-8")); a.status != 201 {
		t.Errorf("JSON in UTF-8: %d %s", a.status, a.body)
	}
	if a := admin.send("PATCH", "/pops", nil); a.status != 405 || a.code() != "method_not_allowed" || a.header.Get("Allow") == "" {
		t.Errorf("a method that is not there: %d %s, Allow %q", a.status, a.code(), a.header.Get("Allow"))
	}
}

// HTML is text like any other: kept as typed, and never served as anything but JSON.
func TestHTMLInTextFieldsComesBackAsText(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	p := w.place(admin)
	html := `<img src=x onerror=alert(1)> & "한국어" 🙂`
	key := must(portal.NewPrivateKey())
	made := admin.want(http.StatusCreated, "POST", "/devices", newDevice(p, html, key))
	var got struct{ Device struct{ Name string } }
	made.into(t, &got)
	if got.Device.Name != html {
		t.Errorf("got %q, want %q", got.Device.Name, html)
	}
	if strings.Contains(made.body, "<img") || !strings.HasPrefix(made.header.Get("Content-Type"), "application/json") || made.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the answer could be taken for a page: %v %s", made.header, made.body)
	}
}
