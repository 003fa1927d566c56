package main

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func parse(t *testing.T, getenv func(string) string, args ...string) (Config, error) {
	t.Helper()
	raw, err := readRaw(args, getenv, &bytes.Buffer{})
	if err != nil {
		return Config{}, err
	}
	return raw.config()
}

func TestFlagsGoBeforeEnvironmentBeforeFileBeforeDefault(t *testing.T) {
	file := write(t, "interface: file0\ntable: fromfile\nlog-format: json\n")
	c, err := parse(t, env("SALLYPORT_GATEWAY_CONFIG", file, "SALLYPORT_GATEWAY_INTERFACE", "env0", "SALLYPORT_GATEWAY_TABLE", "fromenv"), "--table", "typed")
	if err != nil {
		t.Fatal(err)
	}
	if c.Table != "typed" || c.Interface != "env0" || !c.LogJSON || c.StateDir != "/var/lib/sallyport-gateway" || c.Metrics != "127.0.0.1:9586" {
		t.Errorf("%+v", c)
	}
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	_, err := parse(t, env(), "--portal", "nowhere", "--state-dir", "here", "--interface", "a name that is too long", "--table", "a b", "--metrics", "0.0.0.0:9586",
		"--userspace=perhaps", "--log-level", "loud", "--log-format", "xml")
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"portal", "state-dir", "interface", "table", "metrics", "userspace", "log-level", "log-format"} {
		if !strings.Contains(err.Error(), name+":") {
			t.Errorf("nothing is said about %s in:\n%v", name, err)
		}
	}
}

func TestUnknownSettingInTheFileIsRefused(t *testing.T) {
	if _, err := parse(t, env(), "--config", write(t, "tabel: x\n")); err == nil || !strings.Contains(err.Error(), `"tabel"`) {
		t.Errorf("the error is %v", err)
	}
	if _, err := parse(t, env(), "--config", write(t, "userspace: true\n")); err != nil {
		t.Error(err)
	}
}

func TestTokenIsNeitherShownNorGivenTwice(t *testing.T) {
	file := write(t, " secret-token\n")
	c, err := parse(t, env(), "--portal", "p:1", "--token-file", file)
	if err != nil || c.Token.Reveal() != "secret-token" {
		t.Fatalf("%v %v", c.Token.Reveal(), err)
	}
	_, err = parse(t, env(), "--portal", "p", "--token-file", file, "--token", "secret-token")
	if err == nil || strings.Contains(err.Error(), "secret-token") {
		t.Errorf("the error is %v", err)
	}
}

func TestHelpReadsAsReviewed(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, env(), &out, &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatal(err)
	}
	const golden = "testdata/help.txt"
	if *update {
		if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != string(want) {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestCheckSaysThatAllIsWell(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--check"}, env(), &out, &out); err != nil || !strings.Contains(out.String(), "good") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestEnrolmentCommandMayNameSeveralPortals(t *testing.T) {
	_, err := parse(t, env(), "--portal", "a.example:8443,[2001:db8::1]:8443")
	if err == nil || strings.Contains(err.Error(), "host:port") {
		t.Errorf("two good portals: %v, want nothing about them but the missing token", err)
	}
	if _, err := parse(t, env(), "--portal", "a.example:8443,b.example"); err == nil || !strings.Contains(err.Error(), `"b.example" is not host:port`) {
		t.Errorf("a bad second portal: %v", err)
	}
}
