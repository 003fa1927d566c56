package gateway_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/portal"
)

// shaking is a machine whose peers have made handshakes.
type shaking struct {
	tunnel
	mu     sync.Mutex
	shakes map[portal.PublicKey]time.Time
}

func (s *shaking) Live(context.Context) ([]gateway.Peer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []gateway.Peer
	for k, at := range s.shakes {
		all = append(all, gateway.Peer{Key: k, Handshake: at})
	}
	return all, nil
}

func (s *shaking) shake(e portal.Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shakes[e.PublicKey] = time.Now()
}

func TestIdleDeviceFallsByTheGatewaysOwnClockUntilItIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t)
		s := &shaking{tunnel: tunnel{m}, shakes: map[portal.PublicKey]time.Time{}}
		var mu sync.Mutex
		idled := map[portal.DeviceID]int{}
		dir := t.TempDir()
		setUp := func(a *gateway.Agent) {
			a.Tunnel = s
			a.Report = func(r gateway.Report) {
				mu.Lock()
				defer mu.Unlock()
				for _, l := range r.Live {
					if l.Idled {
						idled[l.Device]++
					}
				}
			}
		}
		a, stop := run(t, m, dir, setUp)
		defer func() { stop() }()
		busy, quiet, elsewhere, never := entry(1), entry(2), entry(3), entry(4)
		for _, e := range []*portal.Entry{&busy, &quiet, &elsewhere, &never} {
			e.NotAfter = time.Now().Add(24 * time.Hour)
			e.Idle = 30 * time.Minute
		}
		never.Idle = 0
		mustApply(t, a, first(busy, quiet, elsewhere, never))
		s.shake(busy)
		s.shake(quiet)
		s.shake(never)
		for range 28 {
			pass(time.Minute)
			s.shake(busy)
		}
		if got := m.level(2); got != portal.LevelFull {
			t.Errorf("before its time the quiet one is at %q", got)
		}
		for range 5 {
			pass(time.Minute)
			s.shake(busy)
		}
		want := func(when string, levels ...portal.Level) {
			t.Helper()
			for i, level := range levels {
				if got := m.level(uint32(i + 1)); got != level {
					t.Errorf("%s: device %d is at %q, want %q", when, i+1, got, level)
				}
			}
		}
		full, out := portal.LevelFull, portal.LevelQuarantine
		want("after 33 minutes", full, out, full, full)
		mu.Lock()
		if idled[quiet.Device] == 0 || len(idled) != 1 {
			t.Errorf("reported as idle: %v", idled)
		}
		mu.Unlock()

		s.shake(quiet) // it wakes, which proves nothing of its person
		pass(2 * time.Minute)
		want("after it woke", full, out, full, full)
		quiet.Signature, quiet.Revision = "sig", 2
		mustApply(t, a, portal.Change{Revision: 2, Entries: []portal.Entry{quiet}}) // a change that is no renewal
		want("after another change", full, out, full, full)
		pass(2 * time.Minute) // and a comparison of the whole node
		want("after a comparison", full, out, full, full)

		revision := uint64(2)
		put := func(when string, level portal.Level) {
			t.Helper()
			revision++
			quiet.Revision = revision
			mustApply(t, a, portal.Change{Revision: revision, Entries: []portal.Entry{quiet}})
			want(when, full, level, full, full)
		}
		quiet.NotAfter = time.Now().Add(time.Hour)
		put("after its profile's session became shorter", out)
		quiet.NotAfter = time.Now().Add(24 * time.Hour)
		put("and longer", out)
		revision++
		mustApply(t, a, portal.Change{Revision: revision, Gone: []portal.EntryKey{quiet.EntryKey}}) // suspended
		put("after it was suspended and resumed", out)
		quiet.LetIn++
		put("after it was renewed", full)
		s.shake(busy)
		pass(20 * time.Minute)
		want("20 minutes after it was renewed", full, full, full, full)

		stop()
		a, stop = run(t, m, dir, setUp)
		pass(29 * time.Minute)
		want("29 minutes after a restart", full, full, full, full)
		pass(2 * time.Minute)
		want("31 minutes after a restart", out, out, full, full)
		_ = a
	})
}
