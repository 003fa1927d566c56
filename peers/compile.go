package peers

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/portal"
)

// Snapshot is everything that policy is made of.
type Snapshot struct {
	Active    map[portal.UserID]bool
	Groups    map[portal.UserID][]portal.GroupID // without Everyone
	Profiles  []portal.Profile
	Resources []portal.Resource
	Rules     []portal.Rule
	Devices   []portal.Device
	Grants    map[portal.DeviceID]portal.Grant
}

// Objects is what gateways follow, without revisions.
type Objects struct {
	Entries    map[portal.EntryKey]portal.Entry
	Signatures map[portal.SignatureID]portal.Signature
	Rules      map[portal.RuleID]portal.CompiledRule
	Profiles   map[portal.ProfileID]portal.ServedProfile
}

// Compile turns policy into the objects that gateways follow. It is the meaning of policy; the transactions that change policy write only
// what follows from the change, and must end with what Compile gives.
func Compile(s Snapshot) Objects {
	o := Objects{
		Entries:    map[portal.EntryKey]portal.Entry{},
		Signatures: map[portal.SignatureID]portal.Signature{},
		Rules:      map[portal.RuleID]portal.CompiledRule{},
		Profiles:   map[portal.ProfileID]portal.ServedProfile{},
	}
	profiles := map[portal.ProfileID]portal.Profile{}
	for _, p := range s.Profiles {
		profiles[p.ID] = p
		o.Profiles[p.ID] = servedProfile(p)
	}
	resources, tagged := map[portal.ResourceID]portal.Resource{}, map[string][]portal.ResourceID{}
	for _, r := range s.Resources {
		resources[r.ID] = r
		for _, t := range r.Tags {
			tagged[t] = append(tagged[t], r.ID)
		}
	}
	named := map[portal.UserID][]portal.RuleID{}
	for _, r := range s.Rules {
		o.Rules[r.ID] = compileRule(r, selected(r, resources, tagged))
		for _, u := range r.People {
			named[u] = append(named[u], r.ID)
		}
	}
	for _, d := range s.Devices {
		sig := signature(s.Groups[d.User], named[d.User])
		if e, ok := entryOf(d, s.Grants[d.ID], s.Active[d.User], profiles[d.Profile], s.Groups[d.User], sig.ID); ok {
			o.Entries[e.EntryKey] = e
			o.Signatures[sig.ID] = sig
		}
	}
	return o
}

// entryOf is a device's entry; ok is false when it has none: the device or its owner is suspended, or the profile is not open to the owner.
func entryOf(d portal.Device, g portal.Grant, active bool, p portal.Profile, groups []portal.GroupID, sig portal.SignatureID) (e portal.Entry, ok bool) {
	level := g.Held()
	if !active || d.State != portal.DeviceActive || !p.OpenTo(groups) || level == portal.LevelNone {
		return portal.Entry{}, false
	}
	return portal.Entry{
		EntryKey:  portal.EntryKey{Profile: d.Profile, Device: d.ID},
		PublicKey: d.PublicKey,
		Cert:      d.Cert,
		V4:        d.Addr.V4,
		V6:        d.Addr.V6,
		Signature: sig,
		Level:     level,
		NotAfter:  g.NotAfter,
		Idle:      p.Idle,
		LetIn:     g.LetIn,
		FactorAt:  g.FactorAt,
	}, true
}

// selected are the resources that a rule names, itself or by a tag.
func selected(r portal.Rule, resources map[portal.ResourceID]portal.Resource, tagged map[string][]portal.ResourceID) []portal.Resource {
	ids := slices.Clone(r.Resources)
	for _, t := range r.Tags {
		ids = append(ids, tagged[t]...)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	named := make([]portal.Resource, len(ids))
	for i, id := range ids {
		named[i] = resources[id]
	}
	return named
}

// signature is that of the people who are in these groups, all of them, and whom these rules name themselves. It is named by the hash of both,
// so that nothing but a change of either makes another one of it: not a rule that comes for one of the groups, though it be the first.
func signature(groups []portal.GroupID, rules []portal.RuleID) portal.Signature {
	groups, rules = ordered(groups), ordered(rules)
	h := sha256.New()
	for _, g := range groups {
		h.Write([]byte("group " + g + "\n"))
	}
	for _, r := range rules {
		h.Write([]byte("rule " + r + "\n"))
	}
	return portal.Signature{ID: portal.SignatureID(hex.EncodeToString(h.Sum(nil)[:16])), Groups: groups, Rules: rules}
}

// ordered is a sorted copy without repetition.
func ordered[T cmp.Ordered](list []T) []T { return slices.Compact(slices.Sorted(slices.Values(list))) }

// compileRule multiplies the prefixes of a rule's resources with their transports and ports, in one order and without repetition.
func compileRule(r portal.Rule, resources []portal.Resource) portal.CompiledRule {
	set := map[portal.Destination]struct{}{}
	for _, res := range resources {
		ports := res.Ports
		if len(ports) == 0 {
			ports = []portal.PortRange{{}}
		}
		for _, p := range ports {
			for _, prefix := range res.Prefixes {
				set[portal.Destination{Prefix: prefix, Transport: res.Transport, Ports: p}] = struct{}{}
			}
		}
	}
	return portal.CompiledRule{
		ID: r.ID, Groups: ordered(r.Groups), Action: r.Action, Destinations: slices.SortedFunc(maps.Keys(set), compareDestinations), Conditions: r.Conditions,
	}
}

func compareDestinations(a, b portal.Destination) int {
	return cmp.Or(
		a.Prefix.Addr().Compare(b.Prefix.Addr()),
		cmp.Compare(a.Prefix.Bits(), b.Prefix.Bits()),
		cmp.Compare(a.Transport, b.Transport),
		cmp.Compare(a.Ports.First, b.Ports.First),
		cmp.Compare(a.Ports.Last, b.Ports.Last),
	)
}

func servedProfile(p portal.Profile) portal.ServedProfile {
	return portal.ServedProfile{ID: p.ID, PoPs: p.PoPs, Pool: p.Pool, Push: portal.PushOf(p)}
}
