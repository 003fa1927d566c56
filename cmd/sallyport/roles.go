package main

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

type rolesCmd struct{}

// Run prints the table by which every route is decided.
func (rolesCmd) Run(e env) error {
	roles := portal.Roles()
	head := fmt.Sprintf("%-16s", "right")
	for _, r := range roles {
		head += "  " + string(r)
	}
	lines := []string{head + "  fresh factor"}
	for _, x := range portal.Rights() {
		line := fmt.Sprintf("%-16s", x)
		for _, r := range roles {
			mark := "-"
			if r.May(x) {
				mark = "yes"
			}
			line += fmt.Sprintf("  %-*s", len(r), mark)
		}
		if x.NeedsFresh() {
			line += "  yes"
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	lines = append(lines, "",
		"Rights over people and their devices reach plain users; with staff.write also those whose rights one has all.",
		"Nobody touches an account with more rights than their own, or gives a role with more.")
	_, err := fmt.Fprintln(e.out, strings.Join(lines, "\n"))
	return err
}
