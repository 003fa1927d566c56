package feed

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Hub is the portal's end: it follows the log and tells each gateway what its PoP serves. Fill the fields, then Run it and Serve.
type Hub struct {
	Control    Control
	Now        func() time.Time
	Log        *slog.Logger
	Quarantine []portal.Destination // all that a quarantined device reaches: the portal and remediation hosts
	Grace      time.Duration        // without any portal a gateway serves for so long; 0: 24 h
	Poll       time.Duration        // how often to look at the log without being woken; 0: 2 s
	Beat       time.Duration        // how often a stream says that it is alive; 0: 15 s
}

// Status is the live state of a gateway's stream on this portal.
type Status struct {
	Connected  bool
	Since      time.Time // when the stream began
	Addr       netip.AddrPort
	SeenAt     time.Time // last report
	Applied    uint64
	Head       uint64 // newest revision that concerns the gateway
	HashOK     bool   // what it last reported agreed with what it should have
	Problem    string
	Version    string
	Drift      int
	Latency    time.Duration // from the commit of the newest change to the report that it is applied
	Snapshots  int           // sent on this portal since it started
	Mismatches int           // hashes that did not agree, since it started
}

// EventKind says what an Event is about.
type EventKind string

// The kinds of event.
const (
	EventGateway EventKind = "gateway" // a gateway's live state changed
	EventDevices EventKind = "devices" // devices' live state changed
)

// Event tells of live state that changed.
type Event struct {
	Kind    EventKind
	Gateway portal.GatewayID
	Devices []portal.DeviceID // EventDevices: which ones; empty: look at all
}

// Metrics are figures for a monitoring system; all counts are since the start.
type Metrics struct {
	Head        uint64
	Streams     int
	Snapshots   uint64
	Mismatches  uint64
	Fenced      uint64 // streams closed because a newer one of the gateway began
	Refused     uint64 // requests without a good certificate or token
	ClickP50    time.Duration
	ClickP99    time.Duration
	Propagation Histogram // from commit to applied
}

// Histogram counts durations. Counts[i] is how many were at most Bounds[i]; the last count is of all.
type Histogram struct {
	Bounds []time.Duration
	Counts []uint64
	Sum    time.Duration
}

// Run follows the log until ctx ends, which is not an error.
func (h *Hub) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Serve answers gateways on l, with TLS, until ctx ends.
func (h *Hub) Serve(ctx context.Context, l net.Listener) error { <-ctx.Done(); return nil }

// Handler answers /enrol, /renew and /stream. It needs a TLS connection.
func (h *Hub) Handler() http.Handler { return http.NotFoundHandler() }

// Status returns the live state of a gateway's stream on this portal. The zero Status means that it has none here.
func (h *Hub) Status(id portal.GatewayID) Status { return Status{} }

// Subscribe returns a channel of events. A subscriber that falls behind loses events and gets one EventGateway and one EventDevices that
// name nothing, which mean: look at everything. Call stop when done.
func (h *Hub) Subscribe() (events <-chan Event, stop func()) { return make(chan Event), func() {} }

// Metrics returns the figures of this moment.
func (h *Hub) Metrics() Metrics { return Metrics{} }
