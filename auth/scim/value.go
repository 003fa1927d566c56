package scim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// object is a resource or a complex value with the names of its schema: values are string, bool, object, or []any of these.
type object = map[string]any

// The limits on what a directory sends.
const (
	maxDepth  = 12   // nested objects and lists in a body
	maxText   = 1024 // bytes of one string
	maxValues = 100  // of one multi-valued attribute, members apart
)

// decode reads one JSON document without anything behind it.
func decode(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, bad(invalidSyntax, "The body is not UTF-8.")
	}
	if tooDeep(body) {
		return nil, bad(invalidSyntax, "The body is nested too deeply.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, bad(invalidSyntax, "The body is not JSON.")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, bad(invalidSyntax, "There is something behind the body.")
	}
	return v, nil
}

// tooDeep counts brackets outside of strings, before anything is built from them.
func tooDeep(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// fields looks members of a JSON object up without regard to case. It returns an error where two differ in case only.
func fields(v any) (map[string]any, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return nil, bad(invalidSyntax, "An object is wanted.")
	}
	folded := make(map[string]any, len(o))
	for name, value := range o {
		key := strings.ToLower(name)
		if _, twice := folded[key]; twice {
			return nil, bad(invalidSyntax, "%q is there twice.", clip(name))
		}
		folded[key] = value
	}
	return folded, nil
}

// conform makes a value one of the attribute's schema: names as the schema writes them, unknown and read-only ones left out, types right.
// What stands for nothing (null, an empty list) comes back as nil.
func conform(a *attr, v any) (any, error) {
	if !a.multi {
		return conformOne(a, v)
	}
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v} // a directory that has one value sends it bare
	}
	if len(list) > maxValues {
		return nil, bad(invalidValue, "%s has more than %d values.", a.name, maxValues)
	}
	var out []any
	for _, item := range list {
		one, err := conformOne(a, item)
		if err != nil {
			return nil, err
		}
		if one != nil && !contains(out, one) {
			out = append(out, one)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, onePrimary(a, out)
}

func onePrimary(a *attr, list []any) error {
	n := 0
	for _, item := range list {
		if o, ok := item.(object); ok && o["primary"] == true {
			n++
		}
	}
	if n > 1 {
		return bad(invalidValue, "More than one of %s is primary.", a.name)
	}
	return nil
}

func conformOne(a *attr, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch a.kind {
	case boolean:
		return conformBool(a, v)
	case compound:
		return conformObject(a, v)
	case text, reference, moment:
	}
	s, ok := v.(string)
	switch {
	case !ok:
		return nil, bad(invalidValue, "%s must be a string.", a.name)
	case len(s) > maxText:
		return nil, bad(invalidValue, "%s is longer than %d bytes.", a.name, maxText)
	case strings.ContainsRune(s, 0):
		return nil, bad(invalidValue, "%s holds a zero byte.", a.name)
	}
	return s, nil
}

// conformBool takes the words too: Entra ID sends "True" and "False" unless it is told to follow the RFC.
func conformBool(a *attr, v any) (any, error) {
	switch b := v.(type) {
	case bool:
		return b, nil
	case string:
		if strings.EqualFold(b, "true") {
			return true, nil
		}
		if strings.EqualFold(b, "false") {
			return false, nil
		}
	}
	return nil, bad(invalidValue, "%s must be true or false.", a.name)
}

func conformObject(a *attr, v any) (any, error) {
	if s, ok := v.(string); ok && a.sub("value") != nil {
		v = map[string]any{"value": s} // "manager": "id", "emails": ["a@b"]
	}
	in, ok := v.(map[string]any)
	if !ok {
		return nil, bad(invalidValue, "%s must be an object.", a.name)
	}
	folded, err := fields(in)
	if err != nil {
		return nil, err
	}
	out := object{}
	for _, s := range a.subs {
		given, there := folded[strings.ToLower(s.name)]
		if !there || s.readOnly {
			continue
		}
		value, err := conform(s, given)
		if err != nil {
			return nil, err
		}
		if value != nil {
			out[s.name] = value
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func contains(list []any, v any) bool {
	for _, item := range list {
		if reflect.DeepEqual(item, v) {
			return true
		}
	}
	return false
}

// clone copies what conform made, so that a change to the copy leaves the original.
func clone(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for k, item := range v {
			out[k] = clone(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	}
	return v
}

// clip shortens what a client sent before it is said back.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// str is a member of an object that is text, else "".
func str(o object, name string) string {
	s, _ := o[name].(string)
	return s
}
