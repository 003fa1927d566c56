package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exchange is one request as a directory documents it, and what it expects back. $name stands for what an earlier answer had.
type exchange struct {
	About  string            `json:"about"`
	Method string            `json:"method"`
	Path   string            `json:"path"`
	Body   json.RawMessage   `json:"body"`
	Status int               `json:"status"`
	Want   any               `json:"want"` // part of the answer: null for what must not be there, lists are whole
	Keep   map[string]string `json:"keep"` // variable: member of the answer
}

func TestRequestsAsDirectoriesSendThem(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".json"), func(t *testing.T) {
			each(t, func(t *testing.T, w *world) { replay(t, w, file) })
		})
	}
}

func replay(t *testing.T, w *world, file string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var steps []exchange
	if err := json.Unmarshal(raw, &steps); err != nil {
		t.Fatal(err)
	}
	vars := map[string]string{}
	fill := func(s string) string {
		for _, name := range slices.SortedFunc(maps.Keys(vars), func(a, b string) int { return len(b) - len(a) }) {
			s = strings.ReplaceAll(s, "$"+name, vars[name])
		}
		return s
	}
	for i, step := range steps {
		r := w.send(step.Method, fill(step.Path), fill(string(step.Body)))
		if r.status != step.Status {
			t.Fatalf("step %d (%s): status %d, want %d: %s", i+1, step.About, r.status, step.Status, r.raw)
		}
		if step.Want != nil {
			for _, d := range differences("", fillAll(step.Want, fill), any(r.body)) {
				t.Errorf("step %d (%s): %s", i+1, step.About, d)
			}
		}
		for name, member := range step.Keep {
			vars[name], _ = r.body[member].(string)
		}
	}
}

func fillAll(v any, fill func(string) string) any {
	switch v := v.(type) {
	case string:
		return fill(v)
	case map[string]any:
		out := map[string]any{}
		for k, item := range v {
			out[k] = fillAll(item, fill)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = fillAll(item, fill)
		}
		return out
	}
	return v
}

// differences says where got is not what want names.
func differences(at string, want, got any) (all []string) {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %v, want an object", at, got)}
		}
		for k, v := range want {
			have, there := g[k]
			if v == nil && there {
				all = append(all, fmt.Sprintf("%s/%s is there: %v", at, k, have))
			} else if v != nil {
				all = append(all, differences(at+"/"+k, v, have)...)
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return []string{fmt.Sprintf("%s is %v, want %v", at, got, want)}
		}
		for i := range want {
			all = append(all, differences(fmt.Sprintf("%s/%d", at, i), want[i], g[i])...)
		}
	default:
		if want != got {
			all = append(all, fmt.Sprintf("%s is %v, want %v", at, got, want))
		}
	}
	return all
}
