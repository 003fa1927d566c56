package management

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// heard is what a parser made of its input, in order: messages, and the lines of replies as texts.
func heard(pieces ...[]byte) (all []any, err error) {
	var p Parser
	for _, b := range pieces {
		if err = p.Feed(b, func(m Message) { all = append(all, m) }, func(l string) { all = append(all, l) }); err != nil {
			break
		}
	}
	return all, err
}

// recorded is what openvpn 2.6.14 said while one client came and sent a few packets.
func recorded(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/session.txt")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecordedSessionIsUnderstood(t *testing.T) {
	all, err := heard(recorded(t))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, m := range all {
		switch m := m.(type) {
		case Client:
			kinds = append(kinds, fmt.Sprintf("%s %d/%d", m.Kind, m.CID, m.KID))
			if m.Kind == Connect && (m.Env["IV_VER"] != "2.6.14" || m.Env["untrusted_ip"] != "192.0.2.2" || len(m.Env["tls_digest_sha256_0"]) != 95) {
				t.Errorf("the environment is %v", m.Env)
			}
		case Address:
			kinds = append(kinds, "address "+m.Address)
		case ByteCount:
			kinds = append(kinds, fmt.Sprintf("bytes %d %d", m.In, m.Out))
		case Hold:
			kinds = append(kinds, "hold")
		default:
		}
	}
	want := []string{
		"hold", "CONNECT 0/1", "address 10.8.0.4", "address fd08::4", "ESTABLISHED 0/0", "bytes 2371 2380",
	}
	if !slices.Equal(kinds, want) {
		t.Errorf("heard %q, want %q", kinds, want)
	}
}

func TestMessagesMayBeCutAnywhere(t *testing.T) {
	text := recorded(t)
	text = text[:bytes.Index(text, []byte(">CLIENT:ESTABLISHED"))]
	whole, err := heard(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		if got, err := heard(text[:i], text[i:]); err != nil || !reflect.DeepEqual(got, whole) {
			t.Fatalf("cut at byte %d: %v, other messages", i, err)
		}
	}
	var bytewise [][]byte
	for i := range text {
		bytewise = append(bytewise, text[i:i+1])
	}
	if got, err := heard(bytewise...); err != nil || !reflect.DeepEqual(got, whole) {
		t.Fatalf("byte by byte: %v, other messages", err)
	}
	if got, err := heard(bytes.ReplaceAll(text, []byte("\r"), nil)); err != nil || !reflect.DeepEqual(got, whole) {
		t.Fatalf("without CR: %v, other messages", err)
	}
}

func TestOneMessageOfEachKind(t *testing.T) {
	at := time.Unix(1795601755, 0).UTC()
	for line, want := range map[string]any{
		">BYTECOUNT_CLI:7,18446744073709551615,2":               ByteCount{7, 1<<64 - 1, 2},
		">STATE:1795601755,CONNECTED,SUCCESS,10.8.0.1,,,,":      State{at, "CONNECTED", "SUCCESS,10.8.0.1,,,,"},
		">LOG:1795601755,W,a warning, with a comma":             Log{at, "W", "a warning, with a comma"},
		">HOLD:Waiting for hold release:0":                      Hold{"Waiting for hold release:0"},
		">PASSWORD:Need 'Private Key' password":                 Password{"Need 'Private Key' password"},
		">FATAL:cannot bind":                                    Fatal{"cannot bind"},
		">NOTIFY:info,remote-exit,EXIT":                         Other{"NOTIFY", "info,remote-exit,EXIT"},
		">CLIENT:ADDRESS,3,fd08::4,0":                           Address{3, "fd08::4", false},
		">CLIENT:CR_RESPONSE,3,4,c2Vzc2FtZQ==\n>CLIENT:ENV,END": Client{Kind: Response, CID: 3, KID: 4, Response: "c2Vzc2FtZQ==", Env: map[string]string{}},
		">CLIENT:REAUTH,3,4\n>CLIENT:ENV,a=b=c\n>CLIENT:ENV,d\n>CLIENT:ENV,END": Client{
			Kind: Reauth, CID: 3, KID: 4, Env: map[string]string{"a": "b=c", "d": ""},
		},
		"SUCCESS: nothing asked": "SUCCESS: nothing asked",
	} {
		got, err := heard([]byte(line + "\n"))
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("%q: got %#v, %v, want %#v", line, got, err, want)
		}
	}
}

func TestWhatIsNotTheProtocolEndsTheConversation(t *testing.T) {
	for name, text := range map[string]string{
		"no source":                 ">nothing\n",
		"unknown kind":              ">CLIENT:JUMP,1\n",
		"a number too many":         ">CLIENT:CONNECT,1,2,3\n",
		"a number too few":          ">CLIENT:CONNECT,1\n",
		"a negative number":         ">BYTECOUNT_CLI:-1,0,0\n",
		"a number that overflows":   ">CLIENT:ESTABLISHED,18446744073709551616\n",
		"environment of nobody":     ">CLIENT:ENV,a=b\n",
		"a client within another":   ">CLIENT:CONNECT,1,2\n>CLIENT:ENV,a=b\n>CLIENT:CONNECT,2,3\n",
		"an address without an end": ">CLIENT:ADDRESS,1\n",
		"a response without a text": ">CLIENT:CR_RESPONSE,1\n",
		"a time before time":        ">LOG:-5,I,x\n",
		"a line without end":        strings.Repeat("x", maxLine+1),
		"too many variables":        ">CLIENT:CONNECT,1,2\n" + manyVariables(),
		"too large an environment":  ">CLIENT:CONNECT,1,2\n" + strings.Repeat(">CLIENT:ENV,a="+strings.Repeat("x", 8000)+"\n", maxEnv/8000+1),
	} {
		if got, err := heard([]byte(text)); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, %v, want ErrProtocol", name, got, err)
		}
	}
}

func manyVariables() string {
	var b strings.Builder
	for i := range maxVars + 1 {
		fmt.Fprintf(&b, ">CLIENT:ENV,v%d=\n", i)
	}
	return b.String()
}

func TestQuotedArgumentsComeBackWhole(t *testing.T) {
	for _, s := range []string{"", "plain", `with "quotes"`, `back\slash\`, "tab is refused? no: 한글 is not", `'single' $HOME #comment ;semicolon`, `"`, `\"`} {
		q, err := Quote(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := unquote(t, q); got != s {
			t.Errorf("%q is quoted as %s, which is read as %q", s, q, got)
		}
	}
	for _, s := range []string{"two\nlines", "a\rb", "\x00", "tab\t", "\x7f"} {
		if q, err := Quote(s); !errors.Is(err, ErrArgument) {
			t.Errorf("%q is quoted as %s", s, q)
		}
	}
}

// unquote reads a double-quoted argument as openvpn does (parse_line in options_parse.c): a backslash takes the next character as it is.
func unquote(t testing.TB, q string) string {
	t.Helper()
	if len(q) < 2 || q[0] != '"' {
		t.Fatalf("%s does not begin with a quote", q)
	}
	var out []byte
	for i := 1; i < len(q); i++ {
		switch q[i] {
		case '\\':
			i++
			if i == len(q) {
				t.Fatalf("%s ends with a backslash", q)
			}
			out = append(out, q[i])
		case '"':
			if i != len(q)-1 {
				t.Fatalf("%s goes on after its end", q)
			}
			return string(out)
		default:
			out = append(out, q[i])
		}
	}
	t.Fatalf("%s has no end", q)
	return ""
}

func FuzzQuote(f *testing.F) {
	f.Add(`a "b" \c`)
	f.Add("line\nbreak")
	f.Fuzz(func(t *testing.T, s string) {
		q, err := Quote(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(q, "\r\n\x00") {
			t.Errorf("%q has an end of line in it", q)
		}
		if got := unquote(t, q); got != s {
			t.Errorf("%q comes back as %q", s, got)
		}
	})
}

// FuzzParser checks that pieces of any size mean the same as the whole, and that nothing grows without end.
func FuzzParser(f *testing.F) {
	f.Add(recorded(f), 100)
	f.Add([]byte(">CLIENT:CONNECT,1,2\n>CLIENT:ENV,a=b\n>CLIENT:ENV,END\nSUCCESS: x\nEND\n"), 7)
	f.Add([]byte(">LOG:1,I,x\n>STATE:1,A,B\n>HOLD:x\n>BYTECOUNT_CLI:1,2,3\n>CLIENT:ADDRESS,1,a,1\n"), 3)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		whole, err := heard(text)
		cut = min(max(cut, 0), len(text))
		pieces, err2 := heard(text[:cut], text[cut:])
		if (err == nil) != (err2 == nil) {
			t.Fatalf("whole: %v; cut at %d: %v", err, cut, err2)
		}
		if !reflect.DeepEqual(whole, pieces) {
			t.Fatalf("cut at %d: other messages", cut)
		}
		for _, m := range whole {
			if c, ok := m.(Client); ok && len(c.Env) > maxVars {
				t.Fatal("an environment without end")
			}
		}
	})
}
