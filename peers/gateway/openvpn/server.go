package openvpn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/openvpn/management"
	"github.com/sallyport/sallyport/portal"
)

var _ gateway.CertTunnel = (*Server)(nil)

// Server is a gateway.CertTunnel of openvpn processes. Fill the exported fields, then Run it; the agent calls the rest.
type Server struct {
	Dir         string // for sockets, sessions and the server's identity; mode 0700
	Program     string // "": openvpn, from the usual folders
	User, Group string // who openvpn becomes when it has bound its port; "": it stays who the agent is
	Transports  []Transport
	Ask         func(ctx context.Context, csr []byte) (Grant, error) // gives a certificate for the node's own key
	Changed     func()                                               // called when a transport begins or ceases to serve; must not block. nil: nobody
	Now         func() time.Time
	Log         *slog.Logger

	once   sync.Once
	wakers map[string]chan struct{} // by transport: the node may have changed

	identity sync.Mutex // held while it is read, asked for and kept

	mu       sync.Mutex
	node     portal.Node
	byCert   map[portal.CertificateID]portal.Entry
	certs    map[portal.EntryKey]portal.CertificateID
	sessions map[sessionKey]*session
	conns    map[string]*management.Conn // by transport, while it serves
}

func (s *Server) init() {
	s.once.Do(func() {
		s.wakers, s.byCert, s.certs = map[string]chan struct{}{}, map[portal.CertificateID]portal.Entry{}, map[portal.EntryKey]portal.CertificateID{}
		s.sessions, s.conns = map[sessionKey]*session{}, map[string]*management.Conn{}
		for _, t := range s.Transports {
			s.wakers[t.Name] = make(chan struct{}, 1)
		}
	})
}

// Run keeps a process for each transport until ctx ends, which is not an error. The processes go on.
func (s *Server) Run(ctx context.Context) error {
	s.init()
	if len(s.Transports) == 0 {
		return nil
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("folder for openvpn: %w", err)
	}
	tasks, ctx := errgroup.WithContext(ctx)
	for _, t := range s.Transports {
		tasks.Go(func() error { s.serve(ctx, t); return nil })
	}
	return tasks.Wait()
}

// Interfaces are the names of the transports' interfaces.
func (s *Server) Interfaces() []string {
	var names []string
	for _, t := range s.Transports {
		names = append(names, t.Interface)
	}
	return names
}

// Ports are the transports that serve at this moment.
func (s *Server) Ports() portal.OpenVPNPorts {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	var p portal.OpenVPNPorts
	for _, t := range s.Transports {
		switch {
		case s.conns[t.Name] == nil:
		case t.Name == "udp":
			p.UDP = t.Port
		default:
			p.TCP = t.Port
		}
	}
	return p
}

// Configure notes the node; processes follow by themselves. Clients of a profile that tells them something else now are asked to connect again.
func (s *Server) Configure(ctx context.Context, n portal.Node) error {
	s.init()
	s.mu.Lock()
	before := s.node.OpenVPN.Push
	s.node = n
	for key, x := range s.sessions {
		if old, known := before[x.Key.Profile]; known && !x.killed && !old.Equal(n.OpenVPN.Push[x.Key.Profile]) {
			s.end(ctx, key, x, "RESTART,"+sayMoved)
		}
	}
	s.mu.Unlock()
	for _, w := range s.wakers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	return nil
}

// Apply follows changed entries.
func (s *Server) Apply(ctx context.Context, entries []portal.EntryDelta) error {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := map[portal.EntryKey]bool{}
	for _, d := range entries {
		if d.Old != nil && !d.Old.Cert.IsZero() {
			s.forget(d.Old.EntryKey)
			touched[d.Old.EntryKey] = true
		}
	}
	for _, d := range entries {
		if d.New != nil && !d.New.Cert.IsZero() {
			s.know(*d.New)
		}
	}
	if len(touched) > 0 {
		s.endUnfit(ctx, func(x *session) bool { return touched[x.Key] })
	}
	return nil
}

// Sync makes those who may connect exactly the entries with a certificate.
func (s *Server) Sync(ctx context.Context, entries map[portal.EntryKey]portal.Entry) (repaired int, err error) {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range maps.Clone(s.certs) {
		if e, there := entries[key]; !there || e.Cert != s.certs[key] {
			s.forget(key)
		}
	}
	for _, e := range entries {
		if !e.Cert.IsZero() {
			s.know(e)
		}
	}
	s.endUnfit(ctx, func(*session) bool { return true })
	return 0, nil
}

func (s *Server) know(e portal.Entry) { s.byCert[e.Cert], s.certs[e.EntryKey] = e, e.Cert }

func (s *Server) forget(key portal.EntryKey) {
	if cert, there := s.certs[key]; there {
		delete(s.certs, key)
		if s.byCert[cert].EntryKey == key { // else the certificate has moved on, with the device, to another profile
			delete(s.byCert, cert)
		}
	}
}

// What clients are told, and their people read in the client's log.
const (
	sayGone    = "This device may not connect any more: it was revoked or suspended, or its access has ended. Ask the portal."
	sayNewCert = "This device has a newer certificate. Use the newest file that the portal gave for it."
	sayMoved   = "The settings of this device have changed."
	sayTwice   = "This device has connected again from somewhere else."
	sayUnknown = "This certificate is not in use. Get a new file from the portal."
	sayNotYet  = "This gateway is not ready for this device yet. Try again."
)

// unfit says how to end a session that must not go on as it is.
func (s *Server) unfit(x *session) (message string, unfit bool) {
	cert, there := s.certs[x.Key]
	e := s.byCert[cert]
	switch {
	case !there:
		return "HALT," + sayGone, true
	case cert != x.Cert:
		return "HALT," + sayNewCert, true
	case e.V4 != x.V4 || e.V6 != x.V6:
		return "RESTART," + sayMoved, true
	default:
		return "", false
	}
}

// endUnfit ends those of the sessions that must not go on. The filter has cut them already; this tells their clients.
func (s *Server) endUnfit(ctx context.Context, among func(*session) bool) {
	for key, x := range s.sessions {
		if x.killed || !among(x) {
			continue
		}
		if message, unfit := s.unfit(x); unfit {
			s.end(ctx, key, x, message)
		}
	}
}

// end tells openvpn to end a session, without waiting.
func (s *Server) end(ctx context.Context, key sessionKey, x *session, message string) {
	conn := s.conns[key.transport]
	if conn == nil {
		return // whoever connects to the process looks at all of its sessions
	}
	x.killed = true
	unroute(s.interfaceOf(key.transport), x.V4, x.V6) // the address may be another device's at once
	s.Log.InfoContext(ctx, "end an OpenVPN session", "device", x.Key.Device, "transport", key.transport, "message", message)
	ctx = context.WithoutCancel(ctx)
	go func() {
		if err := conn.Kill(ctx, key.cid, message); err != nil && !errors.Is(err, management.ErrRefused) { // refused: it has gone by itself
			s.Log.WarnContext(ctx, "end an OpenVPN session", "device", x.Key.Device, "transport", key.transport, "err", err)
		}
	}()
}

func (s *Server) interfaceOf(transport string) string {
	for _, t := range s.Transports {
		if t.Name == transport {
			return t.Interface
		}
	}
	return ""
}

// Live lists the sessions.
func (s *Server) Live() []gateway.Session {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	newest := make(map[portal.EntryKey]gateway.Session, len(s.sessions))
	for _, x := range s.sessions {
		if x.killed {
			continue
		}
		seen := x.seen.Truncate(time.Minute) // it would else be news every few seconds
		if seen.Before(x.Since) {
			seen = x.Since
		}
		now := gateway.Session{Entry: x.Key, Endpoint: x.Endpoint, Seen: seen, Rx: x.rx, Tx: x.tx}
		if old, there := newest[x.Key]; !there || old.Seen.Before(now.Seen) {
			newest[x.Key] = now
		}
	}
	return slices.Collect(maps.Values(newest))
}
