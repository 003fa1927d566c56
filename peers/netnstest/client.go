package netnstest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun"

	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/portal"
)

// Client is a WireGuard client in a namespace: wireguard-go over a real TUN device.
type Client struct {
	NS        *NS
	Interface string
	Key       portal.PrivateKey
	Addresses []netip.Addr   // its own, in the tunnel
	Routes    []netip.Prefix // sent into the tunnel
	Gateway   portal.PublicKey
	Endpoint  netip.AddrPort
	MTU       int // 0: portal.DefaultMTU

	dev *device.Device
}

// Start brings the client up, until the test ends. It makes its handshake with the first packet.
func (c *Client) Start(t testing.TB) {
	t.Helper()
	if c.MTU == 0 {
		c.MTU = portal.DefaultMTU
	}
	var packets tun.Device
	c.NS.Must(t, func() (err error) { packets, err = tun.CreateTUN(c.Interface, c.MTU); return err })
	bind := &wireguard.Bind{Listen: func(port uint16) (sock net.PacketConn, err error) {
		err = c.NS.Do(func() error { sock, err = net.ListenUDP("udp", &net.UDPAddr{Port: int(port)}); return err })
		return sock, err
	}}
	quiet := &device.Logger{Verbosef: device.DiscardLogf, Errorf: device.DiscardLogf}
	c.dev = device.NewDevice(packets, bind, quiet)
	t.Cleanup(c.dev.Close)
	raw := c.Key.Bytes()
	var conf strings.Builder
	fmt.Fprintf(&conf, "private_key=%s\npublic_key=%s\nendpoint=%s\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n",
		hex.EncodeToString(raw[:]), hex.EncodeToString(c.Gateway[:]), c.Endpoint)
	if err := c.dev.IpcSet(conf.String()); err != nil {
		t.Fatalf("configure client: %v", err)
	}
	if err := c.dev.Up(); err != nil {
		t.Fatalf("bring client up: %v", err)
	}
	c.NS.Must(t, c.addressesAndRoutes)
}

// Renew makes the client forget its session. A client notices only after 15 s that the other side has lost it (WireGuard's
// KEEPALIVE_TIMEOUT and REKEY_TIMEOUT); this spares a test the wait.
func (c *Client) Renew(t testing.TB) {
	t.Helper()
	if err := errors.Join(c.dev.Down(), c.dev.Up()); err != nil {
		t.Fatalf("renew client: %v", err)
	}
}

func (c *Client) addressesAndRoutes() error {
	link, err := netlink.LinkByName(c.Interface)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	for _, a := range c.Addresses {
		addr := &netlink.Addr{IPNet: &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}}
		if a.Is6() {
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("add %s: %w", a, err)
		}
	}
	for _, p := range c.Routes {
		dst := &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst}); err != nil {
			return fmt.Errorf("route %s: %w", p, err)
		}
	}
	return nil
}
