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
	target float64 // at most; negative: at least its amount; 0: none
}

var packageBenches = []packageBench{
	{"./peers/feed", "^BenchmarkTellAll$", "20x", []figure{
		{"100 gateways told of one change, mean, commit included", "gateways=100/entries=1000", "ns/op", 1e-6, "ms", 0},
		{"100 gateways with 50,000 entries told of one change, mean", "gateways=100/entries=50000", "ns/op", 1e-6, "ms", 0},
		{"1,000 gateways told of one change, mean, commit included", "gateways=1000", "ns/op", 1e-6, "ms", 100},
		{"1,000 gateways connect and resume", "gateways=1000", "ms-to-connect-all", 1e-3, "s", 3},
	}},
	{"./portal/posture", "^BenchmarkJudge", "3x", []figure{{"50,000 devices judged by 20 checks", "Judge50000DevicesBy20Checks", "ns/op", 1e-9, "s", 2}}},
	{"./portal/store", "^BenchmarkTakeAddress$", "2000x", []figure{
		{"take and free an address, 100 taken", "100_taken", "ns/op", 1e-3, "µs", 0},
		{"take and free an address, 60,000 taken", "60000_taken", "ns/op", 1e-3, "µs", 0},
	}},
	{"./peers/gateway", "^BenchmarkAddAndRevoke$", "200x", []figure{
		{"gateway adds a device, 500 peers", "peers=500", "µs/add", 1e-3, "ms", 0},
		{"gateway adds a device, 50,000 peers", "peers=50000", "µs/add", 1e-3, "ms", 0},
		{"gateway revokes a device, 500 peers", "peers=500", "µs/revoke", 1e-3, "ms", 0},
		{"gateway revokes a device, 50,000 peers", "peers=50000", "µs/revoke", 1e-3, "ms", 0},
	}},
	{"./peers/gateway", "^BenchmarkColdStart$", "2x", []figure{
		{"agent alone, cold start with 50,000 peers", "peers=50000", "ms/start", 1e-3, "s", 0},
		{"agent alone, cold start with 50,000 peers against wg setconf", "peers=50000", "ratio", 1, "x", 1.3},
	}},
	{"./peers/gateway", "^BenchmarkRuleEdit$", "100x", []figure{
		{"gateway applies a rule edit that concerns 10,000 devices", "", "ns/op", 1e-6, "ms", 50},
	}},
	{"./peers/gateway", "^BenchmarkMemory$", "1x", []figure{{"agent's memory for 50,000 devices, beside the data path", "", "MiB", 1, "MiB", 60}}},
	{"./peers/gateway", "^BenchmarkThroughput$", "3x", []figure{{"throughput with 10,000 signatures against bare WireGuard", "", "ratio", 1, "x", -0.97}}},
	{"./api", "^BenchmarkCreateDevice$", "2000x", []figure{
		{"device creation over HTTP in one process, 1 client", "clients=1", "devices/s", 1, "1/s", 0},
		{"device creation over HTTP in one process, 16 clients", "clients=16", "devices/s", 1, "1/s", -1000},
	}},
	{"./api", "^BenchmarkSignIn$", "2000x", []figure{
		{"sign-ins with a provider and an authenticator app, in one process with the provider, 1 client", "clients=1", "sign-ins/s", 1, "1/s", 0},
		{"sign-ins with a provider and an authenticator app, 16 clients", "clients=16", "sign-ins/s", 1, "1/s", 0},
	}},
	{"./api", "^BenchmarkMay$", "1000000x", []figure{{"check of a right", "", "ns/op", 1, "ns", 0}}},
	{"./auth/scim", "^BenchmarkSync$", "1x", []figure{
		{"SCIM: first cycle of 2,000 people in 20 groups, one connection", "", "people/s", 1, "people/s", 0},
	}},
	{"./peers", "^BenchmarkCompiler$", "20x", []figure{
		{"policy of 50,000 people, 2,000 groups, 5,000 rules compiled at once", "all", "ns/op", 1e-6, "ms", 0},
		{"what that keeps in memory", "all", "MiB", 1, "MiB", 0},
		{"there: a rule edited", "rule-edited", "ns/op", 1e-6, "ms", 50},
		{"there: a rule for other groups", "rule-for-other-groups", "ns/op", 1e-6, "ms", 50},
		{"there: a rule for everyone made", "rule-for-everyone-made", "ns/op", 1e-6, "ms", 50},
		{"there: the first rule of a group of 5,000 people", "first-rule-of-a-group-of-a-tenth-of-all", "ns/op", 1e-6, "ms", 50},
		{"there: a person joins a group", "person-joins-a-group", "ns/op", 1e-6, "ms", 0},
		{"there: a profile changed", "profile-changed", "ns/op", 1e-6, "ms", 0},
		{"there: a device added", "device-added", "ns/op", 1e-6, "ms", 0},
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
	{"gateway adds a device, 50,000 peers against 500", "gateway adds a device, 50,000 peers", "gateway adds a device, 500 peers", 1.2},
	{"gateway revokes a device, 50,000 peers against 500", "gateway revokes a device, 50,000 peers", "gateway revokes a device, 500 peers", 1.2},
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
			switch {
			case f.target > 0:
				r.most(f.name, v, f.as, f.target)
			case f.target < 0:
				r.least(f.name, v, f.as, -f.target)
			default:
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
	name := regexp.MustCompile(`^Benchmark\S*` + regexp.QuoteMeta(f.bench) + `([^0-9]|$)`)
	for _, l := range lines {
		if !name.MatchString(l) {
			continue
		}
		if m := value.FindStringSubmatch(l); m != nil {
			v, err := strconv.ParseFloat(m[1], 64)
			return v * f.scale, err
		}
	}
	return 0, fmt.Errorf("no figure %q of a benchmark %q in:\n%s", f.unit, f.bench, strings.Join(lines, "\n"))
}
