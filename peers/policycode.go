package peers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/peers/policyfile"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// PolicyChange is one thing that differs between the policy and a file.
type PolicyChange struct {
	Kind   string // group, resource, rule, profile, test
	Name   string
	Action string // create, update, delete
	Before string // YAML, "" where there is none
	After  string
}

// ExportPolicy returns the whole policy as a file.
func (s *Service) ExportPolicy(ctx context.Context, by portal.Actor) (text []byte, err error) {
	if !by.May(portal.AccessRead) || !by.May(portal.ProfilesRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		n, err := readNames(tx)
		if err != nil {
			return err
		}
		text, err = policyfile.Write(n.document())
		return err
	})
	return text, err
}

// errDryRun ends a transaction that was only to see what would happen.
var errDryRun = errors.New("dry run")

// DiffPolicy says what applying a file would change. It checks all that ApplyPolicy checks and changes nothing.
func (s *Service) DiffPolicy(ctx context.Context, by portal.Actor, text []byte, prune bool) ([]PolicyChange, error) {
	if !by.May(portal.AccessRead) || !by.May(portal.ProfilesRead) {
		return nil, portal.ErrForbidden
	}
	f, err := policyfile.Read(text)
	if err != nil {
		return nil, err
	}
	var changes []PolicyChange
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		n, err := readNames(tx)
		if err != nil {
			return err
		}
		changes = diffDocuments(n.document(), f.Document, prune)
		return nil
	})
	if err != nil || len(changes) == 0 || !by.May(portal.AccessWrite) {
		return changes, err // who may only look is told what differs, and not whether it would be taken
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.applyFile(ctx, tx, by, f, changes); err != nil {
			return err
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return changes, err
}

// ApplyPolicy makes the policy what a file says, in one transaction. What the file does not name stays; with prune it goes. It returns what
// it changed. Errors name the line.
func (s *Service) ApplyPolicy(ctx context.Context, by portal.Actor, text []byte, prune bool) (changes []PolicyChange, err error) {
	if !by.May(portal.AccessWrite) {
		return nil, portal.ErrForbidden
	}
	f, err := policyfile.Read(text)
	if err != nil {
		return nil, err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFeed(); err != nil {
			return err
		}
		n, err := readNames(tx)
		if err != nil {
			return err
		}
		if changes = diffDocuments(n.document(), f.Document, prune); len(changes) == 0 {
			return nil
		}
		return s.applyFile(ctx, tx, by, f, changes)
	})
	return changes, err
}

// applyFile makes the changes through the same use cases as everybody else's, all in tx, and then looks at the policy tests.
func (s *Service) applyFile(ctx context.Context, tx *store.Tx, by portal.Actor, f policyfile.File, changes []PolicyChange) error {
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	before, err := judge(tx, nil)
	if err != nil {
		return err
	}
	inner := *s
	inner.within = p
	a := applier{s: &inner, ctx: ctx, tx: tx, by: by, file: f}
	for _, step := range []struct{ kind, action string }{
		{"group", "create"},
		{"resource", "create"},
		{"resource", "update"},
		{"profile", "create"},
		{"profile", "update"},
		{"rule", "create"},
		{"rule", "update"},
		{"test", "create"},
		{"test", "update"},
		{"test", "delete"},
		{"rule", "delete"},
		{"resource", "delete"},
		{"profile", "delete"},
	} {
		if a.names, err = readNames(tx); err != nil {
			return err
		}
		for _, c := range changes {
			if c.Kind == step.kind && c.Action == step.action {
				a.apply(c)
			}
		}
		if a.err != nil {
			return a.err
		}
		if len(a.fields) > 0 {
			return portal.InvalidFields(f.At(a.fields)...)
		}
	}
	after, err := judge(tx, nil)
	if err != nil {
		return err
	}
	if err := broken(before, after); err != nil {
		return err
	}
	return tx.Audit(by, "policy.apply", "policy:file", map[string]any{"changes": len(changes)})
}

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
	out := policyfile.Resource{Name: r.Name, Prefixes: texts(r.Prefixes), Transport: string(r.Transport)}
	for _, p := range r.Ports {
		out.Ports = append(out.Ports, portText(p))
	}
	return out
}

func (n names) rule(r portal.Rule) policyfile.Rule {
	return policyfile.Rule{
		Name: r.Name, Reason: r.Reason, Action: string(r.Action), Groups: namesOf(n.groups, r.Groups, groupName),
		Resources: namesOf(n.resources, r.Resources, resourceName),
	}
}

func (n names) profile(p portal.Profile) policyfile.Profile {
	out := policyfile.Profile{
		Name: p.Name, Description: p.Description, Mode: string(p.Mode), Included: texts(p.Included), Excluded: texts(p.Excluded),
		DNS: texts(p.DNS), Search: p.Search, MTU: p.MTU, MaxDevices: p.MaxDevices, Groups: namesOf(n.groups, p.Groups, groupName),
		PoPs: namesOf(n.pops, p.PoPs, popName), Pool: nameOf(n.pools, p.Pool, poolName),
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
		r.Groups, r.Resources = sorted(r.Groups), sorted(r.Resources)
		return r.Name, policyfile.Text(r)
	})
	pool := func(p policyfile.Profile) string { return p.Pool }
	diffList(&changes, "profile", have.Profiles, want.Profiles, prune, func(p policyfile.Profile) (string, string) {
		p = plainProfile(p)
		p.Groups, p.PoPs, p.Session, p.Keepalive = sorted(p.Groups), sorted(p.PoPs), sameDuration(p.Session), sameDuration(p.Keepalive)
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
	in := ResourceInput{Name: r.Name, Prefixes: r.Prefixes, Transport: portal.Transport(r.Transport)}
	for _, p := range r.Ports {
		in.Ports = append(in.Ports, a.ports("", p))
	}
	saved, err := in.resource()
	if err != nil || len(a.fields) > 0 {
		return r
	}
	return names{}.resource(saved)
}

// plainProfile does the same for what a profile says itself.
func plainProfile(p policyfile.Profile) policyfile.Profile {
	var c check
	saved := ProfileInput{
		Name: p.Name, Description: p.Description, Mode: portal.Mode(p.Mode), Included: p.Included, Excluded: p.Excluded, DNS: p.DNS, Search: p.Search,
	}.profile(&c)
	if c.err() != nil {
		return p
	}
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

// applier makes one change after the other, and collects what is wrong with the values.
type applier struct {
	s      *Service
	ctx    context.Context //nolint:containedctx // the life of one call
	tx     *store.Tx
	by     portal.Actor
	file   policyfile.File
	names  names
	fields []portal.Field
	over   bool  // the database has refused something: nothing more can be tried in this transaction
	err    error // what is not about a value
}

// wrongAt bounds how many mistakes are named at a time.
const wrongAt = 50

func (a *applier) apply(c PolicyChange) {
	if a.err != nil || a.over || len(a.fields) >= wrongAt {
		return
	}
	var err error
	path := ""
	at := func(list string, i int) { path = fmt.Sprintf("/%s/%d", list, i) }
	switch c.Kind {
	case "group":
		at("groups", slices.Index(a.file.Groups, c.Name))
		_, err = a.s.CreateGroup(a.ctx, a.by, c.Name)
	case "resource":
		i := slices.IndexFunc(a.file.Resources, func(r policyfile.Resource) bool { return r.Name == c.Name })
		at("resources", i)
		err = a.resource(c, i, path)
	case "rule":
		i := slices.IndexFunc(a.file.Rules, func(r policyfile.Rule) bool { return r.Name == c.Name })
		at("rules", i)
		err = a.rule(c, i, path)
	case "profile":
		i := slices.IndexFunc(a.file.Profiles, func(p policyfile.Profile) bool { return p.Name == c.Name })
		at("profiles", i)
		err = a.profile(c, i, path)
	case "test":
		i := slices.IndexFunc(a.file.Tests, func(t policyfile.Test) bool { return t.Name == c.Name })
		at("tests", i)
		err = a.test(c, i, path)
	}
	if fields := fieldsOf(err); len(fields) > 0 {
		for _, f := range fields {
			f.Path = path + inFile(f.Path)
			a.fields = append(a.fields, f)
		}
		return
	}
	var known *portal.Error
	if errors.As(err, &known) && known.Kind != portal.Forbidden && c.Action != "delete" {
		a.fields = append(a.fields, portal.Field{Path: path, Code: known.Code, Msg: known.Msg})
		a.over = true
		return
	}
	if err != nil {
		a.err = fmt.Errorf("%s %s %q: %w", c.Action, c.Kind, c.Name, err)
	}
}

// inFile is what the API's fields are called in a file.
func inFile(path string) string {
	for api, file := range map[string]string{"/maxDevices": "/max_devices", "/sessionSeconds": "/session"} {
		if rest, ok := strings.CutPrefix(path, api); ok {
			return file + rest
		}
	}
	return path
}

// id finds what a name in the file means.
func id[T any, ID ~string](a *applier, path string, list []T, name string, key func(T) (ID, string)) ID {
	for _, x := range list {
		if k, n := key(x); n == name {
			return k
		}
	}
	a.fields = append(a.fields, portal.Field{Path: path, Code: "unknown", Msg: fmt.Sprintf("There is no %q.", cutName(name))})
	return ""
}

func idList[T any, ID ~string](a *applier, path string, list []T, names []string, key func(T) (ID, string)) []ID {
	var all []ID
	for i, n := range names {
		all = append(all, id(a, fmt.Sprintf("%s/%d", path, i), list, n, key))
	}
	return all
}

func cutName(s string) string {
	if len(s) > maxName {
		return s[:maxName]
	}
	return s
}

// find is the id of what a change is about.
func find[T any, ID ~string](list []T, name string, key func(T) (ID, string)) ID {
	for _, x := range list {
		if k, n := key(x); n == name {
			return k
		}
	}
	return ""
}

func (a *applier) resource(c PolicyChange, i int, path string) error {
	was := find(a.names.resources, c.Name, resourceName)
	if c.Action == "delete" {
		return a.s.DeleteResource(a.ctx, a.by, was)
	}
	r := a.file.Resources[i]
	in := ResourceInput{Name: r.Name, Prefixes: r.Prefixes, Transport: portal.Transport(r.Transport)}
	for j, p := range r.Ports {
		in.Ports = append(in.Ports, a.ports(fmt.Sprintf("%s/ports/%d", path, j), p))
	}
	if len(a.fields) > 0 {
		return nil
	}
	var err error
	if c.Action == "create" {
		_, err = a.s.CreateResource(a.ctx, a.by, in)
	} else {
		_, err = a.s.UpdateResource(a.ctx, a.by, was, in)
	}
	return err
}

func (a *applier) ports(path, s string) portal.PortRange {
	first, last, isRange := strings.Cut(s, "-")
	if !isRange {
		last = first
	}
	f, err1 := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
	l, err2 := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
	if err1 != nil || err2 != nil {
		a.fields = append(a.fields, portal.Field{Path: path, Code: "malformed", Msg: `Not a port such as "443" or a range such as "8000-8100".`})
	}
	return portal.PortRange{First: uint16(f), Last: uint16(l)}
}

func (a *applier) rule(c PolicyChange, i int, path string) error {
	was := find(a.names.rules, c.Name, ruleName)
	if c.Action == "delete" {
		return a.s.DeleteRule(a.ctx, a.by, was)
	}
	r := a.file.Rules[i]
	in := RuleInput{
		Name: r.Name, Reason: r.Reason, Action: portal.Action(r.Action), Groups: idList(a, path+"/groups", a.names.groups, r.Groups, groupName),
		Resources: idList(a, path+"/resources", a.names.resources, r.Resources, resourceName),
	}
	if len(a.fields) > 0 {
		return nil
	}
	var err error
	if c.Action == "create" {
		_, err = a.s.CreateRule(a.ctx, a.by, in)
	} else {
		_, err = a.s.UpdateRule(a.ctx, a.by, was, in)
	}
	return err
}

func (a *applier) profile(c PolicyChange, i int, path string) error {
	was := find(a.names.profiles, c.Name, profileName)
	if c.Action == "delete" {
		return a.s.DeleteProfile(a.ctx, a.by, was)
	}
	p := a.file.Profiles[i]
	in := a.profileNow(was)
	in.Name, in.Description, in.Mode, in.Included, in.Excluded = p.Name, p.Description, portal.Mode(p.Mode), p.Included, p.Excluded
	in.DNS, in.Search, in.MTU, in.MaxDevices = p.DNS, p.Search, p.MTU, p.MaxDevices
	in.Keepalive, in.Session = a.duration(path+"/keepalive", p.Keepalive), a.duration(path+"/session", p.Session)
	in.Groups, in.PoPs = idList(a, path+"/groups", a.names.groups, p.Groups, groupName), idList(a, path+"/pops", a.names.pops, p.PoPs, popName)
	if p.Pool != "" {
		in.Pool = id(a, path+"/pool", a.names.pools, p.Pool, poolName)
	}
	if len(a.fields) > 0 {
		return nil
	}
	var err error
	if c.Action == "create" {
		_, err = a.s.CreateProfile(a.ctx, a.by, in)
	} else {
		_, err = a.s.UpdateProfile(a.ctx, a.by, was, in)
	}
	return err
}

// profileNow is what a profile is now as an input, so that a file which does not know a field leaves it alone.
func (a *applier) profileNow(id portal.ProfileID) ProfileInput {
	for _, p := range a.names.profiles {
		if p.ID == id {
			return ProfileInput{Pool: p.Pool}
		}
	}
	return ProfileInput{}
}

func (a *applier) duration(path, s string) time.Duration {
	if s == "" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		a.fields = append(a.fields, portal.Field{Path: path, Code: "malformed", Msg: "Not a duration such as 12h or 25s."})
	}
	return d
}

func (a *applier) test(c PolicyChange, i int, path string) error {
	was := find(a.names.tests, c.Name, testName)
	if c.Action == "delete" {
		return a.s.DeletePolicyTest(a.ctx, a.by, was)
	}
	t := a.file.Tests[i]
	in := PolicyTestInput{
		Name: t.Name, Reason: t.Reason, Person: portal.UserID(t.Person), To: t.To, Transport: portal.Transport(t.Transport), Port: uint16(min(max(t.Port, 0), 65535)),
		Expect: portal.Expectation(t.Expect),
	}
	if t.Group != "" {
		in.Group = id(a, path+"/group", a.names.groups, t.Group, groupName)
	}
	if t.Resource != "" {
		in.Resource = id(a, path+"/resource", a.names.resources, t.Resource, resourceName)
	}
	if len(a.fields) > 0 {
		return nil
	}
	var err error
	if c.Action == "create" {
		_, err = a.s.CreatePolicyTest(a.ctx, a.by, in)
	} else {
		_, err = a.s.UpdatePolicyTest(a.ctx, a.by, was, in)
	}
	return err
}
