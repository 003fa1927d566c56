package firewall

import (
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/portal"
)

// addCaptive leads what quarantined devices send to TCP 80, and quarantine does not reach, to the page on the gateway's own address:
//
//	prerouting ── from tun, TCP 80 ──► captive_from ─ source address ──► captive ── to a host of quarantine ──► on its way
//	                                                                            └─ else ──► translated to the gateway's address
//	input ─────── from tun, to the page ──► page_from ─ source address ──► page ── accepted
//
// Only the first packet of a connection is translated, so a device that comes back begins its next one as it is meant. One that runs to the page
// ends then, because input looks at each packet.
func (f *Filter) addCaptive(m model, n portal.Node) {
	if f.Captive == 0 {
		return
	}
	addresses := captiveAddresses(n)
	var redirect, captive, input []rule
	for _, tun := range f.interfaces() {
		for _, a := range addresses {
			v6 := a.Is6()
			redirect = append(redirect, join(fromIf(tun), tcpTo(80), byNumber(v6, true, mapCaptive)))
			input = append(input, join(fromIf(tun), inPrefix(netip.PrefixFrom(a, a.BitLen()), false), tcpTo(f.Captive), byNumber(v6, true, mapPage)))
		}
	}
	_, sets := compileRule(portal.CompiledRule{ID: quarantineRule, Action: portal.Allow, Destinations: n.Quarantine}, n)
	for _, k := range setKinds {
		if len(sets[k]) > 0 {
			captive = append(captive, join(inSet(k, ruleChain(quarantineRule)+k.suffix(), false), to(expr.VerdictReturn, "")))
		}
	}
	for _, a := range addresses {
		captive = append(captive, join(family(a.Is6()), counter(), f.toPage(a)))
	}
	m.chains[chainRedirect] = chain{&hook{nftables.ChainTypeNAT, *nftables.ChainHookPrerouting, *nftables.ChainPriorityNATDest}, redirect}
	m.chains[chainCaptive] = chain{rules: captive}
	m.chains[chainPage] = chain{rules: []rule{join(counter(), to(expr.VerdictAccept, ""))}}
	m.sets[mapCaptive] = set{numberVerdict, map[elem]string{numberKey(quarantined): gotoValue(chainCaptive)}}
	m.sets[mapPage] = set{numberVerdict, map[elem]string{numberKey(quarantined): gotoValue(chainPage)}}
	own := m.chains[chainInput]
	own.rules = append(input, own.rules...)
	m.chains[chainInput] = own
}

// captiveAddresses is where the page is: the gateway's addresses in the first pool.
func captiveAddresses(n portal.Node) []netip.Addr {
	all := gatewayAddresses(n)
	return all[:min(len(all), 2)]
}

func tcpTo(port uint16) []expr.Any {
	return join(l4proto(protoTCP), []expr.Any{
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}, compare(be16(uint32(port))),
	})
}

// toPage translates the destination.
func (f *Filter) toPage(a netip.Addr) []expr.Any {
	kind := uint32(unix.NFPROTO_IPV4)
	if a.Is6() {
		kind = unix.NFPROTO_IPV6
	}
	return []expr.Any{
		&expr.Immediate{Register: reg, Data: a.AsSlice()},
		&expr.Immediate{Register: reg + 1, Data: be16(uint32(f.Captive))},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: kind, RegAddrMin: reg, RegProtoMin: reg + 1, Specified: true},
	}
}
