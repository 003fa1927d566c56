package usernet

import (
	"net/netip"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/gateway/enforcetest"
	"github.com/sallyport/sallyport/portal"
)

func TestQuarantinedHTTPIsLedToThePage(t *testing.T) {
	f := &Filter{Now: time.Now, page: true}
	alice := enforcetest.Pool.At(portal.PoolFirst)
	help := portal.Destination{Prefix: netip.MustParsePrefix("10.1.0.3/32"), Transport: portal.TCP, Ports: portal.PortRange{First: 80, Last: 80}}
	d := portal.Desired{
		Node:       portal.Node{Pools: []portal.Pool{enforcetest.Pool}, Networks: enforcetest.Networks, Quarantine: []portal.Destination{help}},
		Signatures: map[portal.SignatureID]portal.Signature{"s": {ID: "s", Rules: []portal.RuleID{"r"}}},
		Rules: map[portal.RuleID]portal.CompiledRule{"r": {ID: "r", Action: portal.Allow, Destinations: []portal.Destination{
			{Prefix: netip.MustParsePrefix("10.1.0.2/32"), Transport: portal.TCP},
		}}},
	}
	put := func(level portal.Level) {
		t.Helper()
		e := portal.Entry{EntryKey: portal.EntryKey{Device: "a"}, V4: alice.V4, V6: alice.V6, Signature: "s", Level: level, NotAfter: time.Now().Add(time.Hour)}
		d.Entries = map[portal.EntryKey]portal.Entry{e.EntryKey: e}
		if _, err := f.Sync(t.Context(), d, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	key := func(to string, port uint16) flowKey {
		return flowKey{src: alice.V4, dst: netip.MustParseAddr(to), proto: protoTCP, sport: 5, dport: port}
	}
	send := func(k flowKey) bool {
		return f.fromTunnel(enforcetest.First(netip.AddrPortFrom(k.src, k.sport), netip.AddrPortFrom(k.dst, k.dport), portal.TCP, nil)) != drop
	}
	put(portal.LevelQuarantine)
	for _, c := range []struct {
		k             flowKey
		passes, paged bool
	}{
		{key("10.1.0.2", 80), true, true}, {key("203.0.113.9", 80), true, true}, {key("10.1.0.3", 80), true, false}, {key("10.1.0.2", 443), false, false},
	} {
		if passes, paged := send(c.k), f.isCaptive(c.k); passes != c.passes || paged != c.paged {
			t.Errorf("%v: passes %v, to the page %v", c.k, passes, paged)
		}
	}
	put(portal.LevelFull)
	if k := key("10.1.0.2", 80); !send(k) || f.isCaptive(k) {
		t.Error("a device at full is led to the page")
	}
	if send(key("203.0.113.9", 80)) {
		t.Error("what was led to the page goes on at full")
	}
}
