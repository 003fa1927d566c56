package auth

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestOnlyPathsOnThisPortalAreReturnedTo(t *testing.T) {
	for to, want := range map[string]string{
		"/": "/", "/devices": "/devices", "/devices?new=1#top": "/devices?new=1#top", "/장치": "/장치", "/a%20b": "/a%20b",
		"": "/", "devices": "/", "//evil.example": "/", `/\evil.example`: "/", `\\evil.example`: "/", "/\t/evil.example": "/", "/\n/evil": "/",
		"https://evil.example": "/", "javascript:alert(1)": "/", "/%2f%2fevil": "/", "/%5cevil": "/", "/a/../b": "/", "/./x": "/", "/a//b": "/",
		"/%2e%2e/x": "/", "/auth/callback/x": "/", "/api/v1/me": "/", "/\x00": "/", "/%zz": "/", "/" + strings.Repeat("a", 2000): "/", "/\xff": "/",
		"/\u2028x": "/\u2028x", "/x?u=//evil": "/",
	} {
		if got := localPath(to); got != want {
			t.Errorf("%q goes to %q, want %q", to, got, want)
		}
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/", "/devices?x=1", "//evil", `/\evil`, "/%2f/evil", "https://evil", "/..//evil"} {
		f.Add(seed)
	}
	base, err := url.Parse("https://vpn.example.com/auth/callback/x")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, to string) {
		got := localPath(to)
		if got != "/" && got != to {
			t.Fatalf("%q became %q", to, got)
		}
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != "https" || u.User != nil {
			t.Fatalf("%q leads to %v, %v", to, u, err)
		}
		if strings.HasPrefix(u.Path, "//") || strings.ContainsAny(got, "\\\t\r\n\x00") {
			t.Fatalf("%q may be read as another host", got)
		}
	})
}

func TestTextFromOutsideBecomesOnePrintableLine(t *testing.T) {
	for text, want := range map[string]string{
		"Ada": "Ada", "  Ada   L ": "Ada L", "a\r\n\tb": "a b", "a\x00b\x1b[31m": "ab[31m", "a\u202eb\ufeff": "ab", "\xff\xfea": "a",
		"박지민": "박지민", "👩\u200d💻": "👩\u200d💻", "<b>": "<b>", "0123456789abcdef": "0123456789", "": "", "123456789 x": "123456789",
	} {
		if got := cleanText(text, 10); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	f.Add("a\x00b", 5)
	f.Add("\u202e \u00a0x", 1)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = min(max(limit, 0), 1000)
		got := cleanText(text, limit)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > limit || strings.ContainsFunc(got, unicode.IsControl) || strings.TrimSpace(got) != got {
			t.Errorf("%q becomes %q", text, got)
		}
		if again := cleanText(got, limit); again != got {
			t.Errorf("%q becomes %q and then %q", text, got, again)
		}
	})
}

func TestAddressesOfOnePersonAreCountedTogether(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2::1": "2001:db8:1:2::/64", "2001:db8:1:2:ffff::9": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := addrKey(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s is counted as %s, want %s", addr, got, want)
		}
	}
	if got := addrKey(netip.Addr{}); got == "" {
		t.Error("no address has no key")
	}
}
