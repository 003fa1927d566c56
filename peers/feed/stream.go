package feed

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// How long the ends of a stream wait for one another.
const (
	helloWithin = 10 * time.Second // for the first line
	writeWithin = 30 * time.Second // for a gateway to take what it is sent, before the stream ends
	silentBeats = 3                // heartbeats without an answer end the stream
)

var errFenced = &portal.Error{Kind: portal.Conflict, Code: "stream_fenced", Msg: "A newer stream of this gateway has begun."}

// stream is one gateway's connection. Two goroutines serve it: send writes, listen reads. What is below the line is guarded by Hub.mu.
type stream struct {
	hub     *Hub
	id      portal.GatewayID
	addr    netip.AddrPort
	began   time.Time
	ends    time.Time // the certificate's end
	epoch   uint64
	dialect int // that the gateway understands
	wake    chan struct{}
	ended   chan struct{}

	bye          string // why it ended; "" while it lives
	view         *view
	node         portal.Node
	nodeSent     bool
	first        []byte // what happened since the gateway's revision, sent before all else
	position     uint64 // all up to this revision has been sent
	joined       uint64 // what came after this revision was sent live
	wantSnapshot bool
	full         int // snapshots sent in this stream
	heals        int // of them, for hashes that did not agree, in a row
	healAt       time.Time
	history      *history
	probes       probes

	report  reportMsg // the newest one
	seenAt  time.Time
	savedAt time.Time
	hashOK  bool
	latency time.Duration
}

// end closes the stream, once. The caller holds Hub.mu.
func (s *stream) end(bye string) {
	if s.bye != "" {
		return
	}
	s.bye = bye
	close(s.ended)
	if bye == byeFenced {
		s.hub.figures.fenced++
	}
}

func (s *stream) setNode(n portal.Node) {
	s.nodeSent = s.nodeSent && sameNode(s.node, n)
	s.node = n
}

// serveStream answers POST /v1/stream: the request's body is what the gateway says, the response's body is what it is told.
func (h *Hub) serveStream(w http.ResponseWriter, r *http.Request) {
	who, ok := h.peer(r)
	if !ok {
		h.refuse(w, r, errNoCertificate)
		return
	}
	rc := http.NewResponseController(w)
	lines := newLineReader(r.Body, maxUp)
	_ = rc.SetReadDeadline(time.Now().Add(helloWithin)) // of the system's clock, like every deadline of a connection
	line, err := lines.next()
	if err != nil {
		h.refuse(w, r, errMalformed)
		return
	}
	hi, err := parseHello(line)
	if err != nil {
		h.refuse(w, r, errMalformed)
		return
	}
	s := &stream{
		hub: h, id: who.Gateway, addr: who.Addr, began: h.Now(), ends: who.Ends, wake: make(chan struct{}, 1), ended: make(chan struct{}),
		report: reportMsg{Revision: hi.Since, Hash: hi.Hash, Version: hi.Version}, seenAt: h.Now(),
	}
	if err := h.attach(r.Context(), who, hi, s); err != nil {
		h.refuse(w, r, err)
		return
	}
	defer h.detach(s)
	h.Log.InfoContext(r.Context(), "gateway connected", "gateway", s.id, "addr", s.addr, "since", hi.Since, "epoch", s.epoch, "version", hi.Version)
	ctx, cancel := context.WithCancelCause(r.Context())
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		cancel(h.listen(rc, lines, s))
	}()
	err = s.send(ctx, w, rc)
	_ = rc.SetReadDeadline(time.Now()) // ends listen
	<-listened
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, context.Canceled) {
		err = cause
	}
	h.Log.InfoContext(r.Context(), "gateway disconnected", "gateway", s.id, "epoch", s.epoch, "after", h.Now().Sub(s.began), "why", err)
}

// attach asks the loop for a place and waits for it.
func (h *Hub) attach(ctx context.Context, who StreamAsk, hi hello, s *stream) error {
	a := &ask{who: who, hello: hi, stream: s, done: make(chan error, 1)}
	h.mu.Lock()
	if h.ended {
		h.mu.Unlock()
		return portal.ErrUnavailable
	}
	h.asks = append(h.asks, a)
	h.mu.Unlock()
	pulse(h.wake)
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		go func() { // the place may be given all the same
			if <-a.done == nil {
				h.detach(s)
			}
		}()
		return ctx.Err()
	}
}

// detach takes the stream away. One that was replaced takes nothing with it.
func (h *Hub) detach(s *stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.end("closed")
	if h.streams[s.id] == s {
		delete(h.streams, s.id)
		h.events.send(Event{Kind: EventGateway, Gateway: s.id})
	}
}

// send writes until the stream ends.
func (s *stream) send(ctx context.Context, w http.ResponseWriter, rc *http.ResponseController) error {
	out := &writer{w: w, rc: rc}
	h := s.hub
	out.write(appendLine(nil, down{Welcome: &welcome{Epoch: s.epoch, Beat: h.Beat.Milliseconds()}}))
	beat := time.NewTicker(h.Beat)
	defer beat.Stop()
	expires := time.NewTimer(s.ends.Sub(h.Now()))
	defer expires.Stop()
	for beating := true; ; {
		for s.next(out, beating) {
		}
		if err := out.flush(); err != nil {
			return err
		}
		if s.finished(out) {
			return nil
		}
		beating = false
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		case <-s.ended:
		case <-beat.C:
			beating = true
		case <-expires.C:
			h.mu.Lock()
			s.end(byeExpired)
			h.mu.Unlock()
		}
	}
}

// next writes what the gateway has not been told yet. It returns true when there may be more.
func (s *stream) next(out *writer, beating bool) (again bool) {
	h := s.hub
	h.mu.Lock()
	if s.bye != "" || out.err != nil {
		h.mu.Unlock()
		return false
	}
	v, node := s.view, s.node
	if s.wantSnapshot || s.first == nil && !v.ring.covers(s.position) {
		s.wantSnapshot, s.first, s.nodeSent = false, nil, true
		s.full++
		s.history.snapshots++
		h.figures.snapshots++
		h.mu.Unlock()
		s.sendSnapshot(out, v, node)
		return true
	}
	lines := s.untold(beating)
	h.mu.Unlock()
	for _, line := range lines {
		out.write(line)
	}
	return false
}

// untold collects what a stream that needs no snapshot has not been told, and counts it as told. The caller holds Hub.mu.
func (s *stream) untold(beating bool) [][]byte {
	var lines [][]byte
	if !s.nodeSent {
		s.nodeSent = true
		at := s.position
		if s.first != nil {
			at = s.report.Revision // where the gateway is
		}
		lines = append(lines, appendLine(nil, down{Change: &portal.Change{Revision: at, Node: &s.node}}))
	}
	if s.first != nil {
		lines = append(lines, s.first)
		s.first = nil
	}
	for _, t := range s.view.ring.after(s.position) {
		lines = append(lines, t.line)
	}
	s.position = max(s.position, s.view.revision)
	lines = append(lines, s.probes.unsent...)
	s.probes.unsent = nil
	if beating && s.position == s.view.revision {
		lines = append(lines, appendLine(nil, down{Beat: &s.position, Hash: s.view.ring.hashAt(s.position)}))
	}
	return lines
}

func (s *stream) sendSnapshot(out *writer, v *view, node portal.Node) {
	snap := s.hub.snapshot(v)
	out.write(appendLine(nil, down{Change: &portal.Change{Revision: snap.revision, Full: true, Node: &node}, More: true}))
	for _, line := range snap.lines {
		out.write(line)
		if out.flush() != nil {
			return
		}
	}
	s.hub.mu.Lock()
	s.position = snap.revision
	s.joined = max(s.joined, snap.revision)
	s.hub.mu.Unlock()
}

// finished says goodbye when the stream has ended. A gateway that is retired is told to serve nobody before that.
func (s *stream) finished(out *writer) bool {
	h := s.hub
	h.mu.Lock()
	bye, position := s.bye, s.position
	h.mu.Unlock()
	if bye == "" {
		return false
	}
	if bye == byeRetired {
		out.write(appendLine(nil, down{Change: &portal.Change{Revision: position, Full: true}}))
	}
	out.write(appendLine(nil, down{Bye: bye}))
	_ = out.flush()
	return true
}

// snapshot returns one of the view that is new enough for the ring to continue, and makes it when there is none.
func (h *Hub) snapshot(v *view) *snapshot {
	v.snapMu.Lock()
	defer v.snapMu.Unlock()
	h.mu.Lock()
	if old := v.snap; old != nil && v.ring.covers(old.revision) && len(v.ring.after(old.revision)) < ringChanges/8 {
		old.usedAt = h.Now()
		h.mu.Unlock()
		return old
	}
	c, hash := v.copyState() // it may be ahead of the ring by a change that is being encoded; the stream's position is then past it
	h.mu.Unlock()
	made := &snapshot{revision: c.Revision, hash: hash, lines: changeLines(c, hash, false), usedAt: h.Now()}
	h.mu.Lock()
	v.snap = made
	h.mu.Unlock()
	return made
}

// writer gathers small writes and gives each flush a deadline. After an error it does nothing.
type writer struct {
	w   http.ResponseWriter
	rc  *http.ResponseController
	buf []byte
	err error
}

const gather = 64 << 10 // bytes

func (o *writer) write(b []byte) {
	if o.err != nil {
		return
	}
	if len(b) < gather {
		if o.buf = append(o.buf, b...); len(o.buf) < gather {
			return
		}
		b = nil
	}
	o.put(o.buf)
	o.buf = o.buf[:0]
	o.put(b)
}

func (o *writer) put(b []byte) {
	if o.err != nil || len(b) == 0 {
		return
	}
	if o.err = o.rc.SetWriteDeadline(time.Now().Add(writeWithin)); o.err == nil {
		_, o.err = o.w.Write(b)
	}
}

func (o *writer) flush() error {
	o.put(o.buf)
	o.buf = o.buf[:0]
	if o.err == nil {
		o.err = o.rc.Flush()
	}
	return o.err
}
