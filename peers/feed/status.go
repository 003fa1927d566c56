package feed

import (
	"net/netip"
	"sort"
	"sync"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Status is the live state of a gateway's stream on this portal.
type Status struct {
	Connected  bool
	Since      time.Time // when the stream began
	Addr       netip.AddrPort
	SeenAt     time.Time // last report
	Applied    uint64
	Head       uint64 // newest revision of the log that this portal has seen; Applied follows it within a heartbeat even when nothing concerns the gateway
	Behind     bool   // there is a change that it has not applied yet
	HashOK     bool   // what it last reported agreed with what it should have
	Problem    string
	Version    string
	Dialect    int // that it understands; see portal.Dialect
	Withheld   int // rules and devices that it is told of in a narrower form, because it would not understand them
	Drift      int
	ApplyTook  time.Duration
	Latency    time.Duration // from the commit of the newest change to its application; 0: none was sent yet
	Snapshots  int           // sent by this portal since it started
	Mismatches int           // hashes that did not agree, since it started
}

// Status returns the live state of a gateway's stream on this portal. The zero Status means that it has none here.
func (h *Hub) Status(id portal.GatewayID) Status {
	h.init() // it may be asked while Run begins
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[id]
	if s == nil || s.history == nil {
		return Status{}
	}
	dialect, withheld := s.dialect, h.withheld(s.view)
	_, behind := s.view.ring.newest(s.report.Revision, h.book.revision)
	return Status{
		Connected: true, Since: s.began, Addr: s.addr, SeenAt: s.seenAt, Applied: s.report.Revision, Head: h.book.revision,
		Behind: behind || s.first != nil || s.wantSnapshot || s.report.Full < s.full, HashOK: s.hashOK, Dialect: dialect, Withheld: withheld, Problem: s.report.Problem, Version: s.report.Version,
		Drift: s.report.Drift, ApplyTook: time.Duration(s.report.Took) * time.Microsecond, Latency: s.latency,
		Snapshots: s.history.snapshots, Mismatches: s.history.mismatches,
	}
}

// withheld counts what the view has in a narrower form than the log. The caller holds Hub.mu.
func (h *Hub) withheld(v *view) (n int) {
	if v.scope.dialect >= portal.Dialect {
		return 0
	}
	for id := range v.state.Rules {
		if h.book.rules[id].Withheld(v.scope.dialect) {
			n++
		}
	}
	return n + len(v.narrowed)
}

// EventKind says what an Event is about.
type EventKind string

// The kinds of event.
const (
	EventGateway EventKind = "gateway" // a gateway's live state changed
	EventDevices EventKind = "devices" // devices' live state changed
)

// Event tells of live state that changed, after it was stored. One that names no gateway means: look at everything.
type Event struct {
	Kind    EventKind
	Gateway portal.GatewayID
	Devices []portal.DeviceID // EventDevices: which ones
}

// subscriberQueue is how many events a subscriber may be behind.
const subscriberQueue = 256

// Subscribe returns a channel of events. A subscriber that falls behind loses events and then gets one EventGateway and one EventDevices
// that name nothing. Call stop when done.
func (h *Hub) Subscribe() (events <-chan Event, stop func()) { return h.events.add() }

// subscribers is who wants events. Its zero value is ready.
type subscribers struct {
	mu  sync.Mutex
	all map[*subscriber]struct{}
}

type subscriber struct {
	ch   chan Event
	lost bool
}

func (l *subscribers) add() (<-chan Event, func()) {
	s := &subscriber{ch: make(chan Event, subscriberQueue)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*subscriber]struct{}{}
	}
	l.all[s] = struct{}{}
	return s.ch, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, s)
	}
}

func (l *subscribers) send(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.all {
		s.send(e)
	}
}

// send keeps two places free for saying that something was lost.
func (s *subscriber) send(e Event) {
	if len(s.ch) < subscriberQueue-2 {
		s.lost = false
		s.ch <- e
		return
	}
	if !s.lost {
		s.lost = true
		s.ch <- Event{Kind: EventGateway}
		s.ch <- Event{Kind: EventDevices}
	}
}

// Metrics are figures for a monitoring system; all counts are since the start.
type Metrics struct {
	Head        uint64
	Streams     int
	Views       int // sets of objects that are kept for gateways: one for each different set of profiles that a PoP serves
	Entries     int // in all of them
	Snapshots   uint64
	Mismatches  uint64
	Fenced      uint64 // streams closed because a newer one of the gateway began
	Refused     uint64 // requests without a good certificate or token
	ClickP50    time.Duration
	ClickP99    time.Duration
	Propagation Histogram // from commit to applied
}

// Histogram counts durations. Counts[i] is how many were at most Bounds[i]; the last count, one more than there are bounds, is of all.
type Histogram struct {
	Bounds []time.Duration
	Counts []uint64
	Sum    time.Duration
}

// Metrics returns the figures of this moment.
func (h *Hub) Metrics() Metrics {
	h.init()
	h.mu.Lock()
	defer h.mu.Unlock()
	f := &h.figures
	m := Metrics{
		Streams: len(h.streams), Views: len(h.views), Snapshots: f.snapshots, Mismatches: f.mismatches, Fenced: f.fenced, Refused: f.refused,
		ClickP50: f.quantile(0.5), ClickP99: f.quantile(0.99), Propagation: f.histogram(),
	}
	if h.book != nil {
		m.Head = h.book.revision
	}
	for _, v := range h.views {
		m.Entries += len(v.state.Entries)
	}
	return m
}

// figures are counted under Hub.mu.
type figures struct {
	snapshots, mismatches, fenced, refused uint64

	bounds []time.Duration
	counts []uint64 // one more than bounds: longer than all
	sum    time.Duration
	newest []time.Duration // the last ones, for quantiles of now and not of all time
	next   int
}

// newestCount is of how many of the last durations quantiles are.
const newestCount = 2048

func newFigures() figures {
	f := figures{newest: make([]time.Duration, 0, newestCount)}
	for b := 500 * time.Microsecond; b < 2*time.Minute; b *= 2 {
		f.bounds = append(f.bounds, b)
	}
	f.counts = make([]uint64, len(f.bounds)+1)
	return f
}

func (f *figures) observe(d time.Duration) {
	f.counts[sort.Search(len(f.bounds), func(i int) bool { return d <= f.bounds[i] })]++
	f.sum += d
	if len(f.newest) < newestCount {
		f.newest = append(f.newest, d)
		return
	}
	f.newest[f.next] = d
	f.next = (f.next + 1) % newestCount
}

// quantile is of the newest durations; 0 when there are none.
func (f *figures) quantile(q float64) time.Duration {
	if len(f.newest) == 0 {
		return 0
	}
	sorted := append([]time.Duration(nil), f.newest...)
	sort.Slice(sorted, func(i, j int) bool { return sorted[i] < sorted[j] })
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (f *figures) histogram() Histogram {
	out := Histogram{Bounds: append([]time.Duration(nil), f.bounds...), Counts: make([]uint64, len(f.counts)), Sum: f.sum}
	var sum uint64
	for i, n := range f.counts {
		sum += n
		out.Counts[i] = sum
	}
	return out
}
