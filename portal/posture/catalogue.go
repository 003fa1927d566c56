package posture

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Type is how the values of a fact compare.
type Type string

// The types. The API's custom facts have none of their own: what a rule compares them with decides.
const (
	YesNo    Type = "yes_no"
	Count    Type = "count"
	Words    Type = "text"    // equal or not, in a list or not; case does not matter
	Release  Type = "version" // a Version
	Moment   Type = "moment"  // a time; rules compare its age
	Duration Type = "duration"
	Custom   Type = "custom"
)

// Known is a fact that Sallyport knows of by name.
type Known struct {
	Name      string
	Type      Type
	Platforms []portal.Platform // where sallyport-posture can find it out
}

var (
	platforms = []portal.Platform{portal.Linux, portal.MacOS, portal.Windows, portal.Server, portal.IOS, portal.Android, portal.Other}
	reporting = []portal.Platform{portal.Linux, portal.MacOS, portal.Windows, portal.Server}
	linux     = []portal.Platform{portal.Linux, portal.Server}
	managed   = []portal.Platform{portal.MacOS, portal.Windows}
)

// catalogue is every fact that the program may report, sorted by name; process: and file: come on top of it.
var catalogue = []Known{
	{"antivirus_on", YesNo, reporting},
	{"auto_updates", YesNo, reporting},
	{"clock_skew", Duration, reporting}, // measured by the portal
	{"disk_encrypted", YesNo, reporting},
	{"domain_joined", YesNo, managed},
	{"firewall_on", YesNo, reporting},
	{"hardware_id", Words, reporting},
	{"kernel", Release, linux},
	{"last_update", Moment, reporting},
	{"mdm_enrolled", YesNo, managed},
	{"os", Words, reporting}, // ubuntu, debian, macos, windows …
	{"os_build", Words, reporting},
	{"os_version", Release, reporting},
	{"reboot_needed", YesNo, linux},
	{"screen_lock", YesNo, reporting},
	{"secure_boot", YesNo, reporting},
	{"security_updates", Count, linux},
	{"tpm", YesNo, reporting},
	{"uptime", Duration, reporting},
}

// Catalogue returns every known fact, sorted by name.
func Catalogue() []Known { return slices.Clone(catalogue) }

// lookUp returns what is known about a name. Every well-formed name that is not in the catalogue is a custom fact, for every platform.
func lookUp(name string) Known {
	if i, found := slices.BinarySearchFunc(catalogue, name, func(k Known, n string) int { return strings.Compare(k.Name, n) }); found {
		return catalogue[i]
	}
	if looksFor(name) {
		return Known{name, YesNo, reporting}
	}
	return Known{Name: name, Type: Custom}
}

// looksFor reports whether the fact is a process or a file that policy names.
func looksFor(name string) bool {
	return strings.HasPrefix(name, "process:") || strings.HasPrefix(name, "file:")
}

// Reported reports whether sallyport-posture can find out the fact on the platform.
func Reported(name string, on portal.Platform) bool {
	return slices.Contains(lookUp(name).Platforms, on)
}

// CheckValue returns an error that says what kind of value a known fact has, nil for one of that kind and for every custom fact.
func CheckValue(name string, v Value) error {
	var ok bool
	want := lookUp(name).Type
	switch want {
	case YesNo:
		ok = v.kind == boolean
	case Count, Duration:
		ok = v.kind == number
	case Words:
		ok = v.kind == text
	case Release:
		_, ok = ParseVersion(v.text)
		ok = ok && v.kind == text
	case Moment:
		_, err := time.Parse(time.RFC3339, v.text)
		ok = err == nil && v.kind == text
	default:
		ok = true
	}
	if ok {
		return nil
	}
	return fmt.Errorf("%s is %s", name, kinds[want])
}

var kinds = map[Type]string{
	YesNo: "true or false", Count: "a whole number", Duration: "a whole number of seconds", Words: "a text", Release: "a version as a text, such as 14.6.1",
	Moment: "a time as a text, such as 2026-01-31T09:00:00Z",
}
