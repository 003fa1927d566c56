// Package firewall enforces the policy in the kernel: one nftables table of its own, spoken to over netlink, and nothing of any other table.
//
// How a packet finds its way (tun is the tunnel's interface):
//
//	forward ── from tun, to elsewhere ──► from_tunnel ─ source address ──► number ─► signature chain
//	        ── from tun, to tun ────────► between ───── initiator ───────► number ─► signature chain
//	        ── from elsewhere, to tun ──► to_tunnel ─── reply's address ─► number ─► signature chain
//
//	from_tunnel and to_tunnel begin with admitted: a flow admitted under the present generation passes at once.
//	A signature chain asks the deny rules, then the allow rules, by way of a chain of each group: each rule is one look-up of
//	address . protocol . port in interval sets, which leads to admit. What no rule decides is dropped.
//
// An address that is in no entry is dropped, in both directions. The map from addresses holds numbers and not verdicts, because the kernel
// walks every verdict of a table when one of them changes; so changing one entry costs one map element, whatever the size.
//
// Flows carry the generation under which they were admitted as their conntrack mark. When anybody's rights shrink, the generation moves on
// in the same transaction as the shrinking, and every flow is looked at again with its next packet, whichever side sends it: what is still
// allowed goes on unharmed, the rest is dead, and no conntrack entry has to be searched for.
package firewall
