package feed

import (
	"context"
	"encoding/json"
	"net/netip"
	"time"

	"golang.org/x/time/rate"

	"github.com/sallyport/sallyport/portal"
)

// What may be asked of one gateway: so many probes at a time, so often, and so long until it counts as silent. A gateway of an older version
// does not answer.
const (
	probesAtOnce = 4
	probeEvery   = 500 * time.Millisecond
	probeBurst   = 8
	// ProbeWithin is how long a gateway may take for one probe.
	ProbeWithin = 4 * time.Second
)

// What Probe returns beside an answer.
var (
	ErrNoStream = &portal.Error{Kind: portal.Unavailable, Code: "gateway_not_here", Msg: "This portal has no stream of the gateway now."}
	ErrProbes   = &portal.Error{Kind: portal.Limited, Code: "too_many_probes", Msg: "This gateway is asked for as many probes as it may be. Try again in a moment.", RetryAfter: 1}
	ErrNoAnswer = &portal.Error{Kind: portal.Unavailable, Code: "probe_unanswered", Msg: "The gateway did not answer in time."}
)

type probeMsg struct {
	ID    uint64           `json:"id"`
	To    netip.Addr       `json:"to"`
	Proto portal.Transport `json:"proto"`
	Port  uint16           `json:"port,omitempty"`
}

type answerMsg struct {
	ID       uint64              `json:"id"`
	Outcome  portal.ProbeOutcome `json:"outcome"`
	Sent     int                 `json:"sent"`
	Received int                 `json:"received"`
	Took     int64               `json:"took_us"`
}

// parseAnswer returns the answer in a line, nil when it holds none that makes sense.
func parseAnswer(line []byte) *answerMsg {
	var u up
	if err := json.Unmarshal(line, &u); err != nil || u.Answer == nil {
		return nil
	}
	a := u.Answer
	if !a.Outcome.Known() || a.Sent < 0 || a.Received < 0 || a.Took < 0 {
		return nil
	}
	a.Sent, a.Received, a.Took = min(a.Sent, 1000), min(a.Received, 1000), min(a.Took, maxMicros)
	return a
}

// probes are the questions of one stream that wait for an answer. Guarded by Hub.mu.
type probes struct {
	last   uint64
	waits  map[uint64]chan portal.ProbeResult
	unsent [][]byte
	pace   *rate.Limiter
}

// Probe asks a gateway to try a destination, and waits for what it saw. It returns ErrNoStream when the gateway has no stream on this
// portal, ErrProbes when it is asked for too much, and ErrNoAnswer.
func (h *Hub) Probe(ctx context.Context, gateway portal.GatewayID, p portal.Probe) (portal.ProbeResult, error) {
	h.init()
	s, id, answer, err := h.ask(gateway, p)
	if err != nil {
		return portal.ProbeResult{}, err
	}
	defer func() {
		h.mu.Lock()
		delete(s.probes.waits, id)
		h.mu.Unlock()
	}()
	timer := time.NewTimer(ProbeWithin + time.Second)
	defer timer.Stop()
	select {
	case r := <-answer:
		return r, nil
	case <-s.ended:
		return portal.ProbeResult{}, ErrNoStream
	case <-timer.C:
		return portal.ProbeResult{}, ErrNoAnswer
	case <-ctx.Done():
		return portal.ProbeResult{}, ctx.Err()
	}
}

func (h *Hub) ask(gateway portal.GatewayID, p portal.Probe) (*stream, uint64, <-chan portal.ProbeResult, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.streams[gateway]
	if s == nil || s.bye != "" {
		return nil, 0, nil, ErrNoStream
	}
	q := &s.probes
	if q.waits == nil {
		q.waits, q.pace = map[uint64]chan portal.ProbeResult{}, rate.NewLimiter(rate.Every(probeEvery), probeBurst)
	}
	if len(q.waits) >= probesAtOnce || !q.pace.AllowN(h.Now(), 1) {
		return nil, 0, nil, ErrProbes
	}
	q.last++
	answer := make(chan portal.ProbeResult, 1)
	q.waits[q.last] = answer
	q.unsent = append(q.unsent, appendLine(nil, down{Probe: &probeMsg{q.last, p.To, p.Transport, p.Port}}))
	pulse(s.wake)
	return s, q.last, answer, nil
}

// answered hands an answer to whoever waits for it. One that nobody asked for is dropped.
func (h *Hub) answered(s *stream, a *answerMsg) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[s.id] != s {
		return
	}
	if wait := s.probes.waits[a.ID]; wait != nil {
		delete(s.probes.waits, a.ID)
		wait <- portal.ProbeResult{Outcome: a.Outcome, Sent: a.Sent, Received: a.Received, Took: time.Duration(a.Took) * time.Microsecond}
	}
}

// probe answers a question of the portal without holding up what else it says.
func (s *session) probe(ctx context.Context, m probeMsg) {
	c := s.client
	answer := func(r portal.ProbeResult) {
		c.mu.Lock()
		c.answers = append(c.answers, answerMsg{m.ID, r.Outcome, r.Sent, r.Received, r.Took.Microseconds()})
		c.mu.Unlock()
		pulse(c.wake)
	}
	if c.Probe == nil {
		answer(portal.ProbeResult{Outcome: portal.ProbeUnable})
		return
	}
	c.mu.Lock()
	busy := c.probing >= probesAtOnce
	if !busy {
		c.probing++
	}
	c.mu.Unlock()
	if busy {
		answer(portal.ProbeResult{Outcome: portal.ProbeBusy})
		return
	}
	s.tries.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, ProbeWithin)
		defer cancel()
		r := c.Probe(ctx, portal.Probe{To: m.To, Transport: m.Proto, Port: m.Port})
		c.mu.Lock()
		c.probing--
		c.mu.Unlock()
		answer(r)
	})
}

// takeAnswers takes the answers that were not sent yet.
func (c *Client) takeAnswers() []answerMsg {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.answers
	c.answers = nil
	return all
}
