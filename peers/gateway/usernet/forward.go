package usernet

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	maxRelays   = 4096 // flows ended in this process at a time
	maxHalfOpen = 512  // TCP handshakes that wait for the far end
	dialTimeout = 10 * time.Second
	readBuffer  = 64 << 10
)

// forward hands every flow that reaches the stack to a relay.
func (n *Net) forward() {
	t := tcp.NewForwarder(n.stack, 0, maxHalfOpen, func(r *tcp.ForwarderRequest) { go n.relayTCP(r) })
	n.stack.SetTransportProtocolHandler(tcp.ProtocolNumber, t.HandlePacket)
	u := udp.NewForwarder(n.stack, n.relayUDP)
	n.stack.SetTransportProtocolHandler(udp.ProtocolNumber, u.HandlePacket)
}

func keyOf(id stack.TransportEndpointID, proto uint8) (flowKey, bool) {
	src, ok1 := netip.AddrFromSlice(id.RemoteAddress.AsSlice())
	dst, ok2 := netip.AddrFromSlice(id.LocalAddress.AsSlice())
	return flowKey{src, dst, proto, id.RemotePort, id.LocalPort}, ok1 && ok2
}

// relay is one flow that ends here, with its far end.
type relay struct {
	key       flowKey
	mu        sync.Mutex
	near, far net.Conn
	endpoint  interface{ Abort() } // of the near side; nil before it is made
	aborted   bool
	captive   bool // it ends at the page
}

// abort ends both sides at once.
func (r *relay) abort() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.aborted = true
	if r.endpoint != nil {
		r.endpoint.Abort()
	}
	for _, c := range []net.Conn{r.near, r.far} {
		if c != nil {
			_ = c.Close()
		}
	}
}

// set puts the two sides in, unless the flow was ended in the meantime.
func (r *relay) set(near, far net.Conn, endpoint interface{ Abort() }) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.near, r.far, r.endpoint = near, far, endpoint
	return !r.aborted
}

func (n *Net) begin(k flowKey) *relay {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.conns) >= maxRelays || n.ctx.Err() != nil {
		return nil
	}
	r := &relay{key: k, captive: n.filter.isCaptive(k)}
	n.conns[r] = struct{}{}
	return r
}

func (n *Net) end(r *relay) {
	r.abort()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, r)
}

// endForbidden ends the flows whose device may not go on with them.
func (n *Net) endForbidden() {
	n.mu.Lock()
	all := make([]*relay, 0, len(n.conns))
	for r := range n.conns {
		all = append(all, r)
	}
	n.mu.Unlock()
	for _, r := range all {
		if !r.captive && !n.filter.allowed(r.key) || r.captive && !n.filter.isCaptive(r.key) {
			r.abort()
		}
	}
}

func (n *Net) relayTCP(req *tcp.ForwarderRequest) {
	k, ok := keyOf(req.ID(), protoTCP)
	r := n.begin(k)
	if !ok || r == nil {
		req.Complete(true)
		return
	}
	defer n.end(r)
	far, listener, err := n.reach(n.ctx, "tcp", k)
	if err != nil {
		req.Complete(true) // refused, as a host that does not listen would
		return
	}
	var wq waiter.Queue
	ep, tcpErr := req.CreateEndpoint(&wq)
	if tcpErr != nil {
		req.Complete(true)
		if far != nil {
			_ = far.Close()
		}
		return
	}
	req.Complete(false)
	ep.SocketOptions().SetKeepAlive(true)
	near := gonet.NewTCPConn(&wq, ep)
	if !r.set(near, far, ep) {
		return
	}
	if listener != nil {
		listener.serve(n.ctx, near)
		return
	}
	splice(near, far)
}

// relayUDP is called for the first datagram of a flow. One that leads nowhere is dropped, as a network does.
func (n *Net) relayUDP(req *udp.ForwarderRequest) {
	k, ok := keyOf(req.ID(), protoUDP)
	if !ok || n.cfg.Dial == nil {
		return
	}
	r := n.begin(k)
	if r == nil {
		return
	}
	var wq waiter.Queue
	ep, tcpErr := req.CreateEndpoint(&wq)
	if tcpErr != nil {
		n.end(r)
		return
	}
	go func() {
		defer n.end(r)
		near := gonet.NewUDPConn(&wq, ep)
		far, _, err := n.reach(n.ctx, "udp", k)
		if err != nil {
			_ = near.Close()
			return
		}
		if r.set(near, far, ep) {
			exchange(near, far)
		}
	}()
}

// reach finds the far end of a flow: a listener of this process, or a connection outward.
func (n *Net) reach(ctx context.Context, network string, k flowKey) (net.Conn, *listener, error) {
	to := netip.AddrPortFrom(k.dst, k.dport)
	if network == "tcp" && n.filter.isCaptive(k) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.captive == nil {
			return nil, nil, ErrNoRoute
		}
		return nil, n.captive, nil
	}
	n.mu.Lock()
	l, host := n.listeners[to], n.hosts[k.dst] > 0
	n.mu.Unlock()
	if network == "tcp" && l != nil {
		return nil, l, nil
	}
	if host || n.cfg.Dial == nil || !dialable(k.dst) {
		return nil, nil, ErrNoRoute
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := n.cfg.Dial(ctx, network, to.String())
	return c, nil, err
}

// dialable keeps devices from the machine that the gateway runs on: its loopback and its own addresses are not behind the gateway.
func dialable(a netip.Addr) bool {
	if a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return false
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(own, func(x net.Addr) bool {
		p, err := netip.ParsePrefix(x.String())
		return err == nil && p.Addr().Unmap() == a
	})
}

// splice copies both ways until both have ended. An end of one direction is passed on as one.
func splice(a, b net.Conn) {
	var both sync.WaitGroup
	oneWay := func(dst, src net.Conn) {
		defer both.Done()
		_, _ = io.Copy(dst, src)
		if c, ok := dst.(interface{ CloseWrite() error }); ok {
			_ = c.CloseWrite()
		}
	}
	both.Add(2)
	go oneWay(a, b)
	go oneWay(b, a)
	both.Wait()
}

// exchange copies datagrams both ways until neither side has sent any for idleUDP.
func exchange(a, b net.Conn) {
	var both sync.WaitGroup
	oneWay := func(dst, src net.Conn) {
		defer both.Done()
		buf := make([]byte, readBuffer)
		for {
			now := time.Now()
			if errors.Join(src.SetReadDeadline(now.Add(idleUDP)), dst.SetReadDeadline(now.Add(idleUDP))) != nil {
				return
			}
			size, err := src.Read(buf)
			if err != nil {
				_, _ = dst.Close(), src.Close()
				return
			}
			if _, err := dst.Write(buf[:size]); err != nil {
				return
			}
		}
	}
	both.Add(2)
	go oneWay(a, b)
	go oneWay(b, a)
	both.Wait()
}
