package posture

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Source is who said a fact.
type Source string

// The sources, from the one that is believed last to the one that is believed first: a person can change the program on their own
// machine, and can't change what the company's management system says of it.
const (
	FromProgram    Source = "program"    // sallyport-posture on the device
	FromManagement Source = "management" // pushed through the API by an MDM, an EDR or a script
)

func (s Source) rank() int {
	if s == FromManagement {
		return 1
	}
	return 0
}

// Fact is one thing that is known, or known to be unknown, about a device. Unknown is never no.
type Fact struct {
	Name    string
	Value   Value  // not valid: unknown
	Why     string // why it is unknown, or on what the value rests; for people
	Source  Source
	By      string    // name of the token that it was told with; "" for the program, and for an admin
	At      time.Time // when the portal heard of it, by its own clock
	Expires time.Time // from then on it counts for nothing; zero: as long as the policy's Silence says
}

// Known reports whether the fact has a value.
func (f Fact) Known() bool { return f.Value.Valid() }

// Limits of facts in a report or a push.
const (
	MaxFacts = 128
	MaxText  = 256 // bytes of a value or a reason
)

// Errors of facts. What a caller sees of them is their text.
var (
	errName  = errors.New("a name is 1 to 40 small letters, digits and underscores; or process: or file: with what to look for")
	errText  = fmt.Errorf("a text is at most %d bytes of printable UTF-8", MaxText)
	errValue = errors.New("a value is true, false, a whole number, or a text")
	errBoth  = errors.New("a fact has a value, or a reason why it is unknown")
)

var nameForm = regexp.MustCompile(`^(?:[a-z][a-z0-9_]{0,39}|(?:process|file):[!-~][ -~]{0,199})$`)

// CheckName returns an error that says what a name must be like, nil for a good one.
func CheckName(name string) error {
	if !nameForm.MatchString(name) || strings.HasSuffix(name, " ") {
		return errName
	}
	return nil
}

// kind of a value.
type kind int8

const (
	invalid kind = iota
	boolean
	number
	text
)

// Value is true or false, a whole number, or a text. The zero Value is not valid: it stands for "unknown".
type Value struct {
	kind   kind
	yes    bool
	number int64
	text   string
}

// Bool is a value that is yes or no.
func Bool(yes bool) Value { return Value{kind: boolean, yes: yes} }

// Number is a whole number: a count, or seconds.
func Number(n int64) Value { return Value{kind: number, number: n} }

// Text is a text: a version, a name, a time in RFC 3339.
func Text(s string) Value { return Value{kind: text, text: s} }

// Time is a time as a text.
func Time(t time.Time) Value { return Text(t.UTC().Format(time.RFC3339)) }

// Valid reports whether there is a value.
func (v Value) Valid() bool { return v.kind != invalid }

// Any is the value as JSON has it: a bool, an int64, a string, or nil when it is not valid.
func (v Value) Any() any {
	switch v.kind {
	case boolean:
		return v.yes
	case number:
		return v.number
	case text:
		return v.text
	default:
		return nil
	}
}

// ValueOf is the reverse of Any; it takes float64 too, as JSON decoders make it, when it is whole.
func ValueOf(x any) (Value, error) {
	switch x := x.(type) {
	case bool:
		return Bool(x), nil
	case int64:
		return Number(x), nil
	case float64:
		if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			return Value{}, errValue
		}
		return Number(int64(x)), nil
	case string:
		if err := checkText(x); err != nil {
			return Value{}, err
		}
		return Text(x), nil
	}
	return Value{}, errValue
}

// String is the value for people: yes, no, a number or the text; "unknown" when it is not valid.
func (v Value) String() string {
	switch v.kind {
	case boolean:
		if v.yes {
			return "yes"
		}
		return "no"
	case number:
		return fmt.Sprint(v.number)
	case text:
		return v.text
	default:
		return "unknown"
	}
}

// MarshalJSON writes true, false, a number, a text, or null.
func (v Value) MarshalJSON() ([]byte, error) { return json.Marshal(v.Any()) }

// UnmarshalJSON reads what MarshalJSON writes, and refuses everything else.
func (v *Value) UnmarshalJSON(b []byte) error {
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	if x == nil {
		*v = Value{}
		return nil
	}
	read, err := ValueOf(x)
	*v = read
	return err
}

// CheckText returns an error that says what a reason or a detail must be like, nil for a good one.
func CheckText(s string) error { return checkText(s) }

func checkText(s string) error {
	if len(s) > MaxText || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return errText
	}
	return nil
}

// Facts is what is known of a device, one fact a name.
type Facts map[string]Fact

// Choose picks one fact of each name from those that several sources gave: the one of the source that is believed first among those that
// have not expired, the newer one of the same source.
func Choose(all []Fact, now time.Time) Facts {
	chosen := make(Facts, len(all))
	for _, f := range all {
		if old, there := chosen[f.Name]; there && !f.beats(old, now) {
			continue
		}
		chosen[f.Name] = f
	}
	return chosen
}

func (f Fact) expired(now time.Time) bool { return !f.Expires.IsZero() && !now.Before(f.Expires) }

func (f Fact) beats(old Fact, now time.Time) bool {
	if f.expired(now) != old.expired(now) {
		return old.expired(now)
	}
	if f.Known() != old.Known() {
		return f.Known() // one that knows says more than one that does not
	}
	if f.Source.rank() != old.Source.rank() {
		return f.Source.rank() > old.Source.rank()
	}
	return f.At.After(old.At)
}
