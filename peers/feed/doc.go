// Package feed is the contract between the portal and its gateways: the messages, the portal's end (Hub) and the gateway's end (Client,
// Enrol). One HTTP/2 stream for each gateway, over mutual TLS, carries JSON lines both ways.
//
// It owns who hears what and when: which objects a PoP serves, resume, snapshots, fencing, heartbeats, and the comparison of what a
// gateway reports with what it should have. It does not own the database or the certificate authority (Control, implemented by package
// peers), how policy becomes objects (peers), or how a gateway carries them out (peers/gateway). It imports package portal only, so that
// the gateway's program has no database code in it.
package feed
