package portal

import (
	"encoding/binary"
	"net/netip"
)

// Pool is a range of tunnel addresses, in both families. Address number N of the pool is V4's base + N and V6's base + N.
type Pool struct {
	ID   PoolID
	Name string
	V4   netip.Prefix // at most a /8, at least a /29
	V6   netip.Prefix // at least as many host bits as V4
}

// Reserved numbers at the start of each pool; the last number is IPv4's broadcast address and is never given either.
const (
	PoolNetwork = 0
	PoolGateway = 1 // every gateway answers here, inside the tunnel
	PoolDNS     = 2
	PoolSpare   = 3
	PoolFirst   = 4 // the first number that a device can have
)

// ErrPoolFull says that every address of the pool is taken.
var ErrPoolFull = &Error{Kind: Exhausted, Code: "pool_full", Msg: "This network has no free address left."}

// ErrPool says that the two prefixes do not make a pool.
var ErrPool = &Error{Kind: Invalid, Code: "pool", Msg: "A pool needs an IPv4 prefix between /8 and /29 and an IPv6 prefix with at least as many addresses, both without host bits."}

// Validate returns ErrPool when the prefixes do not fit together.
func (p Pool) Validate() error {
	v4, v6 := p.V4, p.V6
	switch {
	case !v4.IsValid(), !v6.IsValid(), !v4.Addr().Is4(), !v6.Addr().Is6(), v6.Addr().Is4In6(),
		v4.Masked() != v4, v6.Masked() != v6, v4.Bits() < 8, v4.Bits() > 29, 128-v6.Bits() < 32-v4.Bits():
		return ErrPool
	}
	return nil
}

// Last is the highest number that a device can have.
func (p Pool) Last() uint32 { return 1<<(32-p.V4.Bits()) - 2 }

// At returns address number n. It panics on a number outside of the pool, which no caller may compute.
func (p Pool) At(n uint32) Address {
	if n > p.Last()+1 {
		panic("portal: address number outside of the pool")
	}
	b4 := p.V4.Addr().As4()
	binary.BigEndian.PutUint32(b4[:], binary.BigEndian.Uint32(b4[:])+n)
	b6 := p.V6.Addr().As16()
	// A pool has at most 24 bits of numbers and no host bits set, so the sum cannot carry out of the last four bytes.
	binary.BigEndian.PutUint32(b6[12:], binary.BigEndian.Uint32(b6[12:])+n)
	return Address{Pool: p.ID, N: n, V4: netip.AddrFrom4(b4), V6: netip.AddrFrom16(b6)}
}
