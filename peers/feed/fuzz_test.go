package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/portal"
)

func FuzzParseDown(f *testing.F) {
	beat := uint64(7)
	for _, d := range []down{
		{Welcome: &welcome{Epoch: 1, Beat: 15000}},
		{Beat: &beat, Hash: "ab"},
		{Bye: byeFenced},
		{Change: &portal.Change{Revision: 3, Full: true, Gone: []portal.EntryKey{{Profile: "p", Device: "d"}}}, More: true},
	} {
		f.Add(appendLine(nil, d))
	}
	f.Add([]byte(`{"change":{"entries":[{"key":"x","v4":"1.2.3","not_after":1}]}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		d, err := parseDown(line)
		if err != nil {
			if !errors.Is(err, errMessage) {
				t.Errorf("an error that is not errMessage: %v", err)
			}
			return
		}
		var parts assembly
		if d.Change == nil {
			return
		}
		whole, done, err := parts.add(*d.Change, d.More)
		if err != nil || done == d.More {
			t.Fatalf("one part: done %v, err %v", done, err)
		}
		if done {
			portal.NewState().Apply(whole)
		}
	})
}

func FuzzParseReport(f *testing.F) {
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	f.Add(appendLine(nil, up{Report: &reportMsg{
		Revision: 1, Hash: "ab", Problem: "no route\x00\u202e", Live: []liveMsg{{Device: "d", Endpoint: netip.MustParseAddrPort("[fe80::1%eth0]:1"), Handshake: math.MaxInt64, Rx: math.MaxUint64}},
	}}))
	f.Add([]byte(`{"report":{"took_us":-1}}`))
	f.Add([]byte(`{"report":{"key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if a := parseAnswer(line); a != nil && (!a.Outcome.Known() || a.Sent < 0 || a.Received < 0 || a.Took < 0) {
			t.Errorf("an answer out of range: %+v", a)
		}
		r, err := parseReport(line, now)
		if err != nil || r == nil {
			return
		}
		if len(r.Problem) > maxProblem || len(r.Version) > maxVersion || len(r.Hash) > 64 || strings.ContainsAny(r.Problem, "\x00\n\x1b\u202e") || !utf8.ValidString(r.Problem) {
			t.Errorf("texts are not clean: %q %q %q", r.Problem, r.Version, r.Hash)
		}
		if r.Took < 0 || r.Ago < 0 || r.Drift < 0 || r.Full < 0 || r.Took > maxMicros || r.Ago > maxMicros {
			t.Errorf("figures out of range: %+v", r)
		}
		for _, l := range r.Live {
			if l.Device == "" || l.Handshake < 0 || l.Handshake > now.UnixMicro() || l.Rx > math.MaxInt64 || l.Tx > math.MaxInt64 || l.Endpoint.Addr().Zone() != "" {
				t.Errorf("a device's figures are not clean: %+v", l)
			}
			if live := l.live("g", now); live.Handshake.After(now) {
				t.Errorf("handshake in the future: %v", live.Handshake)
			}
		}
	})
}

func FuzzParseHello(f *testing.F) {
	f.Add(appendLine(nil, up{Hello: &hello{Since: 1, Hash: strings.Repeat("a", 64), Version: "1"}}))
	f.Add([]byte(`{"hello":{"since":-1}}`))
	f.Add([]byte(`{"hello":null}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		h, err := parseHello(line)
		if err == nil && (len(h.Hash) > 64 || len(h.Version) > maxVersion) {
			t.Errorf("hello is not bounded: %+v", h)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	good := NewToken([]byte("authority")).Text().Reveal()
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(good + "A")
	f.Add(" " + good + "\r\n")
	f.Add(tokenPrefix)
	f.Fuzz(func(t *testing.T, text string) {
		token, err := ParseToken(portal.NewSecretText(text))
		if err != nil {
			if !errors.Is(err, ErrToken) {
				t.Errorf("got %v, want ErrToken", err)
			}
			return
		}
		if got := token.Text().Reveal(); got != strings.TrimSpace(text) {
			t.Errorf("%q reads back as %q", text, got)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("one\ntwo\n\nthree"), 5)
	f.Add(bytes.Repeat([]byte("x"), 40_000), 33_000)
	f.Fuzz(func(t *testing.T, text []byte, limit int) {
		if limit < 1 || limit > 1<<20 {
			return
		}
		lines := newLineReader(bytes.NewReader(text), limit)
		rest := text
		for {
			line, err := lines.next()
			if err != nil {
				if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && len(rest) > 0 {
					t.Errorf("the end came with %d bytes left", len(rest))
				}
				return
			}
			want, after, ok := bytes.Cut(rest, []byte("\n"))
			if !ok || !bytes.Equal(line, want) || len(line) >= limit+1 {
				t.Fatalf("got line %q, want %q of at most %d", line, want, limit)
			}
			rest = after
		}
	})
}

func FuzzParseCredentials(f *testing.F) {
	f.Add([]byte(`{"gateway":"g","portals":["a:1"],"certificate":"AA==","authority":"AA==","key":"AA=="}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := parseCredentials(b); err == nil && c.check() != nil {
			t.Error("credentials that do not fit were read")
		}
	})
}

func FuzzReadObject(f *testing.F) {
	f.Add("entry/p/d", []byte(`{"profile":"p","device":"d","level":"full"}`), false)
	f.Add("sig/s", []byte(`{"id":"other"}`), false)
	f.Add("rule/r", []byte(`x`), false)
	f.Add("entry//", []byte(``), true)
	f.Fuzz(func(t *testing.T, key string, value []byte, gone bool) {
		o, err := readObject(Object{Key: key, Revision: 1, Gone: gone, Value: value})
		switch o.kind {
		case kindEntry:
			if (o.entry == nil) != o.gone && err == nil {
				t.Errorf("entry %v, gone %v", o.entry, o.gone)
			}
		case kindRule:
			if err != nil && !o.gone && o.rule.Action != portal.Deny {
				t.Error("a rule that can't be read does not deny")
			}
		}
	})
}

// TestPartsMakeTheWholeAgain sends changes of many sizes through the lines and back.
func TestPartsMakeTheWholeAgain(t *testing.T) {
	for _, n := range []int{0, 1, 600, 5000} {
		c := portal.Change{Revision: 9, Full: n%2 == 0, Node: &portal.Node{Gateway: "g", Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}}
		for i := range n {
			id := string(rune('a'+i%26)) + strings.Repeat("x", i%40)
			k := portal.EntryKey{Profile: "p", Device: portal.DeviceID(id)}
			c.Entries = append(c.Entries, portal.Entry{EntryKey: k, PublicKey: portal.PublicKey{1: byte(i), 2: 9}, V4: netip.MustParseAddr("10.0.0.1"), V6: netip.MustParseAddr("fd00::1"), NotAfter: time.Unix(1, 0).UTC()})
			c.Gone = append(c.Gone, k)
			c.Signatures = append(c.Signatures, portal.Signature{ID: portal.SignatureID(id), Rules: []portal.RuleID{"r"}})
			c.GoneRules = append(c.GoneRules, portal.RuleID(id))
			c.Rules = append(c.Rules, portal.CompiledRule{ID: portal.RuleID(id), Action: portal.Deny, Destinations: []portal.Destination{{Prefix: netip.MustParsePrefix("::/0"), Transport: portal.AnyTransport}}})
		}
		lines := changeLines(c, "hash", false)
		if n == 5000 && len(lines) < 5 {
			t.Errorf("%d objects of each kind are in %d lines", n, len(lines))
		}
		var parts assembly
		for i, line := range lines {
			if len(line) > partSize*2 {
				t.Errorf("a line has %d bytes", len(line))
			}
			d, err := parseDown(line)
			if err != nil {
				t.Fatal(err)
			}
			whole, done, err := parts.add(*d.Change, d.More)
			if err != nil || done != (i == len(lines)-1) {
				t.Fatalf("line %d of %d: done %v, err %v", i, len(lines), done, err)
			}
			if done && (!reflect.DeepEqual(whole, c) || d.Hash != "hash") {
				got, _ := json.Marshal(whole)
				t.Errorf("%d objects of each kind come back changed: %.300s", n, got)
			}
		}
	}
}
