package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Places tells in which country an address is.
type Places interface {
	// Country returns an ISO 3166-1 alpha-2 code, "" when it is not known.
	Country(a netip.Addr) string
}

// standing is what the data path has of an entry where that is not what the portal said: a lower level, or fewer rules, because conditions on the
// device do not hold.
type standing struct {
	level portal.Level
	sig   portal.SignatureID
}

// standings is what holds of each entry at this moment. Who lacks some rules of a signature has a signature of the agent's own, which all share
// that lack the same: filters need not know of conditions.
type standings struct {
	of    map[portal.EntryKey]standing
	sigs  map[portal.SignatureID]portal.Signature // the portal's and the agent's own
	own   map[portal.SignatureID]int              // the agent's own, with how many entries use each
	fresh map[portal.SignatureID]bool             // of them, not told to the data path yet

	personal    map[portal.RuleID]portal.CompiledRule  // the rules with conditions on the device
	conditional map[portal.SignatureID][]portal.RuleID // which of them are a signature's; asked for before
	restricted  int                                    // entries at LevelRestricted
}

func (s *standings) reset(d portal.Desired) {
	*s = standings{
		of: map[portal.EntryKey]standing{}, sigs: maps.Clone(d.Signatures), own: map[portal.SignatureID]int{}, fresh: map[portal.SignatureID]bool{},
		personal: map[portal.RuleID]portal.CompiledRule{}, conditional: map[portal.SignatureID][]portal.RuleID{},
	}
	for _, r := range d.Rules {
		if r.Conditions.Personal() {
			s.personal[r.ID] = r
		}
	}
}

// set notes how an entry stands.
func (s *standings) set(e portal.Entry, is standing) {
	s.unset(e.EntryKey)
	if is.level == portal.LevelRestricted {
		s.restricted++
	}
	if _, own := s.own[is.sig]; own {
		s.own[is.sig]++
	}
	if is != (standing{e.Level, e.Signature}) || is.level == portal.LevelRestricted {
		s.of[e.EntryKey] = is
	}
}

func (s *standings) unset(k portal.EntryKey) {
	was, there := s.of[k]
	if !there {
		return
	}
	delete(s.of, k)
	if was.level == portal.LevelRestricted {
		s.restricted--
	}
	if _, own := s.own[was.sig]; own {
		s.own[was.sig]--
	}
}

// signature returns the agent's own signature of these rules, and makes it when there is none.
func (s *standings) signature(rules []portal.RuleID) portal.SignatureID {
	h := sha256.New()
	for _, r := range rules {
		h.Write([]byte(r))
		h.Write([]byte{'\n'})
	}
	id := portal.SignatureID("own-" + hex.EncodeToString(h.Sum(nil)[:14]))
	if _, there := s.own[id]; !there {
		s.own[id], s.fresh[id] = 0, true
		s.sigs[id] = portal.Signature{ID: id, Rules: rules, Alone: true}
	}
	return id
}

// settle returns the agent's own signatures that came and that nobody uses any more.
func (s *standings) settle() (changed []portal.SignatureDelta) {
	for id, users := range s.own {
		g := s.sigs[id]
		switch {
		case users == 0:
			if !s.fresh[id] {
				changed = append(changed, portal.SignatureDelta{Old: &g})
			}
			delete(s.own, id)
			delete(s.sigs, id)
		case s.fresh[id]:
			changed = append(changed, portal.SignatureDelta{New: &g})
		}
	}
	clear(s.fresh)
	return changed
}

// follow takes over what changed of the portal's signatures.
func (s *standings) follow(changes []portal.SignatureDelta) {
	for _, c := range changes {
		id := either(c.Old, c.New).ID
		delete(s.conditional, id)
		if delete(s.sigs, id); c.New != nil {
			s.sigs[id] = *c.New
		}
	}
}

// as is the entry as the data path has it.
func (a *Agent) as(e portal.Entry) portal.Entry {
	if is, there := a.standings.of[e.EntryKey]; there {
		e.Level, e.Signature = is.level, is.sig
	}
	return e
}

// stand works out how an entry stands at now, and notes it.
func (a *Agent) stand(e portal.Entry, now time.Time) portal.Entry {
	level, sig := a.judge(e, now)
	a.standings.set(e, standing{level, sig})
	e.Level, e.Signature = level, sig
	return e
}

// judge is the level and the signature of an entry at now.
func (a *Agent) judge(e portal.Entry, now time.Time) (portal.Level, portal.SignatureID) {
	level, _ := portal.Standing{Grant: e.Level, NotAfter: e.NotAfter, Idle: a.peers.isIdled(e)}.At(now)
	g, there := a.state.Signatures[e.Signature]
	if !there || !level.HasRules() || level == portal.LevelFull && len(a.conditional(g)) == 0 {
		return level, e.Signature
	}
	who := a.circumstances(e, level)
	all := a.state.RulesOf(g)
	var rules []portal.RuleID
	for _, id := range all {
		if r := a.state.Rules[id]; r.Conditions.Met(who, now, r.Action) == portal.MissNone {
			rules = append(rules, id)
		}
	}
	if level == portal.LevelRestricted {
		for id := range a.present.own {
			rules = append(rules, id)
		}
		slices.Sort(rules)
	}
	if slices.Equal(rules, all) {
		return level, e.Signature
	}
	return level, a.standings.signature(rules)
}

// circumstances is what is known of the device of an entry.
func (a *Agent) circumstances(e portal.Entry, level portal.Level) portal.Circumstances {
	who := portal.Circumstances{Level: level, FactorAt: e.FactorAt, Source: a.peers.source(e)}
	if a.Places != nil && who.Source.IsValid() {
		who.Country = a.Places.Country(who.Source)
	}
	return who
}

// conditional is the rules of a signature that depend on the device.
func (a *Agent) conditional(g portal.Signature) []portal.RuleID {
	if known, there := a.standings.conditional[g.ID]; there {
		return known
	}
	var ids []portal.RuleID
	for id, r := range a.standings.personal {
		if r.Concerns(g) {
			ids = append(ids, id)
		}
	}
	a.standings.conditional[g.ID] = ids
	return ids
}

// nextFor is when the clock may change which rules an entry has, the zero time when it never will.
func (a *Agent) nextFor(e portal.Entry, now time.Time) (next time.Time) {
	for _, id := range a.conditional(a.state.Signatures[e.Signature]) {
		if t := a.state.Rules[id].Conditions.NextFor(portal.Circumstances{FactorAt: e.FactorAt}, now); !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next
}

// affected is the signatures whose entries may stand otherwise after a change of rules, as the portal said it, and of signatures.
func (a *Agent) affected(d portal.Delta) map[portal.SignatureID]bool {
	sigs := map[portal.SignatureID]bool{}
	for _, g := range d.Signatures {
		if g.Old != nil && g.New != nil {
			sigs[g.New.ID] = true
		}
	}
	var rules []portal.CompiledRule
	for _, r := range d.Rules {
		for _, x := range []*portal.CompiledRule{r.Old, r.New} {
			if x == nil {
				continue
			}
			delete(a.standings.personal, x.ID)
			if x.Conditions.Personal() || len(a.standings.own) > 0 || a.standings.restricted > 0 {
				rules = append(rules, *x)
			}
		}
		if r.New != nil && r.New.Conditions.Personal() {
			a.standings.personal[r.New.ID] = *r.New
		}
	}
	if len(rules) == 0 {
		return sigs
	}
	clear(a.standings.conditional)
	for id, g := range a.state.Signatures {
		if slices.ContainsFunc(rules, func(r portal.CompiledRule) bool { return r.Concerns(g) }) {
			sigs[id] = true
		}
	}
	return sigs
}

// again works out how entries stand whose circumstances may have changed, and returns those that stand otherwise.
func (a *Agent) again(keys []portal.EntryKey, now time.Time) (changed []portal.EntryDelta) {
	for _, k := range keys {
		e, there := a.state.Entries[k]
		if !there {
			continue
		}
		was := a.as(e)
		is := a.stand(e, now)
		a.queue(e, now)
		if was.Level != is.Level || was.Signature != is.Signature {
			changed = append(changed, portal.EntryDelta{Old: &was, New: &is})
		}
	}
	return changed
}

// moved works out how the devices stand that were seen at another address; with all, every device that has conditions.
func (a *Agent) moved(all bool, now time.Time) portal.Delta {
	keys := a.peers.takeMoved()
	if all {
		keys = slices.Collect(maps.Keys(a.state.Entries))
	}
	keys = slices.DeleteFunc(keys, func(k portal.EntryKey) bool {
		e, there := a.state.Entries[k]
		return !there || len(a.conditional(a.state.Signatures[e.Signature])) == 0
	})
	d := portal.Delta{Entries: a.again(keys, now)}
	d.Signatures = a.standings.settle()
	return d
}

// newPlaces works out again how all devices stand whose rules ask for a country, which may be another one by now, and reports whether any stands
// otherwise.
func (a *Agent) newPlaces(now time.Time) bool {
	for _, r := range a.standings.personal {
		if len(r.Conditions.Countries) > 0 {
			return a.Places != nil && !a.moved(true, now).Empty()
		}
	}
	return false
}

// standing is the entries with the levels and the signatures that hold.
func (a *Agent) standing(entries map[portal.EntryKey]portal.Entry) map[portal.EntryKey]portal.Entry {
	if len(a.standings.of) == 0 {
		return entries
	}
	out := maps.Clone(entries)
	for k := range a.standings.of {
		if e, there := out[k]; there {
			out[k] = a.as(e)
		}
	}
	return out
}

// filtering is the agent's own rules at LevelRestricted where the node names resolvers that filter: names are asked of these and of no other.
func filtering(n portal.Node) map[portal.RuleID]portal.CompiledRule {
	if len(n.FilteringDNS) == 0 {
		return nil
	}
	var only, except []netip.Prefix
	for _, a := range n.FilteringDNS {
		only = append(only, netip.PrefixFrom(a, a.BitLen()))
	}
	except = portal.Without([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, only)
	at := func(id portal.RuleID, action portal.Action, prefixes []netip.Prefix, ports ...uint16) portal.CompiledRule {
		r := portal.CompiledRule{ID: id, Action: action}
		for _, p := range prefixes {
			for _, port := range ports {
				r.Destinations = append(r.Destinations, portal.Destination{Prefix: p, Transport: portal.AnyTransport, Ports: portal.PortRange{First: port, Last: port}})
			}
		}
		return r
	}
	allow, deny := at("own-dns", portal.Allow, only, 53, 853), at("own-no-other-dns", portal.Deny, except, 53, 853)
	return map[portal.RuleID]portal.CompiledRule{allow.ID: allow, deny.ID: deny}
}
