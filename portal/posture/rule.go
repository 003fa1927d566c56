package posture

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Op is how a rule compares.
type Op string

// The operators.
const (
	Is      Op = "="
	IsNot   Op = "!="
	Less    Op = "<"
	AtMost  Op = "<="
	More    Op = ">"
	AtLeast Op = ">="
	In      Op = "in"
	NotIn   Op = "not in"
)

// Rule is one condition in its parsed form. It is written as a fact, an operator and what to compare with:
//
//	disk_encrypted                   the same as disk_encrypted = yes
//	macOS >= 14.6                    os_version on Macs; other platforms are not concerned
//	Ubuntu >= 22.04                  os_version where os is ubuntu
//	last_update <= 14d               not longer ago than that; uptime the same
//	os in ubuntu, debian
//	process:falcon-sensor
//	file:"C:\Program Files\Agent\agent.exe"
type Rule struct {
	Fact string
	Op   Op
	Want string          // as it is compared, in one spelling
	On   portal.Platform // "": every platform that has the fact
	OS   string          // "": whatever the fact os says

	typ     Type
	yes     bool
	number  int64
	isNum   bool
	version Version
	words   []string
}

const (
	maxRule  = 500 // bytes
	maxWords = 50
)

// Errors of rules, in English; the web app translates by code.
var (
	ErrRule     = errors.New("a rule is a fact, an operator (=, !=, <, <=, >, >=, in, not in) and a value, as in macOS >= 14.6")
	ErrOperator = errors.New("this fact can't be compared that way")
	ErrOperand  = errors.New("this is not what the fact can be compared with")
)

// systems are the names that stand for os_version of one platform, or of one distribution.
var systems = map[string]struct {
	on portal.Platform
	os string
}{
	"macos": {on: portal.MacOS}, "windows": {on: portal.Windows},
	"ubuntu": {os: "ubuntu"}, "debian": {os: "debian"}, "fedora": {os: "fedora"}, "rhel": {os: "rhel"}, "rocky": {os: "rocky"},
	"almalinux": {os: "almalinux"}, "opensuse-leap": {os: "opensuse-leap"}, "linuxmint": {os: "linuxmint"},
}

var ruleForm = regexp.MustCompile(`^((?:process|file):(?:"[^"]+"|[^\s"=!<>≤≥]+)|[A-Za-z][A-Za-z0-9_-]*)\s*(?:(==|=|!=|<=|>=|<|>|≤|≥|in\s|not\s+in\s|is\s)\s*(.*))?$`)

// ParseRule reads a rule. The error is ErrRule, ErrOperator, ErrOperand or one about the fact's name.
func ParseRule(s string) (Rule, error) {
	s = strings.TrimSpace(s)
	if len(s) > maxRule {
		return Rule{}, ErrRule
	}
	m := ruleForm.FindStringSubmatch(s)
	if m == nil {
		return Rule{}, ErrRule
	}
	r := Rule{Fact: strings.ReplaceAll(m[1], `"`, ""), Op: operator(m[2])}
	if sys, ok := systems[strings.ToLower(r.Fact)]; ok {
		if m[2] == "" {
			return Rule{}, ErrRule
		}
		r.Fact, r.On, r.OS = "os_version", sys.on, sys.os
	}
	if err := CheckName(r.Fact); err != nil {
		return Rule{}, err
	}
	want := strings.TrimSpace(m[3])
	if m[2] == "" {
		want = "yes"
	}
	r.typ = lookUp(r.Fact).Type
	return r, r.compareWith(want)
}

func operator(s string) Op {
	switch s = strings.Join(strings.Fields(s), " "); s {
	case "", "==", "is":
		return Is
	case "≤":
		return AtMost
	case "≥":
		return AtLeast
	}
	return Op(s)
}

// compareWith reads the right side, and checks that the fact can be compared that way with it.
func (r *Rule) compareWith(want string) error {
	if want == "" {
		return ErrOperand
	}
	if checkText(want) != nil && r.Op != In && r.Op != NotIn {
		return ErrOperand
	}
	if r.Op == In || r.Op == NotIn {
		if r.typ != Words && r.typ != Custom {
			return ErrOperator
		}
		return r.list(want)
	}
	ordered := r.Op != Is && r.Op != IsNot
	switch r.typ {
	case YesNo:
		if ordered {
			return ErrOperator
		}
		return r.yesNo(want)
	case Words:
		if ordered {
			return ErrOperator
		}
		r.Want, r.words = want, []string{strings.ToLower(want)}
	case Release:
		return r.release(want)
	case Count:
		n, err := strconv.ParseInt(want, 10, 64)
		if err != nil || n < 0 {
			return ErrOperand
		}
		r.number, r.isNum, r.Want = n, true, strconv.FormatInt(n, 10)
	case Moment, Duration:
		if !ordered {
			return ErrOperator
		}
		return r.duration(want)
	case Custom:
		return r.custom(want, ordered)
	}
	return nil
}

func (r *Rule) list(want string) error {
	for w := range strings.SplitSeq(want, ",") {
		w = strings.TrimSpace(w)
		if w == "" || checkText(w) != nil {
			return ErrOperand
		}
		r.words = append(r.words, strings.ToLower(w))
	}
	if len(r.words) > maxWords {
		return ErrOperand
	}
	r.Want = strings.Join(r.words, ", ")
	return nil
}

func (r *Rule) yesNo(want string) error {
	switch strings.ToLower(want) {
	case "yes", "true", "on":
		r.yes = true
	case "no", "false", "off":
	default:
		return ErrOperand
	}
	if r.Op == IsNot {
		r.Op, r.yes = Is, !r.yes
	}
	r.Want = Bool(r.yes).String()
	return nil
}

func (r *Rule) release(want string) error {
	v, ok := ParseVersion(want)
	if !ok {
		return ErrOperand
	}
	r.version = v
	end := strings.IndexFunc(want[1:], func(c rune) bool { return !strings.ContainsRune("0123456789.-_+", c) }) // as typed: 22.04 is not 22.4 to people
	if end >= 0 {
		want = want[:end+1]
	}
	r.Want = strings.TrimRight(strings.TrimLeft(want, "vV"), ".-_+")
	return nil
}

// maxAge bounds ages and durations, so that they can be added to any time.
const maxAge = 10 * 366 * 24 * time.Hour

// units are what ages and durations are written in, the largest first.
var units = []struct {
	name string
	is   time.Duration
}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

func (r *Rule) duration(want string) error {
	for _, u := range units {
		digits, found := strings.CutSuffix(want, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 64)
		if err != nil || n < 0 || n > int64(maxAge/u.is) {
			return ErrOperand
		}
		r.number, r.isNum = n*int64(u.is/time.Second), true
		r.Want = formatSeconds(r.number)
		return nil
	}
	return ErrOperand
}

// formatSeconds writes a duration in the largest unit that it is a multiple of.
func formatSeconds(n int64) string {
	for _, u := range units {
		if each := int64(u.is / time.Second); n > 0 && n%each == 0 {
			return strconv.FormatInt(n/each, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "s"
}

// custom facts compare as what they turn out to be, so the right side is kept in every form that it has.
func (r *Rule) custom(want string, ordered bool) error {
	r.Want, r.words = want, []string{strings.ToLower(want)}
	if n, err := strconv.ParseInt(want, 10, 64); err == nil {
		r.number, r.isNum = n, true
	}
	r.version, _ = ParseVersion(want)
	if ordered && !r.isNum && r.version.n == 0 {
		return ErrOperand
	}
	return nil
}

// String is the rule in one spelling; ParseRule reads it back.
func (r Rule) String() string {
	subject := r.Fact
	switch {
	case looksFor(r.Fact):
		kind, what, _ := strings.Cut(r.Fact, ":")
		subject = kind + `:"` + what + `"`
	case r.On == portal.MacOS:
		subject = "macOS"
	case r.On == portal.Windows:
		subject = "Windows"
	case r.OS != "":
		subject = r.OS
	}
	return fmt.Sprintf("%s %s %s", subject, r.Op, r.Want)
}

// MarshalText is String, for the audit trail.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// holds compares a known value. ok is false when the value is of another kind than the rule's: then it says nothing. until is when the
// answer changes by the passing of time alone, zero for never.
func (r *Rule) holds(v Value, now time.Time) (holds, ok bool, until time.Time) {
	switch r.typ {
	case YesNo:
		return v.yes == r.yes, v.kind == boolean, until
	case Words:
		return r.word(v.text), v.kind == text, until
	case Release:
		w, ok := ParseVersion(v.text)
		return r.order(w.Compare(r.version)), ok && v.kind == text, until
	case Count, Duration:
		return r.order(compare(v.number, r.number)), v.kind == number, until
	case Moment:
		return r.age(v, now)
	default:
		holds, ok = r.customHolds(v)
		return holds, ok, until
	}
}

func (r *Rule) customHolds(v Value) (holds, ok bool) {
	switch {
	case v.kind == boolean:
		return (v.yes == (r.words[0] == "yes" || r.words[0] == "true")) == (r.Op == Is), r.Op == Is || r.Op == IsNot
	case v.kind == number && r.isNum && r.Op != In && r.Op != NotIn:
		return r.order(compare(v.number, r.number)), true
	case r.Op == Is || r.Op == IsNot || r.Op == In || r.Op == NotIn:
		return r.word(v.String()), true
	}
	w, ok := ParseVersion(v.text)
	return r.order(w.Compare(r.version)), ok && r.version.n > 0 && v.kind == text
}

func (r *Rule) word(s string) bool {
	found := slices.ContainsFunc(r.words, func(w string) bool { return strings.EqualFold(w, s) })
	return found == (r.Op == Is || r.Op == In)
}

func (r *Rule) order(c int) bool {
	switch r.Op {
	case Is:
		return c == 0
	case IsNot:
		return c != 0
	case Less:
		return c < 0
	case AtMost:
		return c <= 0
	case More:
		return c > 0
	default:
		return c >= 0
	}
}

// age compares how long ago a time is. What is yet to come is no age.
func (r *Rule) age(v Value, now time.Time) (holds, ok bool, until time.Time) {
	at, err := time.Parse(time.RFC3339, v.text)
	if err != nil || v.kind != text || at.After(now.Add(24*time.Hour)) {
		return false, false, until
	}
	age := max(0, int64(now.Sub(at)/time.Second))
	for _, seconds := range []int64{r.number, r.number + 1} { // when it reaches the limit, and when it passes it
		if turn := at.Add(time.Duration(seconds) * time.Second); until.IsZero() && turn.After(now) {
			until = turn
		}
	}
	return r.order(compare(age, r.number)), true, until
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
