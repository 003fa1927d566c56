package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// policySite is a real portal over HTTP on this machine, and two tokens of it.
func policySite(t *testing.T) (s *site, base, writes, reads string) {
	t.Helper()
	keys, err := parseKeys("k:" + strings.Repeat("A", 43) + "=")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	s, err = newSite(t.Context(), Config{
		Database: portal.NewSecretText(filepath.Join(t.TempDir(), "sallyport.db")), PublicURL: &url.URL{Scheme: "http", Host: server.Listener.Addr().String()}, Keys: keys,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = s.handler
	server.Start()
	t.Cleanup(func() {
		server.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	token := func(name string, scopes ...portal.Right) string {
		_, secret, err := s.auth.CreateServiceToken(t.Context(), systemActor, auth.NewServiceToken{Name: name, Role: portal.RoleAdmin, Scopes: scopes, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return secret.Reveal()
	}
	all := []portal.Right{portal.AccessRead, portal.AccessWrite, portal.GroupsRead, portal.GroupsWrite, portal.ProfilesRead, portal.ProfilesWrite}
	return s, server.URL, token("ci", all...), token("look", portal.AccessRead, portal.GroupsRead, portal.ProfilesRead)
}

const wholePolicy = `version: 1
groups: [Engineering, Contractors]
resources:
  - name: Git
    prefixes: [10.20.1.0/24]
    transport: tcp
    ports: ["22", "443"]
  - name: Payroll
    prefixes: [10.20.9.0/24]
    transport: any
rules:
  - name: Engineers reach Git
    reason: their work
    action: allow
    groups: [Engineering]
    resources: [Git]
profiles:
  - name: Work
    mode: full
tests:
  - name: Contractors off payroll
    group: Contractors
    resource: Payroll
    expect: blocked
`

// The four commands against a real portal: what is exported is what was applied, the second time nothing changes, a slip is named by its line,
// and a token does no more than it may.
func TestPolicyFilesGoToAPortalAndBack(t *testing.T) {
	s, base, writes, reads := policySite(t)
	dir := t.TempDir()
	command := func(token string, args ...string) (string, error) {
		t.Helper()
		var out bytes.Buffer
		lookup := func(name string) (string, bool) {
			v, ok := map[string]string{urlEnv: base, tokenEnv: token}[name]
			return v, ok
		}
		err := run(t.Context(), append([]string{"policy"}, args...), lookup, &out, &out)
		return out.String(), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := command(writes, args...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	policy := file("policy.yaml", wholePolicy)
	if out, err := command(reads, "diff", policy); !errors.Is(err, errDiffers) || !strings.Contains(out, "create rule Engineers reach Git") {
		t.Errorf("diff: %v\n%s", err, out)
	}
	if _, err := command(reads, "apply", policy); err == nil {
		t.Error("a token that may only look has applied a policy")
	}
	if _, err := command("sp_svc_"+strings.Repeat("a", 49), "export"); err == nil {
		t.Error("a token that is none has read the policy")
	}
	if out := must("apply", policy); !strings.Contains(out, "Changes applied: 7") {
		t.Errorf("apply:\n%s", out)
	}
	if out := must("apply", policy); !strings.Contains(out, "Changes applied: 0") {
		t.Errorf("the second apply changed something:\n%s", out)
	}
	exported := must("export")
	back := file("back.yaml", exported)
	if out := must("diff", "--prune", back); !strings.Contains(out, "is what the file says") {
		t.Errorf("the exported policy differs from itself:\n%s\n%s", out, exported)
	}
	if out := must("apply", "--prune", back); !strings.Contains(out, "Changes applied: 0") || must("export") != exported {
		t.Errorf("applying what was exported changed something:\n%s", out)
	}
	if out := must("test"); out != "ok    Contractors off payroll\n" {
		t.Errorf("test:\n%s", out)
	}
	for what, c := range map[string]struct{ old, now, want string }{
		"a key that is none":    {"    reason: their work", "    raeson: their work", "Line 13"},
		"host bits":             {"[10.20.9.0/24]", "[10.20.9.1/24]", "Line 9"},
		"a group that is none":  {"    groups: [Engineering]", "    groups: [Engineers]", "Line 15"},
		"port 0":                {`["22", "443"]`, `["22", "0"]`, "Line 7"},
		"a test that is broken": {"[Engineering]\n    resources: [Git]", "[Contractors]\n    resources: [Payroll]", "Contractors off payroll"},
	} {
		wrong := file("wrong.yaml", strings.Replace(wholePolicy, c.old, c.now, 1))
		if out, err := command(writes, "apply", wrong); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\n%s; want %q", what, err, out, c.want)
		}
	}
	if must("export") != exported {
		t.Error("a refused file has changed the policy")
	}
	var applied int
	err := s.store.View(t.Context(), func(tx *store.Tx) error {
		events, err := tx.AuditAfter(store.AuditFilter{}, 0, 0, 1000)
		for _, e := range events {
			if strings.HasPrefix(e.Action, "rule.") || strings.HasPrefix(e.Action, "policy.") {
				applied++
				if !strings.HasPrefix(e.Actor, "service:") {
					t.Errorf("%s is on the record as done by %s", e.Action, e.Actor)
				}
			}
		}
		return err
	})
	if err != nil || applied == 0 {
		t.Errorf("the trail tells of %d changes, %v", applied, err)
	}
}
