package usernet

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Try tries a destination as a device's flow would be carried to it: to a listener of this process, or outward. What a listener gets is
// closed before it hears of it. Packets inside the process are counted as the handshake would have had them.
func (n *Net) Try(ctx context.Context, p portal.Probe) portal.ProbeResult {
	start := time.Now()
	r := n.try(ctx, p)
	r.Took = time.Since(start)
	return r
}

func (n *Net) try(ctx context.Context, p portal.Probe) portal.ProbeResult {
	if p.Transport == portal.ICMP {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.hosts[p.To] > 0 {
			return portal.ProbeResult{Outcome: portal.ProbeAnswered, Sent: 1, Received: 1}
		}
		return portal.ProbeResult{Outcome: portal.ProbeUnable} // pings to other hosts do not leave this process
	}
	far, l, err := n.reach(ctx, "tcp", flowKey{dst: p.To, dport: p.Port})
	if far != nil {
		_ = far.Close()
	}
	switch {
	case err == nil && (l != nil || far != nil):
		return portal.ProbeResult{Outcome: portal.ProbeAnswered, Sent: 2, Received: 1} // SYN, SYN-ACK, ACK
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, ErrNoRoute):
		return portal.ProbeResult{Outcome: portal.ProbeRefused, Sent: 1, Received: 1}
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return portal.ProbeResult{Outcome: portal.ProbeUnreachable, Sent: 1}
	}
	return portal.ProbeResult{Outcome: portal.ProbeSilent, Sent: 1}
}
