package portal

import (
	"net/netip"
	"time"
)

// PoP is a point of presence: a place with gateways, and the networks behind it.
type PoP struct {
	ID        PoPID
	Name      string         // unique, shown to people as the region
	Country   string         // ISO 3166-1 alpha-2, "" when not said
	Latitude  float64        // degrees, 0 and 0 when not said
	Longitude float64        // degrees
	Networks  []netip.Prefix // what gateways masquerade to; 0.0.0.0/0 and ::/0 for the internet
	CreatedAt time.Time
}

// GatewayState is the life of a gateway.
type GatewayState string

// The states of a gateway. Draining ones accept no new files; retired ones have lost their stream and their rights.
const (
	GatewayPending  GatewayState = "pending" // created, not enrolled yet
	GatewayActive   GatewayState = "active"
	GatewayDraining GatewayState = "draining"
	GatewayRetired  GatewayState = "retired"
)

// Gateway is one node in a PoP. The portal knows public parts of its keys only.
type Gateway struct {
	ID         GatewayID
	PoP        PoPID
	Name       string // unique
	State      GatewayState
	Host       string // name or address that clients connect to
	Port       uint16 // WireGuard's UDP port
	PublicKey  PublicKey
	CertSerial string    // of the certificate that is valid now, hex; "" before enrolment
	CertEnds   time.Time // when it must have been renewed
	CreatedAt  time.Time
	EnrolledAt time.Time // zero: not yet

	// What the node last reported; the zero value means never.
	SeenAt   time.Time
	Version  string
	Applied  uint64 // revision that it has applied
	Hash     string // of its objects at Applied
	Problem  string // what it could not apply, "" when all is well
	ApplyFor time.Duration
	OpenVPN  OpenVPNPorts // where it serves OpenVPN at this moment
}
