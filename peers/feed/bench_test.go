package feed_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// truth is what all gateways of the place hold, once for all of them: a thousand whole states would be a benchmark of memory.
type truth struct {
	mu    sync.Mutex
	state *portal.State
	known map[uint64]string // hash by revision
}

func (t *truth) hash(c portal.Change) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.known[c.Revision]; !ok {
		t.state.Apply(c)
		t.known[c.Revision] = t.state.Hash()
	}
	return t.known[c.Revision]
}

// counter is a follower that remembers where it is and nothing else.
type counter struct {
	truth *truth
	seen  chan uint64

	mu       sync.Mutex
	revision uint64
	hash     string
}

func (c *counter) Since() (uint64, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.revision, c.hash
}

func (c *counter) set(revision uint64, hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision, c.hash = revision, hash
}

func (c *counter) Apply(_ context.Context, change portal.Change) error {
	c.set(change.Revision, c.truth.hash(change))
	if len(change.Entries)+len(change.Gone) > 0 {
		select {
		case c.seen <- change.Revision:
		default:
		}
	}
	return nil
}

// crowd is a portal with entries, and gateways that follow it over real TLS on loopback, all in one process.
type crowd struct {
	*site
	profile   portal.ProfileID
	followers []*counter
	clients   []*feed.Client
	stopAll   func()
}

func newCrowd(b *testing.B, gateways, entries int) *crowd {
	b.Helper()
	s := newSite(b, storetest.New(b), func(s *site) { s.hub.Poll, s.hub.Beat = 2*time.Second, 15*time.Second })
	feed.Unlimit(s.hub)
	c := &crowd{site: s, profile: s.profile(s.pool())}
	c.fill(entries)
	pop := s.pop("192.168.0.0/16")
	creds := make([]feed.Credentials, gateways)
	var enrol sync.WaitGroup
	for part := range 8 {
		enrol.Go(func() {
			for i := part; i < gateways; i += 8 {
				creds[i] = s.enrol(pop)
			}
		})
	}
	enrol.Wait()
	held := s.want(pop)
	all := &truth{state: held, known: map[uint64]string{held.Revision: held.Hash()}}
	for i := range gateways {
		f := &counter{truth: all, seen: make(chan uint64, 1024)}
		f.set(held.Revision, held.Hash()) // it has everything already, as after a restart of the portal
		c.followers = append(c.followers, f)
		c.clients = append(c.clients, &feed.Client{Credentials: creds[i], Now: time.Now, Log: logger(b)})
	}
	return c
}

// fill writes entries that share ten signatures.
func (c *crowd) fill(entries int) {
	c.t.Helper()
	for from := 0; from < entries; from += 5000 {
		c.tx(func(tx *store.Tx) error {
			for i := from; i < min(entries, from+5000); i++ {
				k := portal.EntryKey{Profile: c.profile, Device: portal.DeviceID(fmt.Sprintf("01a20743-0eeb-7de7-96f0-%012d", i))}
				sig := portal.SignatureID(fmt.Sprintf("%064d", i%10))
				if i < 10 {
					if err := putEntry(tx, k, sig, portal.RuleID(fmt.Sprintf("01a20743-0eeb-7de7-96f1-%012d", i))); err != nil {
						return err
					}
				} else if err := putBareEntry(tx, k, sig); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// start connects all gateways and returns how long it took until each had everything.
func (c *crowd) start() time.Duration {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	began := time.Now()
	for i, client := range c.clients {
		running.Go(func() { _ = client.Run(ctx, c.followers[i]) })
	}
	c.stopAll = func() {
		cancel()
		running.Wait()
	}
	eventually(c.t, "the beginning of all gateways", func() bool {
		if c.hub.Metrics().Streams < len(c.clients) {
			return false
		}
		for _, client := range c.clients {
			if !client.Connected() {
				return false
			}
		}
		return true
	})
	return time.Since(began)
}

func (c *crowd) drain() {
	for _, f := range c.followers {
		for len(f.seen) > 0 {
			<-f.seen
		}
	}
}

// tellOnce commits one change and returns how long it took until the last gateway had applied it, the commit included.
func (c *crowd) tellOnce(i int) time.Duration {
	c.t.Helper()
	k := portal.EntryKey{Profile: c.profile, Device: portal.DeviceID(fmt.Sprintf("01a20743-0eeb-7de7-96f0-%012d", i%100))}
	began := time.Now()
	c.tx(func(tx *store.Tx) error { return putBareEntry(tx, k, portal.SignatureID(fmt.Sprintf("%064d", 1))) })
	for _, f := range c.followers {
		select {
		case <-f.seen:
		case <-time.After(patience):
			c.t.Fatal("a gateway was not told")
		}
	}
	return time.Since(began)
}

func BenchmarkTellAll(b *testing.B) {
	for _, size := range []struct{ gateways, entries int }{{100, 1000}, {100, 50_000}, {1000, 1000}} {
		b.Run(fmt.Sprintf("gateways=%d/entries=%d", size.gateways, size.entries), func(b *testing.B) {
			c := newCrowd(b, size.gateways, size.entries)
			connect := c.start()
			defer c.stopAll()
			c.drain()
			var worst time.Duration
			i := 0
			for b.Loop() {
				i++
				worst = max(worst, c.tellOnce(i))
			}
			b.ReportMetric(float64(connect.Milliseconds()), "ms-to-connect-all")
			b.ReportMetric(float64(worst.Microseconds())/1000, "ms-worst")
			m := c.hub.Metrics()
			b.ReportMetric(float64(m.ClickP50.Microseconds())/1000, "ms-p50-click-to-applied")
			b.ReportMetric(float64(m.ClickP99.Microseconds())/1000, "ms-p99-click-to-applied")
			if m.Snapshots > 0 {
				b.Errorf("%d snapshots; nobody was to need one", m.Snapshots)
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	for _, entries := range []int{10_000, 50_000} {
		b.Run(fmt.Sprintf("entries=%d", entries), func(b *testing.B) {
			c := newCrowd(b, 1, entries)
			for b.Loop() {
				c.followers[0].set(0, "")
				c.drain()
				client := newNode(b, c.clients[0].Credentials).client
				ctx, cancel := context.WithCancel(context.Background())
				done := make(chan struct{})
				go func() {
					defer close(done)
					_ = client.Run(ctx, c.followers[0])
				}()
				<-c.followers[0].seen
				cancel()
				<-done
			}
			b.ReportMetric(float64(heap())/(1<<20), "MiB-heap-both-ends")
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkIdle lets 1,000 gateways be idle for a while and says how much of one processor portal and gateways take together.
func BenchmarkIdle(b *testing.B) {
	c := newCrowd(b, 1000, 1000)
	connect := c.start()
	defer c.stopAll()
	var share float64
	for b.Loop() {
		used, began := cpuTime(b), time.Now()
		<-time.After(20 * time.Second)
		share = 100 * float64(cpuTime(b)-used) / float64(time.Since(began))
	}
	b.ReportMetric(share, "%CPU")
	b.ReportMetric(float64(connect.Milliseconds()), "ms-to-connect-all")
	b.ReportMetric(float64(heap())/(1<<20), "MiB-heap-both-ends")
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
