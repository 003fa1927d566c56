package portal

import (
	"container/heap"
	"net/netip"
	"slices"
)

// Routes is what a client with this profile sends through the tunnel: exactly the included prefixes and names (Full: everything) without the
// excluded ones, in both families, as the shortest list of prefixes, IPv4 first, in order. It is empty when nothing is left.
func Routes(p Profile) []netip.Prefix {
	included := slices.Clone(p.Included)
	for _, a := range p.Answers {
		included = append(included, netip.PrefixFrom(a, a.BitLen()))
	}
	if p.Mode == Full {
		included = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
	}
	var routes []netip.Prefix
	for _, r := range subtract(spans(included), spans(p.Excluded)) {
		routes = r.appendPrefixes(routes)
	}
	return routes
}

// span is the addresses first to last, both included, of one family.
type span struct{ first, last netip.Addr }

// Without is what is left of prefixes without others, exactly, as prefixes.
func Without(prefixes, others []netip.Prefix) (left []netip.Prefix) {
	for _, s := range subtract(spans(prefixes), spans(others)) {
		left = s.appendPrefixes(left)
	}
	return left
}

// spans returns the prefixes as spans that neither overlap nor touch, in order.
func spans(prefixes []netip.Prefix) []span {
	all := make([]span, 0, len(prefixes))
	for _, p := range prefixes {
		if p.IsValid() {
			all = append(all, span{p.Masked().Addr(), lastOf(p)})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.first.Compare(b.first) })
	merged := all[:0]
	for _, s := range all {
		if n := len(merged); n > 0 && merged[n-1].reaches(s.first) {
			if merged[n-1].last.Less(s.last) {
				merged[n-1].last = s.last
			}
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// reaches reports whether a, at or after the first address of s, is in s or right behind it.
func (s span) reaches(a netip.Addr) bool {
	if s.first.BitLen() != a.BitLen() {
		return false
	}
	next := s.last.Next() // not valid behind the last address of the family
	return !next.IsValid() || !next.Less(a)
}

// subtract returns what of from is not in remove; both in order and without overlap.
func subtract(from, remove []span) []span {
	var rest []span
	for _, s := range from {
		for len(remove) > 0 && remove[0].last.Less(s.first) {
			remove = remove[1:]
		}
		first, more := s.first, true
		for _, r := range remove {
			if s.last.Less(r.first) {
				break
			}
			if first.Less(r.first) {
				rest = append(rest, span{first, r.first.Prev()})
			}
			if first = r.last.Next(); !first.IsValid() || s.last.Less(first) {
				more = false
				break
			}
		}
		if more {
			rest = append(rest, span{first, s.last})
		}
	}
	return rest
}

// appendPrefixes appends the fewest prefixes that make up the span.
func (s span) appendPrefixes(list []netip.Prefix) []netip.Prefix {
	for at := s.first; ; {
		p := netip.PrefixFrom(at, at.BitLen())
		for p.Bits() > 0 {
			wider := netip.PrefixFrom(at, p.Bits()-1)
			if wider.Masked().Addr() != at || s.last.Less(lastOf(wider)) {
				break
			}
			p = wider
		}
		list = append(list, p)
		last := lastOf(p)
		if !last.Less(s.last) {
			return list
		}
		at = last.Next()
	}
}

// lastOf is the highest address of the prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := range b {
		if keep := p.Bits() - 8*i; keep <= 0 {
			b[i] = 0xff
		} else if keep < 8 {
			b[i] |= 0xff >> keep
		}
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// Aggregate returns at most most prefixes (but at least one for each family that is there) that cover all that the given ones cover, and
// more where it must: the neighbours whose common prefix is the smallest are joined first. It does not change its argument.
func Aggregate(prefixes []netip.Prefix, most int) []netip.Prefix {
	exact := make([]netip.Prefix, 0, len(prefixes))
	for _, s := range spans(prefixes) {
		exact = s.appendPrefixes(exact)
	}
	if len(exact) <= most {
		return exact
	}
	c := newChain(exact)
	for c.n > most && c.join() {
	}
	return c.list()
}

// chain is a list of prefixes in order, of which neighbours are joined, the cheapest first.
type chain struct {
	links []link
	pairs pairHeap
	n     int
}

type link struct {
	prefix     netip.Prefix
	prev, next int // -1: none
	version    int // rises with each change; -1: removed
}

// pair is two neighbours that could become one, as they were when it was made.
type pair struct {
	cost                      int
	left, right               int
	leftVersion, rightVersion int
}

func newChain(prefixes []netip.Prefix) *chain {
	c := &chain{links: make([]link, len(prefixes)), n: len(prefixes)}
	for i, p := range prefixes {
		c.links[i] = link{prefix: p, prev: i - 1, next: i + 1}
	}
	c.links[len(prefixes)-1].next = -1
	for i := range prefixes {
		c.offer(i)
	}
	return c
}

// offer puts a link and its next one, if they are of one family, among the pairs.
func (c *chain) offer(left int) {
	if left < 0 || c.links[left].next < 0 {
		return
	}
	right := c.links[left].next
	a, b := c.links[left], c.links[right]
	if a.prefix.Addr().BitLen() != b.prefix.Addr().BitLen() {
		return
	}
	heap.Push(&c.pairs, pair{joinCost(common(a.prefix, b.prefix)), left, right, a.version, b.version})
}

// join replaces the cheapest pair, and what else their common prefix covers, by that prefix. It returns false when no pair is left.
func (c *chain) join() bool {
	for c.pairs.Len() > 0 {
		p := heap.Pop(&c.pairs).(pair)
		if c.links[p.left].version != p.leftVersion || c.links[p.right].version != p.rightVersion {
			continue
		}
		at := &c.links[p.left]
		at.prefix = common(at.prefix, c.links[p.right].prefix)
		at.version++
		for at.next >= 0 && at.prefix.Overlaps(c.links[at.next].prefix) {
			c.remove(at.next)
		}
		for at.prev >= 0 && at.prefix.Overlaps(c.links[at.prev].prefix) {
			c.remove(at.prev)
		}
		c.offer(at.prev)
		c.offer(p.left)
		return true
	}
	return false
}

func (c *chain) remove(i int) {
	l := &c.links[i]
	l.version = -1
	if l.prev >= 0 {
		c.links[l.prev].next = l.next
	}
	if l.next >= 0 {
		c.links[l.next].prev = l.prev
	}
	c.n--
}

func (c *chain) list() []netip.Prefix {
	all := make([]netip.Prefix, 0, c.n)
	for _, l := range c.links {
		if l.version >= 0 {
			all = append(all, l.prefix)
		}
	}
	return all
}

// common is the longest prefix that covers both, which are of one family.
func common(a, b netip.Prefix) netip.Prefix {
	p := netip.PrefixFrom(a.Addr(), min(a.Bits(), b.Bits()))
	for !p.Masked().Contains(b.Addr()) {
		p = netip.PrefixFrom(p.Addr(), p.Bits()-1)
	}
	return p.Masked()
}

// joinCost is what a prefix weighs, so that the families can be compared: an IPv6 /64 is a network of people, as is an IPv4 /24.
func joinCost(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 32 - p.Bits()
	}
	return 72 - p.Bits()
}

type pairHeap []pair

func (h pairHeap) Len() int { return len(h) }
func (h pairHeap) Less(i, j int) bool {
	if h[i].cost != h[j].cost {
		return h[i].cost < h[j].cost
	}
	return h[i].left < h[j].left
}
func (h pairHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *pairHeap) Push(x any)   { *h = append(*h, x.(pair)) }
func (h *pairHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
