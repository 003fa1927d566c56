package peers

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
)

// Gateways is the control side of points of presence and their gateways: their rows, their enrolment and their certificates. It is the
// feed.Control of a feed.Hub. What changes them is for those who manage; others get portal.ErrForbidden.
type Gateways struct {
	Store           *store.Store
	Keys            *seal.Keyring // seals the authority's key
	Now             func() time.Time
	Log             *slog.Logger
	Portals         []string      // host:port under which gateways reach the listeners for them; at least one
	Command         string        // what an admin pastes before the flags; "": "sallyport-gateway enrol"
	CertificateLife time.Duration // of a gateway's certificate; 0: 30 days
	Live            LiveStatus    // nil: nothing is known of streams

	certs certificates
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

// reportedWithin is how old the last stored report of a gateway may be for it to count as connected to another portal. Reports that say
// nothing new are stored every 30 s.
const reportedWithin = 75 * time.Second

// NewGateway is what an admin says of a gateway.
type NewGateway struct {
	PoP  portal.PoPID
	Name string
	Host string // name or address that clients connect to
	Port uint16 // WireGuard's UDP port; 0: 51820
}

const defaultPort = 51820

// CreateGateway makes a gateway that waits for its node, and the token that enrols it. Errors: portal.ErrInvalid with the fields,
// portal.ErrDuplicate for a name that is taken.
func (g *Gateways) CreateGateway(ctx context.Context, by portal.Actor, in NewGateway) (portal.Gateway, EnrolmentToken, error) {
	if !manages(by) {
		return portal.Gateway{}, EnrolmentToken{}, portal.ErrForbidden
	}
	if err := in.check(); err != nil {
		return portal.Gateway{}, EnrolmentToken{}, err
	}
	a, err := g.ca(ctx)
	if err != nil {
		return portal.Gateway{}, EnrolmentToken{}, err
	}
	row := portal.Gateway{
		ID: portal.NewID[portal.GatewayID](g.Now()), PoP: in.PoP, Name: strings.TrimSpace(in.Name), State: portal.GatewayPending, Host: in.Host, Port: in.Port,
	}
	if row.Port == 0 {
		row.Port = defaultPort
	}
	var token EnrolmentToken
	err = g.Store.Tx(ctx, func(tx *store.Tx) error {
		row.CreatedAt = tx.Now
		if _, err := tx.PoP(in.PoP); err != nil {
			return portal.InvalidFields(portal.Field{Path: "/pop", Code: "unknown", Msg: "There is no such point of presence."})
		}
		if err := tx.CreateGateway(row); err != nil {
			return err
		}
		if token, err = g.newToken(tx, a, row.ID); err != nil {
			return err
		}
		if err := putGateway(tx, row); err != nil {
			return err
		}
		return tx.Audit(by, "gateway.create", "gateway:"+string(row.ID), map[string]string{"name": row.Name, "pop": string(row.PoP)})
	})
	if err != nil {
		return portal.Gateway{}, EnrolmentToken{}, fmt.Errorf("create gateway %q: %w", row.Name, err)
	}
	return row, token, nil
}

func (in NewGateway) check() error {
	var wrong []portal.Field
	if !nameOK(in.Name) {
		wrong = append(wrong, portal.Field{Path: "/name", Code: "malformed", Msg: "Use 1 to 64 printable characters."})
	}
	if !hostOK(in.Host) {
		wrong = append(wrong, portal.Field{Path: "/host", Code: "malformed", Msg: "Give a host name or an IP address that clients can reach."})
	}
	if in.PoP == "" {
		wrong = append(wrong, portal.Field{Path: "/pop", Code: "missing", Msg: "Choose a point of presence."})
	}
	return portal.InvalidFields(wrong...)
}

// hostOK reports whether s is an IP address, or a host name (RFC 1123, section 2.1) of at most 253 characters.
func hostOK(s string) bool {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Zone() == "" && !addr.IsUnspecified() && !addr.IsMulticast()
	}
	if len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if len(label) < 1 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" {
			return false
		}
	}
	return strings.Trim(s, "0123456789.") != "" // an address that is none
}

// gatewayNote is the value of a gateway's key in the feed log. Hubs read the tables when it changes; the value is for people who look.
type gatewayNote struct {
	State    portal.GatewayState `json:"state"`
	PoP      portal.PoPID        `json:"pop"`
	Revision uint64              `json:"rev"`
}

func putGateway(tx *store.Tx, g portal.Gateway) error {
	_, err := tx.Put(store.GatewayKey(g.ID), func(rev uint64) any { return gatewayNote{g.State, g.PoP, rev} })
	return err
}

// Gateways lists all gateways but the retired ones, by name, with their live state.
func (g *Gateways) Gateways(ctx context.Context) ([]GatewayStatus, error) {
	var rows []portal.Gateway
	err := g.Store.View(ctx, func(tx *store.Tx) (err error) {
		rows, err = tx.Gateways()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list gateways: %w", err)
	}
	out := make([]GatewayStatus, len(rows))
	for i, row := range rows {
		out[i] = g.status(row)
	}
	return out, nil
}

// Gateway returns one gateway with its live state, or portal.ErrNotFound. A retired one is not found.
func (g *Gateways) Gateway(ctx context.Context, id portal.GatewayID) (GatewayStatus, error) {
	var row portal.Gateway
	err := g.Store.View(ctx, func(tx *store.Tx) (err error) {
		row, err = tx.Gateway(id)
		return err
	})
	if err != nil {
		return GatewayStatus{}, fmt.Errorf("read gateway %s: %w", id, err)
	}
	return g.status(row), nil
}

// status adds what is live. The stream on this portal knows more than the row, which is written a moment later.
func (g *Gateways) status(row portal.Gateway) GatewayStatus {
	s := GatewayStatus{Gateway: row, Connected: !row.SeenAt.IsZero() && g.Now().Sub(row.SeenAt) < reportedWithin}
	if g.Live == nil {
		return s
	}
	if s.Live = g.Live.Status(row.ID); s.Live.Connected {
		s.Connected = true
		s.SeenAt, s.Applied, s.Problem, s.ApplyFor = s.Live.SeenAt, s.Live.Applied, s.Live.Problem, s.Live.ApplyTook
		if s.Live.Version != "" {
			s.Version = s.Live.Version
		}
	}
	return s
}

// DrainGateway keeps a gateway serving and out of new files; UndrainGateway takes that back. A gateway that is neither active nor
// draining is portal.ErrNotFound.
func (g *Gateways) DrainGateway(ctx context.Context, by portal.Actor, id portal.GatewayID) error {
	return g.move(ctx, by, id, portal.GatewayDraining, "gateway.drain")
}

// UndrainGateway makes a draining gateway active again.
func (g *Gateways) UndrainGateway(ctx context.Context, by portal.Actor, id portal.GatewayID) error {
	return g.move(ctx, by, id, portal.GatewayActive, "gateway.undrain")
}

func (g *Gateways) move(ctx context.Context, by portal.Actor, id portal.GatewayID, to portal.GatewayState, action string) error {
	if !manages(by) {
		return portal.ErrForbidden
	}
	err := g.Store.Tx(ctx, func(tx *store.Tx) error {
		row, err := tx.LockGateway(id)
		if err != nil || row.State == to {
			return err
		}
		if err := tx.SetGatewayState(id, to, portal.GatewayActive, portal.GatewayDraining); err != nil {
			return err
		}
		from := row.State
		row.State = to
		if err := putGateway(tx, row); err != nil {
			return err
		}
		return tx.Audit(by, action, "gateway:"+string(id), map[string]any{"name": row.Name, "from": from, "to": to})
	})
	if err != nil {
		return fmt.Errorf("move gateway %s to %s: %w", id, to, err)
	}
	return nil
}

// RetireGateway ends a gateway's stream and its rights at once, on every portal, and frees its name. Its row stays, without them, so that
// the node can be told when it comes back. It returns portal.ErrNotFound when there is none or it is retired already.
func (g *Gateways) RetireGateway(ctx context.Context, by portal.Actor, id portal.GatewayID) error {
	if !manages(by) {
		return portal.ErrForbidden
	}
	err := g.Store.Tx(ctx, func(tx *store.Tx) error {
		row, err := tx.LockGateway(id)
		if err != nil {
			return err
		}
		if err := tx.RetireGateway(id); err != nil {
			return err
		}
		if _, err := tx.Drop(store.GatewayKey(id)); err != nil {
			return err
		}
		return tx.Audit(by, "gateway.retire", "gateway:"+string(id), map[string]any{
			"name": row.Name, "before": map[string]any{"state": row.State, "pop": row.PoP, "host": row.Host, "port": row.Port, "publicKey": row.PublicKey},
		})
	})
	if err != nil {
		return fmt.Errorf("retire gateway %s: %w", id, err)
	}
	return nil
}
