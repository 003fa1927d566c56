package portal

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// WireGuardConfig is all of a client's file but the private key, which only the client has.
type WireGuardConfig struct {
	FileName        string   // tunnel name: 1 to 15 of [a-zA-Z0-9_=+.-], without ".conf"
	Comments        []string // lines for the head of the file, without "#"
	Addresses       []netip.Prefix
	DNS             []netip.Addr
	Search          []string
	MTU             int // bytes
	AllowedIPs      []netip.Prefix
	AllowedIPsShort []netip.Prefix // a shorter list that covers more, where AllowedIPs is too long for a QR code; else nil
	PublicKey       PublicKey      // the gateway's
	Endpoint        string         // "host:port", an IPv6 address in brackets
	Keepalive       time.Duration  // whole seconds; 0: none
	PoP             PoPID          // where the endpoint is
	Version         string         // of the file, see FileFacts
}

// PrivateKeyPlaceholder stands where the private key belongs in a file that the portal gives out: it has none.
const PrivateKeyPlaceholder = "REPLACE-WITH-YOUR-PRIVATE-KEY"

// Text is the file as wg-quick(8) reads it. privateKey is PrivateKeyPlaceholder everywhere but in programs that made the key themselves.
func (c WireGuardConfig) Text(privateKey string) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			b.WriteString(name + " = " + value + "\n")
		}
	}
	for _, comment := range c.Comments {
		b.WriteString("# " + oneLine(comment) + "\n")
	}
	b.WriteString("[Interface]\n")
	line("PrivateKey", privateKey)
	line("Address", join(c.Addresses))
	dns := join(c.DNS)
	if dns != "" && len(c.Search) > 0 { // search domains without a server would send their names nowhere
		dns += ", " + strings.Join(c.Search, ", ")
	}
	line("DNS", dns)
	if c.MTU > 0 {
		line("MTU", strconv.Itoa(c.MTU))
	}
	b.WriteString("\n[Peer]\n")
	line("PublicKey", c.PublicKey.String())
	line("AllowedIPs", join(c.AllowedIPs))
	line("Endpoint", c.Endpoint)
	if c.Keepalive > 0 {
		line("PersistentKeepalive", strconv.Itoa(int(c.Keepalive/time.Second)))
	}
	return b.String()
}

// qrBytes is how long a file may be to make a QR code that phones read from a screen: version 25 at level L holds 1,273 bytes
// (ISO/IEC 18004, table 7), less some room for a file that the browser words a little differently.
const qrBytes = 1200

// Shorten sets AllowedIPsShort to the longest list that makes the file fit a QR code, where AllowedIPs does not. It stays nil when the
// list is short enough, and when a shorter one would send everything through the tunnel that was not meant to.
func (c *WireGuardConfig) Shorten() {
	c.AllowedIPsShort = nil
	if c.fits(c.AllowedIPs) {
		return
	}
	few, many := 1, len(c.AllowedIPs)
	for few < many { // the most that fit
		middle := (few + many + 1) / 2
		if c.fits(Aggregate(c.AllowedIPs, middle)) {
			few = middle
		} else {
			many = middle - 1
		}
	}
	short := Aggregate(c.AllowedIPs, few)
	if c.fits(short) && !hasDefault(short) {
		c.AllowedIPsShort = short
	}
}

func (c *WireGuardConfig) fits(allowed []netip.Prefix) bool {
	tried := *c
	tried.AllowedIPs = allowed
	return len(tried.Text(strings.Repeat("k", 44))) <= qrBytes
}

func hasDefault(list []netip.Prefix) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Bits() == 0 })
}

// tunnelNameMax is the longest name of a Linux interface (IFNAMSIZ less its final zero); the WireGuard apps have the same limit.
const tunnelNameMax = 15

// TunnelName makes a name that every WireGuard client takes, at most 15 of [a-zA-Z0-9_=+.-], from the first of the names that has at
// least two letters or digits of ASCII left after all else is taken out; from "sallyport" when none has.
func TunnelName(names ...string) string {
	for _, name := range names {
		if made := tunnelName(name); alphanumerics(made) >= 2 && !reservedOnWindows(made) {
			return made
		}
	}
	return "sallyport"
}

func tunnelName(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r < utf8.RuneSelf && (isAlphanumeric(byte(r)) || strings.ContainsRune("_=+.", r)):
			b.WriteRune(r)
		case (unicode.IsSpace(r) || unicode.IsPunct(r)) && b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	// A leading dot hides a file, a leading dash or equals sign looks like an option, a trailing dot is dropped by Windows.
	made := strings.TrimLeft(b.String(), ".-=+_")
	return strings.TrimRight(made[:min(len(made), tunnelNameMax)], ".-=+_")
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func alphanumerics(s string) int {
	n := 0
	for i := range len(s) {
		if isAlphanumeric(s[i]) {
			n++
		}
	}
	return n
}

// reservedOnWindows reports whether the name is a device there, with or without an extension ("nul", "com1.x"); a file can't have it.
func reservedOnWindows(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch base {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(base) == 4 && (base[:3] == "com" || base[:3] == "lpt") && '0' <= base[3] && base[3] <= '9'
}

// oneLine keeps a comment a comment.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
}

func join[T fmt.Stringer](list []T) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = x.String()
	}
	return strings.Join(parts, ", ")
}
