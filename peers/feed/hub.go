package feed

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sallyport/sallyport/portal"
)

// Hub is the portal's end: it follows the log and tells each gateway what its PoP serves. Fill the fields, then Run it and Serve.
type Hub struct {
	Control    Control
	Now        func() time.Time
	Log        *slog.Logger
	Quarantine []portal.Destination // all that a quarantined device reaches: the portal and remediation hosts
	Filtering  []netip.Addr         // the resolvers of devices at portal.LevelRestricted
	Portal     string               // the URL that browsers know it by
	Grace      time.Duration        // without any portal a gateway serves for so long; 0: 24 h
	Poll       time.Duration        // how often to look at the log without being woken; 0: 2 s
	Beat       time.Duration        // how often a stream says that it is alive; 0: 15 s
	Keep       int                  // bytes of the newest changes that are kept for streams that are behind, for each view; 0: 8 MiB

	once  sync.Once
	wake  chan struct{} // somebody asks for a stream
	dirty chan struct{} // there are reports to store
	limit *limiter

	mu      sync.Mutex
	asks    []*ask
	ended   bool
	book    *book
	views   map[scope]*view
	scopes  map[portal.PoPID]scope
	streams map[portal.GatewayID]*stream
	epochs  uint64 // the newest epoch that was looked at
	notes   uint64 // Position.Notes that was seen or made here
	history map[portal.GatewayID]*history
	reports map[portal.GatewayID]*GatewayReport // to be stored
	events  subscribers
	figures figures
}

// History is what is remembered of a gateway while the portal runs, over all of its streams.
type history struct {
	snapshots, mismatches int
}

const (
	defaultPoll = 2 * time.Second
	defaultBeat = 15 * time.Second
)

func (h *Hub) init() {
	h.once.Do(func() {
		if h.Poll == 0 {
			h.Poll = defaultPoll
		}
		if h.Beat == 0 {
			h.Beat = defaultBeat
		}
		if h.Keep == 0 {
			h.Keep = ringBytes
		}
		h.wake, h.dirty = make(chan struct{}, 1), make(chan struct{}, 1)
		h.limit = newLimiter()
		h.streams, h.history = map[portal.GatewayID]*stream{}, map[portal.GatewayID]*history{}
		h.reports = map[portal.GatewayID]*GatewayReport{}
		h.figures = newFigures()
	})
}

// Run follows the log until ctx ends, which is not an error. All streams end with it.
func (h *Hub) Run(ctx context.Context) error {
	h.init()
	defer h.end()
	var g errgroup.Group
	g.Go(func() error { h.follow(ctx); return nil })
	g.Go(func() error { h.saveReports(ctx); return nil })
	return g.Wait()
}

// follow looks at the log whenever something may have changed.
func (h *Hub) follow(ctx context.Context) {
	hint, stop := h.Control.Changes()
	defer stop()
	poll := time.NewTicker(h.Poll)
	defer poll.Stop()
	for failures := 0; ; {
		if err := h.step(ctx); err != nil && ctx.Err() == nil {
			h.Log.ErrorContext(ctx, "follow the feed log", "err", err)
			failures++
		} else {
			failures = 0
		}
		var retry <-chan time.Time
		if failures > 0 {
			retry = time.After(min(h.Poll, 50*time.Millisecond<<min(failures, 10)))
		}
		select {
		case <-ctx.Done():
			return
		case <-hint:
		case <-h.wake:
		case <-poll.C:
			h.tidy()
		case <-retry:
		}
	}
}

// end closes every stream and refuses new ones.
func (h *Hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	for _, s := range h.streams {
		s.end(byeShutdown)
	}
	for _, a := range h.asks {
		a.done <- portal.ErrUnavailable
	}
	h.asks = nil
}

// tidy gives back the memory of snapshots that nobody asked for lately.
func (h *Hub) tidy() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.views {
		if v.snap != nil && h.Now().Sub(v.snap.usedAt) > time.Minute {
			v.snap = nil
		}
	}
}

// pulse wakes whoever waits on ch, and is content when it is awake already.
func pulse(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
