package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

func TestDirectoryWritesWithATokenOfTheCommandLine(t *testing.T) {
	db := filepath.Join(t.TempDir(), "sallyport.db")
	none := func(string) (string, bool) { return "", false }
	command := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(t.Context(), append(args, "--database", db), none, &out, &out); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out.String()
	}
	command("migrate")
	token, _, _ := strings.Cut(command("scim", "token", "new", "--name", "Okta", "--issuer", "https://login.example.com"), "\n")

	keys, err := parseKeys("k:" + strings.Repeat("A", 43) + "=")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSite(t.Context(), Config{
		Database: portal.NewSecretText(db), PublicURL: &url.URL{Scheme: "http", Host: "127.0.0.1:8080"}, Keys: keys,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send := func(method, path, body, token string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/scim+json")
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, r)
		return rec
	}
	mina := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mina","externalId":"m"}`
	made := send("POST", "/scim/v2/Users", mina, token)
	location := made.Header().Get("Location")
	if made.Code != http.StatusCreated || !strings.HasPrefix(location, "http://127.0.0.1:8080/scim/v2/Users/") {
		t.Fatalf("made: %d %s, at %q", made.Code, made.Body, location)
	}
	path := strings.TrimPrefix(location, "http://127.0.0.1:8080")
	for what, c := range map[string]struct {
		got  *httptest.ResponseRecorder
		want int
	}{
		"reads what it wrote":            {send("GET", path, "", token), http.StatusOK},
		"nobody without a token":         {send("GET", path, "", "sp_x"), http.StatusUnauthorized},
		"no token for the portal's API":  {send("GET", "/api/v1/sessions", "", token), http.StatusUnauthorized},
		"the rest of the portal answers": {send("GET", "/healthz", "", ""), http.StatusOK},
	} {
		if c.got.Code != c.want {
			t.Errorf("%s: %d, want %d: %s", what, c.got.Code, c.want, c.got.Body)
		}
	}
}
