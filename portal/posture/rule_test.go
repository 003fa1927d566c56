package posture

import (
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func rule(t testing.TB, s string) Rule {
	t.Helper()
	r, err := ParseRule(s)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return r
}

func TestRulesHaveOneSpelling(t *testing.T) {
	for in, want := range map[string]string{
		"disk_encrypted":               "disk_encrypted = yes",
		"disk_encrypted != no":         "disk_encrypted = yes",
		"firewall_on is on":            "firewall_on = yes",
		"macos ≥ 14.6":                 "macOS >= 14.6",
		"Windows>=10.0.22631":          "Windows >= 10.0.22631",
		"Ubuntu >= 22.04 LTS":          "ubuntu >= 22.04",
		"last_update <= 336h":          "last_update <= 14d",
		"uptime < 90m":                 "uptime < 90m",
		"os in Ubuntu ,debian":         "os in ubuntu, debian",
		"os  not  in arch":             "os not in arch",
		"security_updates <= 0":        "security_updates <= 0",
		"process:falcon-sensor":        `process:"falcon-sensor" = yes`,
		`file:"C:\Agent Dir\a.exe"`:    `file:"C:\Agent Dir\a.exe" = yes`,
		"edr_score >= 80":              "edr_score >= 80",
		"clock_skew <= 300s":           "clock_skew <= 5m",
		"file:/etc/agent.conf = no":    `file:"/etc/agent.conf" = no`,
		"kernel >= 6.8.0-45-generic":   "kernel >= 6.8.0-45",
		"last_update <= 0s":            "last_update <= 0s",
		"agent_version == 1.2.3-beta1": "agent_version = 1.2.3-beta1",
	} {
		r := rule(t, in)
		if r.String() != want {
			t.Errorf("%s: got %s, want %s", in, r, want)
		}
		if again := rule(t, r.String()); again.String() != want {
			t.Errorf("%s: read back as %s", want, again)
		}
	}
	if r := rule(t, "macOS >= 14.6"); r.On != portal.MacOS || r.Fact != "os_version" {
		t.Errorf("got %+v, want os_version on macOS", r)
	}
}

func TestWrongRulesSayWhatIsWrong(t *testing.T) {
	for in, want := range map[string]error{
		"":                         ErrRule,
		"macOS":                    ErrRule,
		"disk encrypted":           ErrRule,
		"disk_encrypted >= yes":    ErrOperator,
		"disk_encrypted = maybe":   ErrOperand,
		"os < ubuntu":              ErrOperator,
		"macOS >= Sonoma":          ErrOperand,
		"macOS >=":                 ErrOperand,
		"macOS in 14, 15":          ErrOperator,
		"last_update = 14d":        ErrOperator,
		"last_update <= 14":        ErrOperand,
		"last_update <= 99999999d": ErrOperand,
		"security_updates <= -1":   ErrOperand,
		"edr_state > running":      ErrOperand,
		"process:":                 ErrRule,
		"Disk_Encrypted":           errName,
	} {
		if _, err := ParseRule(in); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", in, err, want)
		}
	}
}

func TestRulesCompareValues(t *testing.T) {
	day := 24 * time.Hour
	for _, c := range []struct {
		rule      string
		value     Value
		holds, ok bool
	}{
		{"disk_encrypted", Bool(true), true, true},
		{"disk_encrypted", Bool(false), false, true},
		{"disk_encrypted", Text("yes"), false, false},
		{"domain_joined = no", Bool(false), true, true},
		{"os_version >= 14.6", Text("14.6.1"), true, true},
		{"os_version >= 14.6", Text("14.5"), false, true},
		{"os_version >= 14.6", Text("rolling"), false, false},
		{"os_version < 15", Text("14.5"), true, true},
		{"os in ubuntu, debian", Text("Debian"), true, true},
		{"os not in ubuntu, debian", Text("arch"), true, true},
		{"security_updates <= 3", Number(3), true, true},
		{"security_updates < 3", Number(3), false, true},
		{"last_update <= 14d", Time(noon.Add(-14 * day)), true, true},
		{"last_update <= 14d", Time(noon.Add(-14*day - time.Second)), false, true},
		{"last_update <= 14d", Text("yesterday"), false, false},
		{"last_update <= 14d", Time(noon.Add(3 * day)), false, false},
		{"uptime < 30d", Number(86400 * 29), true, true},
		{"edr_score >= 80", Number(81), true, true},
		{"edr_version >= 1.10", Text("1.9"), false, true},
		{"edr_on", Bool(true), true, true},
		{"edr_on != yes", Bool(true), false, true},
		{"edr_state = running", Text("Running"), true, true},
		{"edr_state in running, idle", Text("stopped"), false, true},
		{"edr_score >= 80", Bool(true), false, false},
	} {
		r := rule(t, c.rule)
		holds, ok, _ := r.holds(c.value, noon)
		if ok != c.ok || ok && holds != c.holds {
			t.Errorf("%s with %s: got %v, %v, want %v, %v", c.rule, c.value, holds, ok, c.holds, c.ok)
		}
	}
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{"macOS >= 14.6", "os not in a, b", `file:"/a b" = no`, "last_update <= 14d", "x_y >= v1.2", "disk_encrypted"} {
		f.Add(s, "14.6")
	}
	f.Fuzz(func(t *testing.T, s, value string) {
		r, err := ParseRule(s)
		if err != nil {
			return
		}
		again, err := ParseRule(r.String())
		if err != nil || again.String() != r.String() {
			t.Fatalf("%q is %q, and that is read back as %q (%v)", s, r, again, err)
		}
		for _, v := range []Value{Text(value), Number(int64(len(value))), Bool(true)} {
			h1, ok1, _ := r.holds(v, noon)
			h2, ok2, _ := again.holds(v, noon)
			if h1 != h2 || ok1 != ok2 {
				t.Fatalf("%q and %q differ on %s", s, r, v)
			}
		}
	})
}
