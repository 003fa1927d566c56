package firewall_test

import (
	"flag"
	"log/slog"
	"net/netip"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/gateway/enforcetest"
	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func desired() portal.Desired {
	end := time.Now().Add(time.Hour)
	device := func(n uint32, sig portal.SignatureID, level portal.Level) portal.Entry {
		a := enforcetest.Pool.At(portal.PoolFirst + n)
		return portal.Entry{EntryKey: portal.EntryKey{Profile: "p", Device: portal.DeviceID(rune('a' + n))}, V4: a.V4, V6: a.V6, Signature: sig, Level: level, NotAfter: end}
	}
	dst := func(prefix string, t portal.Transport, first, last uint16) portal.Destination {
		return portal.Destination{Prefix: netip.MustParsePrefix(prefix), Transport: t, Ports: portal.PortRange{First: first, Last: last}}
	}
	s := portal.NewState()
	s.Apply(portal.Change{
		Revision: 1, Full: true,
		Node: &portal.Node{
			Gateway: "gw", Pools: []portal.Pool{enforcetest.Pool}, Port: 51820, MTU: 1420, Networks: enforcetest.Networks, Masquerade: true,
			Quarantine: []portal.Destination{dst("10.1.0.3/32", portal.TCP, 443, 443)},
		},
		Entries: []portal.Entry{device(0, "staff", portal.LevelFull), device(1, "staff", portal.LevelQuarantine)},
		Signatures: []portal.Signature{
			{ID: "staff", Groups: []portal.GroupID{"office", "idle"}, Rules: []portal.RuleID{"not-payroll"}},
		},
		Rules: []portal.CompiledRule{
			{ID: "intranet", Groups: []portal.GroupID{"office", "lab"}, Action: portal.Allow, Destinations: []portal.Destination{
				dst("10.1.0.0/24", portal.TCP, 80, 80), dst("10.1.0.0/25", portal.TCP, 443, 443), dst("10.1.2.0/24", portal.AnyTransport, 0, 0), dst("fd01::/64", portal.ICMP, 0, 0),
			}},
			{ID: "help", Groups: []portal.GroupID{portal.Everyone}, Action: portal.Allow, Destinations: []portal.Destination{dst("10.1.0.4/32", portal.TCP, 443, 443)}},
			{ID: "not-payroll", Action: portal.Deny, Destinations: []portal.Destination{dst("10.1.0.77/32", portal.AnyTransport, 0, 0)}},
		},
	})
	return s.Desired
}

var moving = regexp.MustCompile(`ct mark (set )?0x[0-9a-f]+`)

func TestTableReadsAsReviewed(t *testing.T) {
	here := netnstest.Here(t)
	f := &firewall.Filter{Table: "sallyport", Interface: "sp0", Captive: 8479, Log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() {
		f.Close()
		if err := firewall.Cleanup("sallyport"); err != nil {
			t.Error(err)
		}
	})
	if _, err := f.Sync(t.Context(), desired(), time.Now()); err != nil {
		t.Fatal(err)
	}
	got := moving.ReplaceAllString(here.MustRun(t, "nft", "list", "table", "inet", "sallyport"), "ct mark ${1}GENERATION")
	const golden = "testdata/table.nft"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the table reads\n%s\nwant\n%s", got, want)
	}
}

// A saved ruleset must load again, with our table in it: people keep the output of "nft list ruleset".
func TestListingLoadsAgain(t *testing.T) {
	here := netnstest.Here(t)
	f := &firewall.Filter{Table: "sallyport", Interface: "sp0", Log: slog.New(slog.DiscardHandler)}
	if _, err := f.Sync(t.Context(), desired(), time.Now()); err != nil {
		t.Fatal(err)
	}
	f.Close()
	saved := t.TempDir() + "/ruleset.nft"
	here.MustRun(t, "sh", "-c", "nft list ruleset >"+saved+" && nft flush ruleset && nft -f "+saved)
	if err := firewall.Cleanup("sallyport"); err != nil {
		t.Error(err)
	}
}

// An agent that starts again finds its own table, and neither writes it anew nor ends the flows of the generation.
func TestTableOfAnEarlierProcessIsTakenOver(t *testing.T) {
	netnstest.Need(t)
	for range 2 {
		f := &firewall.Filter{Table: "sallyport", Interface: "sp0", Log: slog.New(slog.DiscardHandler)}
		if _, err := f.Sync(t.Context(), desired(), time.Now()); err != nil {
			t.Fatal(err)
		}
		f.Close()
		f = &firewall.Filter{Table: "sallyport", Interface: "sp0", Log: slog.New(slog.DiscardHandler)}
		if n, err := f.Sync(t.Context(), desired(), time.Now()); n != 0 || err != nil {
			t.Errorf("taking over changed %d objects: %v", n, err)
		}
		f.Close()
	}
	if err := firewall.Cleanup("sallyport"); err != nil {
		t.Error(err)
	}
}

func TestForeignWritesAreNoticed(t *testing.T) {
	here := netnstest.Here(t)
	f := &firewall.Filter{Table: "sallyport", Interface: "sp0", Log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() {
		f.Close()
		if err := firewall.Cleanup("sallyport"); err != nil {
			t.Error(err)
		}
	})
	want := desired()
	sync := func() {
		t.Helper()
		if _, err := f.Sync(t.Context(), want, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	sync()
	var key portal.EntryKey
	for key = range want.Entries {
	}
	e := want.Entries[key]
	change := func() {
		t.Helper()
		gone := e
		if err := f.Apply(t.Context(), want, portal.Delta{Entries: []portal.EntryDelta{{Old: &gone}}}); err != nil {
			t.Fatal(err)
		}
		if err := f.Apply(t.Context(), want, portal.Delta{Entries: []portal.EntryDelta{{New: &gone}}}); err != nil {
			t.Fatal(err)
		}
	}
	change()
	if !f.Untouched(t.Context()) {
		t.Error("our own writes count as somebody else's")
	}
	here.MustRun(t, "nft", "add", "table", "inet", "other")
	if f.Untouched(t.Context()) {
		t.Error("a write of somebody else was not noticed")
	}
	sync()
	here.MustRun(t, "nft", "delete", "table", "inet", "other")
	change()
	if f.Untouched(t.Context()) {
		t.Error("a write before ours was not noticed")
	}
	sync()
	if !f.Untouched(t.Context()) {
		t.Error("a comparison does not settle it")
	}
}
