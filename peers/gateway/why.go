package gateway

import (
	"context"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Why a device is in quarantine, for the page that its browser is sent to.
const (
	WhyEnded = "session_ended"
	WhyIdle  = "idle"
	WhyHeld  = "held" // by an admin or by posture; the portal knows more
)

// Why says why the device with this address is in quarantine, "" when it is not, or when there is no time to look: to look through the entries is
// bounded to a twentieth of the time, whatever devices ask.
func (a *Agent) Why(ctx context.Context, addr netip.Addr) string {
	a.mu.Lock()
	now := a.Now()
	if now.Before(a.nextWhy) {
		a.mu.Unlock()
		return ""
	}
	a.nextWhy = now.Add(time.Minute) // until it has looked
	a.mu.Unlock()
	answer := make(chan string, 1)
	look := func() {
		start := a.Now()
		why := a.why(addr, start)
		a.mu.Lock()
		a.nextWhy = a.Now().Add(20 * a.Now().Sub(start))
		a.mu.Unlock()
		answer <- why
	}
	select {
	case a.ask <- look:
		return <-answer
	case <-a.stopped:
	case <-ctx.Done():
	}
	a.mu.Lock()
	a.nextWhy = now
	a.mu.Unlock()
	return ""
}

func (a *Agent) why(addr netip.Addr, now time.Time) string {
	for _, e := range a.state.Entries {
		if e.V4 != addr && e.V6 != addr {
			continue
		}
		switch {
		case a.as(e).Level != portal.LevelQuarantine:
			return ""
		case e.Level != portal.LevelFull && e.Level != portal.LevelRestricted:
			return WhyHeld
		case a.peers.isIdled(e):
			return WhyIdle
		}
		return WhyEnded
	}
	return ""
}

// Portal is the URL to send browsers of devices in quarantine to, "" when it is not known.
func (a *Agent) Portal() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.node.Portal
}

// Addresses is where the gateway is inside the tunnel, in the first of its pools.
func (a *Agent) Addresses() []netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.node.Pools {
		if p.Validate() == nil {
			at := p.At(portal.PoolGateway)
			return []netip.Addr{at.V4, at.V6}
		}
	}
	return nil
}
