package peers

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/sallyport/sallyport/peers/policyfile"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// names is the policy with what its ids are called.
type names struct {
	groups    []portal.Group
	resources []portal.Resource
	rules     []portal.Rule
	profiles  []portal.Profile
	tests     []portal.PolicyTest
	pops      []portal.PoP
	pools     []portal.Pool
}

func readNames(tx *store.Tx) (n names, err error) {
	read := func(fn func() error) {
		if err == nil {
			err = fn()
		}
	}
	read(func() (err error) { n.groups, _, err = tx.Groups(); return err })
	read(func() (err error) { n.resources, err = tx.Resources(); return err })
	read(func() (err error) { n.rules, err = tx.Rules(); return err })
	read(func() error { // what people were given for a while is no part of the policy that one keeps
		temporary, err := tx.RequestRules()
		n.rules = slices.DeleteFunc(n.rules, func(r portal.Rule) bool { return temporary[r.ID] })
		return err
	})
	read(func() (err error) { n.profiles, err = tx.Profiles(); return err })
	read(func() (err error) { n.tests, err = tx.PolicyTests(); return err })
	read(func() (err error) { n.pops, err = tx.PoPs(); return err })
	read(func() (err error) { n.pools, err = tx.Pools(); return err })
	return n, err
}

// nameOf finds what an id is called; an id of nothing is its own name.
func nameOf[T any, ID ~string](list []T, id ID, key func(T) (ID, string)) string {
	for _, x := range list {
		if k, name := key(x); k == id {
			return name
		}
	}
	return string(id)
}

func namesOf[T any, ID ~string](list []T, ids []ID, key func(T) (ID, string)) []string {
	var all []string
	for _, id := range ids {
		all = append(all, nameOf(list, id, key))
	}
	slices.Sort(all)
	return all
}

func groupName(g portal.Group) (portal.GroupID, string)          { return g.ID, g.Name }
func resourceName(r portal.Resource) (portal.ResourceID, string) { return r.ID, r.Name }
func popName(p portal.PoP) (portal.PoPID, string)                { return p.ID, p.Name }
func poolName(p portal.Pool) (portal.PoolID, string)             { return p.ID, p.Name }
func ruleName(r portal.Rule) (portal.RuleID, string)             { return r.ID, r.Name }
func profileName(p portal.Profile) (portal.ProfileID, string)    { return p.ID, p.Name }
func testName(t portal.PolicyTest) (portal.PolicyTestID, string) { return t.ID, t.Name }
func texts[T fmt.Stringer](list []T) (out []string) {
	for _, x := range list {
		out = append(out, x.String())
	}
	return out
}

// document is the whole policy in the form of a file, in the order of names.
func (n names) document() policyfile.Document {
	d := policyfile.Document{Version: policyfile.Version}
	for _, g := range n.groups {
		if g.ID != portal.Everyone {
			d.Groups = append(d.Groups, g.Name)
		}
	}
	slices.Sort(d.Groups)
	for _, r := range n.resources {
		d.Resources = append(d.Resources, n.resource(r))
	}
	for _, r := range n.rules {
		d.Rules = append(d.Rules, n.rule(r))
	}
	for _, p := range n.profiles {
		d.Profiles = append(d.Profiles, n.profile(p))
	}
	for _, t := range n.tests {
		d.Tests = append(d.Tests, n.test(t))
	}
	return d
}

func (n names) resource(r portal.Resource) policyfile.Resource {
	out := policyfile.Resource{Name: r.Name, Prefixes: texts(r.Prefixes), Transport: string(r.Transport), Tags: r.Tags}
	for _, p := range r.Ports {
		out.Ports = append(out.Ports, portText(p))
	}
	if out.Requestable = r.Requestable; r.Approvers != "" {
		out.Approvers = nameOf(n.groups, r.Approvers, groupName)
	}
	return out
}

func (n names) rule(r portal.Rule) policyfile.Rule {
	out := policyfile.Rule{
		Name: r.Name, Reason: r.Reason, Action: string(r.Action), Groups: namesOf(n.groups, r.Groups, groupName),
		People: strs(r.People), Resources: namesOf(n.resources, r.Resources, resourceName), Tags: r.Tags,
	}
	writeConditions(&out, r.Conditions)
	return out
}

func strs[T ~string](list []T) (out []string) {
	for _, x := range list {
		out = append(out, string(x))
	}
	return out
}

func (n names) profile(p portal.Profile) policyfile.Profile {
	out := policyfile.Profile{
		Name: p.Name, Description: p.Description, Mode: string(p.Mode), Included: texts(p.Included), Excluded: texts(p.Excluded),
		Names: p.Names, Match: p.Match, Approval: p.Approval, DNS: texts(p.DNS), Search: p.Search, MTU: p.MTU, MaxDevices: p.MaxDevices,
		Groups: namesOf(n.groups, p.Groups, groupName),
		PoPs:   namesOf(n.pops, p.PoPs, popName), Pool: nameOf(n.pools, p.Pool, poolName),
	}
	if p.Offers(portal.OpenVPN) {
		out.Protocols = strs(p.Protocols)
	}
	if p.Idle > 0 {
		out.Idle = p.Idle.String()
	}
	if p.Keepalive > 0 {
		out.Keepalive = p.Keepalive.String()
	}
	if p.Session > 0 {
		out.Session = p.Session.String()
	}
	return out
}

func (n names) test(t portal.PolicyTest) policyfile.Test {
	out := policyfile.Test{Name: t.Name, Reason: t.Reason, Person: string(t.Person), Transport: string(t.Transport), Port: int(t.Port), Expect: string(t.Expect)}
	if t.Group != "" {
		out.Group = nameOf(n.groups, t.Group, groupName)
	}
	if t.Resource != "" {
		out.Resource = nameOf(n.resources, t.Resource, resourceName)
	}
	if t.To.IsValid() {
		out.To = t.To.String()
	}
	return out
}

func portText(p portal.PortRange) string {
	if p.First == p.Last {
		return strconv.Itoa(int(p.First))
	}
	return fmt.Sprintf("%d-%d", p.First, p.Last)
}
