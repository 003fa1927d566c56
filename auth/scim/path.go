package scim

import "strings"

// path is an attribute or sub-attribute of a resource: "userName", "name.familyName", "emails.value", also behind its schema's URN.
// The attributes of the extension have its URN as ext.
type path struct {
	ext *attr // nil for the core schema
	top *attr
	sub *attr // nil for the attribute as a whole
}

// leaf is what the path ends at.
func (p path) leaf() *attr {
	if p.sub != nil {
		return p.sub
	}
	return p.top
}

func (p path) String() string {
	s := p.top.name
	if p.ext != nil {
		s = p.ext.name + ":" + s
	}
	if p.sub != nil {
		s += "." + p.sub.name
	}
	return s
}

// maxPath bounds what is read as a path or filter, in bytes.
const maxPath = 4096

// findPath resolves an attribute path (RFC 7644, section 3.10) in a schema; ok is false where there is no such attribute.
func findPath(root *attr, s string) (p path, ok bool) {
	in := root
	if urn := urnOf(root); len(s) > len(urn) && strings.EqualFold(s[:len(urn)+1], urn+":") {
		s = s[len(urn)+1:]
	} else if ext := root.sub(enterpriseURN); ext != nil && len(s) >= len(enterpriseURN) && strings.EqualFold(s[:len(enterpriseURN)], enterpriseURN) {
		rest := s[len(enterpriseURN):]
		if rest == "" {
			return path{top: ext}, true
		}
		if rest[0] != ':' && rest[0] != '.' {
			return path{}, false
		}
		p.ext, in, s = ext, ext, rest[1:]
	}
	top, sub, nested := strings.Cut(s, ".")
	if p.top = in.sub(top); p.top == nil {
		return path{}, false
	}
	if nested {
		if p.sub = p.top.sub(sub); p.sub == nil {
			return path{}, false
		}
	}
	return p, true
}

// target is where an operation of PATCH applies (RFC 7644, figure 7): a path, and which of several values.
type target struct {
	path
	which expr // nil for all values
}

// parseTarget reads the path of an operation.
func parseTarget(root *attr, s string) (target, error) {
	if len(s) > maxPath {
		return target{}, bad(invalidPath, "The path is too long.")
	}
	s = strings.TrimSpace(s)
	open := strings.IndexByte(s, '[')
	if open < 0 {
		p, ok := findPath(root, s)
		if !ok {
			return target{}, bad(invalidPath, "There is no attribute %q.", clip(s))
		}
		return target{path: p}, nil
	}
	p, ok := findPath(root, s[:open])
	if !ok || !p.top.multi || p.top.kind != compound || p.sub != nil {
		return target{}, bad(invalidPath, "%q does not have values to choose from.", clip(s[:open]))
	}
	in := &parser{root: p.top}
	which, rest, err := in.bracket(s[open:])
	if err != nil {
		return target{}, bad(invalidPath, "The path %q can't be read: %s", clip(s), err.Detail)
	}
	if rest != "" {
		if p.sub = p.top.sub(strings.TrimPrefix(rest, ".")); p.sub == nil || rest[0] != '.' {
			return target{}, bad(invalidPath, "There is no attribute %q.", clip(s))
		}
	}
	return target{p, which}, nil
}
