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

func TestLocalAccountOfTheCommandLineSignsIn(t *testing.T) {
	db := filepath.Join(t.TempDir(), "sallyport.db")
	none := func(string) (string, bool) { return "", false }
	var out bytes.Buffer
	command := func(stdin string, args ...string) (string, error) {
		t.Helper()
		call, done, err := parse(append(args, "--database", db), &out, &out)
		if err != nil || done {
			t.Fatalf("%v: %v", args, err)
		}
		out.Reset()
		err = call.Run(env{t.Context(), none, strings.NewReader(stdin), &out, &out})
		return out.String(), err
	}
	good := func(stdin string, args ...string) string {
		t.Helper()
		text, err := command(stdin, args...)
		if err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return text
	}
	const password, another = "a few words nobody says", "other words nobody says"
	good("", "migrate")
	if _, err := command("short\n", "user", "add", "root"); err == nil {
		t.Error("a short password was taken")
	}
	if text := good(password+"\n", "user", "add", "root", "--name", "Break glass"); !strings.Contains(text, "Local accounts are off") {
		t.Errorf("it does not say that they are off: %s", text)
	}

	keys, err := parseKeys("k:" + strings.Repeat("A", 43) + "=")
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSite(t.Context(), Config{
		Database: portal.NewSecretText(db), PublicURL: &url.URL{Scheme: "http", Host: "localhost:8080"}, Keys: keys, Local: true,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	signIn := func(password string) int {
		body := `{"username":"root","password":"` + password + `"}`
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/sign-in/local", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		s.handler.ServeHTTP(rec, r)
		if rec.Code == http.StatusOK && (len(rec.Result().Cookies()) != 1 || !strings.Contains(rec.Body.String(), "factor_enrolment")) {
			t.Errorf("signed in without the step to a second factor: %s", rec.Body)
		}
		return rec.Code
	}
	want := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %d, want %d", what, got, want)
		}
	}
	want("the password", signIn(password), http.StatusOK)
	good(another+"\n", "user", "set-password", "root")
	want("the old password", signIn(password), http.StatusUnauthorized)
	want("the new one", signIn(another), http.StatusOK)
	good("", "user", "reset-factors", "root")
	good(password+"\n", "user", "add", "second")
	good("", "user", "disable", "root")
	want("disabled", signIn(another), http.StatusUnauthorized)
	if text := good("", "user", "list"); !strings.Contains(text, "Break glass") || !strings.Contains(text, "suspended") {
		t.Errorf("the list says\n%s", text)
	}
	good("", "user", "enable", "root")
	want("enabled", signIn(another), http.StatusOK)
	if _, err := command("", "user", "reset-factors", "nobody"); err == nil {
		t.Error("nobody was reset")
	}
	trail := good("", "audit", "export")
	for _, action := range []string{"local.add", "local.set_password", "user.reset_factors", "user.suspend", "user.resume", "session.local_sign_in"} {
		if !strings.Contains(trail, action) {
			t.Errorf("the audit trail lacks %s", action)
		}
	}
	if strings.Contains(trail, password) || strings.Contains(trail, another) {
		t.Error("the audit trail holds a password")
	}
}
