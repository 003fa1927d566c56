package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

// Every text that a person can type: too long and unprintable ones are refused with their place, HTML is text like any other.
func TestEveryTextField(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	p := w.place(admin)
	var resource struct{ ID string }
	admin.want(http.StatusCreated, "POST", "/resources", map[string]any{"name": "Wiki", "prefixes": []string{"10.20.0.5/32"}, "transport": "tcp"}).into(t, &resource)
	unique := 0
	for _, c := range []struct {
		path  string
		body  func() map[string]any
		texts []string // fields that are free text
		names []string // fields that are something more narrow, so that HTML is refused as well
	}{
		{"/devices", func() map[string]any { return newDevice(p, "Laptop", must(portal.NewPrivateKey())) }, []string{"name"}, nil},
		{"/tokens", func() map[string]any { return map[string]any{"name": "Script"} }, []string{"name"}, nil},
		{"/profiles", func() map[string]any { return map[string]any{"name": "Office", "mode": "full"} }, []string{"name", "description"}, nil},
		{"/resources", func() map[string]any {
			return map[string]any{"name": "Git", "prefixes": []string{"10.20.0.6/32"}, "transport": "tcp"}
		}, []string{"name"}, nil},
		{"/rules", func() map[string]any {
			return map[string]any{"name": "Read", "reason": "because", "action": "allow", "groups": []string{"everyone"}, "resources": []string{resource.ID}}
		}, []string{"name", "reason"}, nil},
		{"/pops", func() map[string]any { return map[string]any{"name": "Busan", "networks": []string{}} }, []string{"name"}, []string{"country"}},
		{"/gateways", func() map[string]any { return map[string]any{"name": "busan-1", "pop": p.pop, "host": "b.example.com"} }, []string{"name"}, []string{"host"}},
	} {
		for _, field := range slices.Concat(c.texts, c.names) {
			for what, bad := range map[string]string{
				"10,000 characters": strings.Repeat("x", 10_000), "a zero byte": "a\x00b", "an escape": "a\x1b[31m", "a carriage return": "a\rb", "text turned around": "a\u202eb",
				"a delete": "a\x7fb", "a C1 control": "a\u0085b", "not UTF-8": "a\xffb",
			} {
				body := c.body()
				body[field] = bad
				raw := string(must(json.Marshal(body)))
				if what == "not UTF-8" { // the encoder would repair it
					raw = strings.Replace(raw, `a\ufffdb`, "a\xffb", 1)
				}
				a := admin.send("POST", c.path, raw)
				var got wrong
				a.into(t, &got)
				if a.status != http.StatusBadRequest || len(got.Errors) == 0 || got.Errors[0].Path != "/"+field {
					t.Errorf("%s in %s of %s: %d %.200s", what, field, c.path, a.status, a.body)
				}
			}
			body := c.body()
			unique++
			html := `<script>alert("` + strings.Repeat("i", unique) + `")</script>`
			body["name"] = body["name"].(string) + strings.Repeat("!", unique) // names are unique
			body[field] = html
			a := admin.send("POST", c.path, body)
			narrow := slices.Contains(c.names, field)
			if narrow && a.status != http.StatusBadRequest {
				t.Errorf("HTML in %s of %s: %d %s", field, c.path, a.status, a.body)
			}
			if !narrow && (a.status != http.StatusCreated || strings.Contains(a.body, "<script") || !strings.Contains(a.body, `\u003cscript`)) {
				t.Errorf("HTML in %s of %s: %d %s", field, c.path, a.status, a.body)
			}
		}
	}
}
