package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

// machine stands for a node that can fail on cue: it is Tunnel and Filter at once, and checks the order in which they are used.
type machine struct {
	t testing.TB

	mu     sync.Mutex
	up     bool
	peers  map[portal.PublicKey]netip.Addr
	levels map[netip.Addr]portal.Level // what the filter does with an address
	leads  map[portal.RuleID]int       // to how many destinations each rule leads
	node   portal.Node
	fail   error // returned by everything
	syncs  int
	calls  int // other than Sync and Live
}

func newMachine(t testing.TB) *machine {
	return &machine{t: t, peers: map[portal.PublicKey]netip.Addr{}, levels: map[netip.Addr]portal.Level{}, leads: map[portal.RuleID]int{}}
}

func (m *machine) Configure(_ context.Context, n portal.Node) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.up, m.node = true, n
	return m.fail
}

func (m *machine) Remove(_ context.Context, keys []portal.PublicKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	for _, k := range keys {
		delete(m.peers, k)
	}
	return m.fail
}

func (m *machine) Put(_ context.Context, entries []portal.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.fail != nil {
		return m.fail
	}
	for _, e := range entries {
		for k, a := range m.peers {
			if a == e.V4 && k != e.PublicKey {
				m.t.Errorf("address %s is given to a second peer while the first has it", a)
			}
		}
		m.peers[e.PublicKey] = e.V4
	}
	return nil
}

// tunnel and filter have a Sync each.
type tunnel struct{ *machine }

func (m tunnel) Sync(_ context.Context, entries map[portal.EntryKey]portal.Entry) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	want := map[portal.PublicKey]netip.Addr{}
	for _, e := range entries {
		want[e.PublicKey] = e.V4
	}
	if m.fail != nil || maps.Equal(want, m.peers) {
		return 0, m.fail
	}
	m.peers = want
	return 1, nil
}

func (m tunnel) Live(context.Context) ([]gateway.Peer, error) { return nil, nil }

type filter struct{ *machine }

func (m filter) Sync(_ context.Context, want portal.Desired, now time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.syncs++
	levels := map[netip.Addr]portal.Level{}
	for _, e := range want.Entries {
		levels[e.V4] = e.LevelAt(now)
	}
	leads := map[portal.RuleID]int{}
	for id, r := range want.Rules {
		leads[id] = len(r.Destinations)
	}
	if m.fail != nil || maps.Equal(levels, m.levels) && maps.Equal(leads, m.leads) {
		return 0, m.fail
	}
	m.levels, m.leads = levels, leads
	return 1, nil
}

func (m filter) Apply(_ context.Context, _ portal.Desired, d portal.Delta) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	if m.fail != nil {
		return m.fail
	}
	for _, r := range d.Rules {
		if r.Old != nil {
			if had, there := m.leads[r.Old.ID]; !there || had != len(r.Old.Destinations) {
				m.t.Errorf("the filter is told that %s led to %d, and it leads to %d", r.Old.ID, len(r.Old.Destinations), had)
			}
			delete(m.leads, r.Old.ID)
		}
		if r.New != nil {
			m.leads[r.New.ID] = len(r.New.Destinations)
		}
	}
	for _, e := range d.Entries {
		if e.Old == nil {
			continue
		}
		if had, there := m.levels[e.Old.V4]; !there || had != e.Old.Level {
			m.t.Errorf("the filter is told that %s was at %q, and it is at %q", e.Old.V4, e.Old.Level, had)
		}
		delete(m.levels, e.Old.V4)
	}
	for _, e := range d.Entries {
		if e.New != nil {
			m.levels[e.New.V4] = e.New.Level
		}
	}
	return nil
}

func (m *machine) set(fail error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

// level is what the filter does with device n's address: "" is nothing at all.
func (m *machine) level(n uint32) portal.Level {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.levels[entry(n).V4]
}

// open reports whether the rule leads anywhere.
func (m *machine) open(id portal.RuleID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leads[id] > 0
}

func (m *machine) peerCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.peers)
}

func entry(n uint32) portal.Entry {
	a := pool.At(portal.PoolFirst + n)
	return portal.Entry{
		EntryKey:  portal.EntryKey{Profile: "p", Device: portal.DeviceID(fmt.Sprintf("device%d", n))},
		PublicKey: portal.PublicKey{9, byte(n), byte(n >> 8), byte(n >> 16)}, V4: a.V4, V6: a.V6, Signature: "sig", Level: portal.LevelFull,
		NotAfter: time.Now().Add(time.Hour),
	}
}

var (
	node = portal.Node{Gateway: "gw", Pools: []portal.Pool{pool}, Port: 51820}
	sigs = []portal.Signature{{ID: "sig", Rules: []portal.RuleID{"web"}}}
	all  = []portal.CompiledRule{{ID: "web", Action: portal.Allow}}
)

func first(entries ...portal.Entry) portal.Change {
	return portal.Change{Revision: 1, Full: true, Node: &node, Entries: entries, Signatures: sigs, Rules: all}
}

// run starts an agent on dir, until stop.
func run(t testing.TB, m *machine, dir string, adjust ...func(*gateway.Agent)) (a *gateway.Agent, stop func()) {
	t.Helper()
	a = &gateway.Agent{Tunnel: tunnel{m}, Filter: filter{m}, Dir: dir, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	for _, f := range adjust {
		f(a)
	}
	if err := a.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	return a, sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func mustApply(t testing.TB, a *gateway.Agent, c portal.Change) {
	t.Helper()
	if err := a.Apply(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

// pass lets time go by in a bubble of synctest, where it costs none.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestGrantEndsByTheGatewaysOwnClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t)
		a, stop := run(t, m, t.TempDir())
		defer stop()
		short, long, renewed := entry(1), entry(2), entry(3)
		short.NotAfter, long.NotAfter, renewed.NotAfter = time.Now().Add(time.Minute), time.Now().Add(2*time.Minute), time.Now().Add(time.Minute)
		mustApply(t, a, first(short, long, renewed))
		renewed.NotAfter = time.Now().Add(10 * time.Minute)
		mustApply(t, a, portal.Change{Revision: 2, Entries: []portal.Entry{renewed}})

		pass(time.Minute - time.Millisecond)
		if got := m.level(1); got != portal.LevelFull {
			t.Errorf("before its end the first is at %q", got)
		}
		pass(time.Millisecond)
		if one, two, three := m.level(1), m.level(2), m.level(3); one != portal.LevelQuarantine || two != portal.LevelFull || three != portal.LevelFull {
			t.Errorf("at the first end: %q %q %q", one, two, three)
		}
		short.NotAfter = time.Now().Add(time.Hour)
		mustApply(t, a, portal.Change{Revision: 3, Entries: []portal.Entry{short}})
		if got := m.level(1); got != portal.LevelFull {
			t.Errorf("after its renewal the first is at %q", got)
		}
		if m.peerCount() != 3 {
			t.Errorf("%d peers, want 3: the tunnel itself stays up", m.peerCount())
		}
	})
}

func TestNothingIsForwardedAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, dir := newMachine(t), t.TempDir()
		a, stop := run(t, m, dir)
		e := entry(1)
		e.NotAfter = time.Now().Add(1000 * time.Hour)
		mustApply(t, a, first(e))
		pass(20 * time.Hour)
		a.Contact() // a heartbeat
		pass(23 * time.Hour)
		if m.level(1) != portal.LevelFull {
			t.Fatal("it stopped before the grace was over")
		}
		stop()
		a, stop = run(t, m, dir) // a restart does not begin the grace again
		defer stop()
		pass(time.Hour + time.Minute)
		if m.level(1) != "" || m.peerCount() != 0 || !a.Metrics().Closed {
			t.Fatalf("after the grace: level %q, %d peers", m.level(1), m.peerCount())
		}
		mustApply(t, a, portal.Change{Revision: 2, Entries: []portal.Entry{entry(2)}})
		if m.level(1) != portal.LevelFull || m.level(2) != portal.LevelFull {
			t.Error("it does not serve again after the portal came back")
		}
	})
}

func TestRefusedChangeIsHeldAndReachedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t)
		var reports []gateway.Report
		a, stop := run(t, m, t.TempDir(), func(a *gateway.Agent) { a.Report = func(r gateway.Report) { reports = append(reports, r) } })
		defer stop()
		mustApply(t, a, first(entry(1)))
		broken := errors.New("no such luck")
		m.set(broken)
		if err := a.Apply(t.Context(), portal.Change{Revision: 2, Gone: []portal.EntryKey{entry(1).EntryKey}}); !errors.Is(err, broken) {
			t.Fatalf("the error is %v", err)
		}
		synctest.Wait()
		if last := reports[len(reports)-1]; last.Problem == "" || last.Revision != 2 {
			t.Errorf("reported %+v", last)
		}
		m.set(nil)
		pass(time.Minute)
		if m.level(1) != "" || m.peerCount() != 0 {
			t.Error("the change was lost")
		}
		if last := reports[len(reports)-1]; last.Problem != "" {
			t.Errorf("reported %+v", last)
		}
	})
}

func TestWaitingChangesAreCarriedOutTogether(t *testing.T) {
	m := newMachine(t)
	a, stop := run(t, m, t.TempDir())
	defer stop()
	mustApply(t, a, first())
	m.mu.Lock() // the machine is busy while changes come in
	var done sync.WaitGroup
	errs := make(chan error, 1000)
	started := make(chan struct{}, 1000)
	for i := range 1000 {
		done.Go(func() {
			started <- struct{}{}
			errs <- a.Apply(context.Background(), portal.Change{Revision: 2, Entries: []portal.Entry{entry(uint32(i))}, Signatures: sigs, Rules: all})
		})
	}
	for range 1000 {
		<-started
	}
	calls := m.calls
	m.mu.Unlock()
	done.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := m.calls - calls; n > 200 || m.peerCount() != 1000 {
		t.Errorf("%d calls for 1000 changes, %d peers", n, m.peerCount())
	}
}

func TestAddressThatChangesHandsIsNeverShared(t *testing.T) {
	m := newMachine(t)
	a, stop := run(t, m, t.TempDir())
	defer stop()
	one, two := entry(1), entry(2)
	mustApply(t, a, first(one, two))
	one.V4, two.V4 = two.V4, one.V4
	mustApply(t, a, portal.Change{Revision: 2, Entries: []portal.Entry{one, two}})
	three := entry(3)
	three.V4 = one.V4
	mustApply(t, a, portal.Change{Revision: 3, Entries: []portal.Entry{three}, Gone: []portal.EntryKey{one.EntryKey}})
	if m.peers[three.PublicKey] != three.V4 || len(m.peers) != 2 {
		t.Errorf("peers are %v", m.peers)
	}
}

func TestDeviceThatMovesToAnotherProfileKeepsItsPeer(t *testing.T) {
	m := newMachine(t)
	a, stop := run(t, m, t.TempDir())
	defer stop()
	old := entry(1)
	mustApply(t, a, first(old))
	moved := entry(9)
	moved.PublicKey, moved.Device, moved.Profile = old.PublicKey, old.Device, "other"
	mustApply(t, a, portal.Change{Revision: 2, Entries: []portal.Entry{moved}}) // the addition first …
	mustApply(t, a, portal.Change{Revision: 3, Gone: []portal.EntryKey{old.EntryKey}})
	if got := m.peers[old.PublicKey]; got != moved.V4 {
		t.Errorf("the peer has %v, want %v", got, moved.V4)
	}
	back := entry(1)
	mustApply(t, a, portal.Change{Revision: 4, Gone: []portal.EntryKey{moved.EntryKey}, Entries: []portal.Entry{back}}) // … or both at once
	if got := m.peers[old.PublicKey]; got != back.V4 {
		t.Errorf("the peer has %v, want %v", got, back.V4)
	}
}

func TestStateSurvivesATornWriteAndDamage(t *testing.T) {
	dir := t.TempDir()
	m := newMachine(t)
	a, stop := run(t, m, dir)
	mustApply(t, a, first(entry(1)))
	mustApply(t, a, portal.Change{Revision: 2, Entries: []portal.Entry{entry(2)}})
	rev, hash := a.Since()
	stop()

	logs, err := filepath.Glob(filepath.Join(dir, "changes.*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatal("no log", err)
	}
	slices.Sort(logs)
	newest := logs[len(logs)-1]
	f, err := os.OpenFile(newest, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`deadbeef {"rev":3,"gone":[{"pro`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	a, stop = run(t, newMachine(t), dir)
	if r, h := a.Since(); r != rev || h != hash {
		t.Errorf("after a torn write it holds %d %s, want %d %s", r, h, rev, hash)
	}
	mustApply(t, a, portal.Change{Revision: 3, Gone: []portal.EntryKey{entry(1).EntryKey}})
	rev, hash = a.Since()
	stop()
	a, stop = run(t, newMachine(t), dir)
	if r, h := a.Since(); r != rev || h != hash {
		t.Errorf("after appending to the mended log it holds %d, want %d", r, rev)
	}
	stop()

	if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte("00000000 {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, stop = run(t, newMachine(t), dir)
	if r, _ := a.Since(); r != 0 {
		t.Errorf("from a damaged snapshot it holds revision %d, want nothing", r)
	}
	mustApply(t, a, first(entry(1)))
	stop()
	info, err := os.Stat(filepath.Join(dir, "state.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state has mode %v (%v)", info.Mode(), err)
	}
}

func TestStateIsCompactedAndReadBack(t *testing.T) {
	dir := t.TempDir()
	a, stop := run(t, newMachine(t), dir)
	mustApply(t, a, first())
	const n = 8000
	for i := range uint32(n) {
		if i%100 != 0 {
			continue
		}
		var batch []portal.Entry
		for k := range uint32(100) {
			batch = append(batch, entry(i+k))
		}
		mustApply(t, a, portal.Change{Revision: uint64(i + 2), Entries: batch, Signatures: sigs, Rules: all})
	}
	rev, hash := a.Since()
	stop()
	logs, err := filepath.Glob(filepath.Join(dir, "changes.*.log"))
	if err != nil || len(logs) > 2 {
		t.Errorf("logs are left behind: %v", logs)
	}
	a, stop = run(t, newMachine(t), dir)
	defer stop()
	if r, h := a.Since(); r != rev || h != hash || a.Metrics().Entries != n {
		t.Errorf("read back %d entries at %d %s, want %d at %d %s", a.Metrics().Entries, r, h, n, rev, hash)
	}
}

func TestSecondAgentOnTheSameFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	_, stop := run(t, newMachine(t), dir)
	defer stop()
	b := &gateway.Agent{Tunnel: tunnel{newMachine(t)}, Filter: filter{newMachine(t)}, Dir: dir, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	if err := b.Open(t.Context()); !errors.Is(err, gateway.ErrDirInUse) {
		t.Errorf("the error is %v, want %v", err, gateway.ErrDirInUse)
	}
}
