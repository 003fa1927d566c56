package feed

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/portal"
)

// catchUpLimit is how many changed objects make a snapshot cheaper than catching up.
const catchUpLimit = 20_000

// ask is a gateway that wants a stream. done gets nil once stream is in place, or why not.
type ask struct {
	who    StreamAsk
	hello  hello
	stream *stream
	done   chan error
}

// step brings the hub to the head of the log, once: it lets gateways in, reads what changed in one consistent snapshot of the database,
// and tells the streams. Only the loop calls it, so what it reads of the hub without the lock can't change meanwhile.
func (h *Hub) step(ctx context.Context) error {
	var asks []*ask
	if h.book == nil {
		defer pulse(h.wake) // who waits for a stream can resume only when there is something to compare with
	} else {
		asks = h.admit(ctx)
	}
	r := &reading{hub: h, asks: asks, from: h.readFrom(asks)}
	if err := h.Control.View(ctx, r.read); err != nil {
		for _, a := range asks {
			a.done <- fmt.Errorf("%w (%w)", portal.ErrUnavailable, err)
		}
		return err
	}
	tells := h.absorb(r)
	for _, t := range tells {
		t.encode()
	}
	h.publish(r, tells, asks)
	return nil
}

// admit asks for an epoch for each gateway that waits, and answers those that are refused.
func (h *Hub) admit(ctx context.Context) []*ask {
	h.mu.Lock()
	waiting := h.asks
	h.asks = nil
	h.mu.Unlock()
	if len(waiting) == 0 {
		return nil
	}
	who := make([]StreamAsk, len(waiting))
	for i, a := range waiting {
		who[i] = a.who
	}
	grants, err := h.Control.OpenStreams(ctx, who)
	if err != nil {
		for _, a := range waiting {
			a.done <- fmt.Errorf("%w (%w)", portal.ErrUnavailable, err)
		}
		if ctx.Err() == nil {
			h.Log.ErrorContext(ctx, "open streams", "err", err)
		}
		return nil
	}
	var admitted []*ask
	for i, a := range waiting {
		if grants[i].Err != nil {
			a.done <- grants[i].Err
			continue
		}
		a.stream.epoch, a.stream.dialect = grants[i].Epoch, a.hello.Dialect
		admitted = append(admitted, a)
	}
	return admitted
}

// readFrom is the revision after which the log must be read: where the hub is, or where a gateway is that the rings can't serve.
func (h *Hub) readFrom(asks []*ask) uint64 {
	if h.book == nil {
		return 0
	}
	from := h.book.revision
	for _, a := range asks {
		if v := h.viewOf(a.who.Gateway, a.hello.Dialect); v != nil && a.hello.Since > 0 && !v.ring.covers(a.hello.Since) {
			from = min(from, a.hello.Since)
		}
	}
	return from
}

func (h *Hub) viewOf(id portal.GatewayID, dialect int) *view {
	g, ok := h.book.topology.Gateways[id]
	if !ok {
		return nil
	}
	return h.views[h.scopes[g.PoP].speaking(dialect)]
}

// reading is what one look at the database brings.
type reading struct {
	hub  *Hub
	asks []*ask
	from uint64 // objects has all that changed after it

	pos      Position
	objects  []object
	whole    *book           // everything was read anew: this is it
	topology *Topology       // it may have changed
	used     map[scope]bool  // the scopes that somebody needs, with topology
	fresh    map[scope]*view // views that the hub does not have yet, or all of them with whole
	epochs   map[portal.GatewayID]uint64
}

var errTooMany = errors.New("too many objects changed")

func (r *reading) read(log Log) (err error) {
	h := r.hub
	r.objects, r.whole, r.topology, r.fresh, r.epochs = nil, nil, nil, nil, nil // it may be run again
	if r.pos, err = log.Position(); err != nil {
		return err
	}
	if r.pos.Streams > h.epochs {
		if r.epochs, err = log.Epochs(h.epochs); err != nil {
			return err
		}
	}
	// An older head than ours is another database, or an older one. Behind the floor, notes of what is gone may be lost.
	if h.book == nil || r.pos.Head < h.book.revision || r.pos.Floor > h.book.revision {
		return r.readWhole(log)
	}
	r.from = max(r.from, min(r.pos.Floor, h.book.revision))
	if r.pos.Head != h.book.revision || r.from != r.pos.Head {
		err = r.readSince(log)
	}
	if errors.Is(err, errTooMany) {
		r.from = h.book.revision
		err = r.readSince(log)
	}
	if err != nil {
		return err
	}
	return r.readTopology(log)
}

// readSince reads what changed after from. It stops with errTooMany when only those who want to catch up need so much.
func (r *reading) readSince(log Log) error {
	r.objects = r.objects[:0]
	behind := 0
	return log.Since(r.from, func(o Object) error {
		if o.Revision <= r.hub.book.revision {
			if behind++; behind > catchUpLimit {
				return errTooMany
			}
		}
		r.objects = append(r.objects, r.object(o))
		return nil
	})
}

func (r *reading) object(o Object) object {
	out, err := readObject(o)
	if err != nil {
		r.hub.Log.Error("read an object of the feed log", "key", o.Key, "revision", o.Revision, "err", err)
	}
	return out
}

// readTopology reads the topology when something of it changed, and fills the views that it newly needs.
func (r *reading) readTopology(log Log) error {
	changed := false
	for _, o := range r.objects {
		changed = changed || (o.kind == kindProfile || o.kind == kindPlace) && o.revision > r.hub.book.revision
	}
	if !changed && len(r.asks) == 0 {
		return nil
	}
	t := r.hub.book.topology
	if changed {
		var err error
		if t, err = log.Topology(); err != nil {
			return err
		}
		r.topology = &t
	}
	missing := map[scope]*view{}
	r.used = r.scopes(t)
	for s := range r.used {
		if r.hub.views[s] == nil {
			missing[s] = newView(s)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return r.fill(log, newBook(), missing)
}

// readWhole reads the whole log and fills a view for each scope.
func (r *reading) readWhole(log Log) error {
	t, err := log.Topology()
	if err != nil {
		return err
	}
	views := map[scope]*view{}
	r.used = r.scopes(t)
	for s := range r.used {
		views[s] = newView(s)
	}
	b := newBook()
	if err := r.fill(log, b, views); err != nil {
		return err
	}
	b.revision, b.topology = r.pos.Head, t
	r.whole, r.topology = b, &t
	return nil
}

// scopes is the scopes of t that somebody needs: of every PoP the newest, and those of gateways here that understand less.
func (r *reading) scopes(t Topology) map[scope]bool {
	of, all := t.scopes(), map[scope]bool{}
	for _, s := range of {
		all[s] = true
	}
	for _, a := range r.asks {
		if g, there := t.Gateways[a.who.Gateway]; there {
			all[of[g.PoP].speaking(a.hello.Dialect)] = true
		}
	}
	r.hub.mu.Lock()
	defer r.hub.mu.Unlock()
	for id, s := range r.hub.streams {
		if g, there := t.Gateways[id]; there {
			all[of[g.PoP].speaking(s.dialect)] = true
		}
	}
	return all
}

func (r *reading) fill(log Log, b *book, views map[scope]*view) error {
	entries := map[portal.ProfileID][]portal.Entry{}
	wanted := map[portal.ProfileID]bool{}
	for _, v := range views {
		for id := range v.profiles {
			wanted[id] = true
		}
	}
	err := log.Objects(func(o Object) error {
		x := r.object(o)
		if x.entry != nil && wanted[x.entryKey.Profile] {
			entries[x.entryKey.Profile] = append(entries[x.entryKey.Profile], *x.entry)
		}
		b.apply(x)
		return nil
	})
	if err != nil {
		return err
	}
	for _, v := range views {
		v.fill(b, entries, r.pos.Head, r.hub.Keep)
	}
	r.fresh = views
	return nil
}

// tell is one change on its way into the ring of a view.
type tell struct {
	view   *view
	change portal.Change
	told   told
}

func (t *tell) encode() {
	t.told.line = bytes.Join(changeLines(t.change, t.told.hash, false), nil)
}

// absorb moves book and views to what was read and returns what their streams must be told. The encoding is left for later, without
// the lock.
func (h *Hub) absorb(r *reading) []*tell {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.whole != nil {
		h.book, h.views = r.whole, r.fresh
		return nil
	}
	news := r.objects
	for len(news) > 0 && news[0].revision <= h.book.revision {
		news = news[1:]
	}
	for _, o := range news {
		h.book.apply(o)
	}
	h.book.revision = r.pos.Head
	var tells []*tell
	for _, v := range h.views {
		c := v.change(h.book, news, r.pos.Head, false)
		if empty(c) || v.state.Apply(c).Empty() {
			continue
		}
		tells = append(tells, &tell{view: v, change: c, told: told{revision: c.Revision, hash: v.state.Hash(), at: news[len(news)-1].at}})
	}
	return tells
}

// publish puts the changes where the streams find them, moves streams whose place changed, closes those that have lost their right,
// and puts new ones in place.
func (h *Hub) publish(r *reading, tells []*tell, asks []*ask) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range tells {
		t.view.ring.push(t.told)
	}
	for s, v := range r.fresh {
		h.views[s] = v
	}
	for _, v := range h.views {
		v.revision = h.book.revision
	}
	if r.topology != nil {
		h.retopologize(*r.topology, r.used)
	}
	h.fence(r)
	catchUps := map[catchUp][]byte{}
	for _, a := range asks {
		a.done <- h.place(a, r, catchUps)
	}
	told := map[*view]bool{}
	for _, t := range tells {
		told[t.view] = true
	}
	for _, s := range h.streams {
		if told[s.view] {
			pulse(s.wake)
		}
	}
	h.noteOthers(r.pos.Notes)
}

// retopologize takes over a topology: streams of gateways without rights end, others move to the view of their scope.
func (h *Hub) retopologize(t Topology, used map[scope]bool) {
	h.book.topology, h.scopes = t, t.scopes()
	for s := range h.views {
		if !used[s] {
			delete(h.views, s)
		}
	}
	for id, s := range h.streams {
		n, ok := h.node(t, id)
		if !ok {
			s.end(byeRetired)
			continue
		}
		s.setNode(n)
		if v := h.viewOf(id, s.dialect); v != s.view {
			s.view, s.wantSnapshot = v, true
		}
		pulse(s.wake)
	}
}

// fence closes streams that are not the newest ones of their gateways any more, because another portal has opened one.
func (h *Hub) fence(r *reading) {
	for id, epoch := range r.epochs {
		if s := h.streams[id]; s != nil && s.epoch < epoch {
			s.end(byeFenced)
		}
	}
	h.epochs = max(h.epochs, r.pos.Streams)
}

// catchUp names the change from a revision to the head of a view.
type catchUp struct {
	view  *view
	since uint64
}

// place puts a stream where its gateway resumes: at its revision when the ring or the log has all that came after it, and else before a
// snapshot.
func (h *Hub) place(a *ask, r *reading, catchUps map[catchUp][]byte) error {
	id, s := a.who.Gateway, a.stream
	n, ok := h.node(h.book.topology, id)
	if !ok || h.ended {
		return portal.ErrUnavailable // retired between its admission and now
	}
	if old := h.streams[id]; old != nil {
		if old.epoch > s.epoch {
			return errFenced
		}
		old.end(byeFenced)
	}
	h.streams[id] = s
	s.node, s.nodeSent, s.view = n, false, h.viewOf(id, s.dialect)
	if h.history[id] == nil {
		h.history[id] = &history{}
	}
	s.history = h.history[id]
	v, since := s.view, a.hello.Since
	switch {
	case since == 0 || since > h.book.revision:
		s.wantSnapshot = true
	case v.ring.covers(since):
		s.wantSnapshot = v.ring.hashAt(since) != a.hello.Hash // it drifted, or its PoP served something else then
	case r.whole != nil || since < r.from || since < r.pos.Floor:
		s.wantSnapshot = true
	default:
		s.first, s.wantSnapshot = h.catchUp(v, since, r, catchUps)
	}
	s.position = since
	if s.first != nil {
		s.position = h.book.revision
	}
	s.joined = h.book.revision
	h.events.send(Event{Kind: EventGateway, Gateway: id})
	return nil
}

// catchUp returns what happened after since, encoded. It asks for a snapshot when where profiles are served has changed meanwhile.
func (h *Hub) catchUp(v *view, since uint64, r *reading, done map[catchUp][]byte) (line []byte, wantSnapshot bool) {
	key := catchUp{v, since}
	if line, ok := done[key]; ok {
		return line, line == nil
	}
	objects := r.objects
	for len(objects) > 0 && objects[0].revision <= since {
		objects = objects[1:]
	}
	for _, o := range objects {
		if o.kind == kindProfile {
			done[key] = nil
			return nil, true
		}
	}
	c := v.change(h.book, objects, h.book.revision, true)
	line = bytes.Join(changeLines(c, v.state.Hash(), false), nil)
	done[key] = line
	return line, false
}
