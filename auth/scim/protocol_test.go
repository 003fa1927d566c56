package scim_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func TestOnlyLiveTokensOfDirectoriesAreLetIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.want(http.StatusOK, "GET", "/Users", "")
		for _, header := range []string{"", "Bearer", "Basic eDp5", "Bearer sp_scim_", "Bearer sp_scim_" + strings.Repeat("A", 43), "Bearer sp_" + strings.Repeat("A", 43), "Bearer " + w.secret[8:]} {
			r := w.want(http.StatusUnauthorized, "GET", "/Users", "", "Authorization: "+header)
			if r.header.Get("WWW-Authenticate") == "" || r.body["status"] != "401" {
				t.Errorf("%q: %s", header, r.raw)
			}
		}
		tokens, err := w.Tokens(t.Context(), portal.System)
		if err != nil || len(tokens) != 1 || tokens[0].UsedAt.IsZero() {
			t.Errorf("use was not noted: %+v, %v", tokens, err)
		}
		second, secret := w.newToken(issuer)
		w.ok(w.RevokeToken(t.Context(), portal.System, w.token.ID))
		w.want(http.StatusUnauthorized, "GET", "/Users", "")
		w.secret = secret
		w.want(http.StatusOK, "GET", "/Users", "")
		w.passed = 2 * time.Hour
		w.want(http.StatusUnauthorized, "GET", "/Users", "")
		if err := w.RevokeToken(t.Context(), portal.Actor{User: "u", Role: portal.RoleUser}, second.ID); portal.KindOf(err) != portal.Forbidden {
			t.Errorf("anybody revokes: %v", err)
		}
		for _, e := range w.audits() {
			if strings.Contains(e.Detail, secret) || strings.Contains(e.Target, secret) {
				t.Error("the trail holds a token's secret")
			}
		}
	})
}

func TestWrongInputIsSaidInTheTermsOfTheRFC(t *testing.T) {
	w := on(t)
	id := w.user("mina")
	g := w.group("Eng")
	user, group := "/Users/"+string(id), "/Groups/"+string(g)
	core := `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	filter := func(s string) string { return "/Users?filter=" + url.QueryEscape(s) }
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		kind               string
	}{
		"no JSON":                      {"POST", "/Users", `{`, 400, "invalidSyntax"},
		"a list":                       {"POST", "/Users", `[]`, 400, "invalidSyntax"},
		"more behind it":               {"POST", "/Users", `{} {}`, 400, "invalidSyntax"},
		"not UTF-8":                    {"POST", "/Users", "{\"a\":\"\xff\"}", 400, "invalidSyntax"},
		"too deep":                     {"POST", "/Users", strings.Repeat("[", 5000), 400, "invalidSyntax"},
		"a name twice":                 {"POST", "/Users", `{` + core + `,"userName":"a","USERNAME":"b"}`, 400, "invalidSyntax"},
		"no schemas":                   {"POST", "/Users", `{"userName":"a"}`, 400, "invalidSyntax"},
		"no userName":                  {"POST", "/Users", `{` + core + `}`, 400, "invalidValue"},
		"blank userName":               {"POST", "/Users", `{` + core + `,"userName":"  "}`, 400, "invalidValue"},
		"userName is a number":         {"POST", "/Users", `{` + core + `,"userName":1}`, 400, "invalidValue"},
		"userName too long":            {"POST", "/Users", `{` + core + `,"userName":"` + strings.Repeat("a", 1025) + `"}`, 400, "invalidValue"},
		"zero byte":                    {"POST", "/Users", `{` + core + `,"userName":"a\u0000"}`, 400, "invalidValue"},
		"subject too long":             {"POST", "/Users", `{` + core + `,"userName":"a","externalId":"` + strings.Repeat("a", 256) + `"}`, 400, "invalidValue"},
		"active is a word":             {"POST", "/Users", `{` + core + `,"userName":"a","active":"maybe"}`, 400, "invalidValue"},
		"two primary":                  {"POST", "/Users", `{` + core + `,"userName":"a","emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`, 400, "invalidValue"},
		"body too large":               {"POST", "/Users", `{"a":"` + strings.Repeat("a", 300<<10) + `"}`, 413, ""},
		"no operation":                 {"PATCH", user, patch(), 400, "invalidSyntax"},
		"not a PATCH":                  {"PATCH", user, `{"Operations":[{"op":"add","path":"title","value":"x"}]}`, 400, "invalidSyntax"},
		"unknown operation":            {"PATCH", user, patch(`{"op":"move","path":"title"}`), 400, "invalidSyntax"},
		"add nothing":                  {"PATCH", user, patch(`{"op":"add","path":"title"}`), 400, "invalidValue"},
		"remove nothing":               {"PATCH", user, patch(`{"op":"remove"}`), 400, "noTarget"},
		"unknown path":                 {"PATCH", user, patch(`{"op":"replace","path":"shoe","value":"x"}`), 400, "invalidPath"},
		"path is an object":            {"PATCH", user, patch(`{"op":"replace","path":{},"value":"x"}`), 400, "invalidPath"},
		"path not closed":              {"PATCH", user, patch(`{"op":"replace","path":"emails[type eq \"work\"","value":"x"}`), 400, "invalidPath"},
		"path goes on":                 {"PATCH", user, patch(`{"op":"replace","path":"emails[type eq \"work\"]x","value":"x"}`), 400, "invalidPath"},
		"choice where there is none":   {"PATCH", user, patch(`{"op":"replace","path":"title[value eq \"x\"]","value":"x"}`), 400, "invalidPath"},
		"nothing chosen":               {"PATCH", user, patch(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}`), 400, "noTarget"},
		"id":                           {"PATCH", user, patch(`{"op":"replace","path":"id","value":"x"}`), 400, "mutability"},
		"userName removed":             {"PATCH", user, patch(`{"op":"remove","path":"userName"}`), 400, "mutability"},
		"userName emptied":             {"PATCH", user, patch(`{"op":"replace","path":"userName","value":""}`), 400, "invalidValue"},
		"value without path":           {"PATCH", user, patch(`{"op":"replace","value":"x"}`), 400, "invalidValue"},
		"name is text":                 {"PATCH", user, patch(`{"op":"replace","path":"name","value":"x"}`), 400, "invalidValue"},
		"group without name":           {"POST", "/Groups", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]}`, 400, "invalidValue"},
		"group's name removed":         {"PATCH", group, patch(`{"op":"remove","path":"displayName"}`), 400, "mutability"},
		"group's name with a newline":  {"PATCH", group, patch(`{"op":"replace","path":"displayName","value":"a\nb"}`), 400, "invalidValue"},
		"unknown member":               {"PATCH", group, patch(`{"op":"add","path":"members","value":[{"value":"nobody"}]}`), 400, "invalidValue"},
		"a group as member":            {"PATCH", group, patch(`{"op":"add","path":"members","value":[{"value":"` + string(g) + `","type":"Group"}]}`), 400, "invalidValue"},
		"member is a number":           {"PATCH", group, patch(`{"op":"add","path":"members","value":[1]}`), 400, "invalidValue"},
		"member chosen by name":        {"PATCH", group, patch(`{"op":"remove","path":"members[display eq \"a\"]"}`), 400, "invalidPath"},
		"filter: unknown attribute":    {"GET", filter(`shoe eq "9"`), "", 400, "invalidFilter"},
		"filter: unknown operator":     {"GET", filter(`userName is "a"`), "", 400, "invalidFilter"},
		"filter: ends early":           {"GET", filter(`userName eq`), "", 400, "invalidFilter"},
		"filter: no quotes":            {"GET", filter(`userName eq a`), "", 400, "invalidFilter"},
		"filter: open string":          {"GET", filter(`userName eq "a`), "", 400, "invalidFilter"},
		"filter: open parenthesis":     {"GET", filter(`(userName eq "a"`), "", 400, "invalidFilter"},
		"filter: more behind it":       {"GET", filter(`userName eq "a" b`), "", 400, "invalidFilter"},
		"filter: truth has no order":   {"GET", filter(`active gt true`), "", 400, "invalidFilter"},
		"filter: no time":              {"GET", filter(`meta.created gt "yesterday"`), "", 400, "invalidFilter"},
		"filter: too deep":             {"GET", filter(strings.Repeat("(", 40) + `userName pr` + strings.Repeat(")", 40)), "", 400, "invalidFilter"},
		"filter: too many terms":       {"GET", filter(strings.Repeat("userName pr and ", 70) + "userName pr"), "", 400, "invalidFilter"},
		"filter: too long":             {"GET", filter(`userName eq "` + strings.Repeat("a", 5000) + `"`), "", 400, "invalidFilter"},
		"filter: zero byte":            {"GET", filter(`userName eq "\u0000"`), "", 400, "invalidFilter"},
		"filter: raw zero byte":        {"GET", "/Users?filter=userName+eq+%22%00%22", "", 400, "invalidFilter"},
		"filter: not UTF-8":            {"GET", "/Users?filter=userName+eq+%22%ff%22", "", 400, "invalidFilter"},
		"filter: members by name":      {"GET", "/Groups?filter=" + url.QueryEscape(`members.display eq "a"`), "", 400, "invalidFilter"},
		"count is a word":              {"GET", "/Users?count=all", "", 400, "invalidValue"},
		"query can't be read":          {"GET", "/Users?filter=%zz", "", 400, "invalidSyntax"},
		"unknown resource":             {"GET", "/Printers", "", 404, ""},
		"odd id":                       {"GET", "/Users/%00", "", 404, ""},
		"id too long":                  {"GET", "/Users/" + strings.Repeat("a", 65), "", 404, ""},
		"bulk":                         {"POST", "/Bulk", `{}`, 501, ""},
		"search by POST":               {"POST", "/Users/.search", `{}`, 501, ""},
		"me":                           {"GET", "/Me", "", 501, ""},
		"PATCH of all":                 {"PATCH", "/Users", patch(`{"op":"remove","path":"title"}`), 405, ""},
		"POST to one":                  {"POST", user, userBody("x"), 405, ""},
		"a filter on discovery":        {"GET", "/Schemas?filter=x", "", 403, ""},
		"a filter that is another's":   {"GET", "/Groups?filter=" + url.QueryEscape(`userName eq "a"`), "", 400, "invalidFilter"},
		"negative count, and past all": {"GET", "/Users?count=-1&startIndex=-5", "", 200, ""},
	} {
		r := w.send(c.method, c.path, c.body)
		kind, _ := r.body["scimType"].(string)
		if r.status != c.status || kind != c.kind {
			t.Errorf("%s: %d %q, want %d %q: %s", name, r.status, kind, c.status, c.kind, r.raw)
		}
		if c.status >= 400 && (r.body["status"] != fmt.Sprint(c.status) || r.body["detail"] == "") {
			t.Errorf("%s: not an error of SCIM: %s", name, r.raw)
		}
	}
	for _, kind := range []string{"", "text/plain", "application/xml", ";"} {
		w.want(http.StatusUnsupportedMediaType, "POST", "/Users", userBody("x"), "Content-Type: "+kind)
	}
	w.want(http.StatusCreated, "POST", "/Users", userBody("x"), "Content-Type: application/json; charset=utf-8")
	if r := w.want(http.StatusOK, "GET", user, ""); r.header.Get("ETag") != `W/"1"` {
		t.Errorf("something of all that changed the person: %s", r.raw)
	}
}

func TestEntityTagsGuardReadsAndWrites(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, g := w.user("mina"), w.group("Eng")
		for _, path := range []string{"/Users/" + string(id), "/Groups/" + string(g)} {
			rename := patch(`{"op":"replace","path":"displayName","value":"New"}`)
			if r := w.want(http.StatusNotModified, "GET", path, "", `If-None-Match: W/"0", W/"1"`); r.raw != "" {
				t.Errorf("a body: %s", r.raw)
			}
			w.want(http.StatusPreconditionFailed, "PATCH", path, rename, `If-Match: W/"7"`)
			w.want(http.StatusPreconditionFailed, "DELETE", path, "", `If-Match: W/"7"`)
			first := w.send("PATCH", path, rename, `If-Match: W/"1"`)
			if first.header.Get("ETag") != `W/"2"` {
				t.Errorf("%s: tag is %q: %s", path, first.header.Get("ETag"), first.raw)
			}
			w.want(http.StatusPreconditionFailed, "PATCH", path, rename, `If-Match: W/"1"`)
			if again := w.send("PATCH", path, rename); again.header.Get("ETag") != `W/"2"` {
				t.Errorf("a change that changes nothing gave %q", again.header.Get("ETag"))
			}
			w.want(http.StatusOK, "GET", path, "", `If-None-Match: W/"1"`)
			w.want(http.StatusNoContent, "DELETE", path, "", `If-Match: *`)
		}
	})
}

func TestOfManyChangesToOneVersionOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.user("mina")
		g := w.group("Eng")
		for _, path := range []string{"/Users/" + string(id), "/Groups/" + string(g)} {
			var won, lost atomic.Int64
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					r := w.send("PATCH", path, patch(fmt.Sprintf(`{"op":"replace","path":"displayName","value":"name %d"}`, i)), `If-Match: W/"1"`)
					switch r.status {
					case http.StatusOK, http.StatusNoContent:
						won.Add(1)
					case http.StatusPreconditionFailed:
						lost.Add(1)
					default:
						t.Errorf("%s: %s", path, r.raw)
					}
				})
			}
			wg.Wait()
			if won.Load() != 1 || lost.Load() != 7 {
				t.Errorf("%s: %d won and %d lost", path, won.Load(), lost.Load())
			}
		}
	})
}

func TestChangesToOneGroupAtOnceAllCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var ids []portal.UserID
		for i := range 8 {
			ids = append(ids, w.user(fmt.Sprintf("u%d", i)))
		}
		g := w.group("Eng", ids[:4]...)
		var wg sync.WaitGroup
		for i, id := range ids {
			op := patch(`{"op":"add","path":"members","value":[{"value":"` + string(id) + `"}]}`)
			if i < 4 {
				op = patch(`{"op":"remove","path":"members[value eq \"` + string(id) + `\"]"}`)
			}
			wg.Go(func() {
				if r := w.send("PATCH", "/Groups/"+string(g), op); r.status != http.StatusNoContent {
					t.Errorf("%d: %s", r.status, r.raw)
				}
			})
		}
		wg.Wait()
		w.tx(func(tx *store.Tx) error {
			got, err := tx.MembersBySource(g, portal.SourceSCIM)
			if fmt.Sprint(got) != fmt.Sprint(ids[4:]) {
				t.Errorf("members are %v, want %v", got, ids[4:])
			}
			return err
		})
		if r := w.want(http.StatusOK, "GET", "/Groups/"+string(g)+"?excludedAttributes=members", ""); r.header.Get("ETag") != `W/"9"` {
			t.Errorf("version is %s after 8 changes", r.header.Get("ETag"))
		}
	})
}

func TestSamePersonAtOnceIsMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var made, clash atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				switch r := w.send("POST", "/Users", userBody("mina")); r.status {
				case http.StatusCreated:
					made.Add(1)
				case http.StatusConflict:
					clash.Add(1)
				default:
					t.Errorf("%d: %s", r.status, r.raw)
				}
			})
		}
		wg.Wait()
		if made.Load() != 1 || clash.Load() != 7 {
			t.Errorf("%d made, %d clashes", made.Load(), clash.Load())
		}
	})
}

func TestDiscoverySaysWhatIsTrue(t *testing.T) {
	w := on(t)
	c := w.want(http.StatusOK, "GET", "/ServiceProviderConfig", "").body
	for name, want := range map[string]bool{"patch": true, "bulk": false, "filter": true, "etag": true, "sort": false, "changePassword": false} {
		if got := c[name].(map[string]any)["supported"]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for path, want := range map[string]float64{"/ResourceTypes": 2, "/Schemas": 3} {
		all := w.want(http.StatusOK, "GET", path, "").body
		if all["totalResults"] != want {
			t.Errorf("%s has %v", path, all["totalResults"])
		}
		for _, one := range all["Resources"].([]any) {
			id := one.(map[string]any)["id"].(string)
			if got := w.want(http.StatusOK, "GET", path+"/"+id, "").body["id"]; got != id {
				t.Errorf("%s/%s is %v", path, id, got)
			}
		}
	}
	w.want(http.StatusNotFound, "GET", "/Schemas/urn:none", "")
	w.want(http.StatusMethodNotAllowed, "POST", "/Schemas", `{}`)
}

func TestPagesCoverEverybodyOnce(t *testing.T) {
	w := on(t)
	for i := range 7 {
		w.user(fmt.Sprintf("u%d", i))
	}
	for _, filter := range []string{"", "&filter=userName+sw+%22u%22"} {
		seen := map[string]bool{}
		for start := 1; start <= 7; start += 3 {
			r := w.want(http.StatusOK, "GET", fmt.Sprintf("/Users?startIndex=%d&count=3%s", start, filter), "")
			if r.body["totalResults"] != 7.0 {
				t.Errorf("total is %v", r.body["totalResults"])
			}
			for _, u := range r.body["Resources"].([]any) {
				seen[u.(map[string]any)["id"].(string)] = true
			}
		}
		if len(seen) != 7 {
			t.Errorf("%d people on the pages, want 7", len(seen))
		}
	}
	if r := w.want(http.StatusOK, "GET", "/Users?count=0", ""); r.body["totalResults"] != 7.0 || len(r.body["Resources"].([]any)) != 0 {
		t.Errorf("a count of 0: %s", r.raw)
	}
}

// Wrong tokens are counted by address; a right one passes all the same.
func TestWrongTokensMakeTheirAddressWait(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		right := w.secret
		limit, err := portal.LimitOf(portal.LimitSCIMAddr)
		w.ok(err)
		w.tx(func(tx *store.Tx) error {
			for range limit.Free - 1 {
				if _, err := tx.Attempt(limit.Kind, portal.TryKey(from.Addr)); err != nil {
					return err
				}
			}
			return nil
		})
		w.secret = "sp_scim_wrong"
		w.want(http.StatusUnauthorized, "GET", "/Users", "")
		if r := w.want(http.StatusTooManyRequests, "GET", "/Users", ""); r.header.Get("Retry-After") == "" || r.header.Get("Retry-After") == "0" {
			t.Errorf("Retry-After is %q", r.header.Get("Retry-After"))
		}
		w.tx(func(*store.Tx) error { // it costs no write, which would wait for this one
			w.want(http.StatusTooManyRequests, "GET", "/Users", "")
			return nil
		})
		w.secret = right
		w.want(http.StatusOK, "GET", "/Users", "")
	})
}
