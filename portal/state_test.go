package portal

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// twin is State as anyone would write it who need not be fast: it remembers what it was told, and works everything else out each time.
type twin struct {
	entries map[EntryKey]Entry
	sigs    map[SignatureID]Signature
	rules   map[RuleID]CompiledRule
}

func newTwin() *twin {
	return &twin{map[EntryKey]Entry{}, map[SignatureID]Signature{}, map[RuleID]CompiledRule{}}
}

func (w *twin) apply(c Change) {
	if c.Full {
		named := newTwin()
		for _, e := range c.Entries {
			named.entries[e.EntryKey] = e
		}
		for _, g := range c.Signatures {
			named.sigs[g.ID] = g
		}
		for _, r := range c.Rules {
			named.rules[r.ID] = r
		}
		maps.DeleteFunc(w.entries, func(k EntryKey, _ Entry) bool { _, ok := named.entries[k]; return !ok })
		maps.DeleteFunc(w.sigs, func(k SignatureID, _ Signature) bool { _, ok := named.sigs[k]; return !ok })
		maps.DeleteFunc(w.rules, func(k RuleID, _ CompiledRule) bool { _, ok := named.rules[k]; return !ok })
	}
	for _, r := range c.Rules {
		w.rules[r.ID] = r
	}
	for _, id := range c.GoneRules {
		delete(w.rules, id)
	}
	for _, g := range c.Signatures {
		w.sigs[g.ID] = g
	}
	for _, e := range c.Entries {
		w.entries[e.EntryKey] = e
	}
	for _, k := range c.Gone {
		delete(w.entries, k)
	}
	maps.DeleteFunc(w.sigs, func(id SignatureID, _ Signature) bool {
		for _, e := range w.entries {
			if e.Signature == id {
				return false
			}
		}
		return true
	})
	maps.DeleteFunc(w.rules, func(_ RuleID, r CompiledRule) bool {
		for _, g := range w.sigs {
			if r.Concerns(g) {
				return false
			}
		}
		return !slices.Contains(r.Groups, Everyone)
	})
}

// hash adds the hashes of all objects, as State says it does.
func (w *twin) hash() string {
	s := NewState()
	for _, e := range w.entries {
		s.add(e.digest())
	}
	for _, g := range w.sigs {
		s.add(g.digest())
	}
	for _, r := range w.rules {
		s.add(r.digest())
	}
	return s.Hash()
}

// genChange draws small numbers, so that changes meet the same objects again and again.
func genChange(t *rapid.T, revision uint64) Change {
	name := func(prefix string, n int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("%s%d", prefix, rapid.IntRange(0, n).Draw(t, prefix)) })
	}
	key := rapid.Custom(func(t *rapid.T) EntryKey {
		return EntryKey{ProfileID(name("profile", 1).Draw(t, "profile")), DeviceID(name("device", 4).Draw(t, "device"))}
	})
	entry := rapid.Custom(func(t *rapid.T) Entry {
		return Entry{
			EntryKey: key.Draw(t, "key"), PublicKey: PublicKey{byte(rapid.IntRange(1, 3).Draw(t, "public"))}, V4: netip.AddrFrom4([4]byte{10, 0, 0, 1}),
			Signature: SignatureID(name("sig", 3).Draw(t, "sig")), Level: rapid.SampledFrom([]Level{LevelFull, LevelQuarantine}).Draw(t, "level"),
			NotAfter: time.Unix(int64(rapid.IntRange(0, 1).Draw(t, "end")), 0),
		}
	})
	groups := rapid.SliceOfNDistinct(rapid.SampledFrom([]GroupID{"group0", "group1", "group2"}), 0, 2, rapid.ID[GroupID])
	signature := rapid.Custom(func(t *rapid.T) Signature {
		rules := rapid.SliceOfNDistinct(name("rule", 4), 0, 3, rapid.ID[string]).Draw(t, "rules")
		slices.Sort(rules)
		g := Signature{ID: SignatureID(name("sig", 3).Draw(t, "id")), Groups: groups.Draw(t, "groups")}
		for _, r := range rules {
			g.Rules = append(g.Rules, RuleID(r))
		}
		return g
	})
	everyone := rapid.SampledFrom([][]GroupID{nil, nil, nil, {Everyone}})
	rule := rapid.Custom(func(t *rapid.T) CompiledRule {
		return CompiledRule{
			ID: RuleID(name("rule", 4).Draw(t, "id")), Groups: append(groups.Draw(t, "groups"), everyone.Draw(t, "everyone")...), Action: rapid.SampledFrom([]Action{Allow, Deny}).Draw(t, "action"),
			Destinations: []Destination{{Prefix: netip.MustParsePrefix("10.0.0.0/8"), Transport: TCP}},
		}
	})
	c := Change{
		Revision:   revision,
		Full:       rapid.IntRange(0, 5).Draw(t, "full") == 0,
		Entries:    rapid.SliceOfN(entry, 0, 4).Draw(t, "entries"),
		Gone:       rapid.SliceOfN(key, 0, 2).Draw(t, "gone"),
		Signatures: rapid.SliceOfN(signature, 0, 3).Draw(t, "signatures"),
		Rules:      rapid.SliceOfN(rule, 0, 3).Draw(t, "rules"),
	}
	for _, id := range rapid.SliceOfN(name("rule", 4), 0, 1).Draw(t, "gone rules") {
		c.GoneRules = append(c.GoneRules, RuleID(id))
	}
	return c
}

func TestStateIsWhatItsSlowTwinSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fast, slow := NewState(), newTwin()
		mirror := newTwin() // follows by deltas alone
		for rev := range uint64(rapid.IntRange(1, 12).Draw(t, "changes")) {
			c := genChange(t, rev+1)
			mirror.follow(t, fast.Apply(c))
			slow.apply(c)
			if !reflect.DeepEqual(fast.Entries, slow.entries) || !reflect.DeepEqual(fast.Signatures, slow.sigs) || !reflect.DeepEqual(fast.Rules, slow.rules) {
				t.Fatalf("after %+v:\ngot  %+v %+v %+v\nwant %+v", c, fast.Entries, fast.Signatures, fast.Rules, *slow)
			}
			if got, want := fast.Hash(), slow.hash(); got != want {
				t.Fatalf("hash %s, want %s", got, want)
			}
			if !reflect.DeepEqual(mirror, slow) {
				t.Fatalf("the deltas give\n%+v, want\n%+v", mirror, slow)
			}
			if d := fast.Apply(c); !d.Empty() {
				t.Fatalf("the same change again does %+v", d)
			}
		}
	})
}

// follow carries a delta out and checks that it told the truth of what was there.
func (w *twin) follow(t *rapid.T, d Delta) {
	for _, e := range d.Entries {
		followOne(t, w.entries, e.Old, e.New, func(e Entry) EntryKey { return e.EntryKey })
	}
	for _, g := range d.Signatures {
		followOne(t, w.sigs, g.Old, g.New, func(g Signature) SignatureID { return g.ID })
	}
	for _, r := range d.Rules {
		followOne(t, w.rules, r.Old, r.New, func(r CompiledRule) RuleID { return r.ID })
	}
}

func followOne[K comparable, V any](t *rapid.T, in map[K]V, old, now *V, key func(V) K) {
	if old == nil && now == nil {
		t.Fatal("a delta of nothing")
	}
	if old != nil {
		if had, ok := in[key(*old)]; !ok || !reflect.DeepEqual(had, *old) {
			t.Fatalf("old is %+v, and there was %+v", *old, had)
		}
		delete(in, key(*old))
	}
	if now != nil {
		if had, ok := in[key(*now)]; ok {
			t.Fatalf("%+v comes, and %+v is there", *now, had)
		}
		in[key(*now)] = *now
	}
}

func TestOlderChangeDoesNothingUnlessItIsFull(t *testing.T) {
	s := NewState()
	e := Entry{EntryKey: EntryKey{"p", "d"}, Signature: "s"}
	g := Signature{ID: "s"}
	s.Apply(Change{Revision: 5, Entries: []Entry{e}, Signatures: []Signature{g}})
	if d := s.Apply(Change{Revision: 4, Gone: []EntryKey{e.EntryKey}}); !d.Empty() || len(s.Entries) != 1 || s.Revision != 5 {
		t.Errorf("an older change did %+v", d)
	}
	if d := s.Apply(Change{Revision: 4, Full: true}); len(d.Entries) != 1 || len(s.Entries) != 0 || s.Revision != 4 {
		t.Errorf("an older snapshot did %+v", d)
	}
	if got, want := s.Hash(), NewState().Hash(); got != want {
		t.Errorf("hash of an emptied state is %s, want %s", got, want)
	}
}

func TestSnapshotRemovesASignatureThatItDoesNotName(t *testing.T) {
	entry := Entry{EntryKey: EntryKey{Profile: "p", Device: "d"}, Signature: "s", Level: LevelFull}
	before := Change{Revision: 1, Entries: []Entry{entry}, Signatures: []Signature{{ID: "s", Rules: []RuleID{"r"}}}, Rules: []CompiledRule{{ID: "r", Action: Allow}}}
	snapshot := Change{Revision: 2, Full: true, Entries: []Entry{entry}, Rules: before.Rules}
	old, fresh := NewState(), NewState()
	old.Apply(before)
	d := old.Apply(snapshot)
	fresh.Apply(snapshot)
	if len(old.Signatures) != 0 || len(old.Rules) != 0 || len(d.Signatures) != 1 || len(d.Rules) != 1 {
		t.Errorf("left are %v and %v, told of %v and %v", old.Signatures, old.Rules, d.Signatures, d.Rules)
	}
	if old.Hash() != fresh.Hash() || len(old.sigRefs) != 1 || len(old.ruleRefs)+len(old.groupRefs)+len(old.ruleOf) != 0 {
		t.Errorf("who had something before has not what who is new has: %v, %v", old.sigRefs, old.ruleRefs)
	}
}

func TestASignaturesAndARulesDigestCoverAllTheirFields(t *testing.T) {
	g, r := Signature{ID: "s", Groups: []GroupID{"g"}, Rules: []RuleID{"r"}}, CompiledRule{ID: "r", Groups: []GroupID{"g"}, Action: Allow}
	for what, differ := range map[string]bool{
		"groups of a signature": g.digest() != Signature{ID: "s", Groups: []GroupID{"h"}, Rules: []RuleID{"r"}}.digest(),
		"a group and a rule":    Signature{ID: "s", Groups: []GroupID{"x"}}.digest() != Signature{ID: "s", Rules: []RuleID{"x"}}.digest(),
		"groups of a rule":      r.digest() != CompiledRule{ID: "r", Groups: []GroupID{"h"}, Action: Allow}.digest(),
		"a rule for nobody":     r.digest() != CompiledRule{ID: "r", Action: Allow}.digest(),
	} {
		if !differ {
			t.Errorf("%s are not told apart", what)
		}
	}
}

func TestHashTellsObjectsApart(t *testing.T) {
	e := Entry{EntryKey: EntryKey{"p", "d"}, NotAfter: time.Unix(1, 0)}
	seen := map[[sha256.Size]byte]string{e.digest(): "entry"}
	for what, change := range map[string]func(*Entry){
		"profile":    func(e *Entry) { e.Profile = "p2" },
		"split":      func(e *Entry) { e.Profile, e.Device = "pd", "" },
		"key":        func(e *Entry) { e.PublicKey[31] = 1 },
		"v4":         func(e *Entry) { e.V4 = netip.MustParseAddr("10.0.0.1") },
		"v6":         func(e *Entry) { e.V6 = netip.MustParseAddr("fd00::1") },
		"signature":  func(e *Entry) { e.Signature = "s" },
		"level":      func(e *Entry) { e.Level = LevelFull },
		"nanosecond": func(e *Entry) { e.NotAfter = e.NotAfter.Add(1) },
		"revision":   func(e *Entry) { e.Revision = 1 },
	} {
		other := e
		change(&other)
		if was, clash := seen[other.digest()]; clash {
			t.Errorf("%s is not told apart from %s", what, was)
		}
		seen[other.digest()] = what
	}
}
