package policyfile

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

const sample = `version: 1
groups:
  - Staff
resources:
  - name: Wiki
    prefixes: [10.1.0.1/32]
    transport: tcp
    ports: ["443", 8000-8100]
rules:
  - name: Wiki
    reason: Everybody needs it
    action: allow
    groups: [Everyone]
    resources: [Wiki]
`

func TestLinesAreThoseOfTheFile(t *testing.T) {
	f, err := Read([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/groups/0": 3, "/resources/0/ports/1": 8, "/rules/0/reason": 11, "/rules/0/nothing": 10, "/rules": 9, "/nowhere": 1} {
		if got := f.Line(path); got != want {
			t.Errorf("%s is in line %d, want %d", path, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("version: 1\nrules: [{name: a}, {name: a}]"))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("version: 1\n---\nversion: 1"))
	f.Add([]byte("{version: 1, resources: [{ports: [1, 2]}]}"))
	f.Add([]byte(strings.Repeat("[", 100)))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Read(b)
		if err != nil {
			var e *portal.Error
			if !errors.As(err, &e) || e.Kind != portal.Invalid {
				t.Fatalf("not for people: %v", err)
			}
			return
		}
		text, err := Write(file.Document)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(text)
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, text)
		}
		if !reflect.DeepEqual(normal(again.Document), normal(file.Document)) {
			t.Fatalf("%+v\nbecame %+v", file.Document, again.Document)
		}
	})
}

// normal makes empty lists and lists that are not there the same.
func normal(d Document) string { return Text(d) }
