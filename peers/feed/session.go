package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sallyport/sallyport/portal"
)

// How a client keeps a stream.
const (
	answerWithin   = 20 * time.Second      // for the portal to accept the stream
	reportEvery    = 50 * time.Millisecond // at most; the first report after a silence goes at once
	renewAgain     = 10 * time.Minute      // after a renewal that failed; sooner when the certificate ends soon
	changesWaiting = 8                     // received and not applied yet; then nothing more is read, and the portal sends a snapshot
)

// session is one try to follow a portal.
type session struct {
	client   *Client
	follower Follower
	addr     string
	creds    Credentials
	welcomed bool
	beat     time.Duration
	silence  *time.Timer // fires when the portal is silent for too long
	waiting  chan received
	tries    sync.WaitGroup // probes that run
}

// received is a whole change, or with beat a heartbeat.
type received struct {
	change portal.Change
	beat   bool
	hash   string // that the follower should have then
}

// run keeps one stream until it ends, and says why. All that was received whole is applied before it returns.
func (s *session) run(parent context.Context) error {
	config, err := s.creds.clientTLS(s.client.Now)
	if err != nil {
		return err
	}
	t := newTransport(config)
	defer t.CloseIdleConnections()
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	s.silence = time.AfterFunc(answerWithin, func() { cancel(errSilent) })
	defer s.silence.Stop()
	s.waiting = make(chan received, changesWaiting)
	body, out := io.Pipe()
	stop := context.AfterFunc(ctx, func() { out.CloseWithError(context.Canceled) })
	defer stop()

	var g errgroup.Group
	end := func(err error) error {
		cancel(err)
		return nil
	}
	started := make(chan struct{})
	g.Go(func() error { return end(s.send(ctx, out, started)) })
	g.Go(func() error { s.apply(parent); return nil })
	g.Go(func() error { s.keepCertificate(ctx, cancel); return nil })
	g.Go(func() error {
		defer close(s.waiting)
		return end(s.receive(ctx, t, body, started))
	})
	_ = g.Wait()
	s.tries.Wait() // ctx has ended, and they with it
	s.client.setConnected(false)
	return context.Cause(ctx)
}

// receive opens the stream and reads it.
func (s *session) receive(ctx context.Context, t *http.Transport, body io.ReadCloser, started chan<- struct{}) error {
	defer body.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+s.addr+pathStream, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/jsonl")
	resp, err := t.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxRequest))
		return errors.Join(readProblem(resp.StatusCode, text), err)
	}
	lines := newLineReader(resp.Body, maxDown)
	for parts := new(assembly); ; lines.shrink() {
		line, err := lines.next()
		if err != nil {
			return err
		}
		d, err := parseDown(line)
		if err != nil {
			return err
		}
		s.client.heard()
		if s.welcomed {
			s.silence.Reset(silentBeats * s.beat)
		}
		if err := s.take(ctx, d, parts, started); err != nil {
			return err
		}
	}
}

// take handles one message.
func (s *session) take(ctx context.Context, d down, parts *assembly, started chan<- struct{}) error {
	if d.Welcome != nil && !s.welcomed {
		s.welcomed, s.beat = true, max(time.Duration(d.Welcome.Beat)*time.Millisecond, time.Millisecond)
		s.silence.Reset(silentBeats * s.beat)
		s.client.setConnected(true)
		s.client.Log.InfoContext(ctx, "connected to the portal", "portal", s.addr, "epoch", d.Welcome.Epoch)
		close(started)
	}
	if !s.welcomed {
		return fmt.Errorf("%w: no welcome", errMessage)
	}
	if d.Change != nil {
		whole, done, err := parts.add(*d.Change, d.More)
		if err != nil {
			return err
		}
		if done {
			return s.wait(ctx, received{change: whole, hash: d.Hash})
		}
	}
	if d.Beat != nil {
		return s.wait(ctx, received{change: portal.Change{Revision: *d.Beat}, beat: true, hash: d.Hash})
	}
	if d.Probe != nil {
		s.probe(ctx, *d.Probe)
	}
	switch d.Bye {
	case "":
		return nil
	case byeRetired:
		return ErrRetired
	case byeFenced:
		return errFenced
	case byeShutdown:
		return errShutdown
	}
	return fmt.Errorf("the portal ended the stream: %s", printable(d.Bye, 100))
}

// wait hands a change to the one who applies it. While that one has enough to do, nothing more is read.
func (s *session) wait(ctx context.Context, r received) error {
	for {
		select {
		case s.waiting <- r:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(s.beat):
			s.silence.Reset(silentBeats * s.beat) // it is us who are busy, not the portal who is silent
		}
	}
}

// apply carries out what was received, one at a time, until there is no more.
func (s *session) apply(ctx context.Context) {
	c := s.client
	for r := range s.waiting {
		if ctx.Err() != nil {
			continue
		}
		if held, hash := s.follower.Since(); r.beat && r.change.Revision <= held {
			if hash != r.hash {
				pulse(c.wake) // the portal will see the difference and heal it
			}
			continue
		}
		began := c.Now()
		err := s.follower.Apply(ctx, r.change)
		if ctx.Err() != nil {
			continue // not carried out, perhaps; the next stream begins where the follower is
		}
		c.applied(r.change, c.Now().Sub(began), err)
		if err != nil {
			c.Log.ErrorContext(ctx, "apply a change", "revision", r.change.Revision, "err", err)
		}
		pulse(c.wake)
	}
}

// clear tells the follower to hold nothing, when its gateway has lost its rights.
func (s *session) clear(ctx context.Context) error {
	held, _ := s.follower.Since()
	if err := s.follower.Apply(ctx, portal.Change{Revision: held, Full: true}); err != nil {
		return errors.Join(ErrRetired, err)
	}
	return ErrRetired
}

// send says hello, and reports whenever there is something to report.
func (s *session) send(ctx context.Context, out *io.PipeWriter, started <-chan struct{}) error {
	c := s.client
	since, hash := s.follower.Since()
	if _, err := out.Write(appendLine(nil, up{Hello: &hello{Since: since, Hash: hash, Version: c.Version, Dialect: portal.Dialect - c.older}})); err != nil {
		return context.Cause(ctx)
	}
	select {
	case <-started:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	pulse(c.wake)
	alive := time.NewTicker(s.beat) // also when there is nothing to report, or the follower has enough to do
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.wake:
		case <-alive.C:
		}
		alive.Reset(s.beat)
		for _, m := range c.next(s.follower) {
			if _, err := out.Write(appendLine(nil, up{Report: &m})); err != nil {
				return fmt.Errorf("report: %w", err)
			}
		}
		for _, a := range c.takeAnswers() {
			if _, err := out.Write(appendLine(nil, up{Answer: &a})); err != nil {
				return fmt.Errorf("answer a probe: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(reportEvery):
		}
	}
}

// keepCertificate renews the certificate when it is time, and then ends the stream so that the next one uses the new one.
func (s *session) keepCertificate(ctx context.Context, cancel context.CancelCauseFunc) {
	c := s.client
	for {
		timer := time.NewTimer(s.creds.RenewAt().Sub(c.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		next, err := s.creds.renew(ctx, s.addr, c.Now)
		if err == nil && c.Save != nil {
			err = c.Save(next)
		}
		if err == nil {
			c.mu.Lock()
			c.creds = next
			c.mu.Unlock()
			c.Log.InfoContext(ctx, "certificate renewed", "ends", next.Ends())
			cancel(errRenewed)
			return
		}
		if ctx.Err() != nil {
			return
		}
		again := min(renewAgain, max(s.creds.Ends().Sub(c.Now())/10, time.Second))
		c.Log.ErrorContext(ctx, "renew the certificate", "err", err, "ends", s.creds.Ends(), "again_in", again)
		select {
		case <-ctx.Done():
			return
		case <-time.After(again):
		}
	}
}
