package usernet

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/sallyport/sallyport/portal"
)

// ErrAddressTaken says that something listens there already.
var ErrAddressTaken = &portal.Error{Kind: portal.Conflict, Code: "address_taken", Msg: "Something listens on this address already."}

// Listen accepts the TCP connections that devices make to address. It makes address a host inside the network: it answers pings, and its
// other ports refuse. The remote address of a connection is the device's.
func (n *Net) Listen(address netip.AddrPort) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[address] != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, ErrAddressTaken)
	}
	l := &listener{net: n, address: address, conns: make(chan net.Conn), done: make(chan struct{})}
	n.listeners[address] = l
	n.hosts[address.Addr()]++
	return l, nil
}

// ListenCaptive accepts what devices in quarantine send to TCP port 80 anywhere, but for the hosts that they reach.
func (n *Net) ListenCaptive() net.Listener {
	l := &listener{net: n, address: netip.AddrPortFrom(netip.IPv4Unspecified(), 80), conns: make(chan net.Conn), done: make(chan struct{})}
	n.mu.Lock()
	n.captive = l
	n.mu.Unlock()
	n.filter.mu.Lock()
	n.filter.page = true
	n.filter.mu.Unlock()
	return l
}

type listener struct {
	net     *Net
	address netip.AddrPort
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

// serve gives c to whoever accepts, and returns when c has been closed.
func (l *listener) serve(ctx context.Context, c net.Conn) {
	watched := &watchedConn{Conn: c, closed: make(chan struct{})}
	select {
	case l.conns <- watched:
	case <-l.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-watched.closed:
	case <-ctx.Done():
	}
}

// Accept waits for the next connection of a device.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close stops listening. Connections that were accepted stay.
func (l *listener) Close() error {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	if l.net.listeners[l.address] == l {
		delete(l.net.listeners, l.address)
		l.net.hosts[l.address.Addr()]--
	}
	if l.net.captive == l {
		l.net.captive = nil
	}
	l.shut()
	return nil
}

func (l *listener) shut() { l.once.Do(func() { close(l.done) }) }

// Addr is where devices find it.
func (l *listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.address) }

// watchedConn tells when its user is done with it.
type watchedConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

// Close closes the connection.
func (c *watchedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { close(c.closed) })
	return err
}
