package firewall

import (
	"net/netip"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"github.com/sallyport/sallyport/portal"
)

// skeleton is every chain that is there whatever the policy.
func (f *Filter) skeleton(n portal.Node) map[string]chain {
	tunnels := f.interfaces()
	drop := to(expr.VerdictDrop, "")
	filter := func(num *nftables.ChainHook, priority *nftables.ChainPriority) *hook {
		return &hook{nftables.ChainTypeFilter, *num, *priority}
	}
	return map[string]chain{
		chainForward: {filter(nftables.ChainHookForward, nftables.ChainPriorityFilter), slices.Concat(
			each(tunnels, func(tun string) rule { return join(fromIf(tun), to(expr.VerdictGoto, chainFrom)) }),
			each(tunnels, func(tun string) rule { return join(toIf(tun), to(expr.VerdictGoto, chainTo)) }),
		)},
		chainInput: {filter(nftables.ChainHookInput, nftables.ChainPriorityFilter), f.inputRules(n)},
		chainClamp: {filter(nftables.ChainHookForward, nftables.ChainPriorityMangle), slices.Concat(
			each(tunnels, func(tun string) rule { return join(fromIf(tun), clampMSS()) }),
			each(tunnels, func(tun string) rule { return join(toIf(tun), clampMSS()) }),
		)},
		chainNAT: {&hook{nftables.ChainTypeNAT, *nftables.ChainHookPostrouting, *nftables.ChainPriorityNATSource}, f.masquerade(n)},
		chainFrom: {rules: slices.Concat(
			[]rule{to(expr.VerdictJump, chainAdmitted)},
			each(tunnels, func(tun string) rule { return join(toIf(tun), to(expr.VerdictGoto, chainBetween)) }),
			[]rule{
				join(ctDirection(directionReply), counter(), drop), // nothing out there may open a flow to a device
				byNumber(false, true, mapSignatures),
				byNumber(true, true, mapSignatures),
				join(counter(), drop),
			},
		)},
		chainBetween: {rules: []rule{
			byNumber(false, true, mapMute), byNumber(false, false, mapMute),
			byNumber(true, true, mapMute), byNumber(true, false, mapMute),
			join(ctDirection(directionReply), to(expr.VerdictGoto, chainTo)),
			byNumber(false, true, mapSignatures),
			byNumber(true, true, mapSignatures),
			join(counter(), drop),
		}},
		chainTo: {rules: []rule{
			to(expr.VerdictJump, chainAdmitted),
			join(ctDirection(directionOriginal), counter(), drop),
			byNumber(false, false, mapSignatures),
			byNumber(true, false, mapSignatures),
			join(counter(), drop),
		}},
		chainAdmitted: {rules: admittedRules(f.generation)},
		chainAdmit:    {rules: admitRules(f.generation)},
		chainCommon:   {rules: commonRules(n)},
		chainQuarantine: {rules: []rule{
			to(expr.VerdictJump, chainCommon),
			to(expr.VerdictJump, ruleChain(quarantineRule)),
			join(counter(), drop),
		}},
	}
}

func commonRules(n portal.Node) []rule {
	rules := []rule{join(ctState(stateInvalid), to(expr.VerdictDrop, ""))} // address translation would pass it on as it is
	for _, a := range gatewayAddresses(n) {
		rules = append(rules, join(echoTo(a), to(expr.VerdictAccept, "")))
	}
	return rules
}

const stateInvalid = expr.CtStateBitINVALID

// admittedRules let flows pass that were admitted under this generation. A generation ends whenever rights shrink, so such a flow needs no
// other look: its device, its signature and its rules are what they were, or more.
func admittedRules(generation uint32) []rule {
	return []rule{join(ctMarkIs(generation), to(expr.VerdictAccept, ""))}
}

func admitRules(generation uint32) []rule {
	return []rule{join(setCtMark(generation), resetPriority(), to(expr.VerdictAccept, ""))}
}

// inputRules let devices ping the gateway's own address, and nothing else of the machine.
func (f *Filter) inputRules(n portal.Node) []rule {
	var rules []rule
	for _, a := range gatewayAddresses(n) {
		lookup := byNumber(a.Is6(), true, mapSignatures)
		rules = append(rules, each(f.interfaces(), func(tun string) rule { return join(fromIf(tun), echoTo(a), lookup) })...)
	}
	return append(rules, each(f.interfaces(), func(tun string) rule { return join(fromIf(tun), counter(), to(expr.VerdictDrop, "")) })...)
}

func (f *Filter) interfaces() []string { return append([]string{f.Interface}, f.More...) }

// each makes one rule of each interface.
func each(interfaces []string, of func(tun string) rule) []rule {
	var rules []rule
	for _, tun := range interfaces {
		rules = append(rules, of(tun))
	}
	return rules
}

// masquerade hides devices behind the gateway's address, towards the networks behind the PoP.
func (f *Filter) masquerade(n portal.Node) []rule {
	if !n.Masquerade {
		return nil
	}
	var away []expr.Any // to none of the tunnels
	for _, tun := range f.interfaces() {
		away = append(away, notToIf(tun)...)
	}
	var rules []rule
	for _, pool := range poolPrefixes(n) {
		for _, network := range n.Networks {
			if network.IsValid() && network.Addr().Is6() == pool.Addr().Is6() {
				rules = append(rules, join(away, inPrefix(pool, true), inPrefix(network, false), []expr.Any{&expr.Masq{}}))
			}
		}
	}
	return rules
}

func poolPrefixes(n portal.Node) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range n.Pools {
		if p.Validate() == nil {
			out = append(out, p.V4, p.V6)
		}
	}
	return out
}

func gatewayAddresses(n portal.Node) []netip.Addr {
	var out []netip.Addr
	for _, p := range n.Pools {
		if p.Validate() == nil {
			a := p.At(portal.PoolGateway)
			out = append(out, a.V4, a.V6)
		}
	}
	return out
}
