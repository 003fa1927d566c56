// Package openvpn is the gateway's second tunnel: stock openvpn, one process for each transport, for devices that are known by certificate.
//
// It owns the processes (configuration, start, watch, restart), their TUN interfaces, the decision about each client (Server holds who may
// connect, and answers every CONNECT and REAUTH through package management), what clients are pushed, and the route to each client's address.
// It does not own what clients may reach: that is package firewall's, by address, as for WireGuard.
//
//	client ── UDP 1194 ──► openvpn ── sallyport0u ──┐
//	       ── TCP  443 ──► openvpn ── sallyport0t ──┤ nftables, by source address
//	client ── WireGuard ─────────── sallyport0 ─────┘
//	                 ▲
//	                 └── management socket ── Server: certificate + live entry → in, with address and routes; or out, with a reason
//
// Openvpn keeps running when the agent ends, and a new agent takes it over with its clients. Its processes give up root and run no scripts; their
// configuration goes in by stdin, so that the server's key is in no file but the agent's own.
package openvpn
