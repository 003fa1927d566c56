package portal

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// LimitKind names a counter of tries. Counters are rows of the database, so that any number of portals count together.
type LimitKind string

// The kinds. Each has a line in the table below: there is no counting without one.
const (
	LimitFactor     LimitKind = "factor"
	LimitFactorAddr LimitKind = "factor_addr"
	LimitPasskeyAsk LimitKind = "passkey_ask"
	LimitSignIn     LimitKind = "sign_in_start"
	LimitRefused    LimitKind = "sign_in_refuse"
	LimitLocalAddr  LimitKind = "local_addr"
	LimitLocalPair  LimitKind = "local_pair"
	LimitLocal      LimitKind = "local"
	LimitTokenAddr  LimitKind = "token_addr"
	LimitSCIMAddr   LimitKind = "scim_addr"
	LimitEnrolAddr  LimitKind = "enrol_addr"
)

// Limit bounds how often something may be tried. After Free tries within Window there is a pause of Lock, which doubles with each try that
// follows, up to Most.
type Limit struct {
	Kind   LimitKind
	What   string // that could be guessed
	Per    string // what is counted apart
	Free   int64
	Window time.Duration // from the first try
	Lock   time.Duration
	Most   time.Duration // 0 for Lock, so that it does not grow
	Why    string        // these figures, and why nobody is locked out by somebody else for long
}

// limits is the table of everything that could be found by trying, used by store.Tx.Attempt and printed in docs/limits.md.
//
// A TOTP code is one of three good ones in a million at any moment: five tries, then pauses that double up to 15 minutes, leave about a hundred
// tries a day, a chance of 1 in 3,000 for who has taken over the account at the provider already. The limits by address are wide, since a
// whole company may come from one.
var limits = []Limit{
	{
		LimitFactor, "TOTP and recovery codes", "account", 5, 24 * time.Hour, 30 * time.Second, 15 * time.Minute,
		"Only who has passed the first factor can try. A right code starts the count anew, a passkey is not counted at all, and the pause ends by itself.",
	},
	{LimitFactorAddr, "TOTP and recovery codes", "address", 200, 10 * time.Minute, time.Minute, 5 * time.Minute, "Right codes are not counted."},
	{LimitPasskeyAsk, "challenges for passkeys", "account", 60, 10 * time.Minute, time.Minute, 0, "A signature can't be guessed; this bounds what answers to them can write."},
	{LimitSignIn, "beginnings of sign-ins", "address", 1000, 10 * time.Minute, 10 * time.Second, time.Minute, "Bounds what strangers can write; a company behind one address does not get there."},
	{LimitRefused, "sign-ins and logout tokens that are refused", "address", 100, 10 * time.Minute, time.Minute, 10 * time.Minute, "Bounds what strangers can write into the audit trail; sign-ins that succeed are not counted."},
	{LimitLocalAddr, "passwords of local accounts", "address", 30, 10 * time.Minute, time.Minute, 10 * time.Minute, "Right passwords are not counted."},
	{
		LimitLocalPair, "passwords of local accounts", "account and address", 5, 24 * time.Hour, 30 * time.Second, 15 * time.Minute,
		"Whoever keeps guessing waits there, and nobody else does.",
	},
	{
		LimitLocal, "passwords of local accounts", "account", 20, time.Hour, 10 * time.Second, time.Minute,
		"Slows down guesses from many places; a place that has not been wrong yet today is never kept waiting by it.",
	},
	{LimitTokenAddr, "tokens of people and programs", "address", 100, 10 * time.Minute, time.Minute, 10 * time.Minute, "Wrong ones only, and a right one passes all the same: 256 random bits need no lock, the log does."},
	{LimitSCIMAddr, "tokens of directories", "address", 100, 10 * time.Minute, time.Minute, 10 * time.Minute, "As above."},
	{LimitEnrolAddr, "enrolment tokens of gateways", "address", 100, 10 * time.Minute, time.Minute, 10 * time.Minute, "As above; a right one works once, for an hour. Each portal also takes no more than one in two seconds from an address, after 20."},
}

// Limits returns the table.
func Limits() []Limit { return append([]Limit(nil), limits...) }

// LimitOf returns the line of a kind. One that has none can't be tried at all.
func LimitOf(kind LimitKind) (Limit, error) {
	for _, l := range limits {
		if l.Kind == kind && kind != "" {
			return l, nil
		}
	}
	return Limit{}, fmt.Errorf("no limit is known for %q", kind)
}

// Pause is how long to wait after try number count.
func (l Limit) Pause(count int64) time.Duration {
	pause, most := l.Lock, max(l.Lock, l.Most)
	for range count - l.Free {
		if pause *= 2; pause >= most {
			return most
		}
	}
	return pause
}

// LimitTable writes the table in Markdown.
func LimitTable() string {
	var b strings.Builder
	b.WriteString("| what could be guessed | counted per | free tries | within | then a pause of | up to | counter | |\n|---|---|---|---|---|---|---|---|\n")
	for _, l := range limits {
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s | `%s` | %s |\n", l.What, l.Per, l.Free, short(l.Window), short(l.Lock), short(max(l.Lock, l.Most)), l.Kind, l.Why)
	}
	return b.String()
}

func short(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d >= time.Minute:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// TryKey is what tries from an address are counted under: the address itself, or its /64 in IPv6, which one person has for themselves.
func TryKey(a netip.Addr) string {
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
