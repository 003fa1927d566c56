package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// DefaultGrace is how long a gateway serves without any portal where its Node does not say.
const DefaultGrace = 24 * time.Hour

// ErrStopped says that the agent is not running any more.
var ErrStopped = errors.New("gateway agent has stopped")

// Agent keeps a node at the state that the portal wants. Fill the exported fields, Open it, then Run it; Apply, Since and Contact are for
// whoever brings the changes, from any goroutine.
type Agent struct {
	Tunnel      Tunnel
	OpenVPN     CertTunnel // nil: this node does not serve OpenVPN
	Filter      Filter
	Host        Host // nil: nothing around the tunnel to set
	Dir         string
	Now         func() time.Time
	Log         *slog.Logger
	Places      Places        // nil: no country is known
	Prober      Prober        // nil: no destination is tried
	Report      func(Report)  // called after each change, repair and look at the peers; must not block. nil: nobody listens
	RepairEvery time.Duration // how often the node is compared with the state; 0: every 30 s, or less often where that is slow
	PollEvery   time.Duration // how often peers are looked at; 0: every second, or less often where there are many

	// The goroutine of Run owns these (Open before it).
	disk      *disk
	state     *portal.State
	expiry    expiry
	queued    map[portal.EntryKey]time.Time // the end in expiry that counts
	present   present
	standings standings
	texts     texts
	idleSince map[portal.EntryKey]time.Time // when the idle clock of an entry was started by a renewal
	closed    bool                          // the grace has run out: nothing is forwarded
	sick      error                         // the data path may differ from the state: settle until it does not

	repairs int // comparisons since the start

	peers   peerTable
	ask     chan func()
	wake    chan struct{}
	stopped chan struct{}

	mu        sync.Mutex
	waiting   []*work
	revision  uint64
	hash      string
	gatewayID portal.GatewayID
	node      portal.Node
	metrics   Metrics
	nextWhy   time.Time // when Why may look again
	noted     time.Time // the contact that is on disk
}

// contactEvery is how exactly the disk knows when a portal was last heard of.
const contactEvery = time.Minute

// Metrics are figures for a monitoring system.
type Metrics struct {
	Entries   int
	Changes   uint64        // carried out since the start
	Failures  uint64        // times that the data path refused
	Compared  uint64        // times that the whole node was compared with the state
	Drift     int           // objects repaired, other than by a change
	Closed    bool          // nothing is forwarded because no portal was heard of for too long
	Problem   string        // why the data path is not as it should be, "" when it is
	ApplyTook time.Duration // the last change, from its arrival to the data path
	Contact   time.Time     // when the portal was last heard of
}

// work is a change on its way in; done gets the outcome once.
type work struct {
	change portal.Change
	done   chan error
}

// Open loads the last state from disk and brings the node to it, so that it serves at once and without a portal. It fails when the
// state on disk cannot be read; a node that cannot be brought to the state is a problem to report and to try again.
func (a *Agent) Open(ctx context.Context) error {
	d, err := openDisk(a.Dir, a.Log)
	if err != nil {
		return err
	}
	a.disk, a.state = d, portal.NewState()
	a.ask = make(chan func())
	a.wake, a.stopped = make(chan struct{}, 1), make(chan struct{})
	if err := d.load(func(c portal.Change) { a.state.Apply(a.texts.share(c)) }); err != nil {
		return errors.Join(err, d.close())
	}
	a.noted = d.contact()
	a.metrics.Contact = a.noted
	a.indexAll(a.Now())
	a.publish()
	if a.state.Revision == 0 {
		return nil
	}
	a.closeOrOpen(ctx, a.Now())
	if _, err := a.settle(ctx, true); err != nil {
		a.Log.ErrorContext(ctx, "bring the node to its last state", "err", err)
	}
	a.Log.InfoContext(ctx, "serving the last known state", "revision", a.state.Revision, "entries", len(a.state.Entries), "portal_last_heard", a.metrics.Contact)
	return nil
}

// Run works until ctx ends, which is not an error. It leaves the data path as it is.
func (a *Agent) Run(ctx context.Context) error {
	polled := make(chan struct{})
	go func() {
		defer close(polled)
		a.watchPeers(ctx)
	}()
	defer func() {
		<-polled
		close(a.stopped)
		for _, w := range a.take() {
			w.done <- ErrStopped
		}
		if err := a.disk.close(); err != nil {
			a.Log.ErrorContext(ctx, "close the state on disk", "err", err)
		}
	}()
	a.say(nil)
	clock := time.NewTimer(a.untilNextEnd())
	defer clock.Stop()
	repair := time.NewTimer(a.untilRepair(0))
	defer repair.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
			a.applyWaiting(ctx)
		case answer := <-a.ask:
			answer()
			continue
		case <-clock.C:
			a.endWhatIsDue(ctx)
		case <-repair.C:
			repair.Reset(a.untilRepair(a.repair(ctx)))
		}
		clock.Reset(a.untilNextEnd())
	}
}

// Since tells where the feed should resume: the revision held, and the hash of its objects. Revision 0 means that nothing is held.
func (a *Agent) Since() (uint64, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.revision, a.hash
}

// Apply hands c over and returns when the node has reached it and it is on disk. Changes that wait are carried out together. An error
// means that the data path refused; the change is held all the same, and tried again until it is reached.
func (a *Agent) Apply(ctx context.Context, c portal.Change) error {
	w := &work{change: c, done: make(chan error, 1)}
	a.mu.Lock()
	a.waiting = append(a.waiting, w)
	a.mu.Unlock()
	a.poke()
	select {
	case err := <-w.done:
		return err
	case <-a.stopped:
		return ErrStopped
	case <-ctx.Done():
		return fmt.Errorf("wait for revision %d: %w", c.Revision, ctx.Err())
	}
}

// Contact says that a portal has just been heard of. Without it the agent stops forwarding after Node.Grace.
func (a *Agent) Contact() {
	if a.heard() {
		a.poke()
	}
}

// heard notes a contact and reports whether Run has something to do because of it.
func (a *Agent) heard() bool {
	now := a.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.metrics.Contact = now
	return a.metrics.Closed || now.Sub(a.noted) >= contactEvery
}

// Say reports the present position again, because something that is reported beside it has changed.
func (a *Agent) Say() { a.say(nil) }

// Metrics returns the figures of this moment.
func (a *Agent) Metrics() Metrics {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.metrics
}

// noteContact keeps on disk when a portal was last heard of, so that a restart does not begin the grace again.
func (a *Agent) noteContact() {
	a.mu.Lock()
	at := a.metrics.Contact
	due := at.Sub(a.noted) >= contactEvery
	if due {
		a.noted = at
	}
	a.mu.Unlock()
	if due {
		a.disk.noteContact(at)
	}
}

func (a *Agent) poke() {
	select {
	case a.wake <- struct{}{}:
	default: // it is awake already and will look again
	}
}

func (a *Agent) take() []*work {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.waiting
	a.waiting = nil
	return w
}

// publish makes the state's position visible to other goroutines.
func (a *Agent) publish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revision, a.hash = a.state.Revision, a.state.Hash()
	a.gatewayID, a.node = a.state.Node.Gateway, a.state.Node
	a.metrics.Entries = len(a.state.Entries)
	a.metrics.Closed = a.closed
	a.metrics.Problem = ""
	if a.sick != nil {
		a.metrics.Problem = a.sick.Error()
	}
}

// say reports the present position, with the devices that changed.
func (a *Agent) say(live []portal.Live) {
	if a.Report == nil {
		return
	}
	a.mu.Lock()
	r := Report{Revision: a.revision, Hash: a.hash, ApplyTook: a.metrics.ApplyTook, Drift: a.metrics.Drift, Problem: a.metrics.Problem, Live: live}
	a.mu.Unlock()
	a.Report(r)
}
