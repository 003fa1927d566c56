package posture

import (
	"cmp"
	"strconv"
)

// maxParts is enough for Windows (10.0.22631.4460) and kernels (6.8.0-45) with room to spare.
const maxParts = 8

// Version is the numbers of a version in order: 14.6.1, 10.0.22631.4460. What follows the numbers ("-generic", " LTS", "rc1") does not
// count, so a preview counts as its release.
type Version struct {
	parts [maxParts]uint32
	n     int
}

// ParseVersion reads the numbers at the start of s, with dots, dashes, plus signs or underscores between, after an optional "v". ok is false when there are
// none, or a number is larger than 32 bits.
func ParseVersion(s string) (v Version, ok bool) {
	if len(s) > 1 && (s[0] == 'v' || s[0] == 'V') {
		s = s[1:]
	}
	for v.n < maxParts {
		end := 0
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if end == 0 {
			break
		}
		n, err := strconv.ParseUint(s[:end], 10, 32)
		if err != nil {
			return Version{}, false
		}
		v.parts[v.n] = uint32(n)
		v.n++
		s = s[end:]
		if s == "" || s[0] != '.' && s[0] != '-' && s[0] != '_' && s[0] != '+' {
			break
		}
		s = s[1:]
	}
	return v, v.n > 0
}

// Compare returns -1, 0 or 1. Missing numbers are zeros: 14.6 and 14.6.0 are the same.
func (v Version) Compare(w Version) int {
	for i := range maxParts {
		if c := cmp.Compare(v.parts[i], w.parts[i]); c != 0 {
			return c
		}
	}
	return 0
}

// String is the numbers with dots between.
func (v Version) String() string {
	b := make([]byte, 0, 24)
	for i := range v.n {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendUint(b, uint64(v.parts[i]), 10)
	}
	return string(b)
}
