package firewall

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/sallyport/sallyport/portal"
)

// box is a range of addresses of one family with a range of numbers, both ends included. In the sets with ports a number is
// protocol<<16 | port; in those without it is the protocol.
type box struct {
	first, last netip.Addr
	lo, hi      uint32
}

// IP protocol numbers (IANA).
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
)

// boxesOf sorts destinations into the four kinds of lookup. The kernel refuses sets whose intervals overlap, so those are cut apart.
// What is wider than one of apart leaves that one out.
func boxesOf(destinations []portal.Destination, apart []netip.Prefix) map[setKind][]box {
	raw := map[setKind][]box{}
	for _, d := range destinations {
		p := d.Prefix.Masked()
		if !p.IsValid() {
			continue // matches nothing
		}
		v6 := p.Addr().Is6()
		put := func(ports bool, lo, hi uint32) {
			k := setKind{v6: v6, ports: ports}
			for _, r := range without(p, apart) {
				raw[k] = append(raw[k], box{r.first, r.last, lo, hi})
			}
		}
		lo, hi := protocols(d.Transport, v6)
		if d.Ports == (portal.PortRange{}) {
			put(false, lo, hi)
			continue
		}
		for _, proto := range []uint32{protoTCP, protoUDP} {
			if proto >= lo && proto <= hi {
				put(true, proto<<16|uint32(d.Ports.First), proto<<16|uint32(d.Ports.Last))
			}
		}
	}
	for k := range raw {
		raw[k] = disjoint(raw[k])
	}
	return raw
}

// without is p as ranges of addresses, less those prefixes that it is wider than.
func without(p netip.Prefix, apart []netip.Prefix) []box {
	left := []box{{first: p.Addr(), last: lastOf(p)}}
	for _, hole := range apart {
		if hole.Bits() <= p.Bits() || !p.Contains(hole.Addr()) {
			continue
		}
		var next []box
		for _, r := range left {
			first, last := hole.Addr(), lastOf(hole)
			if last.Less(r.first) || r.last.Less(first) {
				next = append(next, r)
				continue
			}
			if r.first.Less(first) {
				next = append(next, box{first: r.first, last: first.Prev()})
			}
			if last.Less(r.last) {
				next = append(next, box{first: last.Next(), last: r.last})
			}
		}
		left = next
	}
	return left
}

// protocols is the range of IP protocol numbers that a transport means. An unknown transport means none.
func protocols(t portal.Transport, v6 bool) (lo, hi uint32) {
	switch {
	case t == portal.AnyTransport:
		return 0, 255
	case t == portal.TCP:
		return protoTCP, protoTCP
	case t == portal.UDP:
		return protoUDP, protoUDP
	case t == portal.ICMP && v6:
		return protoICMPv6, protoICMPv6
	case t == portal.ICMP:
		return protoICMP, protoICMP
	}
	return 1, 0
}

// disjoint covers the same points with boxes that do not overlap. It sweeps over the addresses at which some box begins or ends.
func disjoint(in []box) []box {
	type edge struct {
		at    netip.Addr
		box   int
		begin bool
	}
	var edges []edge
	for i, b := range in {
		if b.lo > b.hi {
			continue
		}
		edges = append(edges, edge{b.first, i, true})
		if next := b.last.Next(); next.IsValid() { // none after the last address of the family
			edges = append(edges, edge{next, i, false})
		}
	}
	slices.SortFunc(edges, func(x, y edge) int { return x.at.Compare(y.at) })
	open := map[int]bool{}
	var out []box
	for i := 0; i < len(edges); {
		at := edges[i].at
		for ; i < len(edges) && edges[i].at == at; i++ {
			if edges[i].begin {
				open[edges[i].box] = true
			} else {
				delete(open, edges[i].box)
			}
		}
		if len(open) == 0 {
			continue
		}
		last := lastOf(netip.PrefixFrom(at, 0))
		if i < len(edges) {
			last = edges[i].at.Prev()
		}
		out = appendStrip(out, at, last, open, in)
	}
	return out
}

// appendStrip adds the union of the open boxes' numbers over one strip of addresses, and joins it to the strip before where they are equal.
func appendStrip(out []box, first, last netip.Addr, open map[int]bool, in []box) []box {
	ranges := make([]box, 0, len(open))
	for i := range open {
		ranges = append(ranges, box{first, last, in[i].lo, in[i].hi})
	}
	slices.SortFunc(ranges, func(x, y box) int { return cmp.Compare(x.lo, y.lo) })
	merged := ranges[:1]
	for _, r := range ranges[1:] {
		if top := &merged[len(merged)-1]; r.lo <= top.hi || r.lo == top.hi+1 && r.lo>>16 == top.hi>>16 {
			top.hi = max(top.hi, r.hi)
			continue
		}
		merged = append(merged, r)
	}
	if n := len(out) - len(merged); n >= 0 && (n == 0 || out[n-1].last != out[n].last) {
		same := true
		for i, r := range merged {
			o := out[n+i]
			same = same && o.last.Next() == first && o.lo == r.lo && o.hi == r.hi
		}
		if same {
			for i := range merged {
				out[n+i].last = last
			}
			return out
		}
	}
	return append(out, merged...)
}

func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	a, _ := netip.AddrFromSlice(b) // 4 or 16 bytes
	return a
}

// setKind is one of the four lookups that a rule may need.
type setKind struct{ v6, ports bool }

var setKinds = []setKind{{false, true}, {false, false}, {true, true}, {true, false}}

func (k setKind) suffix() string {
	s := ".hosts"
	if k.ports {
		s = ".ports"
	}
	if k.v6 {
		return s + "6"
	}
	return s + "4"
}

// elem is an interval of a concatenated set in the kernel's bytes: each field padded to four bytes (nftables register layout).
type elem struct{ first, last string }

func (k setKind) elem(b box) elem {
	if k.ports {
		return elem{
			string(field(field(field(nil, b.first.AsSlice()), []byte{byte(b.lo >> 16)}), be16(b.lo))),
			string(field(field(field(nil, b.last.AsSlice()), []byte{byte(b.hi >> 16)}), be16(b.hi))),
		}
	}
	return elem{
		string(field(field(nil, b.first.AsSlice()), []byte{byte(b.lo)})),
		string(field(field(nil, b.last.AsSlice()), []byte{byte(b.hi)})),
	}
}

func be16(n uint32) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) } // the lower half

func field(b, f []byte) []byte {
	b = append(b, f...)
	return append(b, bytes.Repeat([]byte{0}, -len(f)&3)...)
}
