package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/peers/policyfile"
)

type policyCmd struct {
	Export exportPolicyCmd `cmd:"" help:"Print the whole policy as one YAML file."`
	Diff   diffPolicyCmd   `cmd:"" help:"Show what applying a file would change, and whether the portal would take it. Exit code 3 when something differs."`
	Apply  applyPolicyCmd  `cmd:"" help:"Make the policy what a file says, in one transaction."`
	Test   testPolicyCmd   `cmd:"" help:"Show which policy tests hold. Exit code 1 when one does not."`
}

// portalFlags say which portal, and who asks. The token is not a flag: other users of a machine see command lines.
type portalFlags struct {
	URL string `name:"url" placeholder:"URL" help:"The portal's public URL. Default: SALLYPORT_URL."`
}

// The environment that the policy commands read.
const (
	urlEnv   = "SALLYPORT_URL"
	tokenEnv = "SALLYPORT_TOKEN"
)

type exportPolicyCmd struct{ portalFlags }

// Run prints the file.
func (c exportPolicyCmd) Run(e env) error {
	var out struct {
		Document string `json:"document"`
	}
	if err := c.call(e, http.MethodGet, "/policy/document", nil, &out); err != nil {
		return err
	}
	_, err := io.WriteString(e.out, out.Document)
	return err
}

type policyFileFlags struct {
	portalFlags
	File  string `arg:"" placeholder:"FILE" help:"The YAML file; - is standard input."`
	Prune bool   `help:"Remove what the file does not name. Without it that stays."`
}

type policyDiff struct {
	Changes []struct{ Kind, Name, Action, Before, After string } `json:"changes"`
}

// send gives the file to the portal. The form is checked here first, so that a slip is found without a network.
func (c policyFileFlags) send(e env, path string) (policyDiff, error) {
	var out policyDiff
	text, err := c.read(e.in)
	if err != nil {
		return out, err
	}
	if _, err := policyfile.Read(text); err != nil {
		return out, err
	}
	err = c.call(e, http.MethodPost, path, map[string]any{"document": string(text), "prune": c.Prune}, &out)
	return out, err
}

func (c policyFileFlags) read(in io.Reader) ([]byte, error) {
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, fmt.Errorf("policy file: %w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, policyfile.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("policy file: %w", err)
	}
	return text, nil
}

// print writes the changes as a difference of YAML.
func (d policyDiff) print(w io.Writer) error {
	var b strings.Builder
	for _, c := range d.Changes {
		fmt.Fprintf(&b, "%s %s %s\n", c.Action, c.Kind, c.Name)
		before, after := lines(c.Before), lines(c.After)
		for _, l := range before {
			if !slices.Contains(after, l) {
				fmt.Fprintf(&b, "  - %s\n", l)
			}
		}
		for _, l := range after {
			if !slices.Contains(before, l) {
				fmt.Fprintf(&b, "  + %s\n", l)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}

type diffPolicyCmd struct{ policyFileFlags }

// errDiffers makes the program end with 3; what differs was printed.
var errDiffers = errors.New("the policy differs from the file")

// Run prints what would change.
func (c diffPolicyCmd) Run(e env) error {
	d, err := c.send(e, "/policy/diff")
	if err != nil {
		return err
	}
	if len(d.Changes) == 0 {
		_, err := fmt.Fprintln(e.out, "The policy is what the file says.")
		return err
	}
	if err := d.print(e.out); err != nil {
		return err
	}
	return errDiffers
}

type applyPolicyCmd struct{ policyFileFlags }

// Run applies the file and prints what changed.
func (c applyPolicyCmd) Run(e env) error {
	d, err := c.send(e, "/policy/apply")
	if err != nil {
		return err
	}
	if err := d.print(e.out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "Changes applied: %d\n", len(d.Changes))
	return err
}

type testPolicyCmd struct{ portalFlags }

// errPolicyTests makes the program end with 1; which tests fail was printed.
var errPolicyTests = errors.New("a policy test does not hold")

// Run prints one line a test.
func (c testPolicyCmd) Run(e env) error {
	var out struct {
		Items []struct {
			Name   string
			Result struct {
				Passes, Cut, Unrouted bool
				Person, Rule          string
				Flow                  *struct {
					To, Transport string
					Port          int
				}
			}
		}
	}
	if err := c.call(e, http.MethodGet, "/policy/tests", nil, &out); err != nil {
		return err
	}
	failed := false
	for _, t := range out.Items {
		line := "ok    " + t.Name
		if !t.Result.Passes {
			failed = true
			line = "FAIL  " + t.Name
			if t.Result.Cut {
				line += " (too many kinds of flow to judge it whole)"
			}
			if t.Result.Unrouted {
				line += " (no profile leads there)"
			}
			if f := t.Result.Flow; f != nil {
				line += fmt.Sprintf(" (%s/%s %d, %s %s)", f.To, f.Transport, f.Port, t.Result.Person, t.Result.Rule)
			}
		}
		if _, err := fmt.Fprintln(e.out, line); err != nil {
			return err
		}
	}
	if failed {
		return errPolicyTests
	}
	return nil
}

// answerWithin is how long the portal may take to compile a whole policy.
const answerWithin = 5 * time.Minute

// call asks the portal's API with the token of the environment.
func (c portalFlags) call(e env, method, path string, body, into any) error {
	base := c.URL
	if base == "" {
		base, _ = e.lookup(urlEnv)
	}
	token, _ := e.lookup(tokenEnv)
	if base == "" || token == "" {
		return &usageError{fmt.Errorf("say which portal with --url or %s, and put a token for policy files into %s", urlEnv, tokenEnv)}
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return &usageError{errors.New("the portal's URL must begin with https:// (http:// only to this machine): the token travels with each request")}
	}
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	req, err := http.NewRequestWithContext(e.ctx, method, u.JoinPath("/api/v1", path).String(), bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("ask the portal: %w", err)
	}
	if body == nil {
		req.Body, req.ContentLength = http.NoBody, 0
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Timeout: answerWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the portal: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("read the portal's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return refusal(resp.Status, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("read the portal's answer: %w", err)
	}
	return nil
}

// refusal is the portal's problem document as an error: what is wrong, a line for each field, and the request id.
func refusal(status string, answer []byte) error {
	var p struct {
		Title, RequestID string
		Errors           []struct{ Path, Message string }
	}
	if err := json.Unmarshal(answer, &p); err != nil || p.Title == "" {
		return fmt.Errorf("the portal answered %s", status)
	}
	text := p.Title
	for _, f := range p.Errors {
		text += "\n  " + strings.TrimSpace(f.Path+" "+f.Message)
	}
	if p.RequestID != "" {
		text += "\n  (request " + p.RequestID + ")"
	}
	return errors.New(text)
}
