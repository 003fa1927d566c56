package feed

import (
	"context"
	"crypto/tls"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Control is the control side of the portal as the hub needs it: the database and the certificate authority. *peers.Gateways is one.
type Control interface {
	// Changes returns a channel that gets a value after commits: a hint to look, never the data.
	Changes() (hint <-chan struct{}, stop func())
	// View runs fn on one consistent snapshot of the database.
	View(ctx context.Context, fn func(Log) error) error
	// OpenStreams gives each gateway whose certificate is still good a new epoch, in one transaction. The answers are in the order
	// of asking; one that is refused has an Err that is a *portal.Error.
	OpenStreams(ctx context.Context, ask []StreamAsk) ([]StreamGrant, error)
	// SaveReports stores what gateways said, in one transaction. Rows of an older epoch than the gateway's are left out and returned.
	// notes is Position.Notes after it; 0 when there are no other portals to tell.
	SaveReports(ctx context.Context, rows []GatewayReport) (stale []portal.GatewayID, notes uint64, err error)
	// Enrol trades a token and a signing request for a certificate.
	Enrol(ctx context.Context, ask EnrolAsk) (EnrolGrant, error)
	// Renew gives the owner of a good certificate a new one. The old one stays good until the new one is used.
	Renew(ctx context.Context, ask StreamAsk, csr []byte) (certificate []byte, err error)
	// OpenVPN gives the owner of a good certificate one for its OpenVPN server, with what that server needs beside it.
	OpenVPN(ctx context.Context, ask StreamAsk, csr []byte) (OpenVPNGrant, error)
	// ServerTLS is the configuration of the gateways' listener: its own certificate, and the authority that signs gateways.
	ServerTLS(ctx context.Context) (*tls.Config, error)
}

// Log is the feed log in one consistent snapshot.
type Log interface {
	// Position returns where the log stands.
	Position() (Position, error)
	// Since calls fn for each object that changed after since, gone ones included, in the order of revisions.
	Since(since uint64, fn func(Object) error) error
	// Objects calls fn for each object that is there, in the order of revisions.
	Objects(fn func(Object) error) error
	// Topology returns which gateways and PoPs there are and which profiles they serve.
	Topology() (Topology, error)
	// Epochs returns the newest epoch of each gateway whose epoch is above after.
	Epochs(after uint64) (map[portal.GatewayID]uint64, error)
}

// Position is where the log stands.
type Position struct {
	Head    uint64 // the newest revision
	Floor   uint64 // the log is trimmed up to here: who is at an older revision can't catch up from it
	Streams uint64 // the newest epoch of all
	Notes   uint64 // rises when some portal has stored reports
}

// Object is the newest value of one key of the log, or the note that it is gone.
type Object struct {
	Key      string
	Revision uint64
	Gone     bool
	Value    []byte
	At       time.Time // when the transaction that wrote it began
}

// Topology is which gateways there are, where, and what is served there.
type Topology struct {
	PoPs     map[portal.PoPID]portal.PoP
	Gateways map[portal.GatewayID]portal.Gateway
	Profiles map[portal.ProfileID]ServedProfile
	Trust    string // names the authorities of OpenVPN; "": there is none yet
}

// ServedProfile is what the feed needs of a profile.
type ServedProfile struct {
	PoPs []portal.PoPID // empty: everywhere
	Pool portal.Pool
	MTU  int // bytes; 0: portal.DefaultMTU
	Push portal.Push
}

// StreamAsk names a gateway by the certificate that it showed.
type StreamAsk struct {
	Gateway portal.GatewayID
	Serial  string // hex
	Ends    time.Time
	Addr    netip.AddrPort
}

// StreamGrant lets a gateway have a stream, or says why not.
type StreamGrant struct {
	Epoch uint64
	Err   error
}

// GatewayReport is a row of what a gateway said.
type GatewayReport struct {
	Gateway portal.GatewayID
	Epoch   uint64
	At      time.Time
	Report  Report
}

// OpenVPNGrant is all that a gateway's OpenVPN servers need but their own key.
type OpenVPNGrant struct {
	Certificates []byte        // PEM: the server's own, then what leads to a root
	Authorities  []byte        // PEM: those whose clients may connect
	TLSCrypt     portal.Secret // the servers' key for tls-crypt-v2
	Trust        string        // the name of all this; see portal.OpenVPNNode
}

// EnrolAsk is what a new node sends.
type EnrolAsk struct {
	Token     portal.Secret
	CSR       []byte // DER, PKCS #10
	PublicKey portal.PublicKey
	Version   string
	Addr      netip.AddrPort
}

// EnrolGrant is what it gets.
type EnrolGrant struct {
	Gateway     portal.GatewayID
	Certificate []byte   // DER
	Authority   []byte   // DER
	Portals     []string // host:port of the listeners for gateways, any of them will do
}
