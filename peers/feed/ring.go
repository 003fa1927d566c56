package feed

import (
	"sort"
	"time"
)

// The ring holds the newest changes of a view, encoded, for all of its streams: no stream has a queue of its own. A stream that falls
// behind the ring gets a snapshot.
const (
	ringChanges = 4096
	ringBytes   = 8 << 20 // where Hub.Keep does not say
)

// told is one change as it is sent.
type told struct {
	revision uint64
	hash     string // after it
	line     []byte // one or more whole lines
	at       time.Time
}

type ring struct {
	floor     uint64 // the ring is whole above this revision
	floorHash string
	told      []told
	bytes     int
	most      int // bytes
}

func newRing(revision uint64, hash string, most int) ring {
	return ring{floor: revision, floorHash: hash, most: most}
}

// push adds the newest change and forgets the oldest ones when there are too many.
func (r *ring) push(t told) {
	r.told, r.bytes = append(r.told, t), r.bytes+len(t.line)
	drop := 0
	for len(r.told)-drop > ringChanges || r.bytes > r.most && drop < len(r.told) {
		old := r.told[drop]
		r.floor, r.floorHash, r.bytes = old.revision, old.hash, r.bytes-len(old.line)
		drop++
	}
	r.told = r.told[drop:] // what is left before it goes with the next growth: readers may still hold it
}

// covers reports whether all that happened after the revision is in the ring.
func (r *ring) covers(revision uint64) bool { return revision >= r.floor }

// after returns the changes after a revision that the ring covers. They stay valid when the ring moves on.
func (r *ring) after(revision uint64) []told {
	return r.told[sort.Search(len(r.told), func(i int) bool { return r.told[i].revision > revision }):]
}

// hashAt returns the hash that a follower has at a revision that the ring covers.
func (r *ring) hashAt(revision uint64) string {
	i := sort.Search(len(r.told), func(i int) bool { return r.told[i].revision > revision })
	if i == 0 {
		return r.floorHash
	}
	return r.told[i-1].hash
}

// newest returns the newest change in (after, upTo], and false when there is none.
func (r *ring) newest(after, upTo uint64) (told, bool) {
	i := sort.Search(len(r.told), func(i int) bool { return r.told[i].revision > upTo })
	if i == 0 || r.told[i-1].revision <= after {
		return told{}, false
	}
	return r.told[i-1], true
}
