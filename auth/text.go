package auth

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/portal"
)

// cleanText makes one printable line of at most limit characters out of text from outside: control, formatting and private characters
// go (a right-to-left override in a name would turn the rest of a page around), every space becomes one plain space.
func cleanText(s string, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range strings.ToValidUTF8(s, "") {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r != joiner && r != nonJoiner && !unicode.IsPrint(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			n, space = n+1, false
		}
		if n >= limit {
			break
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimRight(b.String(), " ")
}

// Joiners have a meaning in several scripts and in emoji, and stay.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// plainText reports whether s is valid UTF-8 of at most limit bytes without control characters.
func plainText(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// maxReturnTo is the longest path to return to, in bytes.
const maxReturnTo = 1024

// localPath returns where to send the person after signing in: to when it is a path on this portal, else "/". Nothing that a browser
// could read as another host passes: "//evil", "/\evil", "/<tab>/evil".
func localPath(to string) string {
	if len(to) > maxReturnTo || !strings.HasPrefix(to, "/") || strings.Contains(to, "//") || strings.Contains(to, `\`) {
		return "/"
	}
	if strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r == utf8.RuneError || unicode.IsControl(r) }) {
		return "/"
	}
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	for part := range strings.SplitSeq(u.Path, "/") {
		if part == "." || part == ".." {
			return "/"
		}
	}
	if strings.Contains(u.Path, "//") || strings.Contains(u.Path, `\`) || strings.HasPrefix(u.Path, "/auth/") || strings.HasPrefix(u.Path, "/api/") {
		return "/"
	}
	return to
}

func addrKey(a netip.Addr) string { return portal.TryKey(a) }
