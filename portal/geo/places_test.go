package geo_test

import (
	"bytes"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal/geo"
	"github.com/sallyport/sallyport/portal/geo/geotest"
)

func TestPlacesFollowTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "places.mmdb")
	write := func(b []byte, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path+".new", b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path+".new", at, at); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	clock := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	write(geotest.Database("KR", "Seoul"), clock)
	var log bytes.Buffer
	p, err := geo.Open(path, func() time.Time { return clock }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	expect := func(when, address string, want geo.Place, known bool) {
		t.Helper()
		if got, ok := p.Of(netip.MustParseAddr(address)); got != want || ok != known {
			t.Errorf("%s: %s is at %+v, %v; want %+v, %v", when, address, got, ok, want, known)
		}
	}
	seoul := geo.Place{Country: "KR", City: "Seoul"}
	expect("at first", "203.0.113.9", seoul, true)
	expect("at first, mapped", "::ffff:203.0.113.9", seoul, true)
	expect("at first", "192.168.0.1", geo.Place{}, false)
	expect("at first", "2001:db8::1", geo.Place{}, false)

	write(geotest.Database("IE", "Dublin"), clock.Add(time.Minute))
	expect("too early to look", "203.0.113.9", seoul, true)
	clock = clock.Add(11 * time.Second)
	expect("after the swap", "203.0.113.9", geo.Place{Country: "IE", City: "Dublin"}, true)

	write([]byte("half a file"), clock.Add(2*time.Minute))
	clock = clock.Add(11 * time.Second)
	expect("with a broken one", "203.0.113.9", geo.Place{Country: "IE", City: "Dublin"}, true)
	clock = clock.Add(11 * time.Second)
	expect("still", "203.0.113.9", geo.Place{Country: "IE", City: "Dublin"}, true)
	if n := strings.Count(log.String(), "stays as it was"); n != 1 {
		t.Errorf("the broken file is told of %d times, want once:\n%s", n, log.String())
	}
	if _, err := geo.Open(path, time.Now, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a portal starts with a broken file")
	}
	if _, ok := (*geo.Places)(nil).Of(netip.MustParseAddr("203.0.113.9")); ok {
		t.Error("no database knows a place")
	}
}
