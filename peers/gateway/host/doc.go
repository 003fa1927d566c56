// Package host sets what a gateway machine needs around the tunnel: the gateway's own addresses on the tunnel's interface (which bring the
// routes to the pools), and forwarding on the interfaces that it uses. It touches no other address and no other route.
package host
