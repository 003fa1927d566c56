package openvpn

import (
	"context"
	"strings"

	"github.com/sallyport/sallyport/peers/gateway/openvpn/management"
	"github.com/sallyport/sallyport/portal"
)

// handle takes what openvpn says.
func (s *Server) handle(ctx context.Context, t Transport, conn *management.Conn, m management.Message) {
	switch m := m.(type) {
	case management.Client:
		s.client(ctx, t, conn, m)
	case management.ByteCount:
		s.mu.Lock()
		if x, there := s.sessions[sessionKey{t.Name, m.CID}]; there {
			x.seen, x.rx, x.tx = s.Now(), m.In, m.Out
		}
		s.mu.Unlock()
	case management.Log:
		if strings.ContainsAny(m.Flags, "FNW") {
			s.Log.WarnContext(ctx, "openvpn", "transport", t.Name, "says", m.Text)
		} else {
			s.Log.DebugContext(ctx, "openvpn", "transport", t.Name, "says", m.Text)
		}
	case management.Fatal:
		s.Log.ErrorContext(ctx, "openvpn ends", "transport", t.Name, "says", m.Text)
	default:
	}
}

func (s *Server) client(ctx context.Context, t Transport, conn *management.Conn, c management.Client) {
	var err error
	switch c.Kind {
	case management.Connect:
		err = s.connect(ctx, t, conn, c)
	case management.Reauth:
		err = s.reauth(ctx, t, conn, c)
	case management.Disconnect:
		s.disconnect(ctx, t, c.CID)
	case management.Established:
		s.mu.Lock()
		if x, there := s.sessions[sessionKey{t.Name, c.CID}]; there {
			s.Log.InfoContext(ctx, "OpenVPN client connected", "device", x.Key.Device, "transport", t.Name, "from", x.Endpoint)
		}
		s.mu.Unlock()
	default:
	}
	if err != nil {
		s.Log.WarnContext(ctx, "answer openvpn about a client", "transport", t.Name, "kind", c.Kind, "err", err)
	}
}

// connect decides about a client that wants to come in: openvpn has checked its certificate against the authorities, and this looks whether that very
// certificate is a device's now.
func (s *Server) connect(ctx context.Context, t Transport, conn *management.Conn, c management.Client) error {
	cert, ok := certificateOf(c.Env)
	if !ok {
		return conn.Deny(ctx, c.CID, c.KID, "no certificate", sayUnknown)
	}
	s.mu.Lock()
	e, known := s.byCert[cert]
	node := s.node
	if !known {
		s.mu.Unlock()
		s.Log.InfoContext(ctx, "OpenVPN client refused", "certificate", cert, "transport", t.Name, "from", endpointOf(c.Env))
		return conn.Deny(ctx, c.CID, c.KID, "no device has this certificate", sayUnknown)
	}
	config, err := clientConfig(t, node, e)
	if err != nil {
		s.mu.Unlock()
		s.Log.ErrorContext(ctx, "configure an OpenVPN client", "device", e.Device, "err", err)
		return conn.Deny(ctx, c.CID, c.KID, "not configured", sayNotYet)
	}
	x := &session{Key: e.EntryKey, Cert: cert, V4: e.V4, V6: e.V6, Endpoint: endpointOf(c.Env), Since: s.Now(), seen: s.Now()}
	key := sessionKey{t.Name, c.CID}
	for other, y := range s.sessions {
		if other != key && y.Key.Device == e.Device && !y.killed {
			s.end(ctx, other, y, "HALT,"+sayTwice) // one at a time: a copied file cannot be used beside the device
		}
	}
	s.sessions[key] = x // from here on a change of the entry ends it
	err = s.keep(t, c.CID, x)
	if err == nil {
		err = routeTo(t.Interface, x.V4, x.V6)
	}
	s.mu.Unlock()
	if err != nil {
		s.Log.ErrorContext(ctx, "prepare for an OpenVPN client", "device", e.Device, "err", err)
		return conn.Deny(ctx, c.CID, c.KID, "not prepared", sayNotYet)
	}
	return conn.Allow(ctx, c.CID, c.KID, config)
}

// reauth decides about a client that negotiates a new key, with the same certificate or none.
func (s *Server) reauth(ctx context.Context, t Transport, conn *management.Conn, c management.Client) error {
	cert, ok := certificateOf(c.Env)
	s.mu.Lock()
	x, there := s.sessions[sessionKey{t.Name, c.CID}]
	fits := ok && there && x.Cert == cert
	if fits {
		_, unfit := s.unfit(x)
		fits = !unfit
	}
	s.mu.Unlock()
	if fits {
		return conn.Allow(ctx, c.CID, c.KID, nil)
	}
	if err := conn.Deny(ctx, c.CID, c.KID, "not this device's certificate now", sayUnknown); err != nil {
		return err
	}
	return conn.Kill(ctx, c.CID, "HALT,"+sayUnknown)
}

func (s *Server) disconnect(ctx context.Context, t Transport, cid uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sessionKey{t.Name, cid}
	x, there := s.sessions[key]
	if !there {
		return
	}
	delete(s.sessions, key)
	s.unkeep(t, cid)
	if !s.connected(t, x.Key) {
		unroute(t.Interface, x.V4, x.V6)
	}
	s.Log.InfoContext(ctx, "OpenVPN client gone", "device", x.Key.Device, "transport", t.Name)
}

// connected reports whether the device has another session of the same transport.
func (s *Server) connected(t Transport, e portal.EntryKey) bool {
	for key, x := range s.sessions {
		if key.transport == t.Name && x.Key == e {
			return true
		}
	}
	return false
}
