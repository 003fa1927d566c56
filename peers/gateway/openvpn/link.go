package openvpn

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/portal"
)

// ensureLink makes the process's TUN interface if there is none, and brings it up. It outlives the process, so that openvpn needs no right to make one.
func ensureLink(t Transport, n portal.Node) error {
	link, err := netlink.LinkByName(t.Interface)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		tun := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: t.Interface}, Mode: netlink.TUNTAP_MODE_TUN}
		if err := netlink.LinkAdd(tun); err != nil {
			return fmt.Errorf("make interface %s: %w", t.Interface, err)
		}
		link, err = netlink.LinkByName(t.Interface)
	}
	if err != nil {
		return fmt.Errorf("look up interface %s: %w", t.Interface, err)
	}
	if link.Type() != "tuntap" && link.Type() != "tun" {
		return fmt.Errorf("interface %s is of kind %s and not ours", t.Interface, link.Type())
	}
	if link.Attrs().MTU != mtu(n) {
		if err := netlink.LinkSetMTU(link, mtu(n)); err != nil {
			return fmt.Errorf("set MTU of %s: %w", t.Interface, err)
		}
	}
	if link.Attrs().Flags&net.FlagUp == 0 {
		if err := netlink.LinkSetUp(link); err != nil {
			return fmt.Errorf("bring %s up: %w", t.Interface, err)
		}
	}
	// IPv4 asks the interface on which a packet comes in; for IPv6 there is one switch, which package host sets.
	err = os.WriteFile("/proc/sys/net/ipv4/conf/"+t.Interface+"/forwarding", []byte("1"), 0o644)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forward from %s: %w", t.Interface, err)
	}
	return nil
}

// routeTo sends what is for the addresses to the interface, instead of to WireGuard's, which has the pool.
func routeTo(name string, addrs ...netip.Addr) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("look up interface %s: %w", name, err)
	}
	for _, r := range hostRoutes(link, addrs) {
		if err := netlink.RouteReplace(r); err != nil {
			return fmt.Errorf("route %s to %s: %w", r.Dst, name, err)
		}
	}
	return nil
}

// unroute takes the routes away, unless they lead elsewhere by now.
func unroute(name string, addrs ...netip.Addr) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return // its routes went with it
	}
	for _, r := range hostRoutes(link, addrs) {
		_ = netlink.RouteDel(r) // the device's interface is part of what is asked for; gone is gone
	}
}

// flushRoutes takes all routes of clients away, before a new process starts without any.
func flushRoutes(name string) {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return
	}
	found, err := netlink.RouteList(link, netlink.FAMILY_ALL)
	if err != nil {
		return
	}
	for i := range found {
		if found[i].Dst == nil {
			continue
		}
		if ones, bits := found[i].Dst.Mask.Size(); ones == bits && found[i].Protocol == routeProtocol {
			_ = netlink.RouteDel(&found[i])
		}
	}
}

// routeProtocol marks our routes as set by an administrator's program (RTPROT_STATIC).
const routeProtocol = unix.RTPROT_STATIC

func hostRoutes(link netlink.Link, addrs []netip.Addr) []*netlink.Route {
	var out []*netlink.Route
	for _, a := range addrs {
		if a.IsValid() {
			dst := &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
			out = append(out, &netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst, Protocol: routeProtocol, Scope: netlink.SCOPE_LINK})
		}
	}
	return out
}

// removeLink deletes the interface. One that is not there is no error.
func removeLink(name string) error {
	link, err := netlink.LinkByName(name)
	var missing netlink.LinkNotFoundError
	if errors.As(err, &missing) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up interface %s: %w", name, err)
	}
	return netlink.LinkDel(link)
}
