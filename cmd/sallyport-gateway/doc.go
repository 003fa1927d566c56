// Sallyport-gateway is the agent on a gateway node. It enrols once with a token, then follows its portal over one outbound connection and
// keeps WireGuard, nftables and addresses at what the portal wants. It needs root or CAP_NET_ADMIN.
//
// When it ends, nftables go on filtering. A WireGuard interface of the kernel goes on serving, so an upgrade of the agent cuts nobody off;
// one of wireguard-go lives in this process and ends with it. --cleanup removes both.
package main
