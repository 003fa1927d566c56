package peers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// snapshot reads all that policy is made of, the plain way.
func (h *house) snapshot() peers.Snapshot {
	h.t.Helper()
	s := peers.Snapshot{
		Active: map[portal.UserID]bool{}, Groups: map[portal.UserID][]portal.GroupID{}, Grants: map[portal.DeviceID]portal.Grant{},
	}
	h.ok(h.s.Store.View(h.ctx(), func(tx *store.Tx) (err error) {
		users, err := tx.Users("", "", 100_000)
		if err != nil {
			return err
		}
		for _, u := range users {
			s.Active[u.ID] = u.State == portal.UserActive
			if s.Groups[u.ID], err = tx.GroupIDs(u.ID); err != nil {
				return err
			}
		}
		if s.Profiles, err = tx.Profiles(); err != nil {
			return err
		}
		if s.Resources, err = tx.Resources(); err != nil {
			return err
		}
		if s.Rules, err = tx.Rules(); err != nil {
			return err
		}
		devices, err := tx.Devices(store.DeviceFilter{})
		for _, d := range devices {
			s.Devices = append(s.Devices, d.Device)
			s.Grants[d.ID] = d.Grant
		}
		return err
	}))
	return s
}

// logged reads the objects that gateways follow, without their revisions.
func (h *house) logged() peers.Objects {
	h.t.Helper()
	o := peers.Objects{
		Entries: map[portal.EntryKey]portal.Entry{}, Signatures: map[portal.SignatureID]portal.Signature{},
		Rules: map[portal.RuleID]portal.CompiledRule{}, Profiles: map[portal.ProfileID]portal.ServedProfile{},
	}
	h.ok(h.s.Store.View(h.ctx(), func(tx *store.Tx) error {
		return tx.Objects(func(x store.Object) error {
			kind, _, _ := strings.Cut(x.Key, "/")
			switch kind {
			case "entry":
				e := read[portal.Entry](h.t, x)
				e.Revision = mustBe(h.t, x, e.Revision)
				o.Entries[e.EntryKey] = e
			case "sig":
				g := read[portal.Signature](h.t, x)
				g.Revision = mustBe(h.t, x, g.Revision)
				o.Signatures[g.ID] = g
			case "rule":
				r := read[portal.CompiledRule](h.t, x)
				r.Revision = mustBe(h.t, x, r.Revision)
				o.Rules[r.ID] = r
			case "profile":
				p := read[portal.ServedProfile](h.t, x)
				p.Revision = mustBe(h.t, x, p.Revision)
				o.Profiles[p.ID] = p
			}
			return nil
		})
	}))
	return o
}

func read[T any](t testing.TB, x store.Object) (v T) {
	t.Helper()
	if err := json.Unmarshal(x.Value, &v); err != nil {
		t.Fatalf("object %s: %v", x.Key, err)
	}
	return v
}

// mustBe wants the revision inside of an object to be the one that it has in the log, and returns 0, as the compiler leaves it.
func mustBe(t testing.TB, x store.Object, revision uint64) uint64 {
	t.Helper()
	if revision != x.Revision {
		t.Errorf("object %s says revision %d and is logged under %d", x.Key, revision, x.Revision)
	}
	return 0
}

// sameAsCompiled wants the feed log to be what the plain compiler makes of what is there.
func (h *house) sameAsCompiled() error {
	h.t.Helper()
	want, got := peers.Compile(h.snapshot()), h.logged()
	var diff []string
	diff = append(diff, differences("entry", got.Entries, want.Entries, func(a, b portal.Entry) bool {
		sameTime := a.NotAfter.Equal(b.NotAfter)
		a.NotAfter, b.NotAfter = time.Time{}, time.Time{}
		return sameTime && a == b
	})...)
	diff = append(diff, differences("signature", got.Signatures, want.Signatures, func(a, b portal.Signature) bool {
		return a.ID == b.ID && slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Rules, b.Rules)
	})...)
	diff = append(diff, differences("rule", got.Rules, want.Rules, func(a, b portal.CompiledRule) bool {
		return a.ID == b.ID && a.Action == b.Action && slices.Equal(a.Groups, b.Groups) && slices.Equal(a.Destinations, b.Destinations)
	})...)
	diff = append(diff, differences("profile", got.Profiles, want.Profiles, func(a, b portal.ServedProfile) bool {
		return a.ID == b.ID && a.Pool == b.Pool && slices.Equal(a.PoPs, b.PoPs)
	})...)
	if len(diff) > 0 {
		return fmt.Errorf("the feed log is not what the compiler gives:\n%s", strings.Join(diff, "\n"))
	}
	return nil
}

func differences[K comparable, V any](kind string, got, want map[K]V, same func(a, b V) bool) []string {
	var diff []string
	for k := range maps.Keys(want) {
		if g, ok := got[k]; !ok {
			diff = append(diff, fmt.Sprintf("%s %v is missing", kind, k))
		} else if !same(g, want[k]) {
			diff = append(diff, fmt.Sprintf("%s %v is\n  %+v\nwant\n  %+v", kind, k, g, want[k]))
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			diff = append(diff, fmt.Sprintf("%s %v should not be there", kind, k))
		}
	}
	return diff
}
