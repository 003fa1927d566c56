package wireguard

import (
	"errors"
	"net"
	"net/netip"
	"sync"

	"golang.zx2c4.com/wireguard/conn"
)

// Bind is wireguard-go's socket where its own is too open: that one always listens on every address. One packet a call, so it is for
// the demo and for tests.
type Bind struct {
	Listen func(port uint16) (net.PacketConn, error)

	mu   sync.Mutex
	sock net.PacketConn
}

// BindTo returns a Bind that listens on addr alone.
func BindTo(addr netip.Addr) *Bind {
	return &Bind{Listen: func(port uint16) (net.PacketConn, error) {
		return net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(addr, port)))
	}}
}

// Open starts to listen.
func (b *Bind) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sock != nil {
		return nil, 0, conn.ErrBindAlreadyOpen
	}
	sock, err := b.Listen(port)
	if err != nil {
		return nil, 0, err
	}
	udp, ok := sock.(*net.UDPConn)
	if !ok {
		return nil, 0, errors.Join(conn.ErrWrongEndpointType, sock.Close())
	}
	b.sock = sock
	receive := func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		n, from, err := udp.ReadFromUDPAddrPort(packets[0])
		if err != nil {
			return 0, err
		}
		sizes[0] = n
		eps[0] = &conn.StdNetEndpoint{AddrPort: netip.AddrPortFrom(from.Addr().Unmap(), from.Port())}
		return 1, nil
	}
	return []conn.ReceiveFunc{receive}, uint16(udp.LocalAddr().(*net.UDPAddr).Port), nil // a port fits
}

// Close stops it. It may be opened again.
func (b *Bind) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.sock == nil {
		return nil
	}
	err := b.sock.Close()
	b.sock = nil
	return err
}

// SetMark does nothing: marks need privileges that the users of Bind do not have.
func (b *Bind) SetMark(uint32) error { return nil }

// Send writes packets to one endpoint.
func (b *Bind) Send(bufs [][]byte, ep conn.Endpoint) error {
	to, ok := ep.(*conn.StdNetEndpoint)
	if !ok {
		return conn.ErrWrongEndpointType
	}
	b.mu.Lock()
	sock := b.sock
	b.mu.Unlock()
	if sock == nil {
		return net.ErrClosed
	}
	for _, p := range bufs {
		if _, err := sock.(*net.UDPConn).WriteToUDPAddrPort(p, to.AddrPort); err != nil {
			return err
		}
	}
	return nil
}

// ParseEndpoint reads "address:port".
func (b *Bind) ParseEndpoint(s string) (conn.Endpoint, error) {
	a, err := netip.ParseAddrPort(s)
	return &conn.StdNetEndpoint{AddrPort: a}, err
}

// BatchSize is one.
func (b *Bind) BatchSize() int { return 1 }
