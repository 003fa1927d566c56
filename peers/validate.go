package peers

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/sallyport/sallyport/portal"
)

// Limits on what people type, in characters and pieces.
const (
	maxName        = 64
	maxDescription = 500
	maxPrefixes    = 1000
	maxPorts       = 100
	maxLinks       = 200 // groups, resources or PoPs that one thing names
	maxDNS         = 8
	maxSearch      = 16
	maxDomain      = 253
	maxTags        = 20
	maxTag         = 32
	maxWindows     = 20
)

// check collects every wrong field of an input, with its path in the API's body.
type check struct{ fields []portal.Field }

func (c *check) wrong(path, code, format string, args ...any) {
	c.fields = append(c.fields, portal.Field{Path: path, Code: code, Msg: fmt.Sprintf(format, args...)})
}

func (c *check) err() error { return portal.InvalidFields(c.fields...) }

// name returns s in normal form C without spaces around it. It must have 1 to 64 printable characters.
func (c *check) name(path, s string) string {
	if strings.TrimSpace(s) == "" {
		c.wrong(path, "required", "Give it a name.")
		return ""
	}
	return c.text(path, s, maxName)
}

// text does the same for text that may be empty.
func (c *check) text(path, s string, most int) string {
	if !utf8.ValidString(s) {
		c.wrong(path, "not_printable", "This is not valid UTF-8.")
		return ""
	}
	if len(s) > 16*most { // do not normalize what is far too long
		c.wrong(path, "too_long", "At most %d characters.", most)
		return ""
	}
	s = norm.NFC.String(strings.TrimSpace(s))
	if utf8.RuneCountInString(s) > most {
		c.wrong(path, "too_long", "At most %d characters.", most)
		return ""
	}
	// Not printable: control characters, and those that turn the direction of text or cannot be seen.
	if i := strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
		c.wrong(path, "not_printable", "Only printable characters, in one line.")
		return ""
	}
	return s
}

func (c *check) publicKey(path, s string) portal.PublicKey {
	k, err := portal.ParsePublicKey(s)
	// Bytes that are not the smallest form of their point (RFC 7748, section 5) are another name for a key that may be in use, and no
	// client ever sends them.
	if err != nil || !canonical(k) {
		c.wrong(path, portal.ErrPublicKey.Code, "%s", portal.ErrPublicKey.Msg)
		return portal.PublicKey{}
	}
	return k
}

// canonical reports whether the key, a little-endian number, is below 2^255 - 19.
func canonical(k portal.PublicKey) bool {
	if k[31] != 0x7f {
		return k[31] < 0x7f
	}
	for _, b := range k[1:31] {
		if b != 0xff {
			return true
		}
	}
	return k[0] < 0xed
}

// oneOf complains when v is none of the allowed values.
func oneOf[T ~string](c *check, path string, v T, allowed ...T) T {
	if !slices.Contains(allowed, v) {
		names := make([]string, len(allowed))
		for i, a := range allowed {
			names[i] = string(a)
		}
		c.wrong(path, "not_allowed", "One of %s.", strings.Join(names, ", "))
	}
	return v
}

func (c *check) prefixes(path string, texts []string) []netip.Prefix {
	if len(texts) > maxPrefixes {
		c.wrong(path, "too_many", "At most %d prefixes.", maxPrefixes)
		return nil
	}
	var list []netip.Prefix
	for i, s := range texts {
		at := fmt.Sprintf("%s/%d", path, i)
		p, ok := c.prefix(at, s)
		if !ok || slices.Contains(list, p) {
			continue
		}
		if j := slices.IndexFunc(list, p.Overlaps); j >= 0 {
			c.wrong(at, "overlaps", "%s overlaps %s, which is listed before it. Keep the wider one.", p, list[j])
			continue
		}
		list = append(list, p)
	}
	return list
}

// prefix reads an address or a prefix without host bits.
func (c *check) prefix(path, s string) (netip.Prefix, bool) {
	p, err := netip.ParsePrefix(s)
	if a, addrErr := netip.ParseAddr(s); addrErr == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	switch {
	case err != nil:
		c.wrong(path, "malformed", "Not a prefix such as 10.20.0.0/16 or fd00::/8.")
	case p.Addr().Is4In6():
		c.wrong(path, "malformed", "Write an IPv4 prefix as IPv4.")
	case p != p.Masked():
		c.wrong(path, "host_bits", "The address has bits behind the prefix. Did you mean %s?", p.Masked())
	default:
		return p, true
	}
	return netip.Prefix{}, false
}

func (c *check) addrs(path string, texts []string) []netip.Addr {
	if len(texts) > maxDNS {
		c.wrong(path, "too_many", "At most %d servers.", maxDNS)
		return nil
	}
	var list []netip.Addr
	for i, s := range texts {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" || a.Is4In6() || a.IsUnspecified() || a.IsMulticast() {
			c.wrong(fmt.Sprintf("%s/%d", path, i), "malformed", "Not the address of a server.")
			continue
		}
		if !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

func (c *check) domains(path string, texts []string, most int) []string {
	if len(texts) > most {
		c.wrong(path, "too_many", "At most %d names.", most)
		return nil
	}
	var list []string
	for i, s := range texts {
		s = strings.ToLower(strings.TrimSuffix(s, "."))
		if !isDomain(s) {
			c.wrong(fmt.Sprintf("%s/%d", path, i), "malformed", "Not a domain name such as corp.example.com. Write other scripts in their xn-- form.")
			continue
		}
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// isDomain reports whether s is made of labels of letters, digits and inner hyphens (RFC 1123, section 2.1), and is no address, which
// wg-quick would take for a server.
func isDomain(s string) bool {
	if s == "" || len(s) > maxDomain {
		return false
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool { return !(r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z') }) {
			return false
		}
	}
	return true
}

func (c *check) number(path string, n, least, most int) int {
	if n < least || n > most {
		c.wrong(path, "out_of_range", "From %d to %d.", least, most)
	}
	return n
}

// seconds accepts whole seconds only: that is what is kept.
func (c *check) seconds(path string, d, least, most time.Duration) time.Duration {
	if d < least || d > most || d%time.Second != 0 {
		c.wrong(path, "out_of_range", "From %d to %d seconds.", int64(least/time.Second), int64(most/time.Second))
	}
	return d
}

func (c *check) ports(path string, transport portal.Transport, ranges []portal.PortRange) []portal.PortRange {
	if len(ranges) == 0 {
		return nil
	}
	if transport != portal.TCP && transport != portal.UDP {
		c.wrong(path, "not_allowed", "Only TCP and UDP have ports.")
		return nil
	}
	if len(ranges) > maxPorts {
		c.wrong(path, "too_many", "At most %d ranges.", maxPorts)
		return nil
	}
	var list []portal.PortRange
	for i, r := range ranges {
		if r.First == 0 || r.Last < r.First {
			c.wrong(fmt.Sprintf("%s/%d", path, i), "out_of_range", "From 1 to 65535, the first one not above the last one.")
			continue
		}
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	return list
}

// links returns the ids without repetition, sorted.
func links[T ~string](c *check, path string, ids []T, least int) []T {
	switch {
	case len(ids) < least:
		c.wrong(path, "required", "Choose at least one.")
	case len(ids) > maxLinks:
		c.wrong(path, "too_many", "At most %d.", maxLinks)
		return nil
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// known complains about each id of the input that is among the missing ones.
func known[T ~string](c *check, path string, ids, missing []T) {
	for i, id := range ids {
		if slices.Contains(missing, id) {
			c.wrong(fmt.Sprintf("%s/%d", path, i), "unknown", "There is no such object.")
		}
	}
}

// fieldsOf is the wrong fields that an error names.
func fieldsOf(err error) []portal.Field {
	var e *portal.Error
	if errors.As(err, &e) {
		return e.Fields
	}
	return nil
}
