package api

import (
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/geo"
	"github.com/sallyport/sallyport/portal/store"
)

// Server answers browsers and API clients. Fill the exported fields, call Handler once, and run Run beside it.
type Server struct {
	Store    *store.Store
	Auth     *auth.Service
	Peers    *peers.Service
	Gateways *peers.Gateways
	Live     Live
	App      fs.FS // the built web app: index.html and assets/

	Directories Directories
	Places      *geo.Places // where addresses are; nil: nobody knows
	Sinks       []string    // names of the receivers of the audit trail that the configuration has

	PublicURL *url.URL // what browsers call the portal; its scheme decides about Secure cookies and HSTS
	Trusted   []netip.Prefix
	Version   string
	Demo      bool // the built-in identity provider is on; the sign-in page says so

	// RenewWithin is how old a second factor may be for "renew" to work without showing it again; 0: 1 h.
	RenewWithin time.Duration
	// PerSecond is how many requests one address (IPv6: one /64) may send for long; a burst is four times that. 0: no limit.
	PerSecond float64
	// GuessesPerSecond is the same for sign-in and second factors; 0: no limit.
	GuessesPerSecond float64

	Metrics *Metrics // nil: none are kept
	Now     func() time.Time
	Log     *slog.Logger

	once      sync.Once
	broker    *broker
	closing   chan struct{}
	closeOnce sync.Once
}

// Live is who knows the gateways' streams on this portal; *feed.Hub is one.
type Live interface {
	Status(id portal.GatewayID) feed.Status
	Subscribe() (events <-chan feed.Event, stop func())
	Metrics() feed.Metrics
}

func (s *Server) init() {
	s.once.Do(func() {
		s.broker = newBroker()
		s.closing = make(chan struct{})
	})
}

// CloseStreams ends every stream of events, so that a shutdown does not wait for browsers that listen.
func (s *Server) CloseStreams() {
	s.init()
	s.closeOnce.Do(func() { close(s.closing) })
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now().UTC()
	}
	return time.Now().UTC()
}

func (s *Server) renewWithin() time.Duration {
	if s.RenewWithin > 0 {
		return s.RenewWithin
	}
	return time.Hour
}

func (s *Server) overTLS() bool { return s.PublicURL.Scheme == "https" }
