package portal

import (
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// CertificateID is the SHA-256 of a certificate, whole. Who shows a certificate of this fingerprint, and holds its key, is that device and no
// other, whatever authority signed it.
type CertificateID [32]byte

// ErrCertificateID says that a fingerprint is malformed.
var ErrCertificateID = &Error{Kind: Invalid, Code: "certificate_id", Msg: "This is not the SHA-256 fingerprint of a certificate."}

// ParseCertificateID reads 64 hexadecimal digits.
func ParseCertificateID(s string) (CertificateID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return CertificateID{}, ErrCertificateID
	}
	return CertificateID(b), nil
}

func (c CertificateID) String() string { return hex.EncodeToString(c[:]) }

// IsZero reports whether there is no certificate.
func (c CertificateID) IsZero() bool { return c == CertificateID{} }

// MarshalText returns the hexadecimal form, and nothing for the zero value.
func (c CertificateID) MarshalText() ([]byte, error) {
	if c.IsZero() {
		return nil, nil
	}
	return []byte(c.String()), nil
}

// UnmarshalText is ParseCertificateID, with the empty text for the zero value.
func (c *CertificateID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*c = CertificateID{}
		return nil
	}
	p, err := ParseCertificateID(string(b))
	if err == nil {
		*c = p
	}
	return err
}

// OpenVPNNode is what a gateway must know to serve OpenVPN, beside the policy. The zero value serves nobody.
type OpenVPNNode struct {
	Trust string             `json:"trust,omitempty"` // names the authorities; a gateway that holds others asks for them again
	Push  map[ProfileID]Push `json:"push,omitempty"`
}

// Equal reports whether a gateway would serve the same.
func (o OpenVPNNode) Equal(p OpenVPNNode) bool {
	return o.Trust == p.Trust && maps.EqualFunc(o.Push, p.Push, Push.Equal)
}

// Push is what clients of a profile are told when they connect.
type Push struct {
	Full     bool           `json:"full,omitempty"`     // everything goes through the tunnel, but Excluded
	Routes   []netip.Prefix `json:"routes,omitempty"`   // unless Full: what goes through the tunnel
	Excluded []netip.Prefix `json:"excluded,omitempty"` // with Full
	DNS      []netip.Addr   `json:"dns,omitempty"`
	Search   []string       `json:"search,omitempty"`
}

// Equal reports whether clients are told the same.
func (p Push) Equal(q Push) bool {
	return p.Full == q.Full && slices.Equal(p.Routes, q.Routes) && slices.Equal(p.Excluded, q.Excluded) &&
		slices.Equal(p.DNS, q.DNS) && slices.Equal(p.Search, q.Search)
}

// PushOf is what clients of p are told.
func PushOf(p Profile) Push {
	out := Push{DNS: p.DNS, Search: p.Search}
	if p.Mode == Full {
		out.Full, out.Excluded = true, p.Excluded
	} else {
		out.Routes = Routes(p)
	}
	return out
}

// OpenVPNServerName is the name in the certificate of every gateway's OpenVPN server, which clients ask for: any gateway may answer.
const OpenVPNServerName = "gateway.sallyport.internal"

// AuthorityState is what an authority of OpenVPN is good for.
type AuthorityState string

// The states of an authority. What is trusted only verifies devices of before; it signs gateways' servers, since their files know no newer one.
const (
	AuthorityRequested AuthorityState = "requested" // its key is there, and a root elsewhere has not signed yet
	AuthoritySigning   AuthorityState = "signing"
	AuthorityTrusted   AuthorityState = "trusted"
)

// Authority signs for OpenVPN. Its key is kept apart from it, sealed.
type Authority struct {
	ID        string
	State     AuthorityState
	Chain     string // PEM: the certificate of the key, then what leads to the root
	Root      string // PEM
	Request   string // PEM; "" for a root of our own
	CreatedAt time.Time
}

// DeviceCertificate is what a device has for OpenVPN.
type DeviceCertificate struct {
	Device      DeviceID
	Serial      string // hex
	Authority   string
	NotBefore   time.Time
	NotAfter    time.Time
	Certificate string // PEM
}

// OpenVPNPorts are where a gateway listens for OpenVPN; 0: not.
type OpenVPNPorts struct {
	UDP uint16 `json:"udp,omitempty"`
	TCP uint16 `json:"tcp,omitempty"`
}

// Any reports whether it listens at all.
func (p OpenVPNPorts) Any() bool { return p.UDP != 0 || p.TCP != 0 }
