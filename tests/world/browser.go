package world

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// Browser is a headless Chromium in a namespace, played by browser.mjs.
type Browser struct {
	t    T
	in   io.Writer
	out  *bufio.Reader
	said *strings.Builder
}

// NewBrowser starts a browser without cookies that takes the portal's certificate.
func (w *World) NewBrowser(n *Namespace) *Browser {
	w.t.Helper()
	cmd := n.Command(context.Background(), "node", filepath.Join(w.Root, "tests/world/browser.mjs"))
	in, err := cmd.StdinPipe()
	check(w.t, err)
	out, err := cmd.StdoutPipe()
	check(w.t, err)
	b := &Browser{t: w.t, in: in, out: bufio.NewReader(out), said: &strings.Builder{}}
	cmd.Stderr = b.said
	cmd.WaitDelay = 5 * time.Second
	check(w.t, cmd.Start())
	w.t.Cleanup(func() {
		in.Close() // it closes the browser and ends
		if err := cmd.Wait(); err != nil {
			w.t.Logf("the browser ended badly: %v\n%s", err, b.said)
		}
	})
	return b
}

// Deed is what a deed in the browser came to.
type Deed struct {
	OK         bool     `json:"ok"`
	Error      string   `json:"error"`
	Path       string   `json:"path"`       // of a downloaded file
	Text       string   `json:"text"`       // of a downloaded file
	ClickedAt  int64    `json:"clickedAt"`  // when the request went out, Unix milliseconds
	Carrying   []string `json:"carrying"`   // requests that had the key
	Requests   int      `json:"requests"`   // of the whole journey
	Complaints []string `json:"complaints"` // of the console
}

// Do makes the browser do something; browser.mjs lists what it can. It ends the test when that does not work.
func (b *Browser) Do(deed string, wish map[string]any) Deed {
	b.t.Helper()
	if wish == nil {
		wish = map[string]any{}
	}
	wish["do"] = deed
	if err := json.NewEncoder(b.in).Encode(wish); err != nil {
		b.t.Fatalf("%s: %v\n%s", deed, err, b.said)
	}
	line, err := b.out.ReadBytes('\n')
	if err != nil {
		b.t.Fatalf("%s: %v\n%s", deed, err, b.said)
	}
	var d Deed
	if err := json.Unmarshal(line, &d); err != nil {
		b.t.Fatalf("%s: %v\n%s", deed, err, line)
	}
	if !d.OK {
		b.t.Fatalf("%s", d.Error)
	}
	return d
}
