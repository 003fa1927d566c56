package peers

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// ConditionsInput is a rule's conditions as typed.
type ConditionsInput struct {
	Windows    []WindowInput // at most 20
	ValidFrom  time.Time
	ValidUntil time.Time
	Sources    []string // prefixes, at most 100
	Countries  []string // two letters each
	Factor     time.Duration
	Level      portal.Level // "" or LevelFull: LevelFull
}

// WindowInput is a weekly time window as typed.
type WindowInput struct {
	Days       []portal.Weekday
	Start, End string // "HH:MM"
	Zone       string
}

// conditions checks what a rule's conditions say and returns them in one order, without repetition.
func (c *check) conditions(path string, in ConditionsInput, action portal.Action) portal.Conditions {
	out := portal.Conditions{
		Windows:    c.windows(path+"/windows", in.Windows),
		ValidFrom:  in.ValidFrom.UTC().Truncate(time.Second),
		ValidUntil: in.ValidUntil.UTC().Truncate(time.Second),
	}
	if len(in.Sources) > 100 {
		c.wrong(path+"/sources", "too_many", "At most %d prefixes.", 100)
		in.Sources = nil
	}
	out.Sources = c.prefixes(path+"/sources", in.Sources)
	out.Countries = c.countries(path+"/countries", in.Countries)
	if in.Factor != 0 {
		if out.Factor = in.Factor; in.Factor < time.Minute || in.Factor > maxFactor || in.Factor%time.Second != 0 {
			c.wrong(path+"/factorSeconds", "out_of_range", "From a minute to 30 days, in whole seconds.")
		}
	}
	switch in.Level {
	case "", portal.LevelFull:
	case portal.LevelRestricted:
		out.Level = in.Level
	default:
		c.wrong(path+"/level", "not_allowed", "One of full, restricted.")
	}
	if action == portal.Deny && out.Factor > 0 {
		c.wrong(path+"/factorSeconds", "not_allowed", "Only a rule that allows can ask for that.")
	}
	if action == portal.Deny && out.Level != "" {
		c.wrong(path+"/level", "not_allowed", "A rule that denies counts at every level.")
	}
	if !out.ValidFrom.IsZero() && !out.ValidUntil.IsZero() && !out.ValidFrom.Before(out.ValidUntil) {
		c.wrong(path+"/validUntil", "out_of_range", "The end must come after the beginning.")
	}
	return out
}

// maxFactor is how old a second factor may be that a rule asks for.
const maxFactor = 30 * 24 * time.Hour

// countries returns codes in upper case, sorted, without repetition.
func (c *check) countries(path string, in []string) []string {
	if len(in) > 250 {
		c.wrong(path, "too_many", "At most %d countries.", 250)
		return nil
	}
	var list []string
	for i, s := range in {
		code := strings.ToUpper(strings.TrimSpace(s))
		if !portal.IsCountry(code) {
			c.wrong(fmt.Sprintf("%s/%d", path, i), "malformed", "Not the two letters of a country, such as KR.")
			continue
		}
		list = append(list, code)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (c *check) windows(path string, in []WindowInput) []portal.Window {
	if len(in) > maxWindows {
		c.wrong(path, "too_many", "At most %d time windows.", maxWindows)
		return nil
	}
	var list []portal.Window
	for i, w := range in {
		at := fmt.Sprintf("%s/%d", path, i)
		var days []portal.Weekday
		for j, d := range w.Days {
			if !slices.Contains(portal.Weekdays, d) {
				c.wrong(fmt.Sprintf("%s/days/%d", at, j), "not_allowed", "One of mon, tue, wed, thu, fri, sat, sun.")
			}
		}
		for _, d := range portal.Weekdays {
			if slices.Contains(w.Days, d) {
				days = append(days, d)
			}
		}
		if len(days) == len(portal.Weekdays) {
			days = nil
		}
		start, err1 := portal.ParseClockTime(w.Start)
		end, err2 := portal.ParseClockTime(w.End)
		if err1 != nil || start == portal.EndOfDay {
			c.wrong(at+"/start", "malformed", "A time from 00:00 to 23:59.")
		}
		switch {
		case err2 != nil:
			c.wrong(at+"/end", "malformed", "A time from 00:00 to 24:00.")
		case err1 == nil && start == end:
			c.wrong(at+"/end", "out_of_range", "Start and end are the same. A whole day is from 00:00 to 24:00.")
		}
		if _, err := portal.Zone(w.Zone); err != nil {
			c.wrong(at+"/zone", "unknown", "Not a time zone such as Asia/Seoul or Europe/Berlin.")
		}
		list = append(list, portal.Window{Days: days, Start: start, End: end, Zone: w.Zone})
	}
	return list
}

// tags returns them in lower case, sorted, without repetition.
func (c *check) tags(path string, in []string) []string {
	if len(in) > maxTags {
		c.wrong(path, "too_many", "At most %d tags.", maxTags)
		return nil
	}
	var list []string
	for i, s := range in {
		t := strings.ToLower(c.text(fmt.Sprintf("%s/%d", path, i), s, maxTag))
		if t == "" || strings.ContainsAny(t, " ,") {
			c.wrong(fmt.Sprintf("%s/%d", path, i), "malformed", "A tag is one word.")
			continue
		}
		list = append(list, t)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
