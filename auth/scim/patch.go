package scim

import (
	"maps"
	"slices"
	"strings"
)

// operation is one of the operations of a PATCH (RFC 7644, section 3.5.2).
type operation struct {
	kind  string // "add", "remove" or "replace"
	path  string // "" for none
	value any    // as decoded
}

// maxOperations bounds one PATCH. Entra ID sends up to some hundred members, each in an operation of its own.
const maxOperations = 2000

// parsePatch reads the body of a PATCH. Operations may be written "Add", as Entra ID does.
func parsePatch(body any) ([]operation, error) {
	in, err := fields(body)
	if err != nil {
		return nil, err
	}
	if !hasSchema(in["schemas"], messageURN+"PatchOp") {
		return nil, bad(invalidSyntax, "schemas must name %sPatchOp.", messageURN)
	}
	all, ok := in["operations"].([]any)
	if !ok || len(all) == 0 {
		return nil, bad(invalidSyntax, "Operations must be a list of at least one operation.")
	}
	if len(all) > maxOperations {
		return nil, bad(invalidSyntax, "There are more than %d operations.", maxOperations)
	}
	ops := make([]operation, len(all))
	for i, one := range all {
		if ops[i], err = parseOperation(one); err != nil {
			return nil, err
		}
	}
	return ops, nil
}

func hasSchema(v any, urn string) bool {
	return slices.ContainsFunc(list(v), func(s any) bool {
		have, ok := s.(string)
		return ok && strings.EqualFold(have, urn)
	})
}

func parseOperation(v any) (operation, error) {
	in, err := fields(v)
	if err != nil {
		return operation{}, err
	}
	kind, _ := in["op"].(string)
	op := operation{kind: strings.ToLower(kind), value: in["value"]}
	if !slices.Contains([]string{"add", "remove", "replace"}, op.kind) {
		return operation{}, bad(invalidSyntax, "%q is not an operation.", clip(kind))
	}
	switch p := in["path"].(type) {
	case nil:
	case string:
		op.path = p
	default:
		return operation{}, bad(invalidPath, "path must be a string.")
	}
	if _, there := in["value"]; !there && op.kind == "add" {
		return operation{}, bad(invalidValue, "add needs a value.")
	}
	return op, nil
}

// step is an operation on one target.
type step struct {
	kind  string
	at    target
	value any
}

// steps resolves the paths of operations. One without a path becomes a step for each member of its value, whose names may be paths; what
// is no attribute of ours, or can't be changed, is left out there, as in a PUT.
func steps(root *attr, ops []operation) ([]step, error) {
	var all []step
	for _, op := range ops {
		if op.path != "" {
			at, err := parseTarget(root, op.path)
			if err != nil {
				return nil, err
			}
			if at.top.readOnly || at.sub != nil && at.sub.readOnly {
				return nil, bad(mutability, "%s can't be changed.", at.path)
			}
			all = append(all, step{op.kind, at, op.value})
			continue
		}
		if op.kind == "remove" {
			return nil, bad(noTarget, "remove needs a path.")
		}
		in, ok := op.value.(map[string]any)
		if !ok {
			return nil, bad(invalidValue, "Without a path the value must be an object.")
		}
		if _, err := fields(in); err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(in)) {
			at, err := parseTarget(root, name)
			if err != nil || at.top.readOnly || at.sub != nil && at.sub.readOnly {
				continue
			}
			all = append(all, step{op.kind, at, in[name]})
		}
	}
	return all, nil
}

// apply changes doc. What it changes and then fails on is lost: the caller gives it a copy.
func (s step) apply(doc object) error {
	holder := doc
	if s.at.ext != nil {
		holder, _ = doc[s.at.ext.name].(object)
		if holder == nil {
			holder = object{}
		}
		defer func() { keep(doc, s.at.ext.name, holder) }()
	}
	switch {
	case s.at.which != nil:
		return s.chosen(holder)
	case s.at.sub == nil:
		return s.set(holder, s.at.top)
	case s.at.top.multi:
		return s.each(holder, func(object) bool { return true })
	}
	parent, _ := holder[s.at.top.name].(object)
	if parent == nil {
		parent = object{}
	}
	err := s.set(parent, s.at.sub)
	keep(holder, s.at.top.name, parent)
	return err
}

// keep puts v under its name, or nothing when v is empty.
func keep(o object, name string, v any) {
	if empty(v) {
		delete(o, name)
		return
	}
	o[name] = v
}

// set does the step on an attribute of o.
func (s step) set(o object, a *attr) error {
	if s.kind == "remove" {
		return s.unset(o, a)
	}
	v, err := conform(a, s.value)
	if err != nil {
		return err
	}
	switch {
	case v == nil && s.kind == "add":
	case v == nil && a.required:
		return bad(invalidValue, "%s is required.", a.name)
	case v == nil:
		delete(o, a.name)
	case a.multi && s.kind == "add":
		return appendValues(o, a, v.([]any))
	case a.kind == compound && !a.multi:
		o[a.name] = merged(o[a.name], v.(object))
	default:
		o[a.name] = v
	}
	return nil
}

// unset removes an attribute, or of a multi-valued one the values that are named.
func (s step) unset(o object, a *attr) error {
	if a.required {
		return bad(mutability, "%s is required.", a.name)
	}
	if !a.multi || s.value == nil {
		delete(o, a.name)
		return nil
	}
	v, err := conform(a, s.value)
	if err != nil {
		return err
	}
	gone := list(v)
	left := slices.DeleteFunc(slices.Clone(list(o[a.name])), func(item any) bool {
		return slices.ContainsFunc(gone, func(g any) bool { return covers(item, g) })
	})
	keep(o, a.name, left)
	return nil
}

// covers reports whether item has everything that is said of the one to go.
func covers(item, said any) bool {
	have, ok := item.(object)
	want, ok2 := said.(object)
	if !ok || !ok2 {
		return contains([]any{item}, said)
	}
	for k, v := range want {
		if !contains([]any{have[k]}, v) {
			return false
		}
	}
	return true
}

func merged(old any, more object) object {
	out, _ := clone(old).(object)
	if out == nil {
		out = object{}
	}
	maps.Copy(out, more)
	return out
}

// appendValues adds values that are not there. A new primary one takes over (RFC 7644, section 3.5.2).
func appendValues(o object, a *attr, more []any) error {
	have := list(o[a.name])
	for _, v := range more {
		if contains(have, v) {
			continue
		}
		if item, ok := v.(object); ok && item["primary"] == true {
			yield(have)
		}
		have = append(have, v)
	}
	if len(have) > maxValues {
		return bad(invalidValue, "%s has more than %d values.", a.name, maxValues)
	}
	o[a.name] = have
	return nil
}

// yield makes none of the items primary.
func yield(items []any) {
	for _, v := range items {
		if item, ok := v.(object); ok && item["primary"] == true {
			item["primary"] = false
		}
	}
}

// chosen does the step on the values that the target's filter matches. Where add finds none, the value that the filter describes is
// made: Entra ID adds emails[type eq "work"].value to a person without any.
func (s step) chosen(holder object) error {
	found := false
	err := s.each(holder, func(item object) bool {
		hit := s.at.which.matches(item)
		found = found || hit
		return hit
	})
	if err != nil || found || s.kind == "remove" {
		return err
	}
	made := object{}
	if s.kind != "add" || !describe(s.at.which, made) {
		return bad(noTarget, "No value of %s matches.", s.at.top.name)
	}
	if err := s.change(made); err != nil {
		return err
	}
	return appendValues(holder, s.at.top, []any{made})
}

// each does the step on every value that hit chooses, and drops those of which nothing is left.
func (s step) each(holder object, hit func(object) bool) error {
	items := list(holder[s.at.top.name])
	left := make([]any, 0, len(items))
	for _, v := range items {
		item, ok := v.(object)
		if !ok || !hit(item) {
			left = append(left, v)
			continue
		}
		if s.kind == "remove" && s.at.sub == nil {
			continue
		}
		was := item["primary"]
		if err := s.change(item); err != nil {
			return err
		}
		if item["primary"] == true && was != true {
			yield(items)
			item["primary"] = true
		}
		if len(item) > 0 {
			left = append(left, item)
		}
	}
	keep(holder, s.at.top.name, left)
	return nil
}

// change does the step on one value of a multi-valued attribute.
func (s step) change(item object) error {
	if s.at.sub != nil {
		return s.set(item, s.at.sub)
	}
	v, err := conformObject(s.at.top, s.value)
	if err != nil {
		return err
	}
	more, _ := v.(object)
	if s.kind == "replace" {
		clear(item)
	}
	maps.Copy(item, more)
	return nil
}

// describe fills in the value that a filter of equalities is about; it returns false for other filters.
func describe(e expr, into object) bool {
	switch e := e.(type) {
	case both:
		return describe(e.a, into) && describe(e.b, into)
	case compare:
		if e.op != "eq" || e.value == nil || e.at.sub != nil {
			return false
		}
		into[e.at.top.name] = e.value
		return true
	}
	return false
}
