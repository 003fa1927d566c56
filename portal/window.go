package portal

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Weekday is a day of a week, as people write it: "mon".
type Weekday string

// Weekdays are all of them, Monday first.
var Weekdays = []Weekday{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// day is the weekday's name for a number of days since Thursday 1 January 1970.
func day(days int64) Weekday { return Weekdays[((days+3)%7+7)%7] }

// ClockTime is a time of day in minutes since midnight, 0 to 1440. Its text is "HH:MM".
type ClockTime int

// EndOfDay is 24:00, which only the end of a window may be.
const EndOfDay ClockTime = 24 * 60

// ErrClockTime says that a text is no time of day.
var ErrClockTime = errors.New("not a time of day such as 09:30")

// ParseClockTime reads "HH:MM", from 00:00 to 24:00.
func ParseClockTime(s string) (ClockTime, error) {
	digit := func(i int) int { return int(s[i]) - '0' }
	if len(s) != 5 || s[2] != ':' {
		return 0, ErrClockTime
	}
	for _, i := range []int{0, 1, 3, 4} {
		if digit(i) < 0 || digit(i) > 9 {
			return 0, ErrClockTime
		}
	}
	minute := digit(3)*10 + digit(4)
	t := ClockTime((digit(0)*10+digit(1))*60 + minute)
	if minute > 59 || t > EndOfDay {
		return 0, ErrClockTime
	}
	return t, nil
}

func (t ClockTime) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// MarshalText gives "HH:MM".
func (t ClockTime) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads "HH:MM".
func (t *ClockTime) UnmarshalText(b []byte) (err error) {
	*t, err = ParseClockTime(string(b))
	return err
}

// Window is a time of the week by the clock on the wall of Zone: on each of Days from Start until just before End. One whose End is not
// after its Start runs over midnight and ends on the next day. When clocks change, the hour that is skipped is in no window and the hour
// that comes twice is in it twice, as it is for people.
type Window struct {
	Days  []Weekday `json:"days,omitempty"` // Monday first; empty: every day
	Start ClockTime `json:"start"`
	End   ClockTime `json:"end"`
	Zone  string    `json:"zone"` // IANA, such as Asia/Seoul
}

// OpenAt reports whether now is in the window. known is false when this machine does not know the zone.
func (w Window) OpenAt(now time.Time) (open, known bool) {
	zone, err := Zone(w.Zone)
	if err != nil {
		return false, false
	}
	local := localSeconds(now, zone)
	today, minute := floorDiv(local, secondsPerDay), ClockTime(floorMod(local, secondsPerDay)/60)
	if w.Start < w.End {
		return w.on(today) && w.Start <= minute && minute < w.End, true
	}
	return w.on(today) && w.Start <= minute || w.on(today-1) && minute < w.End, true
}

// Next is the next moment after now at which the window may open or close, or clocks change; the zero time where the zone is not known.
func (w Window) Next(now time.Time) time.Time {
	zone, err := Zone(w.Zone)
	if err != nil {
		return time.Time{}
	}
	at := now.In(zone)
	_, offset := at.Zone()
	_, next := at.ZoneBounds()
	today := floorDiv(localSeconds(now, zone), secondsPerDay)
	for d := today; d <= today+1; d++ { // every day has a start and an end, if not one that counts
		for _, t := range []ClockTime{w.Start, w.End} {
			x := time.Unix(d*secondsPerDay+int64(t)*60-int64(offset), 0)
			if x.After(now) && (next.IsZero() || x.Before(next)) {
				next = x
			}
		}
	}
	return next.UTC()
}

func (w Window) on(days int64) bool { return len(w.Days) == 0 || slices.Contains(w.Days, day(days)) }

const secondsPerDay = 24 * 60 * 60

// localSeconds is what the clock on the wall shows, as seconds since its 1 January 1970.
func localSeconds(t time.Time, zone *time.Location) int64 {
	_, offset := t.In(zone).Zone()
	return t.Unix() + int64(offset)
}

func floorDiv(a, b int64) int64 { return (a - floorMod(a, b)) / b }
func floorMod(a, b int64) int64 { return (a%b + b) % b }

// ErrZone says that there is no such time zone.
var ErrZone = errors.New("not a time zone such as Asia/Seoul or Europe/Berlin")

var zones sync.Map // name → *time.Location: reading one takes a file

// Zone finds an IANA time zone. "Local", which differs from machine to machine, is none.
func Zone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, ErrZone
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, ErrZone
	}
	zones.Store(name, z)
	return z, nil
}
