package firewall

import (
	"encoding/binary"
	"net/netip"

	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Pieces of rules, in the form that nft(8) would compile them to, so that it can print them back.

const (
	reg     = 1                 // the first register: four 32-bit ones from reg32 on
	reg32   = unix.NFT_REG32_00 // with reg an alias of it
	verdict = unix.NFT_REG_VERDICT
)

func join(parts ...[]expr.Any) []expr.Any {
	var out []expr.Any
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func compare(data []byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: data}
}

func ifName(key expr.MetaKey, name string) []expr.Any {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return []expr.Any{&expr.Meta{Key: key, Register: reg}, compare(b)}
}

func fromIf(name string) []expr.Any { return ifName(expr.MetaKeyIIFNAME, name) }
func toIf(name string) []expr.Any   { return ifName(expr.MetaKeyOIFNAME, name) }

func notToIf(name string) []expr.Any {
	e := toIf(name)
	e[1].(*expr.Cmp).Op = expr.CmpOpNeq
	return e
}

func family(v6 bool) []expr.Any {
	proto := byte(unix.NFPROTO_IPV4)
	if v6 {
		proto = unix.NFPROTO_IPV6
	}
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg}, compare([]byte{proto})}
}

func l4proto(proto byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg}, compare([]byte{proto})}
}

// addr loads the packet's source or destination address.
func addr(v6, source bool, into uint32) expr.Any {
	offset, size := uint32(16), uint32(4) // RFC 791: source at 12, destination at 16
	switch {
	case v6 && source:
		offset, size = 8, 16 // RFC 8200
	case v6:
		offset, size = 24, 16
	case source:
		offset = 12
	}
	return &expr.Payload{DestRegister: into, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: size}
}

// inPrefix matches an address against a prefix, of any length.
func inPrefix(p netip.Prefix, source bool) []expr.Any {
	v6 := p.Addr().Is6()
	if p.Bits() == 0 {
		return family(v6)
	}
	out := append(family(v6), addr(v6, source, reg))
	size := uint32(p.Addr().BitLen() / 8)
	if p.Bits() < p.Addr().BitLen() {
		mask := make([]byte, size)
		for i := range p.Bits() {
			mask[i/8] |= 1 << (7 - i%8)
		}
		out = append(out, &expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: size, Mask: mask, Xor: make([]byte, size)})
	}
	return append(out, compare(p.Masked().Addr().AsSlice()))
}

const (
	directionOriginal = 0
	directionReply    = 1
)

func ctDirection(d byte) []expr.Any {
	return []expr.Any{&expr.Ct{Key: expr.CtKeyDIRECTION, Register: reg}, compare([]byte{d})}
}

func ctState(bit uint32) []expr.Any {
	return []expr.Any{
		&expr.Ct{Key: expr.CtKeySTATE, Register: reg},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(bit), Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: make([]byte, 4)},
	}
}

func ctMarkIs(n uint32) []expr.Any {
	return []expr.Any{&expr.Ct{Key: expr.CtKeyMARK, Register: reg}, compare(binaryutil.NativeEndian.PutUint32(n))}
}

func setCtMark(n uint32) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: reg, Data: binaryutil.NativeEndian.PutUint32(n)},
		&expr.Ct{Key: expr.CtKeyMARK, Register: reg, SourceRegister: true},
	}
}

// byNumber looks the address up in entries, and the number found there in verdicts. Where there is none the rule ends without a verdict.
// The number goes through the packet's priority, because nft(8) cannot print a rule that looks up directly what another look-up gave
// (1.0.6 ends with an assertion in netlink_parse_concat_expr). Admitting sets the priority back.
func byNumber(v6, source bool, verdicts string) []expr.Any {
	return append(family(v6), addr(v6, source, reg),
		&expr.Lookup{SourceRegister: reg, DestRegister: reg, IsDestRegSet: true, SetName: entriesName(v6)},
		&expr.Meta{Key: expr.MetaKeyPRIORITY, SourceRegister: true, Register: reg},
		&expr.Meta{Key: expr.MetaKeyPRIORITY, Register: reg},
		&expr.Lookup{SourceRegister: reg, DestRegister: verdict, IsDestRegSet: true, SetName: verdicts})
}

func resetPriority() []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: reg, Data: make([]byte, 4)},
		&expr.Meta{Key: expr.MetaKeyPRIORITY, SourceRegister: true, Register: reg},
	}
}

// inSet looks up where a flow goes: for its packets the destination, for the replies the source.
func inSet(k setKind, set string, reply bool) []expr.Any {
	out := join(ctDirection(boolByte(reply)), family(k.v6))
	next := uint32(reg32 + 1)
	if k.v6 {
		next = reg32 + 4
	}
	out = append(out, addr(k.v6, reply, reg), &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: next})
	if k.ports {
		offset := uint32(2) // TCP and UDP: source port at 0, destination port at 2
		if reply {
			offset = 0
		}
		out = append(out, &expr.Payload{DestRegister: next + 1, Base: expr.PayloadBaseTransportHeader, Offset: offset, Len: 2})
	}
	return append(out, &expr.Lookup{SourceRegister: reg, SetName: set})
}

// clampMSS sets the segment size in a SYN to what the path takes (RFC 4459, section 3.2).
func clampMSS() []expr.Any {
	const tcpOptionMSS = 2
	return join(l4proto(protoTCP), []expr.Any{
		&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1},
		&expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: 1, Mask: []byte{0x02}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: []byte{0}},
		&expr.Rt{Register: reg, Key: expr.RtTCPMSS},
		&expr.Byteorder{SourceRegister: reg, DestRegister: reg, Op: expr.ByteorderHton, Len: 2, Size: 2},
		&expr.Exthdr{SourceRegister: reg, Type: tcpOptionMSS, Offset: 2, Len: 2, Op: expr.ExthdrOpTcpopt},
	})
}

func icmpType(t byte) []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: reg, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 1}, compare([]byte{t})}
}

// echoTo matches a ping to one address.
func echoTo(a netip.Addr) []expr.Any {
	proto, request := byte(protoICMP), byte(8) // RFC 792
	if a.Is6() {
		proto, request = protoICMPv6, 128 // RFC 4443
	}
	return join(inPrefix(netip.PrefixFrom(a, a.BitLen()), false), l4proto(proto), icmpType(request))
}

func to(kind expr.VerdictKind, chain string) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: kind, Chain: chain}}
}

func counter() []expr.Any { return []expr.Any{&expr.Counter{}} }

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
