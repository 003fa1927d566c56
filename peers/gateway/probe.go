package gateway

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// Prober tries a destination from the gateway's side, until ctx ends at the latest.
type Prober interface {
	Try(ctx context.Context, p portal.Probe) portal.ProbeResult
}

// Probe tries a destination for the portal. It does not take the portal's word for what may be tried: only a single host in the networks
// behind this gateway is, and only by a TCP connect or an echo.
func (a *Agent) Probe(ctx context.Context, p portal.Probe) portal.ProbeResult {
	a.mu.Lock()
	node := a.node
	a.mu.Unlock()
	p.To = p.To.Unmap()
	switch {
	case !node.Behind(p.To):
		return portal.ProbeResult{Outcome: portal.ProbeOutside}
	case a.Prober == nil, p.Transport == portal.TCP && p.Port == 0, p.Transport != portal.TCP && p.Transport != portal.ICMP:
		return portal.ProbeResult{Outcome: portal.ProbeUnable}
	}
	return a.Prober.Try(ctx, p)
}
