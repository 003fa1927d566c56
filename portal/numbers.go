package portal

import (
	"encoding/binary"
	"net/netip"
)

// Numbers returns the first and last number of the pool whose IPv4 or IPv6 address is in prefix. ok is false when there is none.
func (p Pool) Numbers(prefix netip.Prefix) (first, last uint32, ok bool) {
	family := p.V4
	if prefix.Addr().Is6() {
		family = p.V6
	}
	size := uint64(p.Last()) + 2 // numbers 0 to Last+1
	switch {
	case !prefix.IsValid() || !family.Overlaps(prefix):
		return 0, 0, false
	case prefix.Bits() <= family.Bits():
		return 0, uint32(size - 1), true
	}
	base, at := family.Addr().AsSlice(), prefix.Addr().AsSlice()
	n := uint64(binary.BigEndian.Uint32(at[len(at)-4:])) - uint64(binary.BigEndian.Uint32(base[len(base)-4:]))
	if prefix.Addr().Is6() && [12]byte(at[:12]) != [12]byte(base[:12]) || n >= size {
		return 0, 0, false
	}
	count := uint64(1) << min(63, prefix.Addr().BitLen()-prefix.Bits())
	return uint32(n), uint32(min(n+count, size) - 1), true
}
