package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
)

// Gateways is the control side of points of presence and their gateways: their rows, their enrolment and their certificates. It is the
// feed.Control of a feed.Hub.
type Gateways struct {
	Store   *store.Store
	Keys    *seal.Keyring // seals the authority's key
	Now     func() time.Time
	Log     *slog.Logger
	Portals []string // host:port under which gateways reach the listeners for them
	Command string   // what an admin pastes before the flags; "": "sallyport-gateway enrol"
	Live    LiveStatus
}

// LiveStatus is who knows the streams; *feed.Hub is one.
type LiveStatus interface {
	Status(id portal.GatewayID) feed.Status
}

// GatewayStatus is a gateway with the live state of its stream.
type GatewayStatus struct {
	portal.Gateway
	Connected bool        // it has a stream, to this portal or to another
	Live      feed.Status // zero when the stream is on another portal
}

// NewGateway is what an admin says of a gateway.
type NewGateway struct {
	PoP  portal.PoPID
	Name string
	Host string // name or address that clients connect to
	Port uint16 // WireGuard's UDP port; 0: 51820
}

// EnrolmentToken is shown once. Command is the line to paste on the node; it holds the secret.
type EnrolmentToken struct {
	Secret    portal.Secret
	ExpiresAt time.Time
	Command   portal.Secret
}

var errNotYet = errors.New("not possible yet")

// CreateGateway makes a gateway that waits for its node, and the token that enrols it.
func (g *Gateways) CreateGateway(ctx context.Context, by portal.Actor, in NewGateway) (portal.Gateway, EnrolmentToken, error) {
	return portal.Gateway{}, EnrolmentToken{}, errNotYet
}

// NewToken makes another token for a gateway that is not retired; those from before stop working. Enrolling again replaces the node's keys.
func (g *Gateways) NewToken(ctx context.Context, by portal.Actor, id portal.GatewayID) (EnrolmentToken, error) {
	return EnrolmentToken{}, errNotYet
}

// Gateways lists all gateways but the retired ones, by name, with their live state.
func (g *Gateways) Gateways(ctx context.Context) ([]GatewayStatus, error) { return nil, errNotYet }

// Gateway returns one gateway with its live state.
func (g *Gateways) Gateway(ctx context.Context, id portal.GatewayID) (GatewayStatus, error) {
	return GatewayStatus{}, errNotYet
}

// DrainGateway keeps a gateway serving and out of new files; UndrainGateway takes that back.
func (g *Gateways) DrainGateway(ctx context.Context, by portal.Actor, id portal.GatewayID) error {
	return errNotYet
}

// UndrainGateway makes a draining gateway active again.
func (g *Gateways) UndrainGateway(ctx context.Context, by portal.Actor, id portal.GatewayID) error {
	return errNotYet
}

// RetireGateway ends a gateway's stream and its rights at once, on every portal. Its row stays, for the audit trail.
func (g *Gateways) RetireGateway(ctx context.Context, by portal.Actor, id portal.GatewayID) error {
	return errNotYet
}

// ServerTLS is the configuration of the listener for gateways.
func (g *Gateways) ServerTLS(ctx context.Context) (*tls.Config, error) { return nil, errNotYet }
