package scim

import (
	"cmp"
	"strings"
	"time"
)

func (e both) matches(o object) bool   { return e.a.matches(o) && e.b.matches(o) }
func (e either) matches(o object) bool { return e.a.matches(o) || e.b.matches(o) }
func (e not) matches(o object) bool    { return !e.e.matches(o) }

func (e present) matches(o object) bool {
	for _, v := range e.at.values(o) {
		if !empty(v) {
			return true
		}
	}
	return false
}

// matches is true when any value compares so; ne is the opposite of eq, so that it is true where there is no value.
func (e compare) matches(o object) bool {
	if e.op == "ne" {
		return !compare{e.at, "eq", e.value}.matches(o)
	}
	if e.value == nil {
		return !present{e.at}.matches(o)
	}
	for _, v := range e.at.values(o) {
		if compareValue(e.at.leaf(), e.op, v, e.value) {
			return true
		}
	}
	return false
}

func (e some) matches(o object) bool {
	for _, v := range (path{ext: e.at.ext, top: e.at.top}).values(o) {
		if item, ok := v.(object); ok && e.e.matches(item) {
			return true
		}
	}
	return false
}

// values returns what is at the path: several where the attribute is multi-valued, none where it is absent.
func (p path) values(o object) []any {
	if p.ext != nil {
		o, _ = o[p.ext.name].(object)
	}
	all := list(o[p.top.name])
	if p.sub == nil {
		return all
	}
	var subs []any
	for _, v := range all {
		if item, ok := v.(object); ok {
			subs = append(subs, list(item[p.sub.name])...)
		}
	}
	return subs
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case object:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// compareValue compares one value; want is as comparison prepared it.
func compareValue(a *attr, op string, have, want any) bool {
	switch want := want.(type) {
	case bool:
		return have == want
	case time.Time:
		s, _ := have.(string)
		t, err := time.Parse(time.RFC3339Nano, s)
		return err == nil && ordered(op, t.Compare(want))
	case string:
		s, ok := have.(string)
		if !ok {
			return false
		}
		if !a.exact {
			s = fold(s)
		}
		switch op {
		case "co":
			return strings.Contains(s, want)
		case "sw":
			return strings.HasPrefix(s, want)
		case "ew":
			return strings.HasSuffix(s, want)
		}
		return ordered(op, cmp.Compare(s, want))
	}
	return false
}

func ordered(op string, c int) bool {
	switch op {
	case "eq":
		return c == 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	case "le":
		return c <= 0
	}
	return false
}

// required returns the value that an attribute must equal for e to be true, as far as e says so by "and": what an index can find.
func required(e expr, name string) (string, bool) {
	switch e := e.(type) {
	case both:
		if v, ok := required(e.a, name); ok {
			return v, true
		}
		return required(e.b, name)
	case compare:
		s, ok := e.value.(string)
		if e.op == "eq" && e.at.ext == nil && e.at.top.name == name && (e.at.sub == nil || e.at.sub.name == "value") {
			return s, ok
		}
	case some:
		if e.at.ext == nil && e.at.top.name == name {
			return required(e.e, "value")
		}
	}
	return "", false
}
