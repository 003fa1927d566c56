package peers_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// office is a house in which random things happen.
type office struct {
	*house
	people    []portal.Actor
	groups    []portal.GroupID
	profiles  []portal.ProfileID
	resources []portal.ResourceID
	rules     []portal.RuleID
	devices   []portal.DeviceID
	n         int // names made so far
}

func newOffice(t *testing.T, s *store.Store) *office {
	o := &office{house: newHouse(t, s), groups: []portal.GroupID{portal.Everyone}}
	o.people, o.profiles = []portal.Actor{o.mina, o.jun, o.admin}, []portal.ProfileID{o.profile.ID}
	for range 3 {
		g, err := o.s.CreateGroup(o.ctx(), o.admin, o.name())
		o.ok(err)
		o.groups = append(o.groups, g.ID)
		o.resources = append(o.resources, o.resource(o.name(), fmt.Sprintf("10.%d.0.0/16", o.n)).ID)
	}
	second, err := o.s.CreateProfile(o.ctx(), o.admin, peers.ProfileInput{Name: o.name(), Mode: portal.Full})
	o.ok(err)
	o.profiles = append(o.profiles, second.ID)
	return o
}

func (o *office) name() string {
	o.n++
	return fmt.Sprint("name ", o.n)
}

func pick[T any](t *rapid.T, label string, list []T) T {
	return list[rapid.IntRange(0, len(list)-1).Draw(t, label)]
}

// some draws a part of the list, with at least so many in it.
func some[T any](t *rapid.T, label string, list []T, least int) []T {
	var part []T
	for i, x := range list {
		if rapid.Bool().Draw(t, fmt.Sprint(label, " ", i)) {
			part = append(part, x)
		}
	}
	if len(part) < least {
		part = append(part, pick(t, label, list))
	}
	return part
}

// steps are what people and admins do. An answer that names a caller's mistake is fine; the log must be right all the same.
func (o *office) steps() map[string]func(t *rapid.T) error {
	people := []portal.UserID{o.people[0].User, o.people[1].User}
	ruleInput := func(t *rapid.T) peers.RuleInput {
		return peers.RuleInput{
			Name: o.name(), Reason: "x", Action: pick(t, "action", []portal.Action{portal.Allow, portal.Deny}),
			Groups: some(t, "groups", o.groups, 1), Resources: some(t, "resources", o.resources, 1), People: some(t, "people", people, 0),
		}
	}
	needs := func(n int, t *rapid.T) {
		if n == 0 {
			t.Skip("there is none yet")
		}
	}
	return map[string]func(t *rapid.T) error{
		"create device": func(t *rapid.T) error {
			in := o.newDevice(o.name())
			in.Profile = pick(t, "profile", o.profiles)
			d, err := o.s.CreateDevice(o.ctx(), pick(t, "person", o.people), in)
			if err == nil {
				o.devices = append(o.devices, d.ID)
			}
			return err
		},
		"revoke device": func(t *rapid.T) error {
			needs(len(o.devices), t)
			i := rapid.IntRange(0, len(o.devices)-1).Draw(t, "device")
			_, err := o.s.RevokeDevice(o.ctx(), o.admin, o.devices[i])
			o.devices = slices.Delete(o.devices, i, i+1)
			return err
		},
		"replace key": func(t *rapid.T) error {
			needs(len(o.devices), t)
			_, err := o.s.ReplaceKey(o.ctx(), o.admin, pick(t, "device", o.devices), newKey(o.t).String())
			return err
		},
		"suspend device": func(t *rapid.T) error {
			needs(len(o.devices), t)
			_, err := o.s.SuspendDevice(o.ctx(), o.admin, pick(t, "device", o.devices))
			return err
		},
		"resume device": func(t *rapid.T) error {
			needs(len(o.devices), t)
			_, err := o.s.ResumeDevice(o.ctx(), o.admin, pick(t, "device", o.devices))
			return err
		},
		"renew": func(t *rapid.T) error {
			o.now = o.now.Add(time.Minute)
			_, _, err := o.s.RenewGrants(o.ctx(), o.admin, pick(t, "person", o.people).User)
			return err
		},
		"suspend person": func(t *rapid.T) error {
			u := pick(t, "person", o.people).User
			return o.s.Store.Tx(o.ctx(), func(tx *store.Tx) error {
				return errors.Join(tx.SetUserState(u, portal.UserSuspended), o.s.CutUser(tx, o.admin, u))
			})
		},
		"restore person": func(t *rapid.T) error {
			u := pick(t, "person", o.people).User
			return o.s.Store.Tx(o.ctx(), func(tx *store.Tx) error {
				return errors.Join(tx.SetUserState(u, portal.UserActive), o.s.RestoreUser(tx, o.admin, u))
			})
		},
		"set member": func(t *rapid.T) error {
			return o.s.SetMember(o.ctx(), o.admin, pick(t, "group", o.groups[1:]), pick(t, "person", o.people).User, rapid.Bool().Draw(t, "member"))
		},
		"sign in with groups": func(t *rapid.T) error {
			u := pick(t, "person", o.people)
			names := some(t, "names", []string{"name 1", "name 3", "name 5"}, 0)
			return o.s.Store.Tx(o.ctx(), func(tx *store.Tx) error {
				if changed, err := tx.SetMemberships(u.User, portal.SourceClaim, names); err != nil || !changed {
					return err
				}
				return o.s.GroupsChanged(tx, u, u.User)
			})
		},
		"a group comes and goes": func(t *rapid.T) error {
			g, err := o.s.CreateGroup(o.ctx(), o.admin, o.name())
			if err != nil {
				return err
			}
			for _, u := range some(t, "members", people, 0) {
				if err := o.s.SetMember(o.ctx(), o.admin, g.ID, u, true); err != nil {
					return err
				}
			}
			return o.s.DeleteGroup(o.ctx(), o.admin, g.ID)
		},
		"create rule": func(t *rapid.T) error {
			r, err := o.s.CreateRule(o.ctx(), o.admin, ruleInput(t))
			if err == nil {
				o.rules = append(o.rules, r.ID)
			}
			return err
		},
		"update rule": func(t *rapid.T) error {
			needs(len(o.rules), t)
			_, err := o.s.UpdateRule(o.ctx(), o.admin, pick(t, "rule", o.rules), ruleInput(t))
			return err
		},
		"delete rule": func(t *rapid.T) error {
			needs(len(o.rules), t)
			i := rapid.IntRange(0, len(o.rules)-1).Draw(t, "rule")
			err := o.s.DeleteRule(o.ctx(), o.admin, o.rules[i])
			o.rules = slices.Delete(o.rules, i, i+1)
			return err
		},
		"update resource": func(t *rapid.T) error {
			_, err := o.s.UpdateResource(o.ctx(), o.admin, pick(t, "resource", o.resources), peers.ResourceInput{
				Name: o.name(), Transport: portal.TCP, Prefixes: []string{fmt.Sprintf("10.20.%d.0/24", rapid.IntRange(0, 3).Draw(t, "net"))},
				Ports: []portal.PortRange{{First: 22, Last: 22}},
			})
			return err
		},
		"update profile": func(t *rapid.T) error {
			_, err := o.s.UpdateProfile(o.ctx(), o.admin, pick(t, "profile", o.profiles), peers.ProfileInput{
				Name: o.name(), Mode: portal.Full, Groups: some(t, "groups", o.groups, 0), PoPs: some(t, "pops", []portal.PoPID{o.pop.ID}, 0),
			})
			return err
		},
	}
}

func TestFeedLogIsWhatTheCompilerGivesAfterAnyHistory(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() == checks.DefValue { // each history is a database of its own
		h := map[bool]string{false: "12", true: "4"}[testing.Short()]
		if err := checks.Value.Set(h); err != nil {
			t.Fatal(err)
		}
		defer checks.Value.Set(checks.DefValue) //nolint:errcheck // it was that before
	}
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": storetest.DSN, "postgres": storetest.MigratedPostgresDSN} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				s, err := store.Open(t.Context(), dsn(t))
				if err != nil {
					r.Fatal(err)
				}
				defer s.Close()
				r.Repeat(newOffice(t, s).actions())
			})
		})
	}
}

// actions are the steps, each followed by a look at the log.
func (o *office) actions() map[string]func(*rapid.T) {
	actions := map[string]func(*rapid.T){"": func(r *rapid.T) {
		if err := o.sameAsCompiled(); err != nil {
			r.Fatal(err)
		}
	}}
	for name, step := range o.steps() {
		actions[name] = func(r *rapid.T) {
			if err := step(r); err != nil && portal.KindOf(err) == portal.Internal {
				r.Fatalf("%s: %v", name, err)
			}
		}
	}
	return actions
}
