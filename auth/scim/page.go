package scim

import (
	"net/url"
	"strconv"
	"strings"
)

// page is what a list request asks for (RFC 7644, section 3.4.2.4).
type page struct {
	start int // 1-based
	count int
	where expr // nil for all
	shape shape
}

// The sizes of a page.
const (
	defaultPage = 100
	maxPage     = 200
)

func parsePage(root *attr, q url.Values) (page, error) {
	p := page{shape: parseShape(root, q)}
	var err error
	if p.start, err = whole(q, "startIndex", 1); err != nil {
		return page{}, err
	}
	if p.count, err = whole(q, "count", defaultPage); err != nil {
		return page{}, err
	}
	p.start, p.count = max(p.start, 1), min(max(p.count, 0), maxPage)
	if f := q.Get("filter"); f != "" {
		if p.where, err = parseFilter(root, f); err != nil {
			return page{}, err
		}
	}
	return p, nil
}

func whole(q url.Values, name string, otherwise int) (int, error) {
	s := q.Get(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, bad(invalidValue, "%s must be a whole number.", name)
	}
	return int(n), nil
}

// listed is a ListResponse.
func (p page) listed(total int, resources []object) object {
	if resources == nil {
		resources = []object{}
	}
	return object{
		"schemas": []string{messageURN + "ListResponse"}, "totalResults": total, "startIndex": p.start, "itemsPerPage": len(resources), "Resources": resources,
	}
}

// shape is which attributes of a resource go into an answer (RFC 7644, section 3.9). id and schemas always do.
type shape struct {
	only, without []path
	some          bool // only was given, if of nothing that exists
}

func parseShape(root *attr, q url.Values) shape {
	s := shape{some: q.Get("attributes") != ""}
	for _, one := range []struct {
		name string
		into *[]path
	}{{"attributes", &s.only}, {"excludedAttributes", &s.without}} {
		for name := range strings.SplitSeq(clipTo(q.Get(one.name), maxPath), ",") {
			if p, ok := findPath(root, strings.TrimSpace(name)); ok {
				*one.into = append(*one.into, p)
			}
		}
	}
	return s
}

func clipTo(s string, n int) string { return s[:min(len(s), n)] }

func always(name string) bool { return name == "id" || name == "schemas" }

// wants reports whether anything of an attribute is in the answer, so that what is not need not be read.
func (s shape) wants(name string) bool {
	for _, p := range s.without {
		if p.top.name == name && p.ext == nil && p.sub == nil {
			return false
		}
	}
	if !s.some {
		return true
	}
	for _, p := range s.only {
		if p.top.name == name && p.ext == nil {
			return true
		}
	}
	return false
}

// of returns the part of a resource that was asked for.
func (s shape) of(o object) object {
	out := o
	if s.some {
		out = object{}
		for name := range o {
			if always(name) {
				out[name] = o[name]
			}
		}
		for _, p := range s.only {
			p.copy(o, out)
		}
	}
	for _, p := range s.without {
		p.drop(out)
	}
	return out
}

// copy takes over what is at the path. Of members, which are not generic values, all comes along.
func (p path) copy(from, to object) {
	if p.ext != nil {
		inner, ok := from[p.ext.name].(object)
		if !ok {
			return
		}
		into, _ := to[p.ext.name].(object)
		if into == nil {
			into = object{}
		}
		path{top: p.top, sub: p.sub}.copy(inner, into)
		keep(to, p.ext.name, into)
		return
	}
	v, there := from[p.top.name]
	if !there {
		return
	}
	if p.sub == nil {
		to[p.top.name] = v
		return
	}
	switch v := v.(type) {
	case object:
		into, _ := to[p.top.name].(object)
		if into == nil {
			into = object{}
		}
		if x, ok := v[p.sub.name]; ok {
			into[p.sub.name] = x
		}
		keep(to, p.top.name, into)
	case []any:
		copyEach(p, v, to)
	default:
		to[p.top.name] = v
	}
}

func copyEach(p path, items []any, to object) {
	have, _ := to[p.top.name].([]any)
	if have == nil {
		have = make([]any, len(items))
		for i := range have {
			have[i] = object{}
		}
	}
	if len(have) != len(items) {
		return // taken over as a whole before
	}
	for i, v := range items {
		item, ok := v.(object)
		into, ok2 := have[i].(object)
		if x, there := item[p.sub.name]; ok && ok2 && there {
			into[p.sub.name] = x
		}
	}
	to[p.top.name] = have
}

func (p path) drop(o object) {
	if p.ext != nil {
		if inner, ok := o[p.ext.name].(object); ok {
			path{top: p.top, sub: p.sub}.drop(inner)
		}
		return
	}
	if always(p.top.name) {
		return
	}
	if p.sub == nil {
		delete(o, p.top.name)
		return
	}
	for _, v := range list(o[p.top.name]) {
		if item, ok := v.(object); ok {
			delete(item, p.sub.name)
		}
	}
}
