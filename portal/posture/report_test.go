package posture

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func report(counter uint64, nonce string, at time.Time) Report {
	yes := Bool(true)
	return Report{
		Device: "d", Nonce: nonce, Counter: counter, At: at, Machine: "m", Version: "1",
		Facts: []ReportedFact{{Name: "disk_encrypted", Value: &yes, Detail: "dm-0"}, {Name: "tpm", Unknown: "no access"}},
	}
}

func TestReportsAreOpenedOnlyWithTheDevicesKey(t *testing.T) {
	b, err := Sign(report(1, "n", noon), key(1))
	if err != nil {
		t.Fatal(err)
	}
	s, err := DecodeSigned(b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(key(1).Public().(ed25519.PublicKey))
	if err != nil || r.Counter != 1 || len(r.Facts) != 2 || !r.Facts[0].Fact(noon).Known() || r.Facts[1].Fact(noon).Known() {
		t.Errorf("got %+v, %v", r, err)
	}
	if _, err := s.Open(key(2).Public().(ed25519.PublicKey)); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: got %v, want ErrSignature", err)
	}
	if _, err := s.Open(nil); !errors.Is(err, ErrSignature) {
		t.Errorf("no key: got %v, want ErrSignature", err)
	}
	for i := range s.Payload {
		changed := Signed{bytes.Clone(s.Payload), s.Signature}
		changed.Payload[i] ^= 1
		if _, err := changed.Open(key(1).Public().(ed25519.PublicKey)); !errors.Is(err, ErrSignature) {
			t.Fatalf("byte %d changed: got %v, want ErrSignature", i, err)
		}
	}
	bare := Signed{s.Payload, ed25519.Sign(key(1), s.Payload)}
	if _, err := bare.Open(key(1).Public().(ed25519.PublicKey)); !errors.Is(err, ErrSignature) {
		t.Errorf("signed for another purpose: got %v, want ErrSignature", err)
	}
}

func TestReportsAreBounded(t *testing.T) {
	yes := Bool(true)
	for name, change := range map[string]func(*Report){
		"no counter":    func(r *Report) { r.Counter = 0 },
		"twice":         func(r *Report) { r.Facts = append(r.Facts, r.Facts[0]) },
		"bad name":      func(r *Report) { r.Facts[0].Name = "Disk" },
		"neither":       func(r *Report) { r.Facts[0].Value = nil },
		"both":          func(r *Report) { r.Facts[0].Unknown = "x" },
		"long text":     func(r *Report) { r.Facts[0].Detail = strings.Repeat("x", MaxText+1) },
		"control":       func(r *Report) { r.Version = "1\x1b[2J" },
		"too many":      func(r *Report) { r.Facts = make([]ReportedFact, MaxFacts+1) },
		"not UTF-8":     func(r *Report) { r.Machine = "\xff" },
		"long value":    func(r *Report) { v := Text(strings.Repeat("x", MaxText+1)); r.Facts[0].Value = &v },
		"invalid value": func(r *Report) { r.Facts[0] = ReportedFact{Name: "tpm", Value: &Value{}} },
	} {
		r := report(1, "n", noon)
		r.Facts = append([]ReportedFact{}, r.Facts...)
		r.Facts[0].Value = &yes
		change(&r)
		if _, err := Sign(r, key(1)); err == nil {
			t.Errorf("%s: signed, want an error", name)
		}
	}
}

func TestCopiesOfReportsAndKeysShow(t *testing.T) {
	last := Sequence{Counter: 7, Nonce: "n7", Digest: "d7", Machine: "m", At: noon, Said: noon}
	later := noon.Add(5 * time.Minute)
	other := report(8, "n7", later)
	other.Machine = "m2"
	for name, c := range map[string]struct {
		r      Report
		digest string
		want   Finding
	}{
		"the next one":                           {report(8, "n7", later), "d8", Fresh},
		"one that skips, after a crash":          {report(12, "n7", later), "d8", Fresh},
		"the last one, when its answer was lost": {report(7, "n6", noon), "d7", Again},
		"an old recording":                       {report(3, "n2", noon.Add(-time.Hour)), "d3", Replay},
		"two of one number":                      {report(7, "n6", noon), "other", Clone},
		"an old state that goes on":              {report(4, "n3", later), "d4", Clone},
		"a number ahead without the nonce":       {report(9, "n6", later), "d9", Clone},
		"another machine":                        {other, "d8", Moved},
		"a clock that was set back":              {report(8, "n7", noon.Add(-time.Hour)), "d8", Rewound},
	} {
		next, found, err := last.Next(c.r, c.digest, "new", later)
		believed := c.want == Fresh || c.want == Again || c.want == Rewound
		if found != c.want || (err == nil) != believed {
			t.Errorf("%s: got %s (%v), want %s", name, found, err, c.want)
		}
		if (err != nil || found == Again) && next != last {
			t.Errorf("%s: changed what is remembered", name)
		}
	}
}

func FuzzReport(f *testing.F) {
	good, err := Sign(report(1, "n", noon), key(1))
	if err != nil {
		f.Fatal(err)
	}
	s, _ := DecodeSigned(good)
	f.Add(good, []byte(nil))
	f.Add([]byte(`{"payload":"","signature":""}`), s.Payload)
	f.Add([]byte(`null`), []byte(`{"device":"d","counter":1,"facts":[{"name":"tpm","value":1e300}]}`))
	public := key(1).Public().(ed25519.PublicKey)
	f.Fuzz(func(t *testing.T, body, payload []byte) {
		if s, err := DecodeSigned(body); err == nil {
			_, _ = s.Claims()
			_, _ = s.Open(public)
		}
		r, err := Signed{payload, ed25519.Sign(key(1), message(payload))}.Open(public) // as if the device itself were hostile
		if err != nil {
			return
		}
		if _, err := Sign(r, key(1)); err != nil && !strings.Contains(err.Error(), "large") && !strings.Contains(err.Error(), "encode") {
			t.Fatalf("read and not to be written: %v", err)
		}
	})
}
