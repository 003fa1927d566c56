package firewall

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/portal"
)

var prefixes = []string{
	"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "10.1.2.4/30", "255.255.255.255/32", "::/0", "fd00::/8", "fd00::1/128", "ffff::/16",
}

var genDestination = rapid.Custom(func(t *rapid.T) portal.Destination {
	d := portal.Destination{
		Prefix:    netip.MustParsePrefix(rapid.SampledFrom(prefixes).Draw(t, "prefix")),
		Transport: rapid.SampledFrom([]portal.Transport{portal.AnyTransport, portal.TCP, portal.UDP, portal.ICMP, "unknown"}).Draw(t, "transport"),
	}
	if rapid.Bool().Draw(t, "ports") && d.Transport != portal.ICMP {
		a, b := genPort.Draw(t, "first"), genPort.Draw(t, "last")
		d.Ports = portal.PortRange{First: min(a, b), Last: max(a, b)}
		if d.Ports.Last == 0 {
			d.Ports = portal.PortRange{}
		}
	}
	return d
})

var genPort = rapid.SampledFrom([]uint16{0, 1, 79, 80, 81, 443, 65534, 65535})

// covers is what the sets of a rule say of a packet: the slow twin of the kernel's look-ups.
func covers(sets map[setKind][]box, a netip.Addr, proto uint32, port uint16) bool {
	for k, boxes := range sets {
		n := proto
		if k.ports {
			if proto != protoTCP && proto != protoUDP {
				continue // the kernel would read what stands where ports would; no set holds such a protocol
			}
			n = proto<<16 | uint32(port)
		}
		for _, b := range boxes {
			if k.v6 == a.Is6() && a.Compare(b.first) >= 0 && a.Compare(b.last) <= 0 && n >= b.lo && n <= b.hi {
				return true
			}
		}
	}
	return false
}

func TestSetsCoverWhatTheDestinationsCover(t *testing.T) {
	addrs := []string{
		"0.0.0.0", "9.255.255.255", "10.0.0.0", "10.1.2.2", "10.1.2.3", "10.1.2.4", "10.1.2.7", "10.1.2.8", "10.255.255.255", "255.255.255.254", "255.255.255.255",
		"::", "fd00::1", "fd00::2", "fdff::", "ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	}
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(genDestination, 0, 8).Draw(t, "destinations")
		apart := rapid.SliceOfN(rapid.Map(rapid.SampledFrom(prefixes), netip.MustParsePrefix), 0, 2).Draw(t, "apart")
		sets := boxesOf(list, apart)
		for _, text := range addrs {
			a := netip.MustParseAddr(text)
			icmp := uint32(protoICMP)
			if a.Is6() {
				icmp = protoICMPv6
			}
			for proto, transport := range map[uint32]portal.Transport{protoTCP: portal.TCP, protoUDP: portal.UDP, icmp: portal.ICMP, 132: portal.AnyTransport} {
				for _, port := range []uint16{0, 1, 2, 79, 80, 81, 442, 443, 65533, 65534, 65535} {
					if transport != portal.TCP && transport != portal.UDP && port != 0 {
						continue
					}
					want := slices.ContainsFunc(list, func(d portal.Destination) bool {
						if d.Ports != (portal.PortRange{}) && transport != portal.TCP && transport != portal.UDP {
							return false
						}
						wider := slices.ContainsFunc(apart, func(p netip.Prefix) bool { return p.Contains(a) && d.Prefix.Bits() < p.Bits() })
						return d.Covers(a, transport, port) && !wider
					})
					if got := covers(sets, a, proto, port); got != want {
						t.Fatalf("%s protocol %d port %d: got %v, want %v", a, proto, port, got, want)
					}
				}
			}
		}
		for k, boxes := range sets {
			for i, x := range boxes {
				for _, y := range boxes[:i] {
					if x.first.Compare(y.last) <= 0 && y.first.Compare(x.last) <= 0 && x.lo <= y.hi && y.lo <= x.hi {
						t.Fatalf("%+v: %v and %v overlap", k, x, y)
					}
				}
			}
		}
	})
}

func TestNeighboursBecomeOneInterval(t *testing.T) {
	sets := boxesOf([]portal.Destination{
		{Prefix: netip.MustParsePrefix("10.0.0.0/25"), Transport: portal.TCP, Ports: portal.PortRange{First: 80, Last: 80}},
		{Prefix: netip.MustParsePrefix("10.0.0.128/25"), Transport: portal.TCP, Ports: portal.PortRange{First: 80, Last: 80}},
		{Prefix: netip.MustParsePrefix("10.0.0.0/24"), Transport: portal.TCP, Ports: portal.PortRange{First: 81, Last: 90}},
	}, nil)
	if n := len(sets[setKind{ports: true}]); n != 1 {
		t.Errorf("%d intervals, want 1: %v", n, sets)
	}
}
