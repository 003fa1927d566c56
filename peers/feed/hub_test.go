package feed_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"slices"
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
	namedSigs := map[portal.SignatureID]bool{}
	for _, e := range c.Entries {
		if g, ok := sigs[e.Signature]; ok && !namedSigs[g.ID] {
			namedSigs[g.ID] = true
			c.Signatures = append(c.Signatures, g)
		}
	}
	for _, r := range rules {
		if slices.Contains(r.Groups, portal.Everyone) || slices.ContainsFunc(c.Signatures, r.Concerns) {
			c.Rules = append(c.Rules, r)
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

// A gateway from before conditions would let every allow rule hold always: it is told of none that has them, and of denies without.
func TestOlderGatewayIsToldOfNothingThatItWouldEnforceTooOpenly(t *testing.T) {
	s := newSite(t, storetest.New(t), quickBeat)
	pop := s.pop()
	profile := s.profile(s.pool())
	key := portal.EntryKey{Profile: profile, Device: "d1"}
	until := time.Now().Add(time.Hour)
	put := func(allow, deny portal.RuleID) {
		s.tx(func(tx *store.Tx) error {
			for id, action := range map[portal.RuleID]portal.Action{allow: portal.Allow, deny: portal.Deny} {
				if _, err := tx.Put(store.RuleKey(id), func(rev uint64) any {
					return portal.CompiledRule{
						ID: id, Action: action, Revision: rev, Conditions: portal.Conditions{ValidUntil: until},
						Destinations: []portal.Destination{{Prefix: netip.MustParsePrefix("192.168.0.0/16"), Transport: portal.TCP}},
					}
				}); err != nil {
					return err
				}
			}
			if _, err := tx.Put(store.SignatureKey("sig-1"), func(rev uint64) any {
				return portal.Signature{ID: "sig-1", Groups: []portal.GroupID{"g1"}, Rules: []portal.RuleID{"plain", allow, deny}, Revision: rev}
			}); err != nil {
				return err
			}
			if err := putRule(tx, "plain", portal.Everyone); err != nil {
				return err
			}
			_, err := tx.Put(store.EntryKey(key), func(rev uint64) any {
				return portal.Entry{EntryKey: key, Signature: "sig-1", Level: portal.LevelFull, NotAfter: until, LetIn: 3, Revision: rev}
			})
			return err
		})
	}
	put("allow", "deny")
	old := newNode(t, s.enrol(pop))
	feed.Older(old.client, portal.Dialect)
	old.start()
	now := newNode(t, s.enrol(pop)).start()
	old.awaitEntry(key)
	now.awaitEntry(key)
	put("allow-2", "deny-2") // as a change, and not in a snapshot
	for _, n := range []*node{old, now} {
		n.await("the second rules", func(s *portal.State) bool { return len(s.Rules) == 3 && s.Rules["deny-2"].ID != "" })
	}
	old.mu.Lock()
	if got := old.state.Rules; len(got["allow-2"].Destinations) != 0 || len(got["deny-2"].Destinations) != 1 || !got["deny-2"].Conditions.IsZero() || len(got["plain"].Destinations) != 1 {
		t.Errorf("an older gateway has %+v", got)
	}
	if e := old.state.Entries[key]; e.LetIn != 0 || e.Level != portal.LevelQuarantine || len(old.state.Signatures[e.Signature].Groups) != 0 {
		t.Errorf("an older gateway has %+v", e)
	}
	old.mu.Unlock()
	now.mu.Lock()
	if got := now.state.Rules; len(got["allow-2"].Destinations) != 1 || got["allow-2"].Conditions.IsZero() {
		t.Errorf("a new gateway has %+v", got)
	}
	now.mu.Unlock()
	eventually(t, "the two agree with the portal", func() bool {
		a, b := s.hub.Status(old.client.Credentials.Gateway), s.hub.Status(now.client.Credentials.Gateway)
		return a.HashOK && b.HashOK && !a.Behind && !b.Behind && a.Withheld == 3 && a.Dialect == 0 && b.Withheld == 0 && b.Dialect == portal.Dialect
	})
	if n := s.hub.Status(old.client.Credentials.Gateway).Mismatches; n != 0 {
		t.Errorf("%d hashes did not agree", n)
	}
	old.restart() // it was updated
	old.await("the rules as they are", func(s *portal.State) bool {
		return len(s.Rules["allow-2"].Destinations) == 1 && s.Entries[key].LetIn == 3
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
