package scim

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// expr is a filter (RFC 7644, section 3.4.2.2).
type expr interface {
	matches(o object) bool
}

type (
	both    struct{ a, b expr }
	either  struct{ a, b expr }
	not     struct{ e expr }
	present struct{ at path }
	// compare holds an operator in lower case and a value of the attribute's kind; nil is null.
	compare struct {
		at    path
		op    string
		value any
	}
	// some is true when one value of a multi-valued attribute matches by itself.
	some struct {
		at path
		e  expr
	}
)

// The limits of a filter, so that reading and evaluating one costs little.
const (
	maxFilterDepth = 16
	maxTerms       = 64
)

// parseFilter reads a filter on resources of a schema.
func parseFilter(root *attr, s string) (expr, error) {
	if len(s) > maxPath {
		return nil, bad(invalidFilter, "The filter is too long.")
	}
	tokens, err := scan(s)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens, root: root}
	e, err := p.or(0)
	if err == nil && len(p.tokens) > 0 {
		err = bad(invalidFilter, "%q is not expected.", clip(p.tokens[0].text))
	}
	if err != nil {
		return nil, err // not the typed nil
	}
	return e, nil
}

// token is a word, a bracket, or a quoted string with its quotes removed.
type token struct {
	text   string
	quoted bool
	end    int // behind it, in the input
}

func (t token) is(s string) bool { return !t.quoted && strings.EqualFold(t.text, s) }

// scan cuts a filter into tokens.
func scan(s string) (tokens []token, err *Error) {
	if !utf8.ValidString(s) {
		return nil, bad(invalidFilter, "The filter is not UTF-8.")
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			i++
		case strings.IndexByte("()[]", c) >= 0:
			i++
			tokens = append(tokens, token{text: string(c), end: i})
		case c == '"':
			n := quotedLen(s[i:])
			var text string
			if n == 0 || json.Unmarshal([]byte(s[i:i+n]), &text) != nil || strings.ContainsRune(text, 0) {
				return nil, bad(invalidFilter, "A string is not closed, or not JSON, or holds a zero byte.")
			}
			i += n
			tokens = append(tokens, token{text: text, quoted: true, end: i})
		default:
			n := strings.IndexAny(s[i:], " \t()[]\"")
			if n < 0 {
				n = len(s) - i
			}
			tokens = append(tokens, token{text: s[i : i+n], end: i + n})
			i += n
		}
	}
	return tokens, nil
}

// quotedLen is the length of the JSON string that s begins with, 0 when it does not end.
func quotedLen(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// parser reads tokens from the front. Precedence from low to high: or, and, not, grouping.
type parser struct {
	tokens []token
	root   *attr
	inside bool // of brackets, where names are of sub-attributes
	terms  int
}

func (p *parser) next() (token, *Error) {
	if len(p.tokens) == 0 {
		return token{}, bad(invalidFilter, "The filter ends too early.")
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t, nil
}

func (p *parser) take(s string) bool {
	if len(p.tokens) == 0 || !p.tokens[0].is(s) {
		return false
	}
	p.tokens = p.tokens[1:]
	return true
}

func (p *parser) or(depth int) (expr, *Error) {
	e, err := p.and(depth)
	for err == nil && p.take("or") {
		var right expr
		right, err = p.and(depth)
		e = either{e, right}
	}
	return e, err
}

func (p *parser) and(depth int) (expr, *Error) {
	e, err := p.term(depth)
	for err == nil && p.take("and") {
		var right expr
		right, err = p.term(depth)
		e = both{e, right}
	}
	return e, err
}

func (p *parser) term(depth int) (expr, *Error) {
	if depth++; depth > maxFilterDepth {
		return nil, bad(invalidFilter, "The filter is nested too deeply.")
	}
	if p.terms++; p.terms > maxTerms {
		return nil, bad(invalidFilter, "The filter has more than %d terms.", maxTerms)
	}
	if p.take("(") {
		return p.group(depth)
	}
	if len(p.tokens) > 1 && p.tokens[0].is("not") && p.tokens[1].is("(") {
		p.tokens = p.tokens[2:]
		e, err := p.group(depth)
		return not{e}, err
	}
	return p.attribute(depth)
}

func (p *parser) group(depth int) (expr, *Error) {
	e, err := p.or(depth)
	if err == nil && !p.take(")") {
		return nil, bad(invalidFilter, "A parenthesis is not closed.")
	}
	return e, err
}

func (p *parser) attribute(depth int) (expr, *Error) {
	name, err := p.next()
	if err != nil {
		return nil, err
	}
	at, ok := p.find(name)
	if !ok {
		return nil, bad(invalidFilter, "There is no attribute %q.", clip(name.text))
	}
	if p.take("[") {
		return p.values(at, depth)
	}
	op, err := p.next()
	if err != nil {
		return nil, err
	}
	if op.is("pr") {
		return present{at}, nil
	}
	value, err := p.next()
	if err != nil {
		return nil, err
	}
	return comparison(at, op, value)
}

func (p *parser) find(name token) (path, bool) {
	switch {
	case name.quoted:
		return path{}, false
	case p.inside:
		sub := p.root.sub(name.text)
		return path{top: sub}, sub != nil
	}
	return findPath(p.root, name.text)
}

// values reads what stands in brackets behind a multi-valued attribute.
func (p *parser) values(at path, depth int) (expr, *Error) {
	if p.inside || !at.top.multi || at.top.kind != compound || at.sub != nil {
		return nil, bad(invalidFilter, "%s does not have values to choose from.", at)
	}
	inner := &parser{tokens: p.tokens, root: at.top, inside: true, terms: p.terms}
	e, err := inner.or(depth)
	p.tokens, p.terms = inner.tokens, inner.terms
	if err == nil && !p.take("]") {
		return nil, bad(invalidFilter, "A bracket is not closed.")
	}
	return some{at, e}, err
}

// bracket reads "[filter]" at the front of s and returns what is behind it.
func (p *parser) bracket(s string) (e expr, rest string, err *Error) {
	tokens, err := scan(s)
	if err != nil {
		return nil, "", err
	}
	p.tokens, p.inside = tokens[1:], true
	if e, err = p.or(0); err != nil {
		return nil, "", err
	}
	end, err := p.next()
	if err != nil || !end.is("]") {
		return nil, "", bad(invalidFilter, "a bracket is not closed.")
	}
	return e, s[end.end:], nil
}

// comparison checks that operator and value fit the attribute.
func comparison(at path, op, value token) (expr, *Error) {
	name := strings.ToLower(op.text)
	if op.quoted || !strings.Contains(" eq ne co sw ew gt ge lt le ", " "+name+" ") {
		return nil, bad(invalidFilter, "There is no operator %q.", clip(op.text))
	}
	leaf := at.leaf()
	if leaf.kind == compound {
		sub := leaf.sub("value")
		if sub == nil || at.sub != nil {
			return nil, bad(invalidFilter, "%s can't be compared as a whole.", at)
		}
		at.sub, leaf = sub, sub
	}
	c := compare{at: at, op: name}
	equality := name == "eq" || name == "ne"
	switch {
	case value.is("null"):
		if !equality {
			return nil, bad(invalidFilter, "null is neither more nor less.")
		}
		return c, nil
	case leaf.kind == boolean:
		if !equality || !strings.EqualFold(value.text, "true") && !strings.EqualFold(value.text, "false") {
			return nil, bad(invalidFilter, "%s is true or false, and nothing else.", at)
		}
		c.value = strings.EqualFold(value.text, "true")
	case !value.quoted:
		return nil, bad(invalidFilter, "%s is compared with a string in quotes.", at)
	case leaf.kind == moment:
		t, err := time.Parse(time.RFC3339Nano, value.text)
		if err != nil || strings.Contains(" co sw ew ", " "+name+" ") {
			return nil, bad(invalidFilter, "%s is compared with a time such as 2026-01-31T08:00:00Z.", at)
		}
		c.value = t
	case leaf.exact:
		c.value = value.text
	default:
		c.value = fold(value.text)
	}
	return c, nil
}

// fold is how text is compared where case does not matter.
func fold(s string) string { return strings.ToLower(s) }
