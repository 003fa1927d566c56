package auth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/sallyport/sallyport/portal"
)

func TestNothingThatHoldsASecretPrintsIt(t *testing.T) {
	const hidden = "HIDDEN-VALUE"
	s := portal.NewSecretText(hidden)
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	for _, v := range []any{
		s,
		SignedIn{Secret: s},
		&SignedIn{Secret: s},
		SignInStart{Flow: s},
		TOTPEnrolment{Secret: s, URI: s},
		Confirmed{Codes: []portal.Secret{s}},
		&Provider{ClientSecret: s},
		[]portal.Secret{s},
		map[string]portal.Secret{"x": s},
	} {
		text := fmt.Sprintf("%v %+v %#v %s %q %x", v, v, v, v, v, v)
		log.Info("x", "v", v)
		body, err := json.Marshal(v)
		for _, shown := range []string{text, string(body), b.String()} {
			if strings.Contains(shown, hidden) || strings.Contains(shown, fmt.Sprintf("%x", hidden)) {
				t.Errorf("%T shows its secret: %s (%v)", v, shown, err)
			}
		}
	}
}

func TestSecretsAreOfTheFormThatIsTaken(t *testing.T) {
	s := newSecret()
	if h, ok := hashSecret(forSession, s.Reveal()); !ok || h != digest(forSession, s.Reveal()) || len(h) != 64 {
		t.Errorf("got %q, %v", h, ok)
	}
	a, _ := hashSecret(forSession, s.Reveal())
	b, _ := hashSecret(forToken, s.Reveal())
	if a == b {
		t.Error("a session's secret is good as a token's")
	}
}

func TestFlowValuesDifferAndStay(t *testing.T) {
	flow := newSecret().Reveal()
	a, err := deriveFlow(flow)
	if err != nil {
		t.Fatal(err)
	}
	b, err := deriveFlow(flow)
	if err != nil || a != b {
		t.Errorf("got %v and %v, %v", a, b, err)
	}
	if a.state == a.nonce || a.nonce == a.verifier || len(a.verifier) != 43 || strings.Contains(a.state, flow) {
		t.Errorf("got %v", a)
	}
}

func TestRecoveryCodesAreTheBitsThatTheyAreMadeOf(t *testing.T) {
	for range 200 {
		raw := portal.NewSecret(recoverySize)
		code := newRecoveryCode(raw)
		want := new(big.Int).SetBytes(raw)
		got := new(big.Int)
		for _, r := range code { // the slow twin
			got.Mul(got, big.NewInt(32)).Add(got, big.NewInt(int64(strings.IndexRune(crockford, r))))
		}
		if len(code) != recoveryChars || got.Cmp(want) != 0 {
			t.Fatalf("%x is written %q", raw, code)
		}
	}
}

func TestCodesAreThoseOfRFC6238(t *testing.T) {
	// Appendix B gives eight digits for the seed "12345678901234567890" with SHA-1; six digits are the last six of them.
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		steps, err := matchingSteps([]byte("12345678901234567890"), want, time.Unix(at, 0))
		if err != nil || len(steps) != 1 || steps[0] != uint64(at/30) {
			t.Errorf("%s at %d: got steps %v, %v", want, at, steps, err)
		}
	}
}

func TestEnrolmentIsReadAsAuthenticatorAppsDo(t *testing.T) {
	seed := portal.NewSecret(totpSeed)
	e := enrolment("f", seed, "Corp: VPN & co", portal.User{ID: "u", Email: "a+b@example.com"})
	key, err := otp.NewKeyFromURL(e.URI.Reveal())
	if err != nil || key.Issuer() != "Corp: VPN & co" || key.AccountName() != "a+b@example.com" || key.Period() != 30 || key.Digits() != otp.DigitsSix {
		t.Fatalf("got %v %q %q, %v", key, key.Issuer(), key.AccountName(), err)
	}
	now := time.Unix(1_800_000_000, 0)
	code, err := totp.GenerateCode(key.Secret(), now)
	if err != nil {
		t.Fatal(err)
	}
	if steps, err := matchingSteps(seed, code, now); err != nil || len(steps) != 1 {
		t.Errorf("the app's code fits steps %v, %v", steps, err)
	}
}

func FuzzTOTPInput(f *testing.F) {
	for _, seed := range []string{"123456", "123 456", "", "１２３４５６", "-12345", "12345a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := sixDigits(typed)
		if ok && (len(code) != 6 || strings.ReplaceAll(typed, " ", "") != code) {
			t.Errorf("%q is read as %q", typed, code)
		}
	})
}

func FuzzRecoveryInput(f *testing.F) {
	for _, seed := range []string{"ABCD-EFGH-JKMN-PQRS", "abcd efgh jkmn pqrs", "OIL0-0000-0000-0000", "", "ſſſſ", strings.Repeat("-", 65)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := readRecoveryCode(typed)
		if !ok {
			return
		}
		if len(code) != 16 || strings.Trim(code, crockford) != "" {
			t.Errorf("%q is read as %q", typed, code)
		}
		if again, ok := readRecoveryCode(code); !ok || again != code {
			t.Errorf("%q is read as %q and then %q", typed, code, again)
		}
	})
}

func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"Bearer sp_x", "bearer  x ", "Basic x", "Bearer", "Bearer ", "Bearer a b", "Bearer \x00", "Bearer sp_" + strings.Repeat("A", 43)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token, ok := BearerToken(header)
		if !ok && token != "" || ok && (token == "" || strings.ContainsAny(token, " \t\r\n\x00")) {
			t.Errorf("%q gives %q, %v", header, token, ok)
		}
		text, prefixed := strings.CutPrefix(token, tokenPrefix)
		if hash, ok := hashSecret(forToken, text); ok && prefixed {
			raw, err := base64.RawURLEncoding.DecodeString(text)
			if err != nil || len(raw) != secretSize || len(hash) != 64 {
				t.Errorf("%q is taken for a token", text)
			}
		}
	})
}
