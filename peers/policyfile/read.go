package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/sallyport/sallyport/portal"
)

// The limits on a file.
const (
	MaxBytes = 4_000_000
	maxDepth = 8 // nothing in it is deeper than a list in a list of objects
	maxNodes = 400_000
	maxWrong = 50 // mistakes that are named at a time
)

// File is a policy that was read, with the line of each value.
type File struct {
	Document
	lines map[string]int
}

// Line is where the value at path stands, "/rules/3/name"; where that is not in the file, the nearest thing around it. 0: nowhere.
func (f File) Line(path string) int {
	for {
		if n, ok := f.lines[path]; ok {
			return n
		}
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
}

// At puts the lines in front of what a check of the values found wrong.
func (f File) At(fields []portal.Field) []portal.Field {
	out := slices.Clone(fields)
	for i := range out {
		if n := f.Line(out[i].Path); n > 0 {
			out[i].Msg = fmt.Sprintf("Line %d: %s", n, out[i].Msg)
		}
	}
	return out
}

// Read reads a file. It returns an invalid-input error that names each mistake in the form, with its line: YAML that can't be read, fields
// that do not exist, values of another type, names that come twice.
func Read(b []byte) (File, error) {
	f := File{lines: map[string]int{}}
	if len(b) > MaxBytes {
		return f, wrong("", 0, "too_long", fmt.Sprintf("At most %d bytes.", MaxBytes))
	}
	var root yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&root); err != nil {
		if errors.Is(err, io.EOF) {
			return f, wrong("", 1, "required", "The file is empty.")
		}
		return f, fromYAML(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return f, wrong("", 0, "malformed", "There must be one document in the file.")
	}
	w := walker{lines: f.lines}
	w.walk(&root, "", 0)
	if len(w.wrong) > 0 {
		return f, portal.InvalidFields(w.wrong...)
	}
	strict := yaml.NewDecoder(bytes.NewReader(b))
	strict.KnownFields(true)
	if err := strict.Decode(&f.Document); err != nil {
		return f, fromYAML(err)
	}
	if f.Version != Version {
		return f, wrong("/version", f.Line("/version"), "not_allowed", fmt.Sprintf("Write version: %d.", Version))
	}
	return f, portal.InvalidFields(f.At(f.twice())...)
}

// walker notes lines and refuses what a policy has no use for: aliases, which can make a small file large, and depth.
type walker struct {
	lines map[string]int
	nodes int
	wrong []portal.Field
}

func (w *walker) walk(n *yaml.Node, path string, depth int) {
	w.nodes++
	switch {
	case len(w.wrong) > 0:
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		w.refuse(path, n.Line, "not_allowed", "Write it out: anchors and aliases are not read.")
		return
	case depth > maxDepth || w.nodes > maxNodes:
		w.refuse(path, n.Line, "too_long", "This is more than a policy can be.")
		return
	}
	if n.Kind != yaml.DocumentNode {
		w.lines[path] = n.Line
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			w.walk(c, path, depth+1)
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			w.walk(c, path+"/"+strconv.Itoa(i), depth+1)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			w.walk(n.Content[i+1], path+"/"+n.Content[i].Value, depth+1)
			w.lines[path+"/"+n.Content[i].Value] = n.Content[i].Line
		}
	case yaml.ScalarNode, yaml.AliasNode:
	}
}

func (w *walker) refuse(path string, line int, code, msg string) {
	w.wrong = append(w.wrong, portal.Field{Path: path, Code: code, Msg: fmt.Sprintf("Line %d: %s", line, msg)})
}

// twice names what has the same name as something before it.
func (f File) twice() []portal.Field {
	var fields []portal.Field
	look := func(list string, n int, name func(int) string) {
		seen := map[string]bool{}
		for i := range n {
			if seen[name(i)] && len(fields) < maxWrong {
				fields = append(fields, portal.Field{Path: fmt.Sprintf("/%s/%d/name", list, i), Code: "duplicate", Msg: "This name was used above."})
			}
			seen[name(i)] = true
		}
	}
	look("resources", len(f.Resources), func(i int) string { return f.Resources[i].Name })
	look("rules", len(f.Rules), func(i int) string { return f.Rules[i].Name })
	look("profiles", len(f.Profiles), func(i int) string { return f.Profiles[i].Name })
	look("tests", len(f.Tests), func(i int) string { return f.Tests[i].Name })
	return fields
}

func wrong(path string, line int, code, msg string) error {
	if line > 0 {
		msg = fmt.Sprintf("Line %d: %s", line, msg)
	}
	return portal.InvalidFields(portal.Field{Path: path, Code: code, Msg: msg})
}

var (
	yamlLine  = regexp.MustCompile(`line (\d+): `)
	yamlField = regexp.MustCompile(`^field (.{1,64}) not found in type `)
	yamlTwice = regexp.MustCompile(`already (set|defined)`)
)

// fromYAML turns the library's sentences, which quote the input, into ours.
func fromYAML(err error) error {
	texts := []string{err.Error()}
	var many *yaml.TypeError
	if errors.As(err, &many) {
		texts = many.Errors
	}
	var fields []portal.Field
	for _, text := range texts {
		line, rest := 0, text
		if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
			line, _ = strconv.Atoi(text[m[2]:m[3]])
			rest = text[m[1]:]
		}
		f := portal.Field{Code: "malformed", Msg: "This can't be read as YAML."}
		switch m := yamlField.FindStringSubmatch(rest); {
		case m != nil:
			f = portal.Field{Path: "/" + m[1], Code: "unknown_field", Msg: "There is no such field: " + strconv.Quote(m[1]) + "."}
		case yamlTwice.MatchString(rest):
			f = portal.Field{Code: "duplicate", Msg: "This field comes twice."}
		case many != nil:
			f = portal.Field{Code: "wrong_type", Msg: "This has the wrong type."}
		}
		if line > 0 {
			f.Msg = fmt.Sprintf("Line %d: %s", line, f.Msg)
		}
		if len(fields) < maxWrong {
			fields = append(fields, f)
		}
	}
	return portal.InvalidFields(fields...)
}

// Write gives the file's text.
func Write(d Document) ([]byte, error) {
	d.Version = Version
	return text(d)
}

// Text is one part of a document as it stands in a file, for comparing.
func Text(part any) string {
	b, err := text(part)
	if err != nil {
		return "" // our own types: it can be written
	}
	return string(b)
}

func text(part any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(part), e.Close()); err != nil {
		return nil, fmt.Errorf("write policy: %w", err)
	}
	return b.Bytes(), nil
}
