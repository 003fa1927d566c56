package posture

import "testing"

func TestVersionsCompareByTheirNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"14.6", "14.6.0", 0},
		{"14.10", "14.9", 1},
		{"13.7.1", "14", -1},
		{"10.0.22631.4460", "10.0.22631.4037", 1},
		{"6.8.0-45-generic", "6.8.0-44-generic", 1},
		{"6.8.0-45-generic", "6.8.0.45", 0},
		{"24.04.1 LTS (Noble Numbat)", "24.04", 1},
		{"v1.2.3", "1.2.3", 0},
		{"4294967295", "4294967294", 1},
	} {
		a, okA := ParseVersion(c.a)
		b, okB := ParseVersion(c.b)
		if !okA || !okB || a.Compare(b) != c.want || b.Compare(a) != -c.want {
			t.Errorf("%s against %s: got %d (%v, %v), want %d", c.a, c.b, a.Compare(b), okA, okB, c.want)
		}
	}
	for _, bad := range []string{"", "v", "rolling", ".1", "4294967296", "-1"} {
		if v, ok := ParseVersion(bad); ok {
			t.Errorf("%q is %s, want no version", bad, v)
		}
	}
}
