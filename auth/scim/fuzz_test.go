package scim_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/auth/scim"
)

// people is what filters are tried on.
var people = []string{
	`{"userName":"Mina@example.com","externalId":"X-1","active":true,"name":{"familyName":"Kim"},"emails":[{"type":"work","value":"mina@a.com","primary":true},{"type":"home","value":"m@b.com"}]}`,
	`{"userName":"jun","active":false,"title":"","emails":[{"type":"home","value":"jun@a.com"}]}`,
	`{"userName":"x","externalId":"x-1","displayName":"Mina"}`,
}

func documents(t testing.TB) (docs []map[string]any) {
	for _, p := range people {
		var raw map[string]any
		if err := json.Unmarshal([]byte(p), &raw); err != nil {
			t.Fatal(err)
		}
		doc, err := scim.Conform(raw)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	return docs
}

// node is a filter that the test made up itself, so that it needs no parser. Its meaning is written down as plainly as possible.
type node struct {
	op          string // and, or, not, pr, or an operator of comparison
	a, b        *node
	attr, value string
}

var attributes = []string{"userName", "externalId", "name.familyName", "emails.value", "emails.type", "title", "displayName", "emails"}

func invent(r *rand.Rand, depth int) *node {
	if depth > 0 {
		switch r.IntN(4) {
		case 0:
			return &node{op: "and", a: invent(r, depth-1), b: invent(r, depth-1)}
		case 1:
			return &node{op: "or", a: invent(r, depth-1), b: invent(r, depth-1)}
		case 2:
			return &node{op: "not", a: invent(r, depth-1)}
		}
	}
	ops := []string{"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"}
	values := []string{"mina", "MINA@example.com", "X-1", "x-1", "work", "Kim", "a.com", "m", "", "jun@a.com"}
	return &node{op: ops[r.IntN(len(ops))], attr: attributes[r.IntN(len(attributes))], value: values[r.IntN(len(values))]}
}

func (n *node) String() string {
	switch n.op {
	case "and", "or":
		return "(" + n.a.String() + ") " + n.op + " (" + n.b.String() + ")"
	case "not":
		return "not (" + n.a.String() + ")"
	case "pr":
		return n.attr + " pr"
	}
	quoted, _ := json.Marshal(n.value)
	return n.attr + " " + n.op + " " + string(quoted)
}

// holds reads the flat list of "path=value" lines of a document.
func (n *node) holds(lines []string) bool {
	switch n.op {
	case "and":
		return n.a.holds(lines) && n.b.holds(lines)
	case "or":
		return n.a.holds(lines) || n.b.holds(lines)
	case "not":
		return !n.a.holds(lines)
	case "ne":
		return !(&node{op: "eq", attr: n.attr, value: n.value}).holds(lines)
	}
	attr := n.attr
	if attr == "emails" {
		attr = "emails.value"
	}
	for _, line := range lines {
		name, have, _ := strings.Cut(line, "=")
		want := n.value
		if name != attr {
			continue
		}
		if attr != "externalId" {
			have, want = strings.ToLower(have), strings.ToLower(want)
		}
		switch n.op {
		case "pr":
			if have != "" {
				return true
			}
		case "eq":
			if have == want {
				return true
			}
		case "co":
			if strings.Contains(have, want) {
				return true
			}
		case "sw":
			if strings.HasPrefix(have, want) {
				return true
			}
		case "ew":
			if strings.HasSuffix(have, want) {
				return true
			}
		case "gt":
			if have > want {
				return true
			}
		case "ge":
			if have >= want {
				return true
			}
		case "lt":
			if have < want {
				return true
			}
		case "le":
			if have <= want {
				return true
			}
		}
	}
	return false
}

func flat(prefix string, v any) (lines []string) {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			lines = append(lines, flat(strings.TrimPrefix(prefix+"."+k, "."), item)...)
		}
	case []any:
		for _, item := range v {
			lines = append(lines, flat(prefix, item)...)
		}
	case string:
		lines = append(lines, prefix+"="+v)
	}
	return lines
}

func TestFiltersMeanWhatThePlainReadingSays(t *testing.T) {
	r, docs := rand.New(rand.NewPCG(1, 2)), documents(t)
	hits := 0
	for range 20_000 {
		n := invent(r, 3)
		for i, doc := range docs {
			got, err := scim.Match(n.String(), doc)
			if err != nil {
				t.Fatalf("%s: %v", n, err)
			}
			if want := n.holds(flat("", doc)); got != want {
				t.Fatalf("%s on person %d: %v, want %v", n, i, got, want)
			}
			if got {
				hits++
			}
		}
	}
	if hits == 0 {
		t.Error("no filter ever matched")
	}
}

func TestPrecedenceIsNotThenAndThenOr(t *testing.T) {
	doc := documents(t)[0]
	for filter, want := range map[string]bool{
		`userName eq "no" and userName eq "no" or active eq true`:                true,
		`active eq true or userName eq "no" and userName eq "no"`:                true,
		`(active eq true or userName eq "no") and userName eq "no"`:              false,
		`not (active eq true) or active eq true`:                                 true,
		`not (active eq true or active eq false)`:                                false,
		`emails[type eq "work" and value co "a.com"]`:                            true,
		`emails[type eq "home" and value co "a.com"]`:                            false,
		`emails.type eq "home" and emails.value co "a.com"`:                      true,
		`EMAILS[TYPE EQ "work"] AND ACTIVE EQ "True"`:                            true,
		`urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "ki"`:     true,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division pr`: false,
		`title eq null`: true, `title ne null`: false, `userName eq null`: false,
	} {
		if got, err := scim.Match(filter, doc); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", filter, got, err, want)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "a"`, `not (a pr) and b[c eq "d" or e co "f"]`, `meta.created gt "2026-01-01T00:00:00Z"`, `((`, `emails[`, `"`, `userName eq "\u00e9"`,
	} {
		f.Add(s)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		f.Add(invent(r, 3).String())
	}
	docs := documents(f)
	f.Fuzz(func(t *testing.T, s string) {
		for _, doc := range docs {
			first, err := scim.Match(s, doc)
			checkRefusal(t, err)
			if err != nil {
				return
			}
			if again, err := scim.Match("not (not ("+s+"))", doc); err == nil && again != first {
				t.Errorf("%q is %v, and not not is %v", s, first, again)
			}
		}
	})
}

// checkRefusal wants an error of the client's, where there is one.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var e *scim.Error
	if err != nil && (!errors.As(err, &e) || e.Status != 400 || e.Type == "") {
		t.Errorf("refused by %v", err)
	}
}

func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`emails[type eq "work"].value`, `name.familyName`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value`, `members[value eq "x"]`,
		`emails[`, `emails[]`, `.`, `a.b.c`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`, ``, `addresses[not (type pr)]`,
	} {
		for _, v := range []string{`"x"`, `null`, `{"value":"x","primary":true}`, `[{"value":"x"},"y"]`, `true`} {
			f.Add("add", s, v)
			f.Add("remove", s, v)
			f.Add("replace", s, v)
		}
	}
	f.Fuzz(func(t *testing.T, op, path, value string) {
		var v any
		if json.Unmarshal([]byte(value), &v) != nil || op != "add" && op != "remove" && op != "replace" {
			return
		}
		checkRefusal(t, scim.GroupPath(op, path, v))
		for _, doc := range documents(t) {
			err := scim.ApplyPath(op, path, v, doc)
			checkRefusal(t, err)
			if err != nil {
				continue
			}
			again, err := scim.Conform(doc) // what is kept must be a document that we would take
			a, _ := json.Marshal(doc)
			b, _ := json.Marshal(again)
			if err != nil || len(again) > 0 && string(a) != string(b) {
				t.Errorf("%s %q %s leaves %s, which is read as %s (%v)", op, path, value, a, b, err)
			}
		}
	})
}
