package openvpn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sallyport/sallyport/peers/gateway/openvpn/management"
	"github.com/sallyport/sallyport/portal"
)

// A process that ends is started again after a pause that doubles, from the first to the longest. One that ran for long begins anew.
const (
	firstPause   = 200 * time.Millisecond
	longestPause = 30 * time.Second
	ranForLong   = time.Minute
)

// errChanged says that the process must run with another configuration.
var errChanged = errors.New("the configuration has changed")

// serve keeps the transport's process running.
func (s *Server) serve(ctx context.Context, t Transport) {
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := s.runOnce(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, errChanged) {
			s.Log.InfoContext(ctx, "restart openvpn: its configuration has changed", "transport", t.Name)
			continue
		}
		if time.Since(began) > ranForLong {
			failures = 0
		}
		pause := min(longestPause, firstPause<<min(failures, 10))
		pause -= rand.N(pause / 4)
		failures++
		s.Log.ErrorContext(ctx, "openvpn does not serve", "transport", t.Name, "port", t.Port, "again_in", pause, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// runOnce brings the transport up and follows it until it ends.
func (s *Server) runOnce(ctx context.Context, t Transport) error {
	node, err := s.awaitNode(ctx, t)
	if err != nil {
		return err
	}
	id, err := s.identityFor(ctx, node.OpenVPN.Trust)
	if err != nil {
		return err
	}
	config, err := s.config(t, node, id)
	if err != nil {
		return err
	}
	if err := ensureLink(t, node); err != nil {
		return err
	}
	p, err := s.process(ctx, t, config)
	if err != nil {
		return err
	}
	conn, err := s.dial(ctx, t, p)
	if err != nil {
		if ctx.Err() == nil {
			p.stop(ctx)
		}
		return err
	}
	defer func() { _ = conn.Close() }()
	watch, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if s.awaitChange(watch, t, config, id) {
			cancel(errChanged)
		}
	}()
	err = s.follow(watch, t, conn, p)
	s.leave(t)
	switch {
	case ctx.Err() != nil:
		return nil
	case errors.Is(context.Cause(watch), errChanged):
		p.stop(ctx)
		return errChanged
	case !p.gone(ctx, time.Second):
		return err // only the connection has ended: the next round takes the process over
	default:
		return p.problem()
	}
}

// awaitNode waits until the portal has said what this node serves.
func (s *Server) awaitNode(ctx context.Context, t Transport) (portal.Node, error) {
	for {
		s.mu.Lock()
		n := s.node
		s.mu.Unlock()
		if n.OpenVPN.Trust != "" && len(n.Pools) > 0 {
			return n, nil
		}
		select {
		case <-s.wakers[t.Name]:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
}

// awaitChange returns true when the process must run with another configuration, and false when ctx has ended.
func (s *Server) awaitChange(ctx context.Context, t Transport, config string, id identity) bool {
	renew := time.NewTimer(max(time.Minute, id.renewAt.Sub(s.Now())))
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-renew.C:
			return true
		case <-s.wakers[t.Name]:
		}
		s.mu.Lock()
		n := s.node
		s.mu.Unlock()
		if want, err := s.config(t, n, id); n.OpenVPN.Trust != id.Trust || err == nil && want != config {
			return true
		}
	}
}

// dial connects to the process's socket, which appears a moment after its start.
func (s *Server) dial(ctx context.Context, t Transport, p *process) (*management.Conn, error) {
	end := time.After(10 * time.Second)
	for {
		conn, err := management.Dial(ctx, s.socket(t))
		if err == nil {
			return conn, nil
		}
		if !p.alive() {
			return nil, p.problem()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-end:
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// bytecountEvery is how often openvpn tells what each client has sent and got, in seconds.
const bytecountEvery = "5"

// follow answers for the process until the connection or ctx ends.
func (s *Server) follow(ctx context.Context, t Transport, conn *management.Conn, p *process) error {
	for _, words := range [][]string{{"bytecount", bytecountEvery}, {"log", "on"}} {
		if _, err := conn.Do(ctx, words...); err != nil {
			return fmt.Errorf("set up the management connection: %w", err)
		}
	}
	if err := s.enter(ctx, t, conn, p); err != nil {
		return err
	}
	if !p.adopted {
		if _, err := conn.Do(ctx, "hold", "release"); err != nil {
			return fmt.Errorf("let openvpn begin: %w", err)
		}
	}
	p.adopted = true // another connection to it is a take-over
	for {
		m, err := conn.Next(ctx)
		if err != nil {
			return err
		}
		s.handle(ctx, t, conn, m)
	}
}

// enter takes the connection into use: it learns who is connected already, and ends the sessions that nobody can vouch for.
func (s *Server) enter(ctx context.Context, t Transport, conn *management.Conn, p *process) error {
	var rows []clientRow
	if p.adopted {
		lines, err := conn.List(ctx, "status", "3")
		if err != nil {
			return fmt.Errorf("ask openvpn who is connected: %w", err)
		}
		rows = parseStatus(lines)
	}
	defer s.changed() // without the lock: whoever is told asks for Ports
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[t.Name] = conn
	for _, r := range rows {
		key := sessionKey{t.Name, r.cid}
		x, known := s.kept(t, r.cid)
		if !known {
			s.end(ctx, key, &session{}, "RESTART,"+sayMoved)
			continue
		}
		x.seen, x.rx, x.tx = s.Now(), r.rx, r.tx
		s.sessions[key] = x
		if err := routeTo(t.Interface, x.V4, x.V6); err != nil {
			s.Log.WarnContext(ctx, "route to an OpenVPN client", "device", x.Key.Device, "err", err)
		}
	}
	s.endUnfit(ctx, func(*session) bool { return true })
	return nil
}

// leave forgets the transport's sessions: if they go on, the next connection learns of them.
func (s *Server) leave(t Transport) {
	defer s.changed()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, t.Name)
	for key := range s.sessions {
		if key.transport == t.Name {
			delete(s.sessions, key)
		}
	}
}

func (s *Server) changed() {
	if s.Changed != nil {
		s.Changed()
	}
}
