package feed

import (
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// view is what the gateways of one scope should have: nothing but the entries of its profiles, the signatures that those name, and the
// rules that apply to those; and the rules for Everyone.
type view struct {
	scope    scope
	profiles map[portal.ProfileID]bool
	state    *portal.State
	revision uint64 // of the log, up to which the view and its ring are exact; state.Revision is that of the last change in it
	ring     ring
	narrowed map[portal.EntryKey]bool    // entries that its gateways have at a lower level than the log says
	wantSigs map[portal.SignatureID]bool // named by an entry when the log did not have them
	wantRule map[portal.RuleID]bool      // named by a signature when the log did not have them

	snapMu sync.Mutex // held while a snapshot is made, so that one serves all who wait
	snap   *snapshot
}

func newView(s scope) *view {
	return &view{
		scope: s, profiles: s.served(), state: portal.NewState(), narrowed: map[portal.EntryKey]bool{}, wantSigs: map[portal.SignatureID]bool{}, wantRule: map[portal.RuleID]bool{},
	}
}

// fill makes the view what the whole log says at a revision.
func (v *view) fill(b *book, entries map[portal.ProfileID][]portal.Entry, revision uint64, keep int) {
	c := newChange(v, b, revision, true)
	c.Full = true
	for id := range b.of[portal.Everyone] {
		c.putRule(b.rules[id])
	}
	for id := range v.profiles {
		for i := range entries[id] {
			c.putEntry(entries[id][i])
		}
	}
	v.state.Apply(c.Change)
	v.revision = revision
	v.ring = newRing(revision, v.state.Hash(), keep)
}

// change builds what objects mean for the view. The book has them already. forAny makes a change that is right for every follower at
// any earlier revision and not only for one that is where the view is.
func (v *view) change(b *book, objects []object, revision uint64, forAny bool) portal.Change {
	c := newChange(v, b, revision, forAny)
	for _, o := range objects {
		switch o.kind {
		case kindEntry:
			if v.profiles[o.entryKey.Profile] {
				c.entry(o)
			}
		case kindSignature:
			c.signature(o)
		case kindRule:
			c.rule(o)
		case kindOther, kindProfile, kindPlace: // not for gateways
		}
	}
	return c.Change
}

// changeBuilder adds to a change what the receiver needs with it, once.
type changeBuilder struct {
	portal.Change
	view     *view
	book     *book
	forAny   bool // the receiver is not known to have anything
	sigSeen  map[portal.SignatureID]bool
	ruleSeen map[portal.RuleID]bool
}

func newChange(v *view, b *book, revision uint64, forAny bool) *changeBuilder {
	return &changeBuilder{
		Change: portal.Change{Revision: revision}, view: v, book: b, forAny: forAny,
		sigSeen: map[portal.SignatureID]bool{}, ruleSeen: map[portal.RuleID]bool{},
	}
}

func (c *changeBuilder) entry(o object) {
	if !o.gone {
		c.putEntry(*o.entry)
		return
	}
	delete(c.view.narrowed, o.entryKey)
	if _, there := c.view.state.Entries[o.entryKey]; there || c.forAny {
		c.Gone = append(c.Gone, o.entryKey)
	}
}

func (c *changeBuilder) putEntry(e portal.Entry) {
	level := e.Level
	e = e.For(c.view.scope.dialect)
	delete(c.view.narrowed, e.EntryKey)
	if e.Level != level {
		c.view.narrowed[e.EntryKey] = true
	}
	c.Entries = append(c.Entries, e)
	have, there := c.view.state.Signatures[e.Signature]
	if want, known := c.book.sigs[e.Signature]; !known {
		c.view.wantSigs[e.Signature] = true
	} else if c.forAny || !there || have.Revision != want.Revision {
		c.putSignature(want)
	}
}

// signature tells of a signature that changed, when somebody here has it.
func (c *changeBuilder) signature(o object) {
	_, there := c.view.state.Signatures[o.sigID]
	if o.gone {
		return // who names it no more drops it by itself
	}
	if !there && !(c.view.wantSigs[o.sigID] && c.view.entryNames(o.sigID)) {
		return
	}
	delete(c.view.wantSigs, o.sigID)
	c.putSignature(*o.sig)
}

func (c *changeBuilder) putSignature(g portal.Signature) {
	if c.sigSeen[g.ID] {
		return
	}
	c.sigSeen[g.ID] = true
	g = g.For(c.view.scope.dialect)
	c.Signatures = append(c.Signatures, g)
	for _, id := range g.Rules {
		if _, known := c.book.rules[id]; !known {
			c.view.wantRule[id] = true
			continue
		}
		c.needRule(id)
	}
	for _, group := range g.Groups {
		for id := range c.book.of[group] {
			c.needRule(id)
		}
	}
}

// needRule adds a rule of the book, unless the receiver has it.
func (c *changeBuilder) needRule(id portal.RuleID) {
	have, there := c.view.state.Rules[id]
	if want := c.book.rules[id]; c.forAny || !there || have.Revision != want.Revision {
		c.putRule(want)
	}
}

func (c *changeBuilder) rule(o object) {
	_, there := c.view.state.Rules[o.ruleID]
	switch {
	case o.gone && (there || c.forAny):
		c.GoneRules = append(c.GoneRules, o.ruleID)
		c.view.wantRule[o.ruleID] = true // a signature may still name it
	case !o.gone && (there || c.view.state.AppliesTo(o.rule.Groups) || c.view.wantRule[o.ruleID] && c.view.signatureNames(o.ruleID)):
		delete(c.view.wantRule, o.ruleID)
		c.putRule(*o.rule)
	case !o.gone && c.forAny:
		c.GoneRules = append(c.GoneRules, o.ruleID) // it may have applied to somebody here before
	}
}

func (c *changeBuilder) putRule(r portal.CompiledRule) {
	if c.ruleSeen[r.ID] {
		return
	}
	c.ruleSeen[r.ID] = true
	c.Rules = append(c.Rules, r.For(c.view.scope.dialect))
}

// entryNames and signatureNames look through everything; they are asked only about what was missing.
func (v *view) entryNames(id portal.SignatureID) bool {
	for _, e := range v.state.Entries {
		if e.Signature == id {
			return true
		}
	}
	return false
}

func (v *view) signatureNames(id portal.RuleID) bool {
	for _, g := range v.state.Signatures {
		if slices.Contains(g.Rules, id) {
			return true
		}
	}
	return false
}

func empty(c portal.Change) bool {
	return len(c.Entries)+len(c.Gone)+len(c.Signatures)+len(c.Rules)+len(c.GoneRules) == 0
}

// has reports whether the device has an entry here.
func (v *view) has(device portal.DeviceID) bool {
	for profile := range v.profiles {
		if _, ok := v.state.Entries[portal.EntryKey{Profile: profile, Device: device}]; ok {
			return true
		}
	}
	return false
}

// snapshot is all of a view at a revision, ready to be sent to any number of gateways.
type snapshot struct {
	revision uint64
	hash     string
	lines    [][]byte // parts; the receiver's own part with the node comes before them
	usedAt   time.Time
}

// copyState copies what a snapshot is made of. The state has all up to the view's revision, and may have one change more already.
func (v *view) copyState() (c portal.Change, hash string) {
	c = portal.Change{Revision: max(v.state.Revision, v.revision), Full: true}
	c.Entries = make([]portal.Entry, 0, len(v.state.Entries))
	for _, e := range v.state.Entries {
		c.Entries = append(c.Entries, e)
	}
	for _, g := range v.state.Signatures {
		c.Signatures = append(c.Signatures, g)
	}
	for _, r := range v.state.Rules {
		c.Rules = append(c.Rules, r)
	}
	return c, v.state.Hash()
}
