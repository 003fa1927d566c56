package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/portal"
)

// Host is a gateway.Host for this machine. Fill the fields.
type Host struct {
	Interface string // of the tunnel
	Log       *slog.Logger
}

// Sync gives the tunnel's interface exactly the gateway's address of each pool, and switches forwarding on for it and for the interfaces
// that lead to the networks behind the PoP.
func (h *Host) Sync(ctx context.Context, n portal.Node) (repaired int, err error) {
	link, err := netlink.LinkByName(h.Interface)
	if err != nil {
		return 0, fmt.Errorf("look up interface %s: %w", h.Interface, err)
	}
	repaired, err = h.syncAddresses(link, n)
	if err != nil {
		return repaired, err
	}
	forwarding, err := h.syncForwarding(ctx, n)
	return repaired + forwarding, err
}

func (h *Host) syncAddresses(link netlink.Link, n portal.Node) (repaired int, err error) {
	want := map[netip.Prefix]bool{}
	for _, p := range n.Pools {
		if err := p.Validate(); err != nil {
			return 0, fmt.Errorf("pool %s: %w", p.Name, err)
		}
		a := p.At(portal.PoolGateway)
		want[netip.PrefixFrom(a.V4, p.V4.Bits())] = true
		want[netip.PrefixFrom(a.V6, p.V6.Bits())] = true
	}
	have, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return 0, fmt.Errorf("list addresses of %s: %w", h.Interface, err)
	}
	for _, a := range have {
		ip, _ := netip.AddrFromSlice(a.IP)
		ones, _ := a.Mask.Size()
		p := netip.PrefixFrom(ip.Unmap(), ones)
		if want[p] {
			delete(want, p)
			continue
		}
		if p.Addr().IsLinkLocalUnicast() {
			continue // the kernel's own
		}
		if err := netlink.AddrDel(link, &a); err != nil {
			return repaired, fmt.Errorf("remove %s from %s: %w", p, h.Interface, err)
		}
		repaired++
	}
	for p := range want {
		a := &netlink.Addr{IPNet: &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}}
		if p.Addr().Is6() {
			a.Flags = unix.IFA_F_NODAD // nobody else is on this link
		}
		if err := netlink.AddrAdd(link, a); err != nil {
			return repaired, fmt.Errorf("add %s to %s: %w", p, h.Interface, err)
		}
		repaired++
	}
	return repaired, nil
}

// syncForwarding follows what the kernel asks for: IPv4 looks at the interface on which a packet comes in, IPv6 at one switch for all.
func (h *Host) syncForwarding(ctx context.Context, n portal.Node) (repaired int, err error) {
	for _, name := range append(uplinks(n), h.Interface) {
		k, e := sysctl("net/ipv4/conf/"+name+"/forwarding", "1")
		repaired, err = repaired+k, errors.Join(err, e)
	}
	if on, _ := os.ReadFile("/proc/sys/net/ipv6/conf/all/forwarding"); strings.TrimSpace(string(on)) == "1" {
		return repaired, err
	}
	// A forwarding machine ignores router advertisements, and would lose its own IPv6 route, unless accept_ra is 2
	// (Linux, Documentation/networking/ip-sysctl).
	settings, _ := filepath.Glob("/proc/sys/net/ipv6/conf/*/accept_ra") // the pattern is well formed
	for _, path := range settings {
		if b, e := os.ReadFile(path); e == nil && strings.TrimSpace(string(b)) == "1" {
			_, e := sysctl(strings.TrimPrefix(path, "/proc/sys/"), "2")
			err = errors.Join(err, e)
		}
	}
	k, e := sysctl("net/ipv6/conf/all/forwarding", "1")
	if errors.Is(e, fs.ErrNotExist) {
		h.Log.WarnContext(ctx, "this machine has no IPv6")
		e = nil
	}
	return repaired + k, errors.Join(err, e)
}

// uplinks are the interfaces through which the networks behind the PoP are reached.
func uplinks(n portal.Node) []string {
	var names []string
	for _, p := range n.Networks {
		dst := p.Addr()
		if p.Bits() == 0 && dst.Is4() {
			dst = netip.AddrFrom4([4]byte{192, 0, 2, 1}) // any address of the internet: TEST-NET-1 (RFC 5737) takes the default route
		}
		if !dst.Is4() {
			continue
		}
		routes, err := netlink.RouteGet(dst.AsSlice())
		if err != nil {
			continue // no way there now; a later pass looks again
		}
		for _, r := range routes {
			link, err := netlink.LinkByIndex(r.LinkIndex)
			if err == nil && link.Attrs().Flags&net.FlagLoopback == 0 && !slices.Contains(names, link.Attrs().Name) {
				names = append(names, link.Attrs().Name)
			}
		}
	}
	return names
}

// sysctl sets a switch of the kernel if it is not set already, and returns how many it changed.
func sysctl(key, value string) (int, error) {
	path := "/proc/sys/" + key
	now, err := os.ReadFile(path)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", key, err)
	}
	if strings.TrimSpace(string(now)) == value {
		return 0, nil
	}
	if err := os.WriteFile(path, []byte(value), 0o644); err != nil {
		return 0, fmt.Errorf("set %s: %w", key, err)
	}
	return 1, nil
}
