package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOperationsNamesEverySetting(t *testing.T) {
	page := read(t, "docs/operations.md")
	raw := read(t, "cmd/sallyport/rawconfig.go")
	for _, m := range regexp.MustCompile(`yaml:"([a-z_0-9]+)"`).FindAllStringSubmatch(raw, -1) {
		if !regexp.MustCompile("`[a-z_.\\[\\]]*\\b" + m[1] + "\\b[a-z_.\\[\\]]*`").MatchString(page) {
			t.Errorf("docs/operations.md does not name the key %q", m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\t\{"([a-z-]+)",`).FindAllStringSubmatch(read(t, "cmd/sallyport-gateway/config.go"), -1) {
		if !strings.Contains(page, "`"+m[1]+"`") {
			t.Errorf("docs/operations.md does not name the gateway's setting %q", m[1])
		}
	}
}

func TestEveryDependencyHasAHome(t *testing.T) {
	page := read(t, "docs/decisions/0008-dependencies.md")
	direct, _, _ := strings.Cut(read(t, "go.mod"), "// indirect")
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(direct, -1) {
		name := regexp.MustCompile(`/v\d+$`).ReplaceAllString(strings.TrimPrefix(m[1], "github.com/"), "")
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/decisions/0008-dependencies.md does not name %s", name)
		}
	}
}

func TestLinksBetweenDocumentsLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)
	var pages []string
	for _, dir := range []string{"docs", "README.md"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if filepath.Ext(path) == ".md" {
				pages = append(pages, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range pages {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[1])
			}
		}
	}
}
