package usernet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"golang.zx2c4.com/wireguard/tun"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const nic = tcpip.NICID(1)

// Config is what a Net needs.
type Config struct {
	MTU  int              // bytes; 0: 1420
	Now  func() time.Time // nil: time.Now
	Log  *slog.Logger
	Dial func(ctx context.Context, network, address string) (net.Conn, error) // outward; nil: only registered addresses are reached
}

// Net is a packet device (tun.Device) for wireguard-go, with a filter and a network behind it.
type Net struct {
	cfg    Config
	filter *Filter
	stack  *stack.Stack
	link   *channel.Endpoint
	out    chan []byte // packets for the tunnel
	events chan tun.Event
	ctx    context.Context //nolint:containedctx // the life of the Net: Close ends it
	cancel context.CancelFunc
	pumped sync.WaitGroup
	closed sync.Once

	mu        sync.Mutex
	listeners map[netip.AddrPort]*listener
	captive   *listener          // for what quarantined devices send to TCP 80; nil: it is dropped
	hosts     map[netip.Addr]int // registered addresses, and how many listeners each has
	conns     map[*relay]struct{}
}

// New makes a Net. It reaches nobody until its Filter has been told who may what.
func New(cfg Config) (*Net, error) {
	if cfg.MTU == 0 {
		cfg.MTU = 1420
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	n := &Net{
		cfg: cfg, filter: &Filter{Now: cfg.Now}, link: channel.New(1024, uint32(cfg.MTU), ""),
		out: make(chan []byte, 1024), events: make(chan tun.Event, 1),
		listeners: map[netip.AddrPort]*listener{}, hosts: map[netip.Addr]int{}, conns: map[*relay]struct{}{},
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
		}),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	n.filter.onShrink = n.endForbidden
	sack := tcpip.TCPSACKEnabled(true)
	for what, err := range map[string]tcpip.Error{
		"selective acknowledgements": n.stack.SetTransportProtocolOption(tcp.ProtocolNumber, &sack),
		"interface":                  n.stack.CreateNIC(nic, n.link),
		"any destination":            n.stack.SetPromiscuousMode(nic, true),
		"any source":                 n.stack.SetSpoofing(nic, true),
	} {
		if err != nil {
			n.cancel()
			return nil, fmt.Errorf("make network stack: %s: %s", what, err)
		}
	}
	n.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}, {Destination: header.IPv6EmptySubnet, NIC: nic}})
	n.forward()
	n.events <- tun.EventUp
	n.pumped.Add(1)
	go n.pump()
	return n, nil
}

// Filter is where the policy goes in.
func (n *Net) Filter() *Filter { return n.filter }

// pump moves what the stack sends to the tunnel, past the filter.
func (n *Net) pump() {
	defer n.pumped.Done()
	for {
		pkt := n.link.ReadContext(n.ctx)
		if pkt == nil {
			return // closed
		}
		view := pkt.ToView()
		pkt.DecRef()
		b := append([]byte(nil), view.AsSlice()...)
		view.Release()
		if !n.filter.toTunnel(b) {
			continue
		}
		select {
		case n.out <- b:
		case <-n.ctx.Done():
			return
		}
	}
}

// Write takes decrypted packets of devices.
func (n *Net) Write(bufs [][]byte, offset int) (int, error) {
	if n.ctx.Err() != nil {
		return 0, os.ErrClosed
	}
	for _, buf := range bufs {
		b := buf[offset:]
		switch n.filter.fromTunnel(b) {
		case between:
			select {
			case n.out <- append([]byte(nil), b...):
			default: // as a router whose queue is full
			}
		case inward:
			if n.answers(b) {
				n.inject(b)
			}
		case drop:
		}
	}
	return len(bufs), nil
}

// answers keeps pings to foreign hosts from the stack, which would answer in their name.
func (n *Net) answers(b []byte) bool {
	p, ok := parse(b)
	if !ok || !p.request {
		return ok
	}
	n.filter.mu.Lock()
	self := n.filter.self[p.dst]
	n.filter.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	return self || n.hosts[p.dst] > 0
}

func (n *Net) inject(b []byte) {
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(b)})
	defer pkt.DecRef()
	if b[0]>>4 == 4 {
		n.link.InjectInbound(ipv4.ProtocolNumber, pkt)
	} else {
		n.link.InjectInbound(ipv6.ProtocolNumber, pkt)
	}
}

// Read gives wireguard-go a packet for a device.
func (n *Net) Read(bufs [][]byte, sizes []int, offset int) (int, error) {
	select {
	case b := <-n.out:
		sizes[0] = copy(bufs[0][offset:], b)
		return 1, nil
	case <-n.ctx.Done():
		return 0, os.ErrClosed
	}
}

// Close ends everything that goes through the Net.
func (n *Net) Close() error {
	n.closed.Do(func() {
		n.cancel()
		n.pumped.Wait()
		n.mu.Lock()
		for _, l := range n.listeners {
			l.shut()
		}
		for r := range n.conns {
			r.abort()
		}
		n.mu.Unlock()
		n.stack.Close()
		n.link.Close()
		close(n.events)
	})
	return nil
}

// File is nil: there is no file behind it.
func (n *Net) File() *os.File { return nil }

// MTU is that of the Config.
func (n *Net) MTU() (int, error) { return n.cfg.MTU, nil }

// Name is for messages.
func (n *Net) Name() (string, error) { return "usernet", nil }

// Events says once that the device is up, and ends with it.
func (n *Net) Events() <-chan tun.Event { return n.events }

// BatchSize is one.
func (n *Net) BatchSize() int { return 1 }

// ErrNoRoute says that a destination is neither registered nor to be dialled.
var ErrNoRoute = errors.New("no way to this destination")
