package captive

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Port is where the page is on the gateway's own addresses inside the tunnel. Filters lead there what devices in quarantine send to TCP 80.
const Port = 8479

// Follow serves the page at Port of each of the addresses, which come and go, until ctx ends, which is not an error.
func (p *Page) Follow(ctx context.Context, addresses func() []netip.Addr) error {
	var all sync.WaitGroup
	defer all.Wait()
	open := map[netip.Addr]context.CancelFunc{}
	every := p.Every
	if every == 0 {
		every = 2 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	ended := make(chan netip.Addr)
	for {
		want := addresses()
		for a, stop := range open {
			if !slices.Contains(want, a) {
				stop()
				delete(open, a)
			}
		}
		for _, a := range want {
			if open[a] != nil {
				continue
			}
			l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", netip.AddrPortFrom(a, Port).String())
			if err != nil {
				p.Log.DebugContext(ctx, "serve the page of quarantine", "address", a, "err", err) // the interface may not be there yet
				continue
			}
			life, stop := context.WithCancel(ctx)
			open[a] = stop
			all.Go(func() {
				if err := p.Serve(life, l); err != nil {
					p.Log.WarnContext(life, "serve the page of quarantine", "address", a, "err", err)
				}
				select {
				case ended <- a:
				case <-life.Done():
				}
			})
		}
		select {
		case <-ctx.Done():
			for _, stop := range open {
				stop()
			}
			return nil
		case a := <-ended:
			if stop := open[a]; stop != nil {
				stop()
				delete(open, a)
			}
		case <-tick.C:
		}
	}
}
