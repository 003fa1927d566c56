package main

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// measureSizes weighs what a browser loads first: every script that the built page names, compressed as the portal sends it.
func measureSizes(r *results) error {
	page, err := os.ReadFile("frontend/dist/index.html")
	if err != nil {
		return fmt.Errorf("the web app is not built: %w", err)
	}
	var total int64
	for _, m := range regexp.MustCompile(`(?:src|href)="/?([^"]+\.js)"`).FindAllSubmatch(page, -1) {
		n, err := compressed(filepath.Join("frontend/dist", string(m[1])))
		if err != nil {
			return err
		}
		total += n
	}
	r.most("JavaScript that the first page names, compressed", float64(total)/1024, "KiB", 250)
	return nil
}

func compressed(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var n counter
	z, err := gzip.NewWriterLevel(&n, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	if _, err := io.Copy(z, f); err != nil {
		return 0, err
	}
	return int64(n), z.Close()
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
