// Package gateway is the agent on a gateway node. It holds what the portal wants the node to run (a portal.State), carries changes out
// through a Tunnel, a Filter and a Host, keeps the state on disk, enforces every entry's end by its own clock, repairs what somebody
// changed by hand, and reports what it has reached and what it sees.
//
// It does not know how changes come (peers/feed does, and calls Since and Apply), and it opens no listener. The parts that touch the
// machine live below it: wireguard (tunnel), firewall (nftables), host (addresses, routes, forwarding), usernet (the same without root).
// Nothing here imports the portal's database or web code.
package gateway
