package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/tests/world"
)

func TestWorkerInABrowserGetsATunnelThatTurnsGreenAndDiesAtAClick(t *testing.T) {
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	b, dir := s.NewBrowser(s.Client), t.TempDir()
	began := time.Now()
	b.Do("signIn", map[string]any{"url": world.PortalURL + "/", "name": "worker"})
	b.Do("enrolTotp", nil)
	b.Do("addDevice", map[string]any{"platform": "Linux", "name": "Laptop", "profile": "Office"})
	file := b.Do("downloadConf", map[string]any{"dir": dir})
	if s.Client.Ping(world.OfficeV4) {
		t.Fatal("the office answers before the tunnel is up")
	}
	s.Up(s.Client, file.Path)
	s.office(t, true)
	b.Do("awaitGreen", map[string]any{"timeout": 10_000})
	t.Logf("measured: from the first visit to a green page %.1f s, played without pauses (target 120)", time.Since(began).Seconds())

	transfer := s.Client.StartDownload(t, world.OfficeV4)
	<-transfer.Got
	done := make(chan world.Deed, 1)
	go func() { done <- b.Do("revoke", map[string]any{"name": "Laptop"}) }()
	last, err := transfer.LastByte(t.Context(), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	clicked := time.UnixMilli((<-done).ClickedAt)
	t.Logf("measured: revoke in the browser: the request to dead %d ms", last.Sub(clicked).Milliseconds())
	if took := last.Sub(clicked); took > 500*time.Millisecond {
		t.Errorf("the transfer went on for %s after the click", took)
	}
	s.office(t, false)

	key := privateKey(t, file.Text)
	watched := b.Do("carrying", map[string]any{"key": key})
	if len(watched.Carrying) > 0 || watched.Requests < 20 {
		t.Errorf("of %d requests these carried the private key: %v", watched.Requests, watched.Carrying)
	}
	for _, l := range append(s.portal.Lines(), s.gateway.Lines()...) {
		if strings.Contains(l, key) {
			t.Errorf("a log has the private key: %s", l)
		}
	}
	if c := b.Do("complaints", nil).Complaints; len(c) > 0 {
		t.Errorf("the console complains: %v", c)
	}
}

func TestQRCodeOnThePageIsTheFile(t *testing.T) {
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	b, dir := s.NewBrowser(s.Client), t.TempDir()
	b.Do("signIn", map[string]any{"url": world.PortalURL + "/", "name": "worker"})
	b.Do("enrolTotp", nil)
	b.Do("addDevice", map[string]any{"platform": "Android", "name": "Phone", "profile": "Everything"})
	picture := filepath.Join(dir, "qr.png")
	b.Do("qr", map[string]any{"path": picture})
	file := b.Do("downloadConf", map[string]any{"dir": dir})

	read, err := exec.Command("zbarimg", "--quiet", "--raw", "--nodbus", picture).Output()
	if err != nil {
		t.Fatalf("zbarimg reads nothing off the page: %v", err)
	}
	scanned := filepath.Join(dir, "scanned.conf")
	if err := os.WriteFile(scanned, read, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := settings(string(read)), settings(file.Text); got != want {
		t.Errorf("the QR code says\n%s\nthe file says\n%s", got, want)
	}
	s.Up(s.Client, scanned)
	s.office(t, true)
}

// settings is a file without comments and empty lines, which the QR code leaves out.
func settings(conf string) string {
	var kept []string
	for _, l := range strings.Split(conf, "\n") {
		if l = strings.TrimSpace(l); l != "" && !strings.HasPrefix(l, "#") {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

func privateKey(t *testing.T, conf string) string {
	t.Helper()
	for _, l := range strings.Split(conf, "\n") {
		if key, ok := strings.CutPrefix(l, "PrivateKey = "); ok {
			return strings.TrimSpace(key)
		}
	}
	t.Fatalf("the file has no private key:\n%s", conf)
	return ""
}
