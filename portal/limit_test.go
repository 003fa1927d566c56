package portal_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

func TestPageAboutLimitsIsTheTable(t *testing.T) {
	page, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- limits -->\n")
	table, _, _ := strings.Cut(rest, "<!-- /limits -->")
	if table != portal.LimitTable() {
		t.Errorf("docs/limits.md is not the table of the code; it should have\n%s", portal.LimitTable())
	}
}

// No pause is long: an attacker who keeps guessing at somebody else's account keeps its owner out for 15 minutes at most, after they stopped.
func TestNoPauseIsLong(t *testing.T) {
	seen := map[portal.LimitKind]bool{}
	for _, l := range portal.Limits() {
		if seen[l.Kind] || l.Kind == "" || l.What == "" || l.Per == "" || l.Why == "" || l.Free < 2 || l.Window <= 0 || l.Lock <= 0 {
			t.Errorf("the line of %q is not whole", l.Kind)
		}
		seen[l.Kind] = true
		if most := l.Pause(l.Free + 1000); most > 15*time.Minute {
			t.Errorf("%s pauses for %v", l.Kind, most)
		}
	}
	if _, err := portal.LimitOf("everything"); err == nil {
		t.Error("an unknown kind has a limit")
	}
}
