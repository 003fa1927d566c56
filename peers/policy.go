package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// policy writes to the feed log what follows from a change, in the transaction of the change and under the feed lock. It compares with
// what is in the log, so writing twice writes once, and a change costs what it touches.
type policy struct {
	tx       *store.Tx
	profiles map[portal.ProfileID]portal.Profile // read so far
	last     uint64                              // revision of the last change written, 0 while there is none
}

// lockPolicy takes the feed lock. What was read before may be outdated; read again what decides.
func lockPolicy(tx *store.Tx) (*policy, error) {
	return &policy{tx: tx, profiles: map[portal.ProfileID]portal.Profile{}}, tx.LockFeed()
}

// named compiles the entries of all devices of these people, whom a rule has begun or ceased to name.
func (p *policy) named(people []portal.UserID) error {
	if len(people) == 0 {
		return nil
	}
	return p.devices(store.DeviceFilter{Users: people})
}

// batch is how many devices are compiled at a time.
const batch = 500

// devices compiles the entries of all devices that the filter selects.
func (p *policy) devices(f store.DeviceFilter) error {
	return p.devicesIf(f, func(d store.DeviceRecord) bool { return d.OwnerState == portal.UserActive })
}

// devicesIf does the same with another notion of who is active.
func (p *policy) devicesIf(f store.DeviceFilter, active func(store.DeviceRecord) bool) error {
	f.Limit = batch
	for {
		devices, err := p.tx.Devices(f)
		if err != nil {
			return err
		}
		if err := p.compile(devices, active); err != nil {
			return err
		}
		if len(devices) < batch {
			return nil
		}
		f.After = devices[len(devices)-1].ID
	}
}

// compile brings the entries of these devices, and the signatures that they need or needed, up to date.
func (p *policy) compile(devices []store.DeviceRecord, active func(store.DeviceRecord) bool) error {
	if len(devices) == 0 {
		return nil
	}
	groups, named, err := p.rights(devices)
	if err != nil {
		return err
	}
	keys := make([]string, len(devices))
	for i, d := range devices {
		keys[i] = entryLogKey(d.Device)
	}
	have, err := p.tx.ObjectsUnder(keys)
	if err != nil {
		return err
	}
	var entries []store.LogChange
	signatures, move := map[portal.SignatureID]portal.Signature{}, map[portal.DeviceID]portal.SignatureID{}
	var left []portal.SignatureID
	for i, d := range devices {
		profile, err := p.profile(d.Profile)
		if err != nil {
			return err
		}
		sig := signature(groups[d.User], named[d.User])
		want, ok := entryOf(d.Device, d.Grant, active(d), profile, groups[d.User], sig.ID)
		switch old, there := have[keys[i]]; {
		case !ok && there:
			entries = append(entries, store.LogChange{Key: keys[i]})
		case ok && !(there && same(old, entryValue(want)(old.Revision))):
			entries = append(entries, store.LogChange{Key: keys[i], Value: entryValue(want)})
		}
		if want.Signature != d.Signature { // "" both for no entry and in the zero entry
			move[d.ID] = want.Signature
			left = append(left, d.Signature)
		}
		if ok {
			signatures[sig.ID] = sig
		}
	}
	return p.publish(signatures, entries, move, left)
}

// publish writes new signatures before the entries that name them, and drops the signatures that no entry names any more.
func (p *policy) publish(needed map[portal.SignatureID]portal.Signature, entries []store.LogChange,
	move map[portal.DeviceID]portal.SignatureID, left []portal.SignatureID,
) error {
	changes, err := p.newSignatures(needed)
	if err != nil {
		return err
	}
	if err := p.write(append(changes, entries...)); err != nil {
		return err
	}
	if err := p.tx.SetSignatures(move); err != nil {
		return err
	}
	return p.dropUnused(left)
}

// newSignatures returns a change for each signature that is not in the log.
func (p *policy) newSignatures(needed map[portal.SignatureID]portal.Signature) ([]store.LogChange, error) {
	if len(needed) == 0 {
		return nil, nil
	}
	ids := slices.Sorted(maps.Keys(needed))
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = store.SignatureKey(id)
	}
	there, err := p.tx.ObjectsUnder(keys)
	if err != nil {
		return nil, err
	}
	var changes []store.LogChange
	for i, id := range ids {
		if _, ok := there[keys[i]]; !ok {
			changes = append(changes, store.LogChange{Key: keys[i], Value: signatureValue(needed[id])})
		}
	}
	return changes, nil
}

func (p *policy) dropUnused(left []portal.SignatureID) error {
	slices.Sort(left)
	left = slices.DeleteFunc(slices.Compact(left), func(id portal.SignatureID) bool { return id == "" })
	unused, err := p.tx.UnusedSignatures(left)
	if err != nil {
		return err
	}
	drops := make([]store.LogChange, len(unused))
	for i, id := range unused {
		drops[i] = store.LogChange{Key: store.SignatureKey(id)}
	}
	return p.write(drops)
}

// rights reads the groups of the devices' owners, and the rules that name the owners.
func (p *policy) rights(devices []store.DeviceRecord) (groups map[portal.UserID][]portal.GroupID, named map[portal.UserID][]portal.RuleID, err error) {
	seen := map[portal.UserID]bool{}
	for _, d := range devices {
		seen[d.User] = true
	}
	people := slices.Sorted(maps.Keys(seen))
	if groups, err = p.tx.GroupIDsOf(people); err != nil {
		return nil, nil, err
	}
	named, err = p.tx.RulesOfPeople(people)
	return groups, named, err
}

func (p *policy) profile(id portal.ProfileID) (portal.Profile, error) {
	if known, ok := p.profiles[id]; ok {
		return known, nil
	}
	read, err := p.tx.Profile(id)
	if err != nil {
		return portal.Profile{}, fmt.Errorf("read profile %s: %w", id, err)
	}
	p.profiles[id] = read
	return read, nil
}

// newDevice writes the entry of a device that is about to be added, and returns the signature to add it with: "" without an entry.
func (p *policy) newDevice(d portal.Device, g portal.Grant, profile portal.Profile) (portal.SignatureID, error) {
	if d.State != portal.DeviceActive {
		return "", nil
	}
	groups, rules, err := p.tx.RightsOf(d.User)
	if err != nil {
		return "", err
	}
	sig := signature(groups, rules)
	// The caller has checked that the owner is active and that the profile is open.
	profile.Groups = nil
	e, ok := entryOf(d, g, true, profile, nil, sig.ID)
	if !ok {
		return "", nil // its owner is held at no tunnel at all
	}
	changes, err := p.newSignatures(map[portal.SignatureID]portal.Signature{sig.ID: sig})
	if err != nil {
		return "", err
	}
	return sig.ID, p.write(append(changes, store.LogChange{Key: entryLogKey(d), Value: entryValue(e)}))
}

// dropDevice writes that a device that was just removed has no entry any more. A device without an entry gets its tombstone all the
// same, so that there always is a revision to wait for.
func (p *policy) dropDevice(d store.DeviceRecord) error {
	if err := p.write([]store.LogChange{{Key: entryLogKey(d.Device)}}); err != nil {
		return err
	}
	return p.dropUnused([]portal.SignatureID{d.Signature})
}

// rule writes a rule's object where it differs from what is in the log. It returns ErrRuleSize when it has too many destinations.
func (p *policy) rule(r portal.Rule) error {
	resources, err := p.tx.ResourcesOfRule(r.ID)
	if err != nil {
		return err
	}
	if destinations(resources) > maxDestinations {
		return ErrRuleSize
	}
	want := compileRule(r, resources)
	return p.put(store.RuleKey(r.ID), func(rev uint64) any { want.Revision = rev; return want })
}

// rules does the same for each of the rules in the lists, once.
func (p *policy) rules(lists ...[]portal.Rule) error {
	seen := map[portal.RuleID]bool{}
	for _, r := range slices.Concat(lists...) {
		if seen[r.ID] {
			continue
		}
		seen[r.ID] = true
		if err := p.rule(r); err != nil {
			return err
		}
	}
	return nil
}

// serve writes where a profile is served, where that differs from what is in the log.
func (p *policy) serve(profile portal.Profile) error {
	want := servedProfile(profile)
	return p.put(store.ProfileKey(profile.ID), func(rev uint64) any { want.Revision = rev; return want })
}

// put writes one object unless the log holds the same.
func (p *policy) put(key string, value func(revision uint64) any) error {
	found, err := p.tx.ObjectsUnder([]string{key})
	if err != nil {
		return err
	}
	if old, there := found[key]; there && same(old, value(old.Revision)) {
		return nil
	}
	return p.write([]store.LogChange{{Key: key, Value: value}})
}

func (p *policy) write(changes []store.LogChange) error {
	last, err := p.tx.WriteLog(changes)
	if last > 0 {
		p.last = last
	}
	return err
}

// maxDestinations bounds one rule's object: more do not help anyone, and each gateway holds them all.
const maxDestinations = 20_000

func destinations(resources []portal.Resource) int {
	n := 0
	for _, r := range resources {
		n += len(r.Prefixes) * max(1, len(r.Ports))
	}
	return n
}

func entryLogKey(d portal.Device) string {
	return store.EntryKey(portal.EntryKey{Profile: d.Profile, Device: d.ID})
}

func entryValue(e portal.Entry) func(uint64) any {
	return func(rev uint64) any { e.Revision = rev; return e }
}

func signatureValue(s portal.Signature) func(uint64) any {
	return func(rev uint64) any { s.Revision = rev; return s }
}

// same reports whether the log holds this value already, but for the revision, which the value must have been given.
func same(o store.Object, want any) bool {
	b, err := json.Marshal(want)
	return err == nil && bytes.Equal(b, o.Value)
}
