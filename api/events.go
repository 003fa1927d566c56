package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// heartbeat is how often a silent stream says something, so that proxies keep it open and both ends notice when the other is gone. Most
// proxies close after 60 s of silence.
const heartbeat = 15 * time.Second

// writeDeadline bounds one write to a stream: who does not read for so long is gone.
const writeDeadline = 10 * time.Second

// StreamEvents follows what changes. The stream ends when the session does.
func (s *Server) StreamEvents(ctx context.Context, _ StreamEventsRequestObject) (StreamEventsResponseObject, error) {
	w := who(ctx)
	sub := s.broker.subscribe(w.User.ID, w.User.Role)
	if sub == nil {
		return nil, errBusy.WithRetryAfter(5 * time.Second)
	}
	return &eventStream{server: s, ctx: ctx, who: w, sub: sub}, nil
}

type eventStream struct {
	server *Server
	ctx    context.Context //nolint:containedctx // the generated interface hands the writer over without one
	who    auth.Who
	sub    *subscriber
}

// VisitStreamEventsResponse writes until the client goes, the session ends, or the portal shuts down.
func (e *eventStream) VisitStreamEventsResponse(w http.ResponseWriter) error {
	defer e.server.broker.unsubscribe(e.sub)
	e.server.Metrics.follow(1)
	defer e.server.Metrics.follow(-1)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	out := stream{w, http.NewResponseController(w)}
	_ = out.control.SetReadDeadline(time.Time{}) // the server's is for requests that end; where it can't be lifted the client connects again
	if err := out.send(fmt.Sprintf("retry: %d\n\n", 2*time.Second.Milliseconds())); err != nil {
		return nil //nolint:nilerr // the client went away, which is how streams end
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-e.ctx.Done():
			return nil
		case <-e.server.closing:
			return nil
		case <-e.sub.ready:
			if !e.pass(out) {
				return nil
			}
		case <-beat.C:
			if !e.good() || out.send(": still here\n\n") != nil {
				return nil
			}
		}
	}
}

// pass writes what waits and reports whether the stream goes on.
func (e *eventStream) pass(out stream) bool {
	list, reset, check := e.sub.take()
	if check && !e.good() {
		return false
	}
	if reset {
		return out.send("event: reset\ndata: {}\n\n") == nil
	}
	for _, n := range list {
		data, err := json.Marshal(n)
		if err != nil || out.send("event: change\ndata: "+string(data)+"\n\n") != nil {
			return false
		}
	}
	return true
}

// good reports whether the session or token that opened the stream is still there and its person may still see the same. Asking does not count as
// using the session, so that an open page does not keep it from idling out.
func (e *eventStream) good() bool {
	ctx, cancel := context.WithTimeout(e.ctx, writeDeadline)
	defer cancel()
	good := false
	err := e.server.Store.View(ctx, func(tx *store.Tx) error {
		u, err := tx.User(e.who.User.ID)
		if err != nil || u.State != portal.UserActive || u.Role != e.who.User.Role {
			return err
		}
		if e.who.Token.ID != "" {
			all, err := tx.Tokens(u.ID)
			good = slices.ContainsFunc(all, func(t portal.Token) bool { return t.ID == e.who.Token.ID && tx.Now.Before(t.ExpiresAt) })
			return err
		}
		all, err := tx.Sessions(u.ID)
		good = slices.ContainsFunc(all, func(x portal.Session) bool { return x.ID == e.who.Session.ID && tx.Now.Before(x.ExpiresAt) })
		return err
	})
	return err == nil && good
}

// stream writes events, each with a deadline of its own, and flushes them.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s stream) send(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(writeDeadline)) // not every writer has one
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
