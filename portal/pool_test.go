package portal_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

func TestPoolNumbersAreAddressesInBothFamilies(t *testing.T) {
	p := portal.Pool{ID: "p", V4: netip.MustParsePrefix("100.96.0.0/16"), V6: netip.MustParsePrefix("fd5a:1::/64")}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[uint32][2]string{
		portal.PoolGateway: {"100.96.0.1", "fd5a:1::1"},
		portal.PoolFirst:   {"100.96.0.4", "fd5a:1::4"},
		256:                {"100.96.1.0", "fd5a:1::100"},
		p.Last():           {"100.96.255.254", "fd5a:1::fffe"},
	} {
		a := p.At(n)
		if a.V4.String() != want[0] || a.V6.String() != want[1] || a.N != n || a.Pool != "p" {
			t.Errorf("number %d is %v and %v, want %v", n, a.V4, a.V6, want)
		}
	}
}

func TestPoolsThatDoNotFitAreRefused(t *testing.T) {
	for name, pair := range map[string][2]string{
		"host bits in v4":          {"100.96.0.1/16", "fd5a:1::/64"},
		"host bits in v6":          {"100.96.0.0/16", "fd5a:1::1/64"},
		"v4 too small":             {"100.96.0.0/30", "fd5a:1::/64"},
		"v4 too large":             {"0.0.0.0/7", "fd5a:1::/64"},
		"v6 smaller than v4":       {"100.96.0.0/16", "fd5a:1::/113"},
		"families swapped":         {"fd5a:1::/64", "100.96.0.0/16"},
		"v4 mapped into v6 family": {"100.96.0.0/16", "::ffff:10.0.0.0/104"},
	} {
		p := portal.Pool{V4: netip.MustParsePrefix(pair[0]), V6: netip.MustParsePrefix(pair[1])}
		if err := p.Validate(); !errors.Is(err, portal.ErrPool) {
			t.Errorf("%s: got %v, want ErrPool", name, err)
		}
	}
	if err := (portal.Pool{}).Validate(); !errors.Is(err, portal.ErrPool) {
		t.Errorf("empty pool: got %v, want ErrPool", err)
	}
}
