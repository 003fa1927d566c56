package peers_test

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestFileHasEverythingButThePrivateKey(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	d := h.device(h.mina, "민아의 노트북")
	cfg, err := h.s.Config(h.ctx(), h.mina, d.ID, "")
	h.ok(err)
	got := strings.ReplaceAll(cfg.Text(portal.PrivateKeyPlaceholder), h.gateway.PublicKey.String(), "GATEWAY-KEY")
	path := filepath.Join("testdata", "device.conf")
	if *update {
		h.ok(os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	h.ok(err)
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if cfg.FileName != "Work" || cfg.PoP != h.pop.ID || cfg.AllowedIPsShort != nil {
		t.Errorf("file name %q, region %s, short list %s", cfg.FileName, cfg.PoP, cfg.AllowedIPsShort)
	}
}

func TestFilePointsAtAGatewayThatTakesClients(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		d := h.device(h.mina, "laptop")
		busan := h.addPoP("Busan")
		_, err := h.s.Config(h.ctx(), h.mina, d.ID, busan.ID)
		wantErr(t, err, peers.ErrNoGateway)
		_, err = h.s.Config(h.ctx(), h.mina, d.ID, "no such region")
		wantErr(t, err, portal.ErrNotFound)
		second := h.addGateway(h.pop.ID, "seoul-2")
		seen := map[portal.PublicKey]int{}
		for i := range 40 {
			d := h.device(h.mina, fmt.Sprint("device ", i))
			first, err := h.s.Config(h.ctx(), h.mina, d.ID, "")
			h.ok(err)
			again, err := h.s.Config(h.ctx(), h.mina, d.ID, h.pop.ID)
			h.ok(err)
			if first.Endpoint != again.Endpoint {
				t.Errorf("the same device was pointed at %s and %s", first.Endpoint, again.Endpoint)
			}
			seen[first.PublicKey]++
		}
		if len(seen) != 2 || seen[h.gateway.PublicKey] < 8 || seen[second.PublicKey] < 8 {
			t.Errorf("40 devices were spread %v", seen)
		}
		endpoint := func() string {
			cfg, err := h.s.Config(h.ctx(), h.mina, d.ID, "")
			h.ok(err)
			return cfg.Endpoint
		}
		h.tx(func(tx *store.Tx) error {
			return tx.SetGatewayState(second.ID, portal.GatewayDraining, portal.GatewayActive)
		})
		if got := endpoint(); got != "seoul-1.vpn.example.com:51820" {
			t.Errorf("with seoul-2 draining: pointed at %s", got)
		}
		h.tx(func(tx *store.Tx) error {
			return tx.SetGatewayState(second.ID, portal.GatewayActive, portal.GatewayDraining)
		})
		h.now = h.now.Add(time.Hour) // seoul-1 is silent, seoul-2 reports
		second.SeenAt = h.now
		h.report(second)
		if got := endpoint(); got != "seoul-2.vpn.example.com:51820" {
			t.Errorf("with seoul-1 silent: pointed at %s", got)
		}
		h.now = h.now.Add(time.Hour)
		endpoint() // nobody is heard of: a file all the same
	})
}

func TestNewDeviceIsPutWhereItsProfileIsServed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		andong := h.addPoP("Andong") // before Seoul by name, and without a gateway
		in := h.newDevice("anywhere")
		d, err := h.s.CreateDevice(h.ctx(), h.mina, in)
		if err != nil || d.PoP != h.pop.ID {
			t.Errorf("put in %s, %v; want the region that is ready", d.PoP, err)
		}
		in = h.newDevice("andong")
		in.PoP = andong.ID
		d, err = h.s.CreateDevice(h.ctx(), h.mina, in)
		if err != nil || d.PoP != andong.ID {
			t.Errorf("put in %s, %v; want where it was asked to be", d.PoP, err)
		}
		in = h.newDevice("nowhere")
		in.PoP = "no such region"
		_, err = h.s.CreateDevice(h.ctx(), h.mina, in)
		wantErr(t, err, portal.ErrNotFound)
		h.profile, err = h.s.CreateProfile(h.ctx(), h.admin, peers.ProfileInput{Name: "Andong only", Mode: portal.Full, PoPs: []portal.PoPID{andong.ID}})
		h.ok(err)
		if r := h.profile.Regions; len(r) != 1 || r[0].Name != "Andong" || r[0].Ready {
			t.Errorf("regions are %+v", r)
		}
		in = h.newDevice("seoul")
		in.PoP = h.pop.ID
		_, err = h.s.CreateDevice(h.ctx(), h.mina, in)
		wantErr(t, err, portal.ErrNotFound)
	})
}

func TestLongExactListComesWithAShorterOne(t *testing.T) {
	h := newHouse(t, storetest.New(t))
	in := peers.ProfileInput{Name: "Many", Mode: portal.Split}
	for i := range 300 {
		in.Included = append(in.Included, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i / 64), byte(i % 64 * 3), 0}), 24).String())
	}
	var err error
	h.profile, err = h.s.CreateProfile(h.ctx(), h.admin, in)
	h.ok(err)
	cfg, err := h.s.Config(h.ctx(), h.mina, h.device(h.mina, "laptop").ID, "")
	h.ok(err)
	if len(cfg.AllowedIPs) < 250 || len(cfg.AllowedIPsShort) == 0 || len(cfg.AllowedIPsShort) > 70 {
		t.Errorf("%d routes, %d in the short list", len(cfg.AllowedIPs), len(cfg.AllowedIPsShort))
	}
}
