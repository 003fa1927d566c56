// Command bench measures design targets on this machine, with the finished programs where a click is measured and with the packages' own
// benchmarks where one part is, prints them as a table and writes them to a file. Root is needed for network namespaces.
//
// A figure that misses its target does not fail the run: machines differ and are shared. Ratios are of one run.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
)

// Result is one line of the table and of bench.json.
type Result struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Target string  `json:"target"` // "<= 5", ">= 1000"; "" where the design names none
	OK     bool    `json:"ok"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, w io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	out := flags.String("o", "bench.json", "where to write the figures")
	peers := flags.Int("peers", 10_000, "devices on the gateway in the largest stage")
	clicks := flags.Int("clicks", 100, "clicks measured in each stage")
	packages := flags.Bool("packages", true, "run the packages' own benchmarks too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	r := &results{progress: w}
	s := newScene(ctx, w)
	defer func() { err = cmp.Or(err, s.close()) }()
	if err := s.try(func() { measureLine(s, r, *peers, *clicks) }); err != nil {
		return err
	}
	if err := measureSizes(ctx, r); err != nil {
		return err
	}
	if *packages {
		if err := measurePackages(ctx, r); err != nil {
			return err
		}
	}
	return errors.Join(r.print(w), r.write(*out))
}

// results collects figures in the order of measuring.
type results struct {
	progress io.Writer
	list     []Result
}

// most adds a figure that is good when it is at most target.
func (r *results) most(name string, value float64, unit string, target float64) {
	r.add(Result{name, value, unit, fmt.Sprintf("<= %g", target), value <= target})
}

// least adds a figure that is good when it is at least target.
func (r *results) least(name string, value float64, unit string, target float64) {
	r.add(Result{name, value, unit, fmt.Sprintf(">= %g", target), value >= target})
}

// note adds a figure without a target.
func (r *results) note(name string, value float64, unit string) {
	r.add(Result{name, value, unit, "", true})
}

func (r *results) add(one Result) {
	r.list = append(r.list, one)
	fmt.Fprintf(r.progress, "measured: %s: %.4g %s\n", one.Name, one.Value, one.Unit)
}

func (r *results) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nwhat\tvalue\tunit\ttarget\t")
	for _, one := range r.list {
		mark := ""
		if !one.OK {
			mark = "MISSED"
		}
		fmt.Fprintf(t, "%s\t%.4g\t%s\t%s\t%s\n", one.Name, one.Value, one.Unit, one.Target, mark)
	}
	return t.Flush()
}

func (r *results) write(path string) error {
	b, err := json.MarshalIndent(r.list, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}
