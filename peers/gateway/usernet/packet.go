package usernet

import (
	"encoding/binary"
	"net/netip"
)

// IP protocol numbers (IANA).
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoICMPv6   = 58
	protoOptions  = 60
)

// packet is what the filter looks at. Ports are 0 where there are none; a ping has its identifier as both.
type packet struct {
	src, dst     netip.Addr
	proto        uint8
	sport, dport uint16
	echo         bool   // a ping or its answer
	request      bool   // a ping
	inner        []byte // of an ICMP error: the packet that it is about
	fragment     bool   // one of several; only the first has ports
	first        bool
	fragmentID   uint32
}

// parse reads the headers (RFC 791, RFC 8200, RFC 792, RFC 4443). It refuses what is cut off or malformed.
func parse(b []byte) (p packet, ok bool) {
	if len(b) == 0 {
		return p, false
	}
	switch b[0] >> 4 {
	case 4:
		b, ok = p.parse4(b)
	case 6:
		b, ok = p.parse6(b)
	}
	if !ok {
		return p, false
	}
	if p.fragment && !p.first {
		return p, true
	}
	return p, p.parseTransport(b)
}

func (p *packet) parse4(b []byte) (payload []byte, ok bool) {
	if len(b) < 20 {
		return nil, false
	}
	head, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if head < 20 || total < head || len(b) < head {
		return nil, false
	}
	p.src, p.dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	p.proto = b[9]
	if at := binary.BigEndian.Uint16(b[6:]); at&0x3fff != 0 { // more fragments, or not the first
		p.fragment, p.first, p.fragmentID = true, at&0x1fff == 0, uint32(binary.BigEndian.Uint16(b[4:]))
	}
	return b[head:min(total, len(b))], true
}

func (p *packet) parse6(b []byte) (payload []byte, ok bool) {
	if len(b) < 40 {
		return nil, false
	}
	p.src, p.dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	next := b[6]
	b = b[40:min(len(b), 40+int(binary.BigEndian.Uint16(b[4:])))]
	for range 8 { // more extension headers than that nobody sends in good faith
		switch next {
		case protoHopByHop, protoRouting, protoOptions:
			if len(b) < 8 || len(b) < int(b[1])*8+8 {
				return nil, false
			}
			next, b = b[0], b[int(b[1])*8+8:]
		case protoFragment:
			if len(b) < 8 {
				return nil, false
			}
			at := binary.BigEndian.Uint16(b[2:])
			p.fragment, p.first, p.fragmentID = true, at>>3 == 0, binary.BigEndian.Uint32(b[4:])
			next, b = b[0], b[8:]
			if !p.first {
				p.proto = next
				return b, true
			}
		default:
			p.proto = next
			return b, true
		}
	}
	return nil, false
}

func (p *packet) parseTransport(b []byte) bool {
	switch p.proto {
	case protoTCP, protoUDP:
		if len(b) < 8 {
			return false
		}
		p.sport, p.dport = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	case protoICMP, protoICMPv6:
		if len(b) < 8 {
			return false
		}
		p.parseICMP(b)
	}
	return true
}

func (p *packet) parseICMP(b []byte) {
	v6 := p.proto == protoICMPv6
	switch t := b[0]; {
	case !v6 && (t == 8 || t == 0), v6 && (t == 128 || t == 129):
		p.echo, p.request = true, t == 8 || t == 128
		p.sport = binary.BigEndian.Uint16(b[4:])
		p.dport = p.sport
	case !v6 && (t == 3 || t == 11 || t == 12), v6 && t >= 1 && t <= 4:
		p.inner = b[8:]
	}
}

// parseInner reads the beginning of the packet that an ICMP error quotes; it may be cut off after eight bytes of transport.
func parseInner(b []byte) (packet, bool) { return parse(b) }
