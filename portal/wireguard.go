package portal

import (
	"net/netip"
	"time"
)

// WireGuardConfig is all of a client's file but the private key, which only the client has.
type WireGuardConfig struct {
	FileName        string   // tunnel name: 1 to 15 of [a-zA-Z0-9_=+.-], without ".conf"
	Comments        []string // lines for the head of the file, without "#"
	Addresses       []netip.Prefix
	DNS             []netip.Addr
	Search          []string
	MTU             int // bytes
	AllowedIPs      []netip.Prefix
	AllowedIPsShort []netip.Prefix // a shorter list that covers more, where AllowedIPs is too long for a QR code; else nil
	PublicKey       PublicKey      // the gateway's
	Endpoint        string         // "host:port", an IPv6 address in brackets
	Keepalive       time.Duration  // whole seconds; 0: none
	PoP             PoPID          // where the endpoint is
}
