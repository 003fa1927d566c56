package wireguard_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"testing"

	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/peers/netnstest"
	"github.com/sallyport/sallyport/portal"
)

func TestMain(m *testing.M) { netnstest.Main(m) }

var quiet = slog.New(slog.DiscardHandler)

func newKey(t testing.TB) portal.PrivateKey {
	t.Helper()
	k, err := portal.NewPrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func entry(t testing.TB, n byte) portal.Entry {
	t.Helper()
	return portal.Entry{
		EntryKey: portal.EntryKey{Profile: "p", Device: portal.DeviceID(fmt.Sprint("d", n))}, PublicKey: newKey(t).Public(),
		V4: netip.AddrFrom4([4]byte{10, 8, 0, n}), V6: netip.AddrFrom16([16]byte{0: 0xfd, 15: n}),
	}
}

func entries(list ...portal.Entry) map[portal.EntryKey]portal.Entry {
	out := map[portal.EntryKey]portal.Entry{}
	for _, e := range list {
		out[e.EntryKey] = e
	}
	return out
}

// allowed is what wgctrl says of the interface, as wg(8) would.
func allowed(t *testing.T, name string) map[portal.PublicKey]string {
	t.Helper()
	c, err := wgctrl.New()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	dev, err := c.Device(name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[portal.PublicKey]string{}
	for _, p := range dev.Peers {
		out[portal.PublicKey(p.PublicKey)] = fmt.Sprint(p.AllowedIPs)
	}
	return out
}

// Needs root, for a TUN device.
func TestSystemConfiguresOnlyWhatItIsTold(t *testing.T) {
	netnstest.Need(t)
	s := &wireguard.System{Name: "wgt0", Key: newKey(t), Log: quiet}
	if _, err := s.Sync(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("before there is an interface the error is %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	node := portal.Node{Port: 51999, MTU: 1380}
	for range 2 {
		if err := s.Configure(t.Context(), node); err != nil {
			t.Fatal(err)
		}
	}
	a, b, c := entry(t, 1), entry(t, 2), entry(t, 3)
	if err := s.Put(t.Context(), []portal.Entry{a, b}); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), []portal.PublicKey{a.PublicKey, c.PublicKey}); err != nil {
		t.Fatal(err)
	}
	got := allowed(t, "wgt0")
	if len(got) != 1 || got[b.PublicKey] != fmt.Sprintf("[{%s ffffffff} {%s ffffffffffffffffffffffffffffffff}]", b.V4, b.V6) {
		t.Errorf("peers are %v", got)
	}
	moved := b
	moved.V4 = netip.MustParseAddr("10.8.0.9")
	if n, err := s.Sync(t.Context(), entries(moved, c)); n != 2 || err != nil {
		t.Errorf("Sync changed %d, %v; want 2", n, err)
	}
	if n, err := s.Sync(t.Context(), entries(moved, c)); n != 0 || err != nil {
		t.Errorf("Sync again changed %d, %v", n, err)
	}
	peers, err := s.Live(t.Context())
	if err != nil || len(peers) != 2 || peers[0].Endpoint.IsValid() || !peers[0].Handshake.IsZero() {
		t.Errorf("%+v, %v", peers, err)
	}
}

func TestForeignInterfaceIsLeftAlone(t *testing.T) {
	here := netnstest.Here(t)
	here.MustRun(t, "ip", "tuntap", "add", "dev", "wgt1", "mode", "tun")
	s := &wireguard.System{Name: "wgt1", Key: newKey(t), Log: quiet}
	if err := s.Configure(t.Context(), portal.Node{Port: 51998}); !errors.Is(err, wireguard.ErrForeignInterface) {
		t.Errorf("the error is %v, want %v", err, wireguard.ErrForeignInterface)
	}
	if err := wireguard.Cleanup("wgt1"); !errors.Is(err, wireguard.ErrForeignInterface) {
		t.Errorf("the error is %v, want %v", err, wireguard.ErrForeignInterface)
	}
	if err := wireguard.Cleanup("wgt2"); err != nil {
		t.Error(err)
	}
}

// The same calls, through wgctrl on a real interface and through wireguard-go itself, leave the same peers.
func TestBothTunnelsAgree(t *testing.T) {
	netnstest.Need(t)
	key := newKey(t)
	system := &wireguard.System{Name: "wgt3", Key: key, Log: quiet}
	user := wireguard.NewUserspace(&idle{stop: make(chan struct{})}, wireguard.BindTo(netip.MustParseAddr("127.0.0.1")), key, quiet)
	t.Cleanup(func() {
		user.Close()
		if err := system.Close(); err != nil {
			t.Error(err)
		}
	})
	a, b, c := entry(t, 1), entry(t, 2), entry(t, 3)
	thief := c
	thief.V4 = a.V4 // takes the address over
	for i, tunnel := range []gateway.Tunnel{system, user} {
		steps := []error{
			tunnel.Configure(t.Context(), portal.Node{Port: uint16(51990 + i)}),
			tunnel.Put(t.Context(), []portal.Entry{a, b}),
			tunnel.Put(t.Context(), []portal.Entry{thief}),
			tunnel.Remove(t.Context(), []portal.PublicKey{b.PublicKey}),
		}
		if err := errors.Join(steps...); err != nil {
			t.Fatal(err)
		}
		peers, err := tunnel.Live(t.Context())
		if err != nil || len(peers) != 2 {
			t.Errorf("tunnel %d: %+v, %v", i, peers, err)
		}
		if n, err := tunnel.Sync(t.Context(), entries(a, thief)); n == 0 || err != nil {
			t.Errorf("tunnel %d: the taken address is not noticed: %d, %v", i, n, err)
		}
	}
}

func TestKeySetByHandIsPutBack(t *testing.T) {
	netnstest.Need(t)
	s := &wireguard.System{Name: "wgt4", Key: newKey(t), Log: quiet}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Configure(t.Context(), portal.Node{Port: 51997}); err != nil {
		t.Fatal(err)
	}
	c, err := wgctrl.New()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	other := wgtypes.Key(newKey(t).Bytes())
	if err := c.ConfigureDevice("wgt4", wgtypes.Config{PrivateKey: &other}); err != nil {
		t.Fatal(err)
	}
	if err := s.Configure(t.Context(), portal.Node{Port: 51997}); err != nil {
		t.Fatal(err)
	}
	dev, err := c.Device("wgt4")
	if err != nil {
		t.Fatal(err)
	}
	if portal.PublicKey(dev.PublicKey) != s.Key.Public() {
		t.Error("a key set by hand was not put back")
	}
}
