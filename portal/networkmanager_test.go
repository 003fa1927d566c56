package portal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

// acceptedByNetworkManager has NetworkManager's own importer read the file, and compares what it made of it.
func acceptedByNetworkManager(t *testing.T, c portal.WireGuardConfig) {
	t.Helper()
	path := filepath.Join(t.TempDir(), c.FileName+".conf")
	if err := os.WriteFile(path, []byte(c.Text(goldenPrivate)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/usr/bin/python3", "testdata/networkmanager.py", path).CombinedOutput()
	if err != nil {
		if os.Getenv("CI") == "" && (strings.Contains(string(out), "libnm.so.0") || len(out) == 0) {
			t.Skip("needs NetworkManager's library (apt-get install libnm0 python3)")
		}
		t.Fatalf("NetworkManager refuses the file: %v: %s", err, out)
	}
	wants := []string{"interface-name : '" + c.FileName + "'", "'public-key': <'" + goldenPublic + "'>", "'endpoint': <'" + c.Endpoint + "'>"}
	for _, p := range c.AllowedIPs {
		wants = append(wants, "'"+p.String()+"'")
	}
	for _, a := range c.DNS {
		wants = append(wants, "'"+a.String()+"'")
	}
	if len(c.DNS) > 0 { // without a server the file names no domain either
		for _, domain := range c.Search {
			wants = append(wants, "'"+domain+"'")
		}
	}
	for _, want := range wants {
		if !strings.Contains(string(out), want) {
			t.Errorf("NetworkManager lost %s:\n%s", want, out)
		}
	}
}
