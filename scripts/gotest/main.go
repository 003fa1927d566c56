// Command gotest runs `go test` with the arguments given to it and prints what a reader needs: one line for each package, all output of
// tests that failed, every skipped test with its reason, and lines of passing tests that say what they "measured:".
//
// With CI set in the environment a skipped test is a failure: there a test that can't run is a defect. Its exit code is go test's.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

func main() {
	code, err := run(os.Args[1:], os.Getenv("CI") != "", os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(2)
	}
	os.Exit(code)
}

func run(args []string, ci bool, w io.Writer) (int, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...) //nolint:gosec // the arguments are the developer's own
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	r := newReport(w)
	if err := r.read(out); err != nil {
		return 0, errors.Join(err, cmd.Wait())
	}
	code, err := exitCode(cmd.Wait())
	if err != nil {
		return 0, err
	}
	r.summary()
	if code == 0 && ci && len(r.skips) > 0 {
		fmt.Fprintln(w, "FAIL: in CI every test must run")
		return 1, nil
	}
	return code, nil
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string
}

type testName struct{ pkg, test string }

type report struct {
	w              io.Writer
	output         map[testName][]string // of tests that still run
	skips          []string
	passed, failed int
}

func newReport(w io.Writer) *report { return &report{w: w, output: map[testName][]string{}} }

func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil { // not go test's own: say it as it is
		fmt.Fprint(r.w, string(line))
		return
	}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.w, e.Output)
	case e.Test == "":
		r.packageEvent(e)
	default:
		r.testEvent(e)
	}
}

// packageEvent prints go test's own lines, "ok" and "FAIL" among them, and drops the bare PASS above each "ok".
func (r *report) packageEvent(e event) {
	if e.Action != "output" || e.Output == "PASS\n" || strings.Contains(e.Output, "[no test files]") {
		return
	}
	fmt.Fprint(r.w, e.Output)
}

func (r *report) testEvent(e event) {
	name := testName{e.Package, e.Test}
	switch e.Action {
	case "output":
		if strings.Contains(e.Output, "measured: ") {
			fmt.Fprint(r.w, e.Output)
		}
		r.output[name] = append(r.output[name], e.Output)
		return
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		fmt.Fprint(r.w, strings.Join(r.output[name], ""))
	case "skip":
		r.skips = append(r.skips, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(r.output[name])))
	default:
		return
	}
	delete(r.output, name)
}

// reason is what the test said when it skipped: its output without go test's own lines.
func reason(output []string) string {
	var said []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

func (r *report) summary() {
	for name, lines := range r.output { // the process died in the middle of these
		fmt.Fprintf(r.w, "UNFINISHED %s %s\n%s", name.pkg, name.test, strings.Join(lines, ""))
	}
	for _, s := range r.skips {
		fmt.Fprintln(r.w, "SKIP", s)
	}
	fmt.Fprintf(r.w, "tests: %d passed, %d failed, %d skipped\n", r.passed, r.failed, len(r.skips))
}
