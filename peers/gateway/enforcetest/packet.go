package enforcetest

import (
	"encoding/binary"
	"net/netip"

	"github.com/sallyport/sallyport/portal"
)

// IP protocol numbers (IANA).
const (
	tcp      = 6
	udp      = 17
	gre      = 47
	icmp     = 1
	icmpv6   = 58
	fragment = 44
)

// ip wraps payload into an IPv4 or IPv6 packet (RFC 791, RFC 8200).
func ip(src, dst netip.Addr, proto byte, payload []byte) []byte {
	if src.Is4() {
		b := make([]byte, 20, 20+len(payload))
		b[0], b[8], b[9] = 0x45, 64, proto
		binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
		copy(b[12:], src.AsSlice())
		copy(b[16:], dst.AsSlice())
		binary.BigEndian.PutUint16(b[10:], ^sum(0, b))
		return append(b, payload...)
	}
	b := make([]byte, 40, 40+len(payload))
	b[0], b[6], b[7] = 0x60, proto, 64
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
	return append(b, payload...)
}

// sum is the ones' complement sum of RFC 1071.
func sum(start uint32, b []byte) uint16 {
	s := start
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		s += uint32(b[len(b)-1]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}

// pseudo is the part of the IP header that transports sum too.
func pseudo(src, dst netip.Addr, proto byte, length int) uint32 {
	s := uint32(sum(0, src.AsSlice())) + uint32(sum(0, dst.AsSlice()))
	return s + uint32(proto) + uint32(length)
}

func datagram(src, dst netip.AddrPort, data []byte) []byte {
	b := make([]byte, 8, 8+len(data))
	binary.BigEndian.PutUint16(b, src.Port())
	binary.BigEndian.PutUint16(b[2:], dst.Port())
	binary.BigEndian.PutUint16(b[4:], uint16(8+len(data)))
	b = append(b, data...)
	binary.BigEndian.PutUint16(b[6:], ^sum(pseudo(src.Addr(), dst.Addr(), udp, len(b)), b))
	return ip(src.Addr(), dst.Addr(), udp, b)
}

// fragments cuts a datagram in two (RFC 791, section 3.2; RFC 8200, section 4.5): the first has the ports, and the second the end of the data.
func fragments(src, dst netip.AddrPort, id uint16, data []byte) (first, second []byte) {
	whole := datagram(src, dst, data)
	const cut = 1200 // a multiple of eight
	if src.Addr().Is4() {
		piece := func(b []byte, at uint16) []byte {
			p := ip(src.Addr(), dst.Addr(), udp, b)
			binary.BigEndian.PutUint16(p[4:], id)
			binary.BigEndian.PutUint16(p[6:], at)
			p[10], p[11] = 0, 0
			binary.BigEndian.PutUint16(p[10:], ^sum(0, p[:20]))
			return p
		}
		return piece(whole[20:20+cut], 1<<13), piece(whole[20+cut:], cut/8)
	}
	piece := func(b []byte, at uint16) []byte {
		h := []byte{udp, 0, 0, 0, 0, 0, 0, 0}
		binary.BigEndian.PutUint16(h[2:], at)
		binary.BigEndian.PutUint32(h[4:], uint32(id))
		return ip(src.Addr(), dst.Addr(), fragment, append(h, b...))
	}
	return piece(whole[40:40+cut], 1), piece(whole[40+cut:], cut)
}

const (
	syn    = 0x02
	ack    = 0x10
	synAck = syn | ack
)

func segment(src, dst netip.AddrPort, flags byte, seq, acked uint32, data []byte) []byte {
	b := make([]byte, 20, 20+len(data))
	binary.BigEndian.PutUint16(b, src.Port())
	binary.BigEndian.PutUint16(b[2:], dst.Port())
	binary.BigEndian.PutUint32(b[4:], seq)
	binary.BigEndian.PutUint32(b[8:], acked)
	b[12], b[13] = 5<<4, flags
	binary.BigEndian.PutUint16(b[14:], 65535)
	b = append(b, data...)
	binary.BigEndian.PutUint16(b[16:], ^sum(pseudo(src.Addr(), dst.Addr(), tcp, len(b)), b))
	return ip(src.Addr(), dst.Addr(), tcp, b)
}

// ping is an echo request, or its answer.
func ping(src, dst netip.Addr, answer bool, id uint16, data []byte) []byte {
	kind := byte(8)
	switch {
	case src.Is6() && answer:
		kind = 129
	case src.Is6():
		kind = 128
	case answer:
		kind = 0
	}
	return message(src, dst, kind, 0, uint32(id)<<16|1, data)
}

// unreachable is the error that a router or host sends about a packet: port unreachable.
func unreachable(src, dst netip.Addr, about []byte) []byte {
	kind, code := byte(3), byte(3)
	if src.Is6() {
		kind, code = 1, 4
	}
	return message(src, dst, kind, code, 0, about)
}

func message(src, dst netip.Addr, kind, code byte, rest uint32, data []byte) []byte {
	b := make([]byte, 8, 8+len(data))
	b[0], b[1] = kind, code
	binary.BigEndian.PutUint32(b[4:], rest)
	b = append(b, data...)
	proto, start := byte(icmp), uint32(0)
	if src.Is6() {
		proto, start = icmpv6, pseudo(src, dst, icmpv6, len(b))
	}
	binary.BigEndian.PutUint16(b[2:], ^sum(start, b))
	return ip(src, dst, proto, b)
}

// First is the first packet of a flow with data in it, for tests of what decides on it: a SYN, a datagram, a ping, or one of another protocol.
func First(src, dst netip.AddrPort, t portal.Transport, data []byte) []byte {
	switch t {
	case portal.TCP:
		return segment(src, dst, syn, 1, 0, data)
	case portal.UDP:
		return datagram(src, dst, data)
	case portal.ICMP:
		return ping(src.Addr(), dst.Addr(), false, src.Port(), data)
	case portal.AnyTransport:
	}
	return ip(src.Addr(), dst.Addr(), gre, append(make([]byte, 8), data...))
}
