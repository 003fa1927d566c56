package portal

import (
	"net/netip"
	"testing"
)

func TestOnlyHostsBehindTheGatewayAreProbed(t *testing.T) {
	n := Node{
		Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("fd01::/64")},
		Pools:    []Pool{{V4: netip.MustParsePrefix("10.8.0.0/16"), V6: netip.MustParsePrefix("fd08::/112")}},
	}
	for text, want := range map[string]bool{
		"10.1.0.2": true, "fd01::2": true, "198.51.100.7": true, "::ffff:10.1.0.2": true,
		"fd02::2": false, "10.8.0.9": false, "fd08::9": false, "127.0.0.1": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false,
		"169.254.169.254": false, "224.0.0.1": false, "255.255.255.255": false, "fe80::1": false, "fd01::2%eth0": false,
	} {
		if got := n.Behind(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: behind %v, want %v", text, got, want)
		}
	}
	if n.Behind(netip.Addr{}) || (Node{}).Behind(netip.MustParseAddr("10.1.0.2")) {
		t.Error("what is not there is behind")
	}
}
