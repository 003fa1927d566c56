package portal

import (
	"net/netip"
	"slices"
	"time"
)

// Point is one flow that stands for all that policy treats like it.
type Point struct {
	To        netip.Addr
	Transport Transport
	Port      uint16 // TCP and UDP
}

// MaxPoints bounds how many flows stand for a set of resources. Beyond it the answer is about a part.
const MaxPoints = 4000

// Points returns flows that stand for everything that the resources hold: policies made of resources in cuts, and pools, treat every flow
// to one of them like one of these. whole is false when there are more than MaxPoints.
func Points(resources, cuts []Resource, pools []netip.Prefix) (points []Point, whole bool) {
	seen := map[Point]bool{}
	var edges []netip.Prefix
	edges = append(edges, pools...)
	for _, c := range cuts {
		edges = append(edges, c.Prefixes...)
	}
	slices.SortFunc(edges, func(a, b netip.Prefix) int {
		if c := a.Addr().Compare(b.Addr()); c != 0 {
			return c
		}
		return a.Bits() - b.Bits()
	})
	edges = slices.Compact(edges)
	add := func(p Point) bool {
		if len(points) >= MaxPoints && !seen[p] {
			return false
		}
		if !seen[p] {
			seen[p] = true
			points = append(points, p)
		}
		return true
	}
	for _, r := range resources {
		flows := flowsOf(r, cuts)
		for _, a := range addressesOf(r, edges) {
			for _, f := range flows {
				f.To = a
				if !add(f) {
					return points, false
				}
			}
		}
	}
	return points, true
}

// addressesOf is the first address of each cell into which edges cut the resource's prefixes. Prefixes nest or are apart, so that a cell
// begins where a prefix begins or right behind one.
func addressesOf(r Resource, edges []netip.Prefix) []netip.Addr {
	var all []netip.Addr
	for _, p := range r.Prefixes {
		all = append(all, p.Masked().Addr())
		from, _ := slices.BinarySearchFunc(edges, p.Masked().Addr(), func(e netip.Prefix, a netip.Addr) int { return e.Addr().Compare(a) })
		for _, e := range edges[from:] {
			if !p.Contains(e.Addr()) {
				break
			}
			all = append(all, e.Addr())
			if next := lastOf(e).Next(); next.IsValid() && p.Contains(next) {
				all = append(all, next)
			}
		}
	}
	return all
}

// flowsOf is one flow for each way in which cuts treat the resource's transports and ports alike.
func flowsOf(r Resource, cuts []Resource) []Point {
	var flows []Point
	for _, t := range []Transport{TCP, UDP, ICMP, AnyTransport} {
		if r.Transport != AnyTransport && r.Transport != t {
			continue
		}
		if t != TCP && t != UDP {
			flows = append(flows, Point{Transport: t})
			continue
		}
		ranges := r.Ports
		if len(ranges) == 0 {
			ranges = []PortRange{{1, 65535}}
		}
		for _, own := range ranges {
			flows = append(flows, Point{Transport: t, Port: own.First})
			for _, c := range cuts {
				if c.Transport != t && c.Transport != AnyTransport {
					continue
				}
				for _, x := range c.Ports {
					if own.First <= x.First && x.First <= own.Last {
						flows = append(flows, Point{Transport: t, Port: x.First})
					}
					if own.First <= x.Last && x.Last < own.Last {
						flows = append(flows, Point{Transport: t, Port: x.Last + 1})
					}
				}
			}
		}
	}
	slices.SortFunc(flows, func(a, b Point) int { return int(a.Port) - int(b.Port) })
	return slices.Compact(flows)
}

// Table is which rules of a policy hold which points.
type Table struct {
	Rules  []Rule
	Points []Point
	hits   [][]int // for each point the rules, by index
}

// Table looks every point up once, so that asking for many people costs little.
func (p Policy) Table(points []Point) Table {
	t := Table{Rules: p.Rules, Points: points, hits: make([][]int, len(points))}
	selected := make([][]Resource, len(p.Rules))
	for i, r := range p.Rules {
		for _, res := range p.Resources {
			if r.Selects(res) {
				selected[i] = append(selected[i], res)
			}
		}
	}
	for i, x := range points {
		q := Question{To: x.To, Transport: x.Transport, Port: x.Port}
		for j, r := range p.Rules {
			if slices.ContainsFunc(selected[j], func(res Resource) bool { return res.carries(q.Transport, q.Port) && p.leadsTo(res, r.Action, q) }) {
				t.hits[i] = append(t.hits[i], j)
			}
		}
	}
	return t
}

// Relevant returns the indices of the rules that hold any point, sorted.
func (t Table) Relevant() []int {
	var all []int
	for _, h := range t.hits {
		all = append(all, h...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Certainty is which rules with conditions count when one asks about all times and places at once.
type Certainty int

// A rule without conditions counts in both.
const (
	Ever   Certainty = iota // the most that somebody can reach: each allow rule that may hold some time does, no deny rule with conditions does
	Always                  // the least: no allow rule with conditions holds, each deny rule that may hold some time does
)

// counts reports whether the rule counts from now on with this certainty. What is over counts in neither.
func (c Certainty) counts(r Rule, now time.Time) bool {
	if until := r.Conditions.ValidUntil; !until.IsZero() && !now.Before(until) {
		return false
	}
	return r.Conditions.always() || (r.Action == Allow) == (c == Ever)
}

// Allowed reports whether somebody to whom the rules in mine apply reaches point i, from now on with this certainty, and the rule that
// lets them.
func (t Table) Allowed(i int, mine func(rule int) bool, c Certainty, now time.Time) (rule int, allowed bool) {
	rule = -1
	for _, j := range t.hits[i] {
		if !mine(j) || !c.counts(t.Rules[j], now) {
			continue
		}
		if t.Rules[j].Action != Allow {
			return -1, false
		}
		rule = j
	}
	return rule, rule >= 0
}
