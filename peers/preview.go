package peers

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ProposedChange is one change that somebody may save: exactly one of the pointers is set, or Delete with an id.
type ProposedChange struct {
	Rule       *RuleInput
	RuleID     portal.RuleID // "": a new one
	Resource   *ResourceInput
	ResourceID portal.ResourceID
	Profile    *ProfileInput
	ProfileID  portal.ProfileID
	Delete     bool
	Member     *ProposedMember
	Limit      int // examples of each kind; 0: 20, at most 200
}

// ProposedMember gives or takes a membership.
type ProposedMember struct {
	Group  portal.GroupID
	User   portal.UserID
	Member bool
}

// Affected is people whose reach changes in one direction.
type Affected struct {
	People    int
	Devices   int
	Connected int // of the devices: their flows to what is lost end at once
	Examples  []AffectedPerson
}

// AffectedPerson is one of them, with one flow that changes.
type AffectedPerson struct {
	ID       portal.UserID
	Name     string
	Flow     portal.Point // invalid for a profile
	Resource string       // that the flow is part of; "" for a profile
	Rule     string       // that lets it pass, before or after; "" for a profile
}

// Preview is what a change would do.
type Preview struct {
	Gain, Lose    Affected
	Partial       bool           // the change is about more than portal.MaxPoints kinds of flow, and the rest was not looked at
	RoutesAdded   []netip.Prefix // profiles: files that are out lack these
	RoutesRemoved []netip.Prefix
	Files         int   // devices whose file would be out of date
	Tests         error // an ErrTests, when saving would be refused; nil otherwise
}

// PreviewChange says what a change would do, without making it. What the input gets wrong is wrong here too.
func (s *Service) PreviewChange(ctx context.Context, by portal.Actor, in ProposedChange) (out Preview, err error) {
	if !by.May(portal.AccessRead) || !by.May(portal.PeopleRead) && !by.May(portal.AccessWrite) {
		return out, portal.ErrForbidden
	}
	if in.Limit == 0 {
		in.Limit = 20
	}
	in.Limit = min(in.Limit, maxLimit)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if in.Profile != nil {
			return previewProfile(tx, in, &out)
		}
		pools, err := tx.Pools()
		if err != nil {
			return err
		}
		before, err := readPolicy(tx, pools)
		if err != nil {
			return err
		}
		after, err := in.apply(tx, before)
		if err != nil {
			return err
		}
		if err := previewPolicy(tx, in, before, after, &out); err != nil {
			return err
		}
		return previewTests(tx, in, before, after, &out)
	})
	return out, err
}

// apply returns the policy after the change.
func (in ProposedChange) apply(tx *store.Tx, before portal.Policy) (portal.Policy, error) {
	after := before
	after.Rules, after.Resources = slices.Clone(before.Rules), slices.Clone(before.Resources)
	switch {
	case in.Rule != nil || in.RuleID != "":
		i := slices.IndexFunc(after.Rules, func(r portal.Rule) bool { return r.ID == in.RuleID })
		if in.RuleID != "" && i < 0 {
			return after, portal.ErrNotFound
		}
		if in.Delete {
			after.Rules = slices.Delete(after.Rules, i, i+1)
			return after, nil
		}
		if in.Rule == nil {
			return after, portal.ErrInvalid
		}
		r, err := in.Rule.rule(tx)
		if err != nil {
			return after, err
		}
		r.ID = in.RuleID
		if i < 0 {
			after.Rules = append(after.Rules, r)
		} else {
			r.CreatedAt = after.Rules[i].CreatedAt
			after.Rules[i] = r
		}
	case in.Resource != nil:
		i := slices.IndexFunc(after.Resources, func(r portal.Resource) bool { return r.ID == in.ResourceID })
		if in.ResourceID != "" && i < 0 {
			return after, portal.ErrNotFound
		}
		r, err := in.Resource.resource()
		if err != nil {
			return after, err
		}
		r.ID = in.ResourceID
		if i < 0 {
			after.Resources = append(after.Resources, r)
		} else {
			r.CreatedAt = after.Resources[i].CreatedAt
			after.Resources[i] = r
		}
	case in.Member == nil:
		return after, portal.ErrInvalid
	}
	return after, nil
}

// previewPolicy compares what everybody reaches before and after, at the flows that stand for what changes.
func previewPolicy(tx *store.Tx, in ProposedChange, before, after portal.Policy, out *Preview) error {
	var person portal.UserID
	if in.Member != nil {
		person = in.Member.User
	}
	people, err := tx.Subjects("", person)
	if err != nil {
		return err
	}
	touched := touchedResources(before, after, in.Member)
	points, whole := portal.Points(touched, slices.Concat(before.Resources, after.Resources), before.Pools)
	out.Partial = !whole
	was, is := before.Table(points), after.Table(points)
	wasRelevant, isRelevant := was.Relevant(), is.Relevant()
	type outcome struct {
		gain, lose         int // a point, -1: none
		gainRule, loseRule string
	}
	known := map[string]outcome{}
	var gainers, losers []portal.UserID
	for _, p := range people {
		then := p
		if in.Member != nil {
			then.Groups = slices.DeleteFunc(slices.Clone(p.Groups), func(g portal.GroupID) bool { return g == in.Member.Group })
			if in.Member.Member {
				then.Groups = append(then.Groups, in.Member.Group)
			}
		}
		a, b := ruleSet(was.Rules, wasRelevant, p), ruleSet(is.Rules, isRelevant, then)
		key := a.key() + "|" + b.key()
		o, seen := known[key]
		if !seen {
			o = outcome{gain: -1, lose: -1}
			for i := range points {
				for _, c := range []portal.Certainty{portal.Ever, portal.Always} { // who reaches it less often loses, too
					r1, before := was.Allowed(i, a.has, c, tx.Now)
					r2, after := is.Allowed(i, b.has, c, tx.Now)
					switch {
					case after && !before && o.gain < 0:
						o.gain, o.gainRule = i, is.Rules[r2].Name
					case before && !after && o.lose < 0:
						o.lose, o.loseRule = i, was.Rules[r1].Name
					}
				}
			}
			known[key] = o
		}
		if o.gain >= 0 {
			gainers = append(gainers, p.ID)
			out.Gain.example(in.Limit, p, points[o.gain], o.gainRule, touched)
		}
		if o.lose >= 0 {
			losers = append(losers, p.ID)
			out.Lose.example(in.Limit, p, points[o.lose], o.loseRule, touched)
		}
	}
	return errors.Join(out.Gain.count(tx, gainers), out.Lose.count(tx, losers))
}

// touchedResources is what the change is about: the resources that changed themselves, and all that rules name which changed.
func touchedResources(before, after portal.Policy, member *ProposedMember) []portal.Resource {
	var touched []portal.Resource
	changed := func(a, b portal.Policy) {
		for _, r := range a.Rules {
			i := slices.IndexFunc(b.Rules, func(x portal.Rule) bool { return x.ID == r.ID })
			same := i >= 0 && reflect.DeepEqual(r, b.Rules[i])
			if member != nil {
				same = !slices.Contains(r.Groups, member.Group)
			}
			if same {
				continue
			}
			for _, res := range a.Resources {
				if r.Selects(res) {
					touched = append(touched, res)
				}
			}
		}
		for _, res := range a.Resources {
			i := slices.IndexFunc(b.Resources, func(x portal.Resource) bool { return x.ID == res.ID })
			if i < 0 || !reflect.DeepEqual(res, b.Resources[i]) {
				touched = append(touched, res)
			}
		}
	}
	changed(before, after)
	changed(after, before)
	return touched
}

func (a *Affected) example(limit int, p store.Subject, flow portal.Point, rule string, touched []portal.Resource) {
	if len(a.Examples) >= limit {
		return
	}
	x := AffectedPerson{ID: p.ID, Name: p.Name, Flow: flow, Rule: rule}
	for _, r := range touched {
		if slices.ContainsFunc(r.Prefixes, func(n netip.Prefix) bool { return flow.To.IsValid() && n.Contains(flow.To) }) {
			x.Resource = r.Name
			break
		}
	}
	a.Examples = append(a.Examples, x)
}

// count looks up how many devices they have, and how many of those are connected.
func (a *Affected) count(tx *store.Tx, people []portal.UserID) error {
	a.People = len(people)
	if len(people) == 0 {
		return nil
	}
	n, err := tx.CountByOwner(people, tx.Now.Add(-portal.ConnectedWithin))
	for _, c := range n {
		a.Devices += c.Devices
		a.Connected += c.Connected
	}
	return err
}

// previewTests says which policy tests the change would break.
func previewTests(tx *store.Tx, in ProposedChange, before, after portal.Policy, out *Preview) error {
	if in.Member != nil {
		return nil // judged on saving: the people are others then
	}
	tests, err := tx.PolicyTests()
	if err != nil || len(tests) == 0 {
		return err
	}
	profiles, err := tx.Profiles()
	if err != nil {
		return err
	}
	was, err := judgeWith(tx, before, profiles, tests)
	if err != nil {
		return err
	}
	is, err := judgeWith(tx, after, profiles, tests)
	out.Tests = broken(was, is)
	return err
}

// previewWays says which policy tests another profile would break, by leading elsewhere or being open to others.
func previewWays(tx *store.Tx, after portal.Profile, out *Preview) error {
	tests, err := tx.PolicyTests()
	if err != nil || len(tests) == 0 {
		return err
	}
	pools, err := tx.Pools()
	if err != nil {
		return err
	}
	policy, err := readPolicy(tx, pools)
	if err != nil {
		return err
	}
	profiles, err := tx.Profiles()
	if err != nil {
		return err
	}
	was, err := judgeWith(tx, policy, profiles, tests)
	if err != nil {
		return err
	}
	for i, p := range profiles {
		if p.ID == after.ID {
			profiles[i] = after
		}
	}
	is, err := judgeWith(tx, policy, profiles, tests)
	out.Tests = broken(was, is)
	return err
}

// previewProfile compares who may use a profile, and what clients are told.
func previewProfile(tx *store.Tx, in ProposedChange, out *Preview) error {
	var c check
	after := in.Profile.profile(&c)
	if err := in.Profile.resolve(tx, &c, &after); err != nil {
		return err
	}
	if in.ProfileID == "" {
		return nil // nobody uses it yet
	}
	before, err := tx.Profile(in.ProfileID)
	if err != nil {
		return err
	}
	was, is := portal.Routes(before), portal.Routes(after)
	out.RoutesAdded, out.RoutesRemoved = missingFrom(is, was), missingFrom(was, is)
	devices, err := tx.Devices(store.DeviceFilter{Profile: in.ProfileID})
	if err != nil {
		return err
	}
	owners := map[portal.UserID]store.Subject{}
	for _, d := range devices {
		owners[d.User] = store.Subject{ID: d.User, Name: d.OwnerName}
	}
	groups, err := tx.GroupIDsOf(keysOf(owners))
	if err != nil {
		return err
	}
	ids := make([]portal.DeviceID, len(devices))
	for i, d := range devices {
		ids[i] = d.ID
	}
	live, err := tx.Live(ids)
	if err != nil {
		return err
	}
	if out.Files, err = filesAfter(tx, before, after, len(devices)); err != nil {
		return err
	}
	after.ID = before.ID
	if err := previewWays(tx, after, out); err != nil {
		return err
	}
	seen := map[portal.UserID]bool{}
	for _, d := range devices {
		open, opens := before.OpenTo(groups[d.User]), after.OpenTo(groups[d.User])
		if open == opens || d.OwnerState != portal.UserActive {
			continue
		}
		side := &out.Lose
		if opens {
			side = &out.Gain
		}
		side.Devices++
		if live[d.ID].Connected(tx.Now) {
			side.Connected++
		}
		if !seen[d.User] {
			seen[d.User] = true
			side.People++
			side.example(in.Limit, owners[d.User], portal.Point{}, "", nil)
		}
	}
	return nil
}

func keysOf(m map[portal.UserID]store.Subject) []portal.UserID {
	ids := make([]portal.UserID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// missingFrom is the prefixes of a that are not in b, at most 100.
func missingFrom(a, b []netip.Prefix) []netip.Prefix {
	var missing []netip.Prefix
	for _, p := range a {
		if !slices.Contains(b, p) && len(missing) < 100 {
			missing = append(missing, p)
		}
	}
	return missing
}
