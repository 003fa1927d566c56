package peers

import (
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
	path = strings.TrimPrefix(path, "/conditions")
	for api, file := range map[string]string{
		"/maxDevices": "/max_devices", "/sessionSeconds": "/session", "/idleSeconds": "/idle", "/validFrom": "/valid_from", "/validUntil": "/valid_until", "/factorSeconds": "/factor",
	} {
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
	in := ResourceInput{Name: r.Name, Prefixes: r.Prefixes, Transport: portal.Transport(r.Transport), Tags: r.Tags, Requestable: r.Requestable}
	if r.Approvers != "" {
		in.Approvers = id(a, path+"/approvers", a.names.groups, r.Approvers, groupName)
	}
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
		People: portalIDs[portal.UserID](r.People), Resources: idList(a, path+"/resources", a.names.resources, r.Resources, resourceName), Tags: r.Tags,
		Conditions: a.conditions(path, r),
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
	in.Names, in.Match, in.Approval, in.Idle = p.Names, p.Match, p.Approval, a.duration(path+"/idle", p.Idle)
	in.Keepalive, in.Session = a.duration(path+"/keepalive", p.Keepalive), a.duration(path+"/session", p.Session)
	in.Groups, in.PoPs = idList(a, path+"/groups", a.names.groups, p.Groups, groupName), idList(a, path+"/pops", a.names.pops, p.PoPs, popName)
	in.Protocols = []portal.Protocol{portal.WireGuard}
	if len(p.Protocols) > 0 {
		in.Protocols = nil
		for _, x := range p.Protocols {
			in.Protocols = append(in.Protocols, portal.Protocol(x))
		}
	}
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
