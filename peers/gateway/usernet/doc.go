// Package usernet is the inside of a tunnel without root: a packet device for wireguard-go, a filter that enforces the same policy as
// the kernel's (package firewall), and a network stack (gVisor's) that ends TCP and UDP flows in this process.
//
// A flow that may pass goes to a listener of this process where one has been registered for its address (the demo's intranet), else it is
// dialled out through the machine's own sockets, if the owner gave a Dial. Pings are answered for the gateway's address and for
// registered ones. The filter sees every packet in both directions, before the stack does.
package usernet
