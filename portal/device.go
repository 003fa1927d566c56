package portal

import (
	"net/netip"
	"time"
)

// Platform is the kind of machine a device is; it decides which instructions people see.
type Platform string

// The platforms that have instructions of their own.
const (
	Windows Platform = "windows"
	MacOS   Platform = "macos"
	Linux   Platform = "linux"
	IOS     Platform = "ios"
	Android Platform = "android"
	Server  Platform = "server"
	Other   Platform = "other"
)

// Protocol is how a device connects.
type Protocol string

// The protocols. OpenVPN is added beside WireGuard under the same policy.
const (
	WireGuard Protocol = "wireguard"
	OpenVPN   Protocol = "openvpn"
)

// DeviceState tells whether a device may connect. A revoked device has no row and no address any more.
type DeviceState string

// The states of a device.
const (
	DeviceActive    DeviceState = "active"
	DeviceSuspended DeviceState = "suspended"
	DevicePending   DeviceState = "pending" // waits for approval, without an entry
)

// Device is one client of one person: a key, a profile and its addresses.
type Device struct {
	ID        DeviceID
	User      UserID
	Name      string
	Platform  Platform
	Protocol  Protocol
	Profile   ProfileID
	PoP       PoPID         // the region its file points at; other PoPs that serve the profile accept it too
	PublicKey PublicKey     // of WireGuard; zero for OpenVPN
	Cert      CertificateID // of OpenVPN; zero for WireGuard
	Addr      Address
	State     DeviceState
	CreatedAt time.Time
	KeyAt     time.Time // when the present key was set
}

// Address is what a device is inside the tunnel: number N of a pool, in both families.
type Address struct {
	Pool PoolID
	N    uint32 // index into the pool; see Pool.At
	V4   netip.Addr
	V6   netip.Addr
}

// Grant says that a device may use its profile at Level until NotAfter; then it falls to quarantine, by the gateway's own clock.
type Grant struct {
	Device   DeviceID
	Level    Level  // that it gives until NotAfter, without Holds
	Holds    []Hold // in force, on the device and its owner
	NotAfter time.Time
	RenewAt  time.Time // when the person last proved who they are for it
	FactorAt time.Time // when the person last showed a second factor for it; zero: never
	LetIn    uint64    // how often the device was let in again; see Entry.LetIn
}

// Live is what gateways last said of a device. The zero value means that no gateway has seen it.
type Live struct {
	Device    DeviceID
	Gateway   GatewayID
	Endpoint  netip.AddrPort // where the client's packets come from
	Handshake time.Time      // zero: never
	Rx, Tx    uint64         // bytes received from and sent to the client, since the gateway started counting
	At        time.Time      // when the gateway reported
	Country   string         // of the endpoint, ISO 3166-1 alpha-2; "" when the gateway does not know
	Idled     bool           // the gateway has ended its session because of Profile.Idle
}

// ConnectedWithin is how old a handshake may be for the device to count as connected: WireGuard makes a new one after
// 120 s of traffic (REKEY_AFTER_TIME) and rejects keys after 180 s (REJECT_AFTER_TIME; WireGuard paper, section 6.1).
const ConnectedWithin = 180 * time.Second

// Connected reports whether the client has a live tunnel at now.
func (l Live) Connected(now time.Time) bool {
	return !l.Handshake.IsZero() && now.Sub(l.Handshake) < ConnectedWithin
}
