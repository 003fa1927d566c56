package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/migrations"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// appendEvents writes n events "test.done" about "thing:0" and so on, each in a transaction of its own.
func appendEvents(t *testing.T, s *store.Store, n int) {
	t.Helper()
	for i := range n {
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.Audit(portal.Actor{User: "u1", RequestID: "r"}, "test.done", fmt.Sprintf("thing:%d", i), map[string]int{"i": i})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// disarm does what somebody with rights over the schema would do first.
func disarm(t *testing.T, s *store.Store) {
	t.Helper()
	if s.Engine() == migrations.Postgres {
		store.Exec(t, s, "ALTER TABLE audit DISABLE TRIGGER USER")
		return
	}
	for _, name := range []string{"audit_keeps_events", "audit_loses_nothing", "audit_grows_at_its_end"} {
		store.Exec(t, s, "DROP TRIGGER "+name)
	}
}

func TestAuditTrailOnlyGrows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		appendEvents(t, s, 3)
		statements := []string{"UPDATE audit SET detail = '{}' WHERE seq = 3", "UPDATE audit SET seq = 9 WHERE seq = 3", "DELETE FROM audit WHERE seq = 3", "DELETE FROM audit"}
		if s.Engine() == migrations.Postgres {
			statements = append(statements, "TRUNCATE audit",
				"INSERT INTO audit SELECT * FROM audit WHERE seq = 2 ON CONFLICT (seq) DO UPDATE SET detail = '{}'")
		} else {
			statements = append(statements, "INSERT OR REPLACE INTO audit SELECT seq, at, actor, action, target, '{}', addr, request_id, prev, hash FROM audit WHERE seq = 2",
				"REPLACE INTO audit SELECT 0, at, actor, action, target, '{}', addr, request_id, prev, hash FROM audit WHERE seq = 2")
		}
		for _, statement := range statements {
			if err := store.TryExec(s, statement); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: got %v", statement, err)
			}
		}
		if good, broken := verify(t, s); good != 3 || broken != 0 {
			t.Errorf("%d good, broken at %d; want 3 and 0", good, broken)
		}
		appendEvents(t, s, 1)
	})
}

func TestAuditChainShowsWhatWasChanged(t *testing.T) {
	for name, c := range map[string]struct {
		statement    string
		good, broken uint64
	}{
		"a detail":         {"UPDATE audit SET detail = '{}' WHERE seq = 3", 2, 3},
		"an address":       {"UPDATE audit SET addr = '203.0.113.1' WHERE seq = 1", 0, 1},
		"a time":           {"UPDATE audit SET at = at + 1 WHERE seq = 5", 4, 5},
		"one in between":   {"DELETE FROM audit WHERE seq = 4", 3, 4},
		"the first":        {"DELETE FROM audit WHERE seq = 1", 0, 1},
		"the newest two":   {"DELETE FROM audit WHERE seq > 3", 3, 4},
		"all":              {"DELETE FROM audit", 0, 1},
		"the counter":      {"UPDATE counters SET value = 7 WHERE name = 'audit'", 5, 6},
		"moved to the end": {"UPDATE audit SET seq = 6 WHERE seq = 2", 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				appendEvents(t, s, 5)
				disarm(t, s)
				store.Exec(t, s, c.statement)
				if good, broken := verify(t, s); good != c.good || broken != c.broken {
					t.Errorf("%d good, broken at %d; want %d and %d", good, broken, c.good, c.broken)
				}
			})
		})
	}
}

func TestAuditSearchFindsWhatTheFilterChooses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		clock := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return clock }
		for i, e := range []struct{ user, action, target, detail string }{
			{"u1", "device.create", "device:a", "Laptop of Ada"}, {"u1", "device.revoke", "device:a", "100% _gone"}, {"u2", "device_x.create", "device:b", "Phone"}, {"u2", "user.suspend", "user:u1", ""},
		} {
			clock = clock.Add(time.Minute)
			err := s.Tx(t.Context(), func(tx *store.Tx) error {
				by := portal.Actor{User: portal.UserID(e.user), RequestID: fmt.Sprintf("req-%d", i)}
				return tx.Audit(by, e.action, e.target, map[string]string{"name": e.detail})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.CreateUser(portal.User{ID: "u2", Name: "Grace Hopper", Role: portal.RoleUser, State: portal.UserActive, CreatedAt: clock})
		})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
		for name, c := range map[string]struct {
			f    store.AuditFilter
			want []uint64
		}{
			"everything":      {store.AuditFilter{}, []uint64{4, 3, 2, 1}},
			"actor":           {store.AuditFilter{Actor: "user:u1"}, []uint64{2, 1}},
			"part of actor":   {store.AuditFilter{Actor: "user:u"}, nil},
			"action family":   {store.AuditFilter{Action: "device."}, []uint64{2, 1}},
			"_ is itself":     {store.AuditFilter{Action: "device_"}, []uint64{3}},
			"target":          {store.AuditFilter{Target: "device:a", Action: "device.revoke"}, []uint64{2}},
			"from":            {store.AuditFilter{From: start.Add(3 * time.Minute)}, []uint64{4, 3}},
			"until":           {store.AuditFilter{Until: start.Add(3 * time.Minute)}, []uint64{2, 1}},
			"text in detail":  {store.AuditFilter{Text: "laptop OF"}, []uint64{1}},
			"text in request": {store.AuditFilter{Text: "REQ-2"}, []uint64{3}},
			"% is itself":     {store.AuditFilter{Text: "100%"}, []uint64{2}},
			"name of actor":   {store.AuditFilter{Text: "gRace h"}, []uint64{4, 3}},
			"no injection":    {store.AuditFilter{Text: "' OR 1=1 --", Actor: "' OR '1'='1"}, nil},
		} {
			var down, up []uint64
			err := s.View(t.Context(), func(tx *store.Tx) error {
				down, up = nil, nil
				for before := uint64(0); ; { // pages of one
					page, err := tx.SearchAudit(c.f, before, 1)
					if err != nil || len(page) == 0 {
						break
					}
					before = page[0].Seq
					down = append(down, before)
				}
				all, err := tx.AuditAfter(c.f, 0, 0, 100)
				for _, e := range all {
					up = append(up, e.Seq)
				}
				return err
			})
			slices.Reverse(up)
			if err != nil || !slices.Equal(down, c.want) || !slices.Equal(up, c.want) {
				t.Errorf("%s: got %v and %v, %v; want %v", name, down, up, err, c.want)
			}
		}
	})
}

func TestOnePortalHoldsASink(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		clock := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return clock }
		hold := func(owner string) (seq uint64, ok bool) {
			t.Helper()
			err := s.Tx(t.Context(), func(tx *store.Tx) (err error) {
				seq, ok, err = tx.HoldAuditSink("siem", owner, time.Minute)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return seq, ok
		}
		move := func(owner string, seq uint64) {
			t.Helper()
			if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.MoveAuditSink("siem", owner, seq) }); err != nil {
				t.Fatal(err)
			}
		}
		if seq, ok := hold("a"); !ok || seq != 0 {
			t.Errorf("a new sink is at %d, held %v", seq, ok)
		}
		if _, ok := hold("b"); ok {
			t.Error("two portals hold the sink")
		}
		move("a", 5)
		move("b", 9) // does not hold it
		move("a", 4) // never back
		if seq, ok := hold("a"); !ok || seq != 5 {
			t.Errorf("at %d, held %v; want 5", seq, ok)
		}
		clock = clock.Add(time.Minute)
		if seq, ok := hold("b"); !ok || seq != 5 {
			t.Errorf("after the hold of a: at %d, held %v", seq, ok)
		}
		move("a", 6)
		if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.ReleaseAuditSink("siem", "b", "refused") }); err != nil {
			t.Fatal(err)
		}
		if seq, ok := hold("a"); !ok || seq != 5 {
			t.Errorf("after b gave it up: at %d, held %v", seq, ok)
		}
	})
}
