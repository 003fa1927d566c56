package posture

import (
	"crypto/subtle"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Sequence is what the portal remembers of a device's reports, so that a copy of a report, or of the key, shows.
type Sequence struct {
	Counter uint64    // of the last report
	Nonce   string    // that the next report must have
	Digest  string    // of the last report
	Machine string    // that the first report named
	At      time.Time // of the last report, by the portal's clock
	Said    time.Time // of the last report, by the device's
}

// Finding is what a report tells about itself.
type Finding string

// The findings. Fresh, Again and Rewound are believed: times of facts are the portal's, so a device's clock decides nothing.
const (
	Fresh   Finding = "fresh"
	Again   Finding = "again"   // the last report once more: its answer got lost. Nothing changes.
	Replay  Finding = "replay"  // an old report: somebody has kept it
	Clone   Finding = "clone"   // two machines report with one key, or one was set back to an old state
	Moved   Finding = "moved"   // the key is on another machine than before
	Rewound Finding = "rewound" // the device's clock was set back between two reports
)

// Errors of a report that is not the next one.
var (
	ErrReplay = &portal.Error{Kind: portal.Conflict, Code: "posture_replay", Msg: "This report was sent before."}
	ErrClone  = &portal.Error{
		Kind: portal.Conflict, Code: "posture_clone",
		Msg: "Two machines report as this device, or it was restored from a backup. Enrol the posture program on it again.",
	}
)

// ClockSlack is how far a device's clock may be off before that shows, and before it is used to tell a copy from a replay.
const ClockSlack = 5 * time.Minute

// Next decides what a report is that was signed with the device's key, and what to remember when it counts. nonce is a new one for the
// next report. err is ErrReplay or ErrClone for what is not believed; then s stays as it is.
func (s Sequence) Next(r Report, digest, nonce string, now time.Time) (next Sequence, found Finding, err error) {
	if s.Digest == digest {
		return s, Again, nil
	}
	if r.Counter <= s.Counter || subtle.ConstantTimeCompare([]byte(r.Nonce), []byte(s.Nonce)) != 1 {
		// Only who has the key can sign, so this was signed by it. What was signed after the last report came in is no old recording.
		if r.Counter < s.Counter && r.At.Before(s.Said) {
			return s, Replay, ErrReplay
		}
		return s, Clone, ErrClone
	}
	if s.Machine != "" && r.Machine != s.Machine {
		return s, Moved, ErrClone
	}
	next = Sequence{Counter: r.Counter, Nonce: nonce, Digest: digest, Machine: r.Machine, At: now, Said: r.At}
	if s.Said.After(r.At.Add(ClockSlack)) {
		return next, Rewound, nil
	}
	return next, Fresh, nil
}

// Skew is how far the device's clock is ahead of the portal's, in whole seconds; behind is negative.
func (r Report) Skew(now time.Time) int64 { return int64(r.At.Sub(now) / time.Second) }
