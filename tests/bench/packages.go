package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// packageBench is a benchmark that a package has of itself.
type packageBench struct {
	pkg, pattern, time string
	figures            []figure
}

// figure is one number of a benchmark's line.
type figure struct {
	name   string
	bench  string // part of its name
	unit   string // as go test prints it
	scale  float64
	as     string
	target float64 // 0: none
}

var packageBenches = []packageBench{
	{"./peers/feed", "^BenchmarkTellAll$", "20x", []figure{
		{"100 gateways told of one change, mean, commit included", "gateways=100/entries=1000", "ns/op", 1e-6, "ms", 0},
		{"100 gateways with 50,000 entries told of one change, mean", "gateways=100/entries=50000", "ns/op", 1e-6, "ms", 0},
		{"1,000 gateways told of one change, mean, commit included", "gateways=1000", "ns/op", 1e-6, "ms", 100},
		{"1,000 gateways connect and resume", "gateways=1000", "ms-to-connect-all", 1e-3, "s", 3},
	}},
	{"./portal/store", "^BenchmarkTakeAddress$", "2000x", []figure{
		{"take and free an address, 100 taken", "100_taken", "ns/op", 1e-3, "µs", 0},
		{"take and free an address, 60,000 taken", "60000_taken", "ns/op", 1e-3, "µs", 0},
	}},
	{"./peers", "^BenchmarkCreateDeviceAmong$", "500x", []figure{
		{"add a device among 500", "500_others", "ns/op", 1e-6, "ms", 0},
		{"add a device among 60,000", "60000_others", "ns/op", 1e-6, "ms", 0},
	}},
}

// ratios are of two figures of one run.
var ratios = []struct {
	name, large, small string
	target             float64
}{
	{"address allocation, 60,000 taken against 100", "take and free an address, 60,000 taken", "take and free an address, 100 taken", 1.5},
	{"adding a device, 60,000 against 500", "add a device among 60,000", "add a device among 500", 1.2},
}

func measurePackages(ctx context.Context, r *results) error {
	values := map[string]float64{}
	for _, b := range packageBenches {
		lines, err := b.run(ctx)
		if err != nil {
			return err
		}
		for _, f := range b.figures {
			v, err := f.find(lines)
			if err != nil {
				return err
			}
			values[f.name] = v
			if f.target > 0 {
				r.most(f.name, v, f.as, f.target)
			} else {
				r.note(f.name, v, f.as)
			}
		}
	}
	for _, ratio := range ratios {
		r.most(ratio.name, values[ratio.large]/values[ratio.small], "x", ratio.target)
	}
	return nil
}

func (b packageBench) run(ctx context.Context) ([]string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", b.pattern, "-benchtime", b.time, "-timeout", "10m", b.pkg)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("benchmark %s of %s: %w\n%s", b.pattern, b.pkg, err, out.String())
	}
	return strings.Split(out.String(), "\n"), nil
}

// find reads a figure off the lines of go test: name, iterations, then values with units.
func (f figure) find(lines []string) (float64, error) {
	value := regexp.MustCompile(`([0-9.e+]+) ` + regexp.QuoteMeta(f.unit) + `(\s|$)`)
	for _, l := range lines {
		if !strings.HasPrefix(l, "Benchmark") || !strings.Contains(l, f.bench) {
			continue
		}
		if m := value.FindStringSubmatch(l); m != nil {
			v, err := strconv.ParseFloat(m[1], 64)
			return v * f.scale, err
		}
	}
	return 0, fmt.Errorf("no figure %q of a benchmark %q in:\n%s", f.unit, f.bench, strings.Join(lines, "\n"))
}
