package usernet

import (
	"context"
	"log/slog"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/enforcetest"
	"github.com/sallyport/sallyport/portal"
)

// Conditions on a device are judged by what the gateway sees, with nobody to tell it: flows that run end with them.
func TestConditionsFollowTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, tunnel := &Filter{Now: time.Now}, &clients{}
		a := &gateway.Agent{
			Tunnel: tunnel, Filter: f, Dir: t.TempDir(), Now: time.Now, Log: slog.New(slog.DiscardHandler), PollEvery: time.Second, RepairEvery: time.Minute,
			Places: places{},
		}
		if err := a.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		defer func() {
			cancel()
			<-ended
		}()
		addr := enforcetest.Pool.At(portal.PoolFirst)
		web := netip.MustParsePrefix("10.1.0.2/32")
		rule := func(id portal.RuleID, action portal.Action, port uint16, c portal.Conditions) portal.CompiledRule {
			d := portal.Destination{Prefix: web, Transport: portal.TCP, Ports: portal.PortRange{First: port, Last: port}}
			if port == 0 {
				d = portal.Destination{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Transport: portal.AnyTransport}
			}
			return portal.CompiledRule{ID: id, Action: action, Destinations: []portal.Destination{d}, Conditions: c}
		}
		rules := []portal.CompiledRule{
			rule("source", portal.Allow, 80, portal.Conditions{Sources: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}}),
			rule("factor", portal.Allow, 81, portal.Conditions{Factor: 30 * time.Minute}),
			rule("low", portal.Allow, 82, portal.Conditions{Level: portal.LevelRestricted}),
			rule("plain", portal.Allow, 83, portal.Conditions{}),
			rule("elsewhere", portal.Deny, 0, portal.Conditions{Countries: []string{"DE"}}),
			rule("dns", portal.Allow, 53, portal.Conditions{}),
		}
		ids := []portal.RuleID{"dns", "elsewhere", "factor", "low", "plain", "source"}
		e := portal.Entry{
			EntryKey: portal.EntryKey{Profile: "p", Device: "d"}, PublicKey: portal.PublicKey{1}, V4: addr.V4, V6: addr.V6, Signature: "sig", Level: portal.LevelFull,
			NotAfter: time.Now().Add(24 * time.Hour), FactorAt: time.Now(),
		}
		revision := uint64(0)
		apply := func(c portal.Change) {
			t.Helper()
			revision++
			c.Revision = revision
			if err := a.Apply(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		at := func(source string) {
			tunnel.mu.Lock()
			tunnel.all = []gateway.Peer{{Key: e.PublicKey, Endpoint: netip.AddrPortFrom(netip.MustParseAddr(source), 7), Handshake: time.Now()}}
			tunnel.mu.Unlock()
			pass(1500 * time.Millisecond)
		}
		want := func(when string, ports ...uint16) {
			t.Helper()
			open := map[uint16]bool{}
			for _, p := range ports {
				open[p] = true
			}
			for _, p := range []uint16{53, 80, 81, 82, 83} { // from the same ports each time: what ran before must end too
				packet := enforcetest.First(netip.AddrPortFrom(addr.V4, 4000+p), netip.AddrPortFrom(web.Addr(), p), portal.TCP, nil)
				if got := f.fromTunnel(packet) != drop; got != open[p] {
					t.Errorf("%s: port %d passes %v, want %v", when, p, got, open[p])
				}
			}
		}
		node := portal.Node{Gateway: "gw", Port: 1, Pools: []portal.Pool{enforcetest.Pool}, Networks: enforcetest.Networks}
		apply(portal.Change{Full: true, Node: &node, Entries: []portal.Entry{e}, Signatures: []portal.Signature{{ID: "sig", Rules: ids}}, Rules: rules})
		want("before it was seen")
		at("203.0.113.9")
		want("its country is not known") // a deny counts then
		at("198.51.100.7")
		want("from the network", 53, 80, 81, 82, 83)
		at("2001:db8:1::7")
		want("from the country that is denied")
		apply(portal.Change{Rules: []portal.CompiledRule{rule("elsewhere", portal.Deny, 0, portal.Conditions{Countries: []string{"DE"}, ValidUntil: time.Now()})}})
		want("after the deny has ended", 53, 81, 82, 83)
		at("198.51.100.7")
		want("back in the network", 53, 80, 81, 82, 83)
		pass(30 * time.Minute)
		want("when the factor has aged", 53, 80, 82, 83)
		e.FactorAt = time.Now()
		apply(portal.Change{Entries: []portal.Entry{e}})
		want("when it was shown again", 53, 80, 81, 82, 83)
		e.Level = portal.LevelRestricted
		apply(portal.Change{Entries: []portal.Entry{e}})
		want("at restricted", 82)
		node.FilteringDNS = []netip.Addr{web.Addr()}
		apply(portal.Change{Node: &node})
		want("with a resolver that filters", 53, 82)
		node.FilteringDNS = []netip.Addr{netip.MustParseAddr("10.1.0.3")}
		apply(portal.Change{Node: &node, Rules: []portal.CompiledRule{rule("dns", portal.Allow, 53, portal.Conditions{Level: portal.LevelRestricted})}})
		want("with another one", 82) // whatever rules allow
		apply(portal.Change{Rules: []portal.CompiledRule{rule("plain", portal.Allow, 83, portal.Conditions{Level: portal.LevelRestricted})}})
		want("after a rule was opened to it", 82, 83)
		e.Level = portal.LevelFull
		apply(portal.Change{Entries: []portal.Entry{e}})
		want("at full again", 53, 80, 81, 82, 83)
	})
}
