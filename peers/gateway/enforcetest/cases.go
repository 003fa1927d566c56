package enforcetest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

// Enforcer is a filter with packets on both sides of it.
type Enforcer interface {
	gateway.Filter
	// FromTunnel gives it a packet as if a device had sent it, and reports whether it went on: outward, to another device, or, when
	// it was for the gateway itself, to be answered. Each packet holds token, and nothing else does.
	FromTunnel(t *testing.T, packet, token []byte) bool
	// ToTunnel gives it a packet as if it came from the networks behind the gateway, and reports whether it went on to a device.
	ToTunnel(t *testing.T, packet, token []byte) bool
}

// Pool and Networks are what an Enforcer must have routes to. Sentinel is a device that may always send UDP to SentinelTo, so that an
// Enforcer can tell "dropped" from "not there yet".
var (
	Pool       = portal.Pool{ID: "pool", Name: "pool", V4: netip.MustParsePrefix("10.8.0.0/16"), V6: netip.MustParsePrefix("fd08::/112")}
	Networks   = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd01::/64")}
	Sentinel   = Pool.At(Pool.Last())
	SentinelTo = netip.MustParseAddrPort("10.1.255.1:9")
)

var (
	alice, bob, carol = Pool.At(portal.PoolFirst), Pool.At(portal.PoolFirst + 1), Pool.At(portal.PoolFirst + 2)
	web4, web6        = netip.MustParseAddr("10.1.0.2"), netip.MustParseAddr("fd01::2")
	other4            = netip.MustParseAddr("10.1.0.9")
	help4             = netip.MustParseAddr("10.1.0.3")
	tomorrow          = time.Now().Add(24 * time.Hour)
)

// Run runs every case against new enforcers.
func Run(t *testing.T, newEnforcer func(t *testing.T) Enforcer) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := &world{t: t, e: newEnforcer(t), state: portal.NewState(), flows: 40000}
			w.apply(portal.Change{
				Full:       true,
				Node:       &portal.Node{Gateway: "gw", Pools: []portal.Pool{Pool}, Port: 51820, Networks: Networks, Quarantine: []portal.Destination{to("10.1.0.3/32", portal.TCP, 443)}},
				Entries:    []portal.Entry{entry("sentinel", Sentinel, "sentinel")},
				Signatures: []portal.Signature{{ID: "sentinel", Rules: []portal.RuleID{"sentinel"}}},
				Rules:      []portal.CompiledRule{allow("sentinel", portal.Destination{Prefix: netip.PrefixFrom(SentinelTo.Addr(), 32), Transport: portal.UDP, Ports: portal.PortRange{First: 9, Last: 9}})},
			})
			c.play(w)
		})
	}
}

var cases = []struct {
	name string
	play func(w *world)
}{
	{"only what a rule allows passes", func(w *world) {
		w.may(alice, allow("web", to("10.1.0.2/32", portal.TCP, 80), to("fd01::2/128", portal.TCP, 80)))
		w.passes(w.tcp(alice, web4, 80))
		w.passes(w.tcp(alice, web6, 80))
		w.drops(w.tcp(alice, web4, 81))
		w.drops(w.tcp(alice, web6, 79))
		w.drops(w.tcp(alice, other4, 80))
		w.drops(w.udp(alice, web4, 80))
		w.drops(w.ping(alice, web4))
		w.drops(w.tcp(bob, web4, 80)) // has no entry
	}},
	{"answers pass, and nobody out there may begin", func(w *world) {
		w.may(alice, allow("web", to("10.1.0.0/16", portal.TCP, 80)))
		f := w.tcp(alice, web4, 80)
		w.refuses(f) // an answer to what nobody asked
		w.passes(f)
		w.answers(f)
		w.drops(w.tcp(alice, web4, 22))
		reverse := flow{src: netip.AddrPortFrom(web4, 80), dst: netip.AddrPortFrom(alice.V4, 40000), proto: udp}
		if w.e.ToTunnel(w.t, w.packet(reverse, false), w.token()) {
			w.t.Error("a flow was begun from outside")
		}
	}},
	{"a deny wins over an allow", func(w *world) {
		w.may(alice, allow("a", to("10.1.0.0/16", portal.AnyTransport)), deny("b", to("10.1.0.9/32", portal.TCP, 80, 90)))
		w.may(bob, deny("b", to("10.1.0.9/32", portal.TCP, 80, 90)), allow("z", to("10.1.0.9/32", portal.TCP, 80)))
		w.passes(w.tcp(alice, web4, 80))
		w.drops(w.tcp(alice, other4, 80))
		w.drops(w.tcp(alice, other4, 90))
		w.passes(w.tcp(alice, other4, 91))
		w.passes(w.udp(alice, other4, 80))
		w.drops(w.tcp(bob, other4, 80))
	}},
	{"port ranges include both ends", func(w *world) {
		w.may(alice, allow("r", to("10.1.0.2/32", portal.UDP, 1000, 2000), to("10.1.0.2/32", portal.UDP, 1500, 2500), to("10.1.0.0/24", portal.UDP, 65535)))
		for port, want := range map[uint16]bool{999: false, 1000: true, 1500: true, 2000: true, 2500: true, 2501: false, 65534: false, 65535: true} {
			w.expect(w.udp(alice, web4, port), want)
		}
	}},
	{"a rule for any transport lets every protocol pass", func(w *world) {
		w.may(alice, allow("any", to("10.1.0.2/32", portal.AnyTransport), to("fd01::2/128", portal.AnyTransport)))
		w.passes(w.tcp(alice, web4, 1))
		w.passes(w.udp(alice, web4, 65535))
		w.passes(w.ping(alice, web4))
		w.passes(w.ping(alice, web6))
		w.passes(flow{src: netip.AddrPortFrom(alice.V4, 0), dst: netip.AddrPortFrom(web4, 0), proto: gre})
		w.drops(w.ping(alice, other4))
	}},
	{"a rule for any transport with ports means TCP and UDP", func(w *world) {
		w.may(alice, allow("any", to("10.1.0.2/32", portal.AnyTransport, 53)))
		w.passes(w.tcp(alice, web4, 53))
		w.passes(w.udp(alice, web4, 53))
		w.drops(w.udp(alice, web4, 54))
		w.drops(w.ping(alice, web4))
	}},
	{"pings pass by rule, and so do their answers", func(w *world) {
		w.may(alice, allow("ping", to("10.1.0.2/32", portal.ICMP), to("fd01::2/128", portal.ICMP)))
		for _, dst := range []netip.Addr{web4, web6} {
			f := w.ping(alice, dst)
			w.passes(f)
			w.answers(f)
		}
		w.drops(w.tcp(alice, web4, 80))
	}},
	{"errors about a flow pass, and others do not", func(w *world) {
		w.may(alice, allow("dns", to("10.1.0.2/32", portal.UDP, 53), to("fd01::2/128", portal.UDP, 53)))
		for _, dst := range []netip.Addr{web4, web6} {
			f := w.udp(alice, dst, 53)
			w.passes(f)
			about := unreachable(dst, f.src.Addr(), w.packet(f, false))
			if !w.e.ToTunnel(w.t, about, w.token()) {
				w.t.Errorf("an error about the flow to %s was dropped", dst)
			}
			stranger := w.udp(alice, dst, 54)
			about = unreachable(dst, f.src.Addr(), w.packet(stranger, false))
			if w.e.ToTunnel(w.t, about, w.token()) {
				w.t.Errorf("an error about a flow to %s that never was passed", dst)
			}
		}
	}},
	{"a router that asks for smaller packets is heard", func(w *world) {
		w.may(alice, allow("dns", to("10.1.0.2/32", portal.UDP, 53), to("fd01::2/128", portal.UDP, 53)))
		for dst, kinds := range map[netip.Addr][][2]byte{web4: {{3, 4}, {11, 0}}, web6: {{2, 0}, {3, 0}}} { // too big, and too many hops
			router, f := netip.MustParseAddr("10.1.0.254"), w.udp(alice, dst, 53)
			if dst.Is6() {
				router = netip.MustParseAddr("fd01::fe")
			}
			w.passes(f)
			for _, kind := range kinds {
				if about := message(router, f.src.Addr(), kind[0], kind[1], 1280, w.packet(f, false)); !w.e.ToTunnel(w.t, about, w.token()) {
					w.t.Errorf("type %d code %d about the flow to %s was dropped", kind[0], kind[1], dst)
				}
				stranger := w.udp(alice, dst, 54)
				if about := message(router, f.src.Addr(), kind[0], kind[1], 1280, w.packet(stranger, false)); w.e.ToTunnel(w.t, about, w.token()) {
					w.t.Errorf("type %d code %d about a flow to %s that never was passed", kind[0], kind[1], dst)
				}
			}
		}
	}},
	{"fragments pass with their first one, and not without", func(w *world) {
		w.may(alice, allow("dns", to("10.1.0.2/32", portal.UDP, 53), to("fd01::2/128", portal.UDP, 53)))
		for i, dst := range []netip.Addr{web4, web6} {
			for port, want := range map[uint16]bool{53: true, 54: false} {
				f := w.udp(alice, dst, port)
				w.serve++
				first, second := fragments(f.src, f.dst, uint16(100+2*i)+port, append(make([]byte, 1800), w.token()...))
				w.e.FromTunnel(w.t, first, w.token()) // the kernel keeps it until all are there
				if got := w.e.FromTunnel(w.t, second, w.token()); got != want {
					w.t.Errorf("fragments to %s port %d: passed %v, want %v", dst, port, got, want)
				}
			}
			f := w.udp(alice, dst, 53)
			w.serve++
			_, alone := fragments(f.src, f.dst, uint16(500+i), append(make([]byte, 1800), w.token()...))
			if w.e.FromTunnel(w.t, alone, w.token()) {
				w.t.Errorf("a later fragment to %s passed without its first one", dst)
			}
		}
	}},
	{"a source that is in no entry is dropped", func(w *world) {
		w.may(alice, allow("web", to("10.1.0.0/16", portal.TCP)))
		w.drops(w.tcp(bob, web4, 80))
		w.drops(flow{src: netip.MustParseAddrPort("192.0.2.1:1234"), dst: netip.AddrPortFrom(web4, 80), proto: tcp})
	}},
	{"the gateway answers pings and nothing else", func(w *world) {
		w.may(alice, allow("all", to("0.0.0.0/0", portal.AnyTransport), to("::/0", portal.AnyTransport)))
		self := Pool.At(portal.PoolGateway)
		w.passes(w.ping(alice, self.V4))
		w.passes(w.ping(alice, self.V6))
		w.drops(w.ping(bob, self.V4))
		w.drops(w.udp(alice, self.V4, 53))
		w.drops(w.tcp(alice, self.V6, 22))
	}},
	{"quarantine reaches only remediation", func(w *world) {
		e := w.may(alice, allow("web", to("10.1.0.0/16", portal.TCP)))
		e.Level = portal.LevelQuarantine
		w.apply(portal.Change{Entries: []portal.Entry{e}})
		w.passes(w.tcp(alice, help4, 443))
		w.drops(w.tcp(alice, help4, 80))
		w.drops(w.tcp(alice, web4, 80))
		w.passes(w.ping(alice, Pool.At(portal.PoolGateway).V4))
	}},
	{"a grant that has ended is quarantine", func(w *world) {
		e := w.may(alice, allow("web", to("10.1.0.0/16", portal.TCP)))
		e.NotAfter = time.Now().Add(-time.Second)
		w.apply(portal.Change{Entries: []portal.Entry{e}})
		w.sync()
		w.drops(w.tcp(alice, web4, 80))
		w.passes(w.tcp(alice, help4, 443))
	}},
	{"an unknown level is quarantine", func(w *world) {
		e := w.may(alice, allow("web", to("10.1.0.0/16", portal.TCP)))
		e.Level = "sovereign"
		w.apply(portal.Change{Entries: []portal.Entry{e}})
		w.drops(w.tcp(alice, web4, 80))
	}},
	{"revoking ends running flows in both directions", func(w *world) {
		e := w.may(alice, allow("web", to("10.1.0.0/16", portal.AnyTransport)))
		w.may(bob, allow("web", to("10.1.0.0/16", portal.AnyTransport)))
		a, b := w.udp(alice, web4, 53), w.udp(bob, web4, 53)
		w.passes(a, b)
		w.answers(a, b)
		w.apply(portal.Change{Gone: []portal.EntryKey{e.EntryKey}})
		w.refuses(a)
		w.drops(a)
		w.answers(b)
		w.passes(b)
	}},
	{"an edited rule ends what it allows no more, and nothing else", func(w *world) {
		w.may(alice, allow("net", to("10.1.0.0/16", portal.UDP), to("fd01::/64", portal.UDP)))
		dns, ntp, six := w.udp(alice, web4, 53), w.udp(alice, web4, 123), w.udp(alice, web6, 53)
		w.passes(dns, ntp, six)
		w.answers(dns, ntp, six)
		w.apply(portal.Change{Rules: []portal.CompiledRule{allow("net", to("10.1.0.2/32", portal.UDP, 53))}})
		w.answers(dns) // the far side may be the first to send
		w.refuses(ntp, six)
		w.passes(dns)
		w.drops(ntp, six)
		w.apply(portal.Change{Rules: []portal.CompiledRule{allow("net", to("10.1.0.0/16", portal.UDP))}})
		w.passes(ntp)
		w.answers(ntp)
	}},
	{"an allow that becomes a deny turns", func(w *world) {
		w.may(alice, allow("all", to("10.1.0.0/16", portal.UDP)), allow("x", to("10.1.0.2/32", portal.UDP, 53)))
		f := w.udp(alice, web4, 53)
		w.passes(f)
		w.apply(portal.Change{Rules: []portal.CompiledRule{deny("x", to("10.1.0.2/32", portal.UDP, 53))}})
		w.drops(f)
		w.refuses(f)
		w.passes(w.udp(alice, web4, 54))
	}},
	{"falling to quarantine and coming back", func(w *world) {
		e := w.may(alice, allow("net", to("10.1.0.0/16", portal.UDP)))
		f := w.udp(alice, web4, 53)
		w.passes(f)
		low := e
		low.Level = portal.LevelQuarantine
		w.apply(portal.Change{Entries: []portal.Entry{low}})
		w.refuses(f)
		w.drops(f)
		w.apply(portal.Change{Entries: []portal.Entry{e}})
		w.passes(f)
		w.answers(f)
	}},
	{"other rights end flows that the old ones allowed", func(w *world) {
		w.may(alice, allow("a", to("10.1.0.2/32", portal.UDP)))
		f := w.udp(alice, web4, 53)
		w.passes(f)
		w.may(alice, allow("b", to("10.1.0.9/32", portal.UDP)))
		w.refuses(f)
		w.drops(f)
		w.passes(w.udp(alice, other4, 53))
	}},
	{"an address has the rights of its present owner", func(w *world) {
		e := w.may(alice, allow("a", to("10.1.0.2/32", portal.UDP)))
		f := w.udp(alice, web4, 53)
		w.passes(f)
		heir := entry("heir", alice, "b")
		w.apply(portal.Change{
			Gone: []portal.EntryKey{e.EntryKey}, Entries: []portal.Entry{heir},
			Signatures: []portal.Signature{{ID: "b", Rules: []portal.RuleID{"b"}}}, Rules: []portal.CompiledRule{allow("b", to("10.1.0.9/32", portal.UDP))},
		})
		w.drops(f)
		w.refuses(f)
		w.passes(w.udp(alice, other4, 53))
	}},
	{"devices reach each other only by rule", func(w *world) {
		w.may(alice, allow("peer", portal.Destination{Prefix: netip.PrefixFrom(bob.V4, 32), Transport: portal.UDP}))
		e := w.may(bob)
		f := w.udp(alice, bob.V4, 53)
		w.passes(f)
		back := flow{src: f.dst, dst: f.src, proto: udp}
		w.passes(back)
		w.drops(w.udp(bob, alice.V4, 99))
		w.drops(w.tcp(alice, bob.V4, 53))
		w.drops(w.udp(alice, carol.V4, 53))
		e.Level = portal.LevelQuarantine
		w.apply(portal.Change{Entries: []portal.Entry{e}})
		w.drops(f)
		w.drops(back)
	}},
	{"to allow the internet is not to allow other devices", func(w *world) {
		w.may(alice, allow("internet", to("0.0.0.0/0", portal.AnyTransport), to("::/0", portal.UDP, 53)))
		w.may(bob)
		w.drops(w.udp(alice, bob.V4, 53), w.udp(alice, bob.V6, 53), w.ping(alice, bob.V4))
		w.passes(w.udp(alice, web4, 53), w.udp(alice, web6, 53), w.ping(alice, web4))
		w.may(alice, allow("internet", to("0.0.0.0/0", portal.AnyTransport)), allow("pool", portal.Destination{Prefix: Pool.V4, Transport: portal.UDP}))
		w.passes(w.udp(alice, bob.V4, 53))
		w.may(alice, allow("pool", portal.Destination{Prefix: Pool.V4, Transport: portal.UDP}), deny("everything", to("0.0.0.0/0", portal.AnyTransport)))
		w.drops(w.udp(alice, bob.V4, 53))
	}},
	{"a signature without its rule allows nothing", func(w *world) {
		w.may(alice, allow("gone", to("10.1.0.0/16", portal.TCP)))
		w.passes(w.tcp(alice, web4, 80))
		w.apply(portal.Change{GoneRules: []portal.RuleID{"gone"}})
		w.drops(w.tcp(alice, web4, 80))
	}},
	{"an entry without its signature is quarantined", func(w *world) {
		w.apply(portal.Change{Entries: []portal.Entry{entry("alice", alice, "nowhere")}})
		w.drops(w.tcp(alice, web4, 80))
		w.passes(w.tcp(alice, help4, 443))
	}},
	{"rules for groups come and go without their signatures", func(w *world) {
		staff := portal.Signature{ID: "staff", Groups: []portal.GroupID{"staff", "idle"}}
		both := portal.Signature{ID: "both", Groups: []portal.GroupID{"ops", "staff"}, Rules: []portal.RuleID{"own"}}
		w.apply(portal.Change{
			Entries:    []portal.Entry{entry("alice", alice, "staff"), entry("bob", bob, "both")},
			Signatures: []portal.Signature{staff, both},
			Rules:      []portal.CompiledRule{allow("own", to("10.1.0.3/32", portal.UDP))},
		})
		put := func(r portal.CompiledRule, groups ...portal.GroupID) {
			w.t.Helper()
			r.Groups = groups
			w.apply(portal.Change{Rules: []portal.CompiledRule{r}})
		}
		w.drops(w.udp(alice, web4, 53), w.udp(bob, web4, 53))
		w.passes(w.udp(bob, help4, 53))
		w.drops(w.udp(alice, help4, 53))

		put(allow("web", to("10.1.0.2/32", portal.UDP)), "staff") // the first rule of a group
		a, b := w.udp(alice, web4, 53), w.udp(bob, web4, 53)
		w.passes(a, b)
		put(deny("never", to("10.1.0.2/32", portal.UDP)), "ops")
		w.passes(a)
		w.drops(b)
		put(allow("never", to("10.1.0.9/32", portal.UDP)), "ops") // it changes sides
		w.passes(a, b, w.udp(bob, other4, 53))
		w.drops(w.udp(alice, other4, 53))
		put(allow("never", to("10.1.0.9/32", portal.UDP)), "idle", "staff") // it is for others
		w.passes(w.udp(alice, other4, 53), w.udp(bob, other4, 53))

		put(deny("all", to("10.1.0.9/32", portal.UDP)), portal.Everyone)
		w.drops(w.udp(alice, other4, 53), w.udp(bob, other4, 53))
		w.passes(a, b)
		w.passes(w.udp(bob, help4, 53))
		w.may(carol)
		w.drops(w.udp(carol, web4, 53))
		put(allow("all", to("10.1.0.2/32", portal.UDP)), portal.Everyone)
		w.passes(w.udp(carol, web4, 53))
		if n := w.sync(); n != 0 {
			w.t.Errorf("a full comparison repaired %d objects", n)
		}
		w.apply(portal.Change{GoneRules: []portal.RuleID{"all", "web", "never"}})
		w.drops(a, b, w.udp(carol, web4, 53), w.udp(alice, other4, 53))
		w.passes(w.udp(bob, help4, 53))
		if n := w.sync(); n != 0 {
			w.t.Errorf("a full comparison repaired %d objects", n)
		}
	}},
	{"a full comparison changes nothing", func(w *world) {
		w.may(alice, allow("net", to("10.1.0.0/16", portal.UDP)))
		f := w.udp(alice, web4, 53)
		w.passes(f)
		if n := w.sync(); n != 0 {
			w.t.Errorf("it repaired %d objects", n)
		}
		w.answers(f)
		w.passes(f)
	}},
}
