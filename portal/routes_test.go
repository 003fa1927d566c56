package portal_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/portal"
)

func prefixes(t testing.TB, text string) []netip.Prefix {
	t.Helper()
	var list []netip.Prefix
	for _, s := range strings.Fields(text) {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	return list
}

func text(list []netip.Prefix) string {
	parts := make([]string, len(list))
	for i, p := range list {
		parts[i] = p.String()
	}
	return strings.Join(parts, " ")
}

func TestRoutesAreExact(t *testing.T) {
	for _, c := range []struct {
		name     string
		mode     portal.Mode
		included string
		excluded string
		want     string
	}{
		{"full", portal.Full, "", "", "0.0.0.0/0 ::/0"},
		{"full without a half", portal.Full, "", "128.0.0.0/1 8000::/1", "0.0.0.0/1 ::/1"},
		{"full without everything", portal.Full, "", "0.0.0.0/0 ::/0", ""},
		{"full without one host at the top", portal.Full, "", "128.0.0.0/2 192.0.0.0/3 224.0.0.0/4 240.0.0.0/5 248.0.0.0/6 252.0.0.0/7 254.0.0.0/8 ::/0", "0.0.0.0/1 255.0.0.0/8"},
		{"full ignores what is included", portal.Full, "10.0.0.0/8", "::/0", "0.0.0.0/0"},
		{"split", portal.Split, "10.0.0.0/8 fd00::/8", "", "10.0.0.0/8 fd00::/8"},
		{"split merges halves and repetitions", portal.Split, "10.128.0.0/9 10.0.0.0/9 10.3.0.0/16 fd00::/9 fd80::/9", "", "10.0.0.0/8 fd00::/8"},
		{"split in order, IPv4 first", portal.Split, "fd00::/8 192.168.1.0/24 10.0.0.0/8", "", "10.0.0.0/8 192.168.1.0/24 fd00::/8"},
		{"hole in the middle", portal.Split, "10.0.0.0/8", "10.64.0.0/10", "10.0.0.0/10 10.128.0.0/9"},
		{"one address out", portal.Split, "10.0.0.0/30", "10.0.0.2/32", "10.0.0.0/31 10.0.0.3/32"},
		{"exclusion over two", portal.Split, "10.0.0.0/24 10.0.2.0/24", "10.0.0.128/25 10.0.2.0/25", "10.0.0.0/25 10.0.2.128/25"},
		{"exclusion covers it", portal.Split, "10.0.0.0/24", "10.0.0.0/8", ""},
		{"exclusion beside it", portal.Split, "10.0.0.0/24", "10.0.1.0/24 9.255.255.0/24", "10.0.0.0/24"},
		{"nothing", portal.Split, "", "10.0.0.0/8", ""},
		{"IPv6 exclusion leaves IPv4 alone", portal.Split, "10.0.0.0/8 fd00::/126", "fd00::1/128", "10.0.0.0/8 fd00::/128 fd00::2/127"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := portal.Profile{Mode: c.mode, Included: prefixes(t, c.included), Excluded: prefixes(t, c.excluded)}
			if got := text(portal.Routes(p)); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// smallPrefix draws a prefix inside of 10.0.0.0/24 or fd00::/120, where every address can be looked at.
func smallPrefix(t *rapid.T, label string) netip.Prefix {
	b := byte(rapid.IntRange(0, 255).Draw(t, label+" address"))
	host := rapid.IntRange(0, 8).Draw(t, label+" host bits")
	if rapid.Bool().Draw(t, label+" is IPv6") {
		a := netip.MustParseAddr("fd00::").As16()
		a[15] = b
		return netip.PrefixFrom(netip.AddrFrom16(a), 128-host).Masked()
	}
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, b}), 32-host).Masked()
}

func smallPrefixes(t *rapid.T, label string) []netip.Prefix {
	list := make([]netip.Prefix, rapid.IntRange(0, 8).Draw(t, label))
	for i := range list {
		list[i] = smallPrefix(t, label)
	}
	return list
}

func covers(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

// everySmall calls fn for each address of the small spaces.
func everySmall(fn func(netip.Addr)) {
	for _, p := range []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd00::/120")} {
		for a := p.Addr(); p.Contains(a); a = a.Next() {
			fn(a)
		}
	}
}

// The slow twin: an address is routed when an included prefix has it and no excluded one.
func TestRoutesAgreeWithLookingAtEveryAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := portal.Profile{Mode: portal.Split, Included: smallPrefixes(t, "included"), Excluded: smallPrefixes(t, "excluded")}
		routes := portal.Routes(p)
		everySmall(func(a netip.Addr) {
			if got, want := covers(routes, a), covers(p.Included, a) && !covers(p.Excluded, a); got != want {
				t.Fatalf("%s is routed: %v, want %v; routes %s", a, got, want, text(routes))
			}
		})
		canonical(t, routes)
	})
}

func TestAggregateCoversWithFewer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := smallPrefixes(t, "list")
		most := rapid.IntRange(1, 6).Draw(t, "most")
		short := portal.Aggregate(list, most)
		families := map[bool]bool{}
		for _, p := range list {
			families[p.Addr().Is4()] = true
		}
		if len(short) > max(most, len(families)) {
			t.Fatalf("%d prefixes, want at most %d", len(short), most)
		}
		everySmall(func(a netip.Addr) {
			if covers(list, a) && !covers(short, a) {
				t.Fatalf("%s of %s is not in %s", a, text(list), text(short))
			}
		})
		canonicalOrder(t, short)
		exact := portal.Routes(portal.Profile{Mode: portal.Split, Included: list})
		if len(exact) <= most && !slices.Equal(short, exact) {
			t.Fatalf("got %s, want the exact list %s: it is short enough", text(short), text(exact))
		}
	})
}

// canonical fails unless the list is in order, without overlap, and no two of it make one.
func canonical(t *rapid.T, list []netip.Prefix) {
	canonicalOrder(t, list)
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if a.Bits() == b.Bits() && a.Bits() > 0 && netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked() == netip.PrefixFrom(b.Addr(), b.Bits()-1).Masked() {
			t.Fatalf("%s and %s are halves of one prefix", a, b)
		}
	}
}

func canonicalOrder(t *rapid.T, list []netip.Prefix) {
	for i, p := range list {
		if p != p.Masked() {
			t.Fatalf("%s has host bits", p)
		}
		if i > 0 && (list[i-1].Overlaps(p) || !list[i-1].Addr().Less(p.Addr())) {
			t.Fatalf("%s and %s overlap or are out of order", list[i-1], p)
		}
	}
}

func TestAggregateJoinsTheNearestFirst(t *testing.T) {
	list := prefixes(t, "10.0.0.0/24 10.0.2.0/24 192.168.0.0/24 192.168.128.0/24 fd00::/64 fd00:0:0:2::/64")
	for most, want := range map[int]string{
		6: "10.0.0.0/24 10.0.2.0/24 192.168.0.0/24 192.168.128.0/24 fd00::/64 fd00:0:0:2::/64",
		5: "10.0.0.0/22 192.168.0.0/24 192.168.128.0/24 fd00::/64 fd00:0:0:2::/64",
		4: "10.0.0.0/22 192.168.0.0/24 192.168.128.0/24 fd00::/62",
		3: "10.0.0.0/22 192.168.0.0/16 fd00::/62",
		1: "0.0.0.0/0 fd00::/62",
	} {
		if got := text(portal.Aggregate(list, most)); got != want {
			t.Errorf("at most %d: got %q, want %q", most, got, want)
		}
	}
}

func FuzzRoutes(f *testing.F) {
	f.Add("10.0.0.0/8 fd00::/8", "10.1.0.0/16", true)
	f.Add("", "0.0.0.0/0 ::/1", false)
	f.Add("::ffff:10.0.0.0/104 0.0.0.0/0", "255.255.255.255/32 ffff::/128", true)
	f.Fuzz(func(t *testing.T, included, excluded string, split bool) {
		parse := func(s string) (list []netip.Prefix) {
			for _, word := range strings.Fields(s) {
				if p, err := netip.ParsePrefix(word); err == nil && len(list) < 50 {
					list = append(list, p)
				}
			}
			return list
		}
		p := portal.Profile{Mode: portal.Full, Included: parse(included), Excluded: parse(excluded)}
		if split {
			p.Mode = portal.Split
		}
		routes := portal.Routes(p)
		for _, r := range routes {
			if r != r.Masked() {
				t.Errorf("%s has host bits", r)
			}
			for _, x := range p.Excluded {
				if r.Overlaps(x.Masked()) {
					t.Errorf("%s overlaps with %s, which is excluded", r, x)
				}
			}
		}
		if short := portal.Aggregate(routes, 4); len(short) > 4 {
			t.Errorf("%d prefixes, want at most 4", len(short))
		}
	})
}
