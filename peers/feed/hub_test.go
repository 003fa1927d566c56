package feed_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestMain(m *testing.M) {
	const storetest = "github.com/sallyport/sallyport/portal/store/storetest"
	goleak.VerifyTestMain(m,
		// The PostgreSQL server of the tests lives as long as the process, and gorm's cache of statements has no end.
		goleak.IgnoreAnyFunction(storetest+".runServer.func1"), goleak.IgnoreAnyFunction(storetest+".runServer.func1.1"),
		goleak.IgnoreAnyFunction(storetest+".removeAfter.func1"), goleak.IgnoreAnyFunction("os/exec.(*Cmd).writerDescriptor.func1"), goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"),
	)
}

// plainFilter reads the whole log and keeps what the PoP serves: the slow twin of the hub's views.
func plainFilter(t testing.TB, s *store.Store, pop portal.PoPID) *portal.State {
	t.Helper()
	c := portal.Change{Full: true}
	sigs, rules := map[portal.SignatureID]portal.Signature{}, map[portal.RuleID]portal.CompiledRule{}
	err := s.View(t.Context(), func(tx *store.Tx) error {
		profiles, err := tx.Profiles()
		if err != nil {
			return err
		}
		served := map[portal.ProfileID]bool{}
		for _, p := range profiles {
			served[p.ID] = p.ServedBy(pop)
		}
		if c.Revision, _, err = tx.Revision(); err != nil {
			return err
		}
		return tx.Objects(func(o store.Object) error {
			var e portal.Entry
			var g portal.Signature
			var r portal.CompiledRule
			switch {
			case strings.HasPrefix(o.Key, "entry/"):
				err := json.Unmarshal(o.Value, &e)
				if served[e.Profile] {
					c.Entries = append(c.Entries, e)
				}
				return err
			case strings.HasPrefix(o.Key, "sig/"):
				err := json.Unmarshal(o.Value, &g)
				sigs[g.ID] = g
				return err
			case strings.HasPrefix(o.Key, "rule/"):
				err := json.Unmarshal(o.Value, &r)
				rules[r.ID] = r
				return err
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	namedSigs, namedRules := map[portal.SignatureID]bool{}, map[portal.RuleID]bool{}
	for _, e := range c.Entries {
		if g, ok := sigs[e.Signature]; ok && !namedSigs[g.ID] {
			namedSigs[g.ID] = true
			c.Signatures = append(c.Signatures, g)
		}
	}
	for _, g := range c.Signatures {
		for _, id := range g.Rules {
			if r, ok := rules[id]; ok && !namedRules[id] {
				namedRules[id] = true
				c.Rules = append(c.Rules, r)
			}
		}
	}
	state := portal.NewState()
	state.Apply(c)
	return state
}

func TestChangeReachesTheGatewaysThatServeIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		here, there := s.pop("192.168.0.0/16"), s.pop()
		pool := s.pool()
		everywhere, onlyHere := s.profile(pool), s.profile(pool, here)
		a := newNode(t, s.enrol(here)).start()
		b := newNode(t, s.enrol(there)).start()

		shared := s.putEntry(everywhere, "d1")
		a.awaitEntry(shared)
		b.awaitEntry(shared)
		own := s.putEntry(onlyHere, "d2")
		a.awaitEntry(own)
		s.dropEntry(shared)
		a.awaitGone(shared)
		b.awaitGone(shared)
		if got, want := hash(a), s.want(here).Hash(); got != want {
			t.Errorf("gateway here has %s, want %s", got, want)
		}
		if got, want := hash(b), s.want(there).Hash(); got != want {
			t.Errorf("gateway there has %s, want %s", got, want)
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		if n := a.state.Node; n.PoP != here || len(n.Pools) != 1 || len(n.Networks) != 1 || n.Port != 51820 || n.MTU != portal.DefaultMTU {
			t.Errorf("node is %+v", n)
		}
	})
}

func hash(n *node) string {
	_, h := n.Since()
	return h
}

// The parts of a portal start side by side: whoever asks first must not meet a half-made hub. The race detector tells.
func TestStatusMayBeAskedWhileTheHubStarts(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	for range 50 {
		h := &feed.Hub{Control: &peers.Gateways{Store: db, Keys: keyring(t), Now: time.Now, Log: logger(t)}, Now: time.Now, Log: logger(t)}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = h.Run(ctx) })
		wg.Go(func() {
			if got := h.Status("none"); got.Connected {
				t.Errorf("got %+v for a gateway that there is not", got)
			}
		})
		wg.Go(func() { _ = h.Metrics() })
		cancel()
		wg.Wait()
	}
}
