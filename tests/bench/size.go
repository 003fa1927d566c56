package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// sizeLine is what `npm run size` says of a page: "ok   sign-in page: 82.4 KiB gzip of 100 KiB, 7 files".
var sizeLine = regexp.MustCompile(`(?m)^\S+\s+(.+): ([0-9.]+) KiB gzip of ([0-9.]+) KiB`)

// measureSizes takes over what the web app says of the pages that a browser loads first. It fails there when a limit is passed, and here
// the figure is what is wanted.
func measureSizes(ctx context.Context, r *results) error {
	cmd := exec.CommandContext(ctx, "npm", "run", "--silent", "size")
	cmd.Dir = "frontend"
	out, failed := cmd.CombinedOutput()
	lines := sizeLine.FindAllSubmatch(out, -1)
	if len(lines) == 0 {
		return fmt.Errorf("npm run size: %w\n%s", failed, out)
	}
	for _, m := range lines {
		size, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return err
		}
		limit, err := strconv.ParseFloat(string(m[3]), 64)
		if err != nil {
			return err
		}
		r.most("JavaScript, compressed: "+string(m[1]), size, "KiB", limit)
	}
	return nil
}
