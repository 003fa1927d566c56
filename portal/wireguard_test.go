package portal_test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Fixed keys for golden files, of no use to anyone: the gateway's public key, and a private key where wg must parse one.
const (
	goldenPublic  = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="
	goldenPrivate = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
)

func goldenConfig(t testing.TB, allowed string) portal.WireGuardConfig {
	key, err := portal.ParsePublicKey(goldenPublic)
	if err != nil {
		t.Fatal(err)
	}
	return portal.WireGuardConfig{
		FileName:   "mina-laptop",
		Comments:   []string{"Sallyport https://vpn.example.com", "Device: 민아의 노트북 <b>"},
		Addresses:  prefixes(t, "10.77.0.4/32 fd5a:1::4/128"),
		DNS:        []netip.Addr{netip.MustParseAddr("10.77.0.2"), netip.MustParseAddr("fd5a:1::2")},
		Search:     []string{"corp.example.com"},
		MTU:        1420,
		AllowedIPs: prefixes(t, allowed),
		PublicKey:  key,
		Endpoint:   "seoul.vpn.example.com:51820",
		Keepalive:  25 * time.Second,
	}
}

func TestFilesAreWhatClientsRead(t *testing.T) {
	split := goldenConfig(t, "10.20.0.0/16 fd00:20::/32")
	full := goldenConfig(t, "0.0.0.0/0 ::/0")
	bare := goldenConfig(t, "10.20.0.0/16")
	bare.DNS, bare.MTU, bare.Keepalive, bare.Endpoint, bare.Comments = nil, 0, 0, "[2001:db8::1]:443", []string{"two\nlines\r\n[Peer]"}
	for name, c := range map[string]portal.WireGuardConfig{"split": split, "full": full, "bare": bare} {
		t.Run(name, func(t *testing.T) {
			got, path := c.Text(portal.PrivateKeyPlaceholder), filepath.Join("testdata", name+".conf")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			t.Run("wg-quick", func(t *testing.T) { acceptedByWgQuick(t, c) })
			t.Run("NetworkManager", func(t *testing.T) { acceptedByNetworkManager(t, c) })
		})
	}
}

// acceptedByWgQuick has wg-quick read the file. It leaves wg's own part, in which the peer must be whole.
func acceptedByWgQuick(t *testing.T, c portal.WireGuardConfig) {
	t.Helper()
	if _, err := exec.LookPath("wg-quick"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("wg-quick is needed in CI")
		}
		t.Skip("needs wg-quick (apt-get install wireguard-tools)")
	}
	if os.Getuid() != 0 {
		t.Skip("wg-quick asks for root even to read a file")
	}
	path := filepath.Join(t.TempDir(), c.FileName+".conf")
	if err := os.WriteFile(path, []byte(c.Text(goldenPrivate)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("wg-quick", "strip", path).CombinedOutput()
	if err != nil {
		t.Fatalf("wg-quick strip: %v: %s", err, out)
	}
	for _, want := range []string{"PrivateKey = " + goldenPrivate, "PublicKey = " + goldenPublic, "Endpoint = " + c.Endpoint} {
		if !strings.Contains(string(out), want) {
			t.Errorf("wg-quick strip lost %q: %s", want, out)
		}
	}
	if strings.Contains(string(out), "Address") || strings.Contains(string(out), "DNS") {
		t.Errorf("wg-quick did not take its own lines: %s", out)
	}
}

func TestTunnelNamesSuitEveryClient(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"mina-laptop", "Work"}, "mina-laptop"},
		{[]string{"Mina's MacBook Pro 16\""}, "Mina-s-MacBook"},
		{[]string{"민아의 노트북", "Company"}, "Company"},
		{[]string{"업무용 노트북 2", "회사"}, "sallyport"},
		{[]string{"민아 iPhone 15", "회사"}, "iPhone-15"},
		{[]string{"../../etc/passwd"}, "etc-passwd"},
		{[]string{"..", "-", "--help"}, "help"},
		{[]string{"CON", "nul.txt", "Com1", "lpt9"}, "sallyport"},
		{[]string{"console"}, "console"},
		{[]string{"", " ", "é", "x"}, "sallyport"},
		{[]string{"a.very.long.name.indeed"}, "a.very.long.nam"},
		{[]string{"fourteen-chars-and"}, "fourteen-chars"},
		{nil, "sallyport"},
	} {
		if got := portal.TunnelName(c.names...); got != c.want {
			t.Errorf("%q: got %q, want %q", c.names, got, c.want)
		}
	}
}

func FuzzTunnelName(f *testing.F) {
	f.Add("민아의 노트북", "x")
	f.Add("-.=", "\x00\xff")
	clients := regexp.MustCompile(`^[a-zA-Z0-9_=+.-]{1,15}$`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := portal.TunnelName(a, b); !clients.MatchString(got) {
			t.Errorf("%q is not a name that clients take", got)
		}
	})
}

func TestLongListsGetAShorterOneForTheQRCode(t *testing.T) {
	c := goldenConfig(t, "10.20.0.0/16")
	if c.Shorten(); c.AllowedIPsShort != nil {
		t.Errorf("a short list was shortened to %s", text(c.AllowedIPsShort))
	}
	c.AllowedIPs = nil
	for i := range 200 {
		c.AllowedIPs = append(c.AllowedIPs, netip.MustParsePrefix(fmt.Sprintf("10.%d.%d.0/24", i/16, i*13%256)))
	}
	c.Shorten()
	short := c
	short.AllowedIPs = c.AllowedIPsShort
	if size := len(short.Text(goldenPrivate)); len(c.AllowedIPsShort) == 0 || size > 1200 || size < 1000 {
		t.Errorf("the short list has %d prefixes and makes a file of %d bytes; want at most 1200, and not much less", len(c.AllowedIPsShort), size)
	}
	for _, p := range c.AllowedIPs {
		if !covers(c.AllowedIPsShort, p.Addr()) {
			t.Errorf("%s is not in the short list", p)
		}
	}
	full := goldenConfig(t, "")
	full.AllowedIPs = portal.Routes(portal.Profile{Mode: portal.Full, Excluded: c.AllowedIPs})
	if full.Shorten(); full.AllowedIPsShort != nil {
		t.Errorf("exclusions were given up: %s", text(full.AllowedIPsShort))
	}
}
