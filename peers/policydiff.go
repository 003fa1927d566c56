package peers

import (
	"cmp"
	"slices"
	"time"

	"github.com/sallyport/sallyport/peers/policyfile"
	"github.com/sallyport/sallyport/portal"
)

// diffDocuments compares by name. Lists without an order are compared sorted.
func diffDocuments(have, want policyfile.Document, prune bool) []PolicyChange {
	var changes []PolicyChange
	for _, g := range want.Groups {
		if !slices.Contains(have.Groups, g) && g != string(portal.Everyone) {
			changes = append(changes, PolicyChange{Kind: "group", Name: g, Action: "create", After: policyfile.Text(g)})
		}
	}
	diffList(&changes, "resource", have.Resources, want.Resources, prune, func(r policyfile.Resource) (string, string) {
		r = plainResource(r)
		return r.Name, policyfile.Text(r)
	})
	diffList(&changes, "rule", have.Rules, want.Rules, prune, func(r policyfile.Rule) (string, string) {
		var c check
		r.Name, r.Reason = cmp.Or(c.name("", r.Name), r.Name), cmp.Or(c.text("", r.Reason, maxDescription), r.Reason)
		r.Groups, r.People, r.Resources = sorted(r.Groups), sorted(r.People), sorted(r.Resources)
		r = plainRule(r)
		return r.Name, policyfile.Text(r)
	})
	pool := func(p policyfile.Profile) string { return p.Pool }
	diffList(&changes, "profile", have.Profiles, want.Profiles, prune, func(p policyfile.Profile) (string, string) {
		p = plainProfile(p)
		p.Groups, p.PoPs = sorted(p.Groups), sorted(p.PoPs)
		p.Session, p.Keepalive, p.Idle = sameDuration(p.Session), sameDuration(p.Keepalive), sameDuration(p.Idle)
		if i := slices.IndexFunc(have.Profiles, func(x policyfile.Profile) bool { return x.Name == p.Name }); p.Pool == "" && i >= 0 {
			p.Pool = pool(have.Profiles[i]) // not said: as it is
		}
		return p.Name, policyfile.Text(p)
	})
	diffList(&changes, "test", have.Tests, want.Tests, prune, func(t policyfile.Test) (string, string) {
		return t.Name, policyfile.Text(t)
	})
	return changes
}

// plainResource writes a resource as it would be exported after it was saved; one that can't be saved stays as it is.
func plainResource(r policyfile.Resource) policyfile.Resource {
	var a applier
	in := ResourceInput{Name: r.Name, Prefixes: r.Prefixes, Transport: portal.Transport(r.Transport), Tags: r.Tags, Requestable: r.Requestable}
	for _, p := range r.Ports {
		in.Ports = append(in.Ports, a.ports("", p))
	}
	saved, err := in.resource()
	if err != nil || len(a.fields) > 0 {
		return r
	}
	plain := names{}.resource(saved)
	plain.Approvers = r.Approvers
	return plain
}

// plainProfile does the same for what a profile says itself.
func plainProfile(p policyfile.Profile) policyfile.Profile {
	var c check
	saved := ProfileInput{
		Name: p.Name, Description: p.Description, Mode: portal.Mode(p.Mode), Included: p.Included, Excluded: p.Excluded, DNS: p.DNS, Search: p.Search,
		Names: p.Names, Match: p.Match,
	}.profile(&c)
	if c.err() != nil {
		return p
	}
	p.Names, p.Match = saved.Names, saved.Match
	p.Name, p.Description, p.Included, p.Excluded, p.DNS, p.Search = saved.Name, saved.Description, texts(saved.Included), texts(saved.Excluded), texts(saved.DNS), saved.Search
	return p
}

func diffList[T any](changes *[]PolicyChange, kind string, have, want []T, prune bool, text func(T) (name, yaml string)) {
	old, there := map[string]string{}, map[string]bool{}
	for _, x := range have {
		name, yaml := text(x)
		old[name] = yaml
	}
	for _, x := range want {
		name, yaml := text(x)
		there[name] = true
		switch before, known := old[name]; {
		case !known:
			*changes = append(*changes, PolicyChange{Kind: kind, Name: name, Action: "create", After: yaml})
		case before != yaml:
			*changes = append(*changes, PolicyChange{Kind: kind, Name: name, Action: "update", Before: before, After: yaml})
		}
	}
	for _, x := range have {
		if name, yaml := text(x); prune && !there[name] {
			*changes = append(*changes, PolicyChange{Kind: kind, Name: name, Action: "delete", Before: yaml})
		}
	}
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

func sameDuration(s string) string {
	if d, err := time.ParseDuration(s); err == nil && d > 0 {
		return d.String()
	}
	return s
}
