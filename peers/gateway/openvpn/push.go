package openvpn

import (
	"fmt"
	"net/netip"

	"github.com/sallyport/sallyport/peers/gateway/openvpn/management"
	"github.com/sallyport/sallyport/portal"
)

// clientConfig is what the device of e is given when it connects by t: its own address, and what its profile says. An error means that the node
// does not know enough of it yet.
func clientConfig(t Transport, n portal.Node, e portal.Entry) ([]string, error) {
	p, served := n.OpenVPN.Push[e.Profile]
	if !served {
		return nil, fmt.Errorf("profile %s is not served here", e.Profile)
	}
	var pool portal.Pool
	for _, q := range n.Pools {
		if q.Validate() == nil && q.V4.Contains(e.V4) {
			pool = q
		}
	}
	if !e.V4.IsValid() || pool.Validate() != nil {
		return nil, fmt.Errorf("device %s has no address of a pool of this node", e.Device)
	}
	gw := pool.At(portal.PoolGateway)
	lines := []string{fmt.Sprintf("ifconfig-push %s %s", e.V4, mask(pool.V4))}
	if e.V6.IsValid() {
		lines = append(lines, fmt.Sprintf("ifconfig-ipv6-push %s/%d %s", e.V6, pool.V6.Bits(), gw.V6))
	}
	push := []string{"topology subnet", "route-gateway " + gw.V4.String()} // openvpn adds the MTU, the node's
	if t.Name == "udp" {
		push = append(push, "explicit-exit-notify 1")
	}
	push = append(push, routes(p)...)
	for _, a := range p.DNS {
		push = append(push, "dhcp-option DNS "+a.String())
	}
	for i, d := range p.Search {
		if i == 0 {
			push = append(push, "dhcp-option DOMAIN "+d) // what clients of before 2.5 know
		}
		push = append(push, "dhcp-option DOMAIN-SEARCH "+d)
	}
	for _, x := range push {
		q, err := management.Quote(x)
		if err != nil {
			return nil, err
		}
		lines = append(lines, "push "+q)
	}
	return lines, nil
}

// routes are the profile's. With a full tunnel the client keeps its way to the gateway by itself, and what is excluded goes out as before.
func routes(p portal.Push) []string {
	var out []string
	if !p.Full {
		for _, r := range p.Routes {
			out = append(out, route(r, ""))
		}
		return out
	}
	out = append(out, "redirect-gateway def1 ipv6")
	for _, r := range p.Excluded {
		if r.Addr().Is6() {
			out = append(out, route(r, " net_gateway_ipv6"))
			continue
		}
		out = append(out, route(r, " net_gateway"))
	}
	return out
}

func route(p netip.Prefix, via string) string {
	if p.Addr().Is6() {
		return "route-ipv6 " + p.String() + via
	}
	return "route " + p.Addr().String() + " " + mask(p) + via
}
