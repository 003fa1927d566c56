package wireguard

import (
	"net/netip"

	"github.com/sallyport/sallyport/portal"
)

// diff is what must change so that have becomes exactly want: keys to remove, entries to put.
func diff(have []peerState, want map[portal.EntryKey]portal.Entry) (remove []portal.PublicKey, put []portal.Entry) {
	byKey := make(map[portal.PublicKey]portal.Entry, len(want))
	for _, e := range want {
		if !e.PublicKey.IsZero() { // else it has a certificate, for OpenVPN
			byKey[e.PublicKey] = e
		}
	}
	for _, p := range have {
		e, wanted := byKey[p.Key]
		switch {
		case !wanted:
			remove = append(remove, p.Key)
		case sameSet(p.allowed, allowedIPs(e)):
			delete(byKey, p.Key)
		}
	}
	for _, e := range byKey {
		put = append(put, e)
	}
	return remove, put
}

// sameSet compares two lists without doubles, in any order.
func sameSet(a, b []netip.Prefix) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || x == y
		}
		if !found {
			return false
		}
	}
	return true
}
