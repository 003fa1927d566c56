package feed

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Follower is who carries out changes: the gateway's agent.
type Follower interface {
	// Since tells where to resume: the revision held, and the hash of its objects. Revision 0 means that nothing is held.
	Since() (revision uint64, hash string)
	// Apply carries out a change and returns when that is done. Changes come one at a time, in order. An error is logged and does
	// not end the stream: the follower holds the change and tries again by itself.
	Apply(ctx context.Context, c portal.Change) error
}

// Client is the gateway's end. Fill the fields, then Run it.
type Client struct {
	Credentials Credentials
	Save        func(Credentials) error                                // keeps renewed credentials; nil: they are lost at the end
	OnContact   func()                                                 // called whenever a portal was heard of; must not block; may be nil
	Probe       func(context.Context, portal.Probe) portal.ProbeResult // tries a destination for the portal; nil: nothing is tried
	Version     string
	Now         func() time.Time
	Log         *slog.Logger

	once  sync.Once
	wake  chan struct{} // there is something to report
	older int           // how many dialects short of the newest it is; tests of older gateways set it

	mu        sync.Mutex
	creds     Credentials
	out       Report // what is to be reported; Live is what was not sent yet
	known     map[portal.DeviceID]portal.Live
	failure   string // of the newest Apply, "" when it went well
	appliedAt time.Time
	took      time.Duration
	full      int // snapshots applied in this stream
	contact   time.Time
	connected bool
	probing   int         // probes that run
	answers   []answerMsg // of probes, to be sent
}

// ErrRetired says that the portal has retired this gateway. It has been told to serve nobody.
var ErrRetired = &portal.Error{Kind: portal.Gone, Code: "gateway_retired", Msg: "This gateway was retired. Enrol it again to use it."}

// Why a stream ended, beside the errors of the network.
var (
	errSilent   = errors.New("nothing was heard of the portal")
	errRenewed  = errors.New("the certificate was renewed")
	errShutdown = errors.New("the portal stops")
)

// How long a client waits before it tries again: it doubles from the first to the longest, and a random part of up to half is taken off,
// so that gateways do not come in step. Who was refused comes back after the longest.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 30 * time.Second
)

func (c *Client) init() {
	c.once.Do(func() {
		c.wake, c.known = make(chan struct{}, 1), map[portal.DeviceID]portal.Live{}
		c.creds = c.Credentials
	})
}

// Run follows the portal until ctx ends, which is not an error: it connects to any of the portals, resumes, and connects again after a
// growing, random pause. It renews the certificate when two thirds of its time are over. It returns ErrRetired when the portal has
// retired the gateway, after the follower was told to hold nothing, and no other error: a gateway that nobody answers serves on.
func (c *Client) Run(ctx context.Context, f Follower) error {
	c.init()
	failures, at := 0, rand.Int()
	for ctx.Err() == nil {
		creds := c.credentials()
		addr := creds.Portals[at%len(creds.Portals)]
		s := &session{client: c, follower: f, addr: addr, creds: creds}
		err := s.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrRetired) {
			c.Log.ErrorContext(ctx, "this gateway was retired; it serves nobody from now on")
			return s.clear(ctx)
		}
		if s.welcomed {
			failures = 0
		}
		if errors.Is(err, errRenewed) {
			continue
		}
		failures++
		at++
		pause := pauseAfter(failures, refused(err))
		c.Log.WarnContext(ctx, "stream to the portal ended", "portal", addr, "err", err, "again_in", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// refused reports whether the portal does not want this gateway, or not another stream of it; to come back at once would not help.
func refused(err error) bool {
	return errors.Is(err, errFenced) || portal.KindOf(err) != portal.Internal && portal.KindOf(err) != portal.Unavailable
}

func pauseAfter(failures int, refused bool) time.Duration {
	pause := longestPause
	if !refused && failures < 10 {
		pause = min(longestPause, firstPause<<(failures-1))
	}
	return pause - rand.N(pause/2)
}

// Report sends r with the next message, without blocking. Reports that wait become one: the newest figures, and the newest Live of
// each device. Revision, Hash and ApplyTook are the client's own to say.
func (c *Client) Report(r Report) {
	c.init()
	c.mu.Lock()
	live := mergeLive(c.out.Live, r.Live)
	for _, l := range r.Live {
		c.known[l.Device] = l
	}
	if r.PublicKey.IsZero() {
		r.PublicKey = c.out.PublicKey
	}
	c.out = r
	c.out.Live = live
	c.mu.Unlock()
	pulse(c.wake)
}

// Contact returns when a portal was last heard of; the zero time means never.
func (c *Client) Contact() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.contact
}

// Connected reports whether a stream is up.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.connected
}

func (c *Client) credentials() Credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.creds
}

// heard notes that a portal said something.
func (c *Client) heard() {
	now := c.Now()
	c.mu.Lock()
	c.contact = now
	c.mu.Unlock()
	if c.OnContact != nil {
		c.OnContact()
	}
}

// setConnected notes the beginning or the end of a stream. A new one is told of every device again: what the old one was told may be lost.
func (c *Client) setConnected(up bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connected = up
	if !up {
		return
	}
	c.full = 0
	c.answers = nil // to questions of an earlier stream
	c.out.Live = c.out.Live[:0:0]
	for _, l := range c.known {
		c.out.Live = append(c.out.Live, l)
	}
}

// applied notes how an application went.
func (c *Client) applied(change portal.Change, took time.Duration, err error) {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.appliedAt, c.took, c.failure = now, took, ""
	if err != nil {
		c.failure = err.Error()
	}
	if change.Full {
		c.full++
		c.forgetAllBut(change.Entries)
	}
	for _, k := range change.Gone {
		delete(c.known, k.Device)
	}
}

func (c *Client) forgetAllBut(entries []portal.Entry) {
	there := make(map[portal.DeviceID]bool, len(entries))
	for _, e := range entries {
		there[e.Device] = true
	}
	for id := range c.known {
		if !there[id] {
			delete(c.known, id)
		}
	}
}

// next takes what is to be reported, as one or several messages.
func (c *Client) next(f Follower) []reportMsg {
	now := c.Now()
	c.mu.Lock()
	full := c.full
	r := c.out
	c.out.Live, c.out.PublicKey = nil, portal.PublicKey{}
	m := reportMsg{
		Problem: r.Problem, Took: c.took.Microseconds(), Ago: max(0, now.Sub(c.appliedAt).Microseconds()), Full: full, Version: c.Version, Key: r.PublicKey,
		Drift: r.Drift, OpenVPN: r.OpenVPN,
	}
	if m.Problem == "" {
		m.Problem = c.failure
	}
	c.mu.Unlock()
	m.Revision, m.Hash = f.Since() // after full was read: it may only be newer than that
	m.Problem = printable(m.Problem, maxProblem)
	var messages []reportMsg
	for len(r.Live) > liveChunk {
		part := m
		part.Live = newLiveMsgs(r.Live[:liveChunk])
		messages, r.Live = append(messages, part), r.Live[liveChunk:]
	}
	m.Live = newLiveMsgs(r.Live)
	return append(messages, m)
}

func newLiveMsgs(live []portal.Live) []liveMsg {
	if len(live) == 0 {
		return nil
	}
	out := make([]liveMsg, len(live))
	for i, l := range live {
		out[i] = newLiveMsg(l)
	}
	return out
}
