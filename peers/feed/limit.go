package feed

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What one address may ask without a certificate. A token has 256 bits, so this is against load and not against guessing.
const (
	enrolEvery    = 2 * time.Second
	enrolBurst    = 20
	limiterPlaces = 10_000
)

// limiter bounds how often each address may ask. When it knows too many addresses it forgets them all: that only gives back bursts.
type limiter struct {
	mu    sync.Mutex
	known map[netip.Prefix]*rate.Limiter
	every rate.Limit
}

func newLimiter() *limiter {
	return &limiter{known: map[netip.Prefix]*rate.Limiter{}, every: rate.Every(enrolEvery)}
}

// allow reports whether addr may ask now. IPv6 addresses of one /64 count as one.
func (l *limiter) allow(addr netip.Addr, now time.Time) bool {
	addr = addr.Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, _ := addr.WithZone("").Prefix(bits)
	l.mu.Lock()
	defer l.mu.Unlock()
	one, ok := l.known[p]
	if !ok {
		if len(l.known) >= limiterPlaces {
			clear(l.known)
		}
		one = rate.NewLimiter(l.every, enrolBurst)
		l.known[p] = one
	}
	return one.AllowN(now, 1)
}
