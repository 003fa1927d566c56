package authtest

import (
	"encoding/base32"
	"fmt"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// SignIn signs subject in through the provider, up to the second factor.
func SignIn(t testing.TB, s *auth.Service, p *Provider, providerID string, a Answer, from auth.Browser) auth.SignedIn {
	t.Helper()
	p.Set(a)
	start, err := s.StartSignIn(t.Context(), providerID, "/", from)
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.FinishSignIn(t.Context(), p.Visit(t, providerID, start.Redirect), start.Flow.Reveal(), from)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// Who authenticates a session.
func Who(t testing.TB, s *auth.Service, in auth.SignedIn, from auth.Browser) auth.Who {
	t.Helper()
	who, err := s.Authenticate(t.Context(), in.Secret.Reveal(), from)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// Enrol sets an authenticator up in a session that has none, and returns its seed and the recovery codes with the session that is ready.
func Enrol(t testing.TB, s *auth.Service, who auth.Who, now time.Time) (seed portal.Secret, done auth.Confirmed) {
	t.Helper()
	begun, err := s.BeginTOTP(t.Context(), who)
	if err != nil {
		t.Fatal(err)
	}
	done, err = s.ConfirmTOTP(t.Context(), who, Code(t, begun.Secret, now))
	if err != nil {
		t.Fatal(err)
	}
	return begun.Secret, done
}

// Code is what an authenticator app with the seed shows at now.
func Code(t testing.TB, seed portal.Secret, now time.Time) string {
	t.Helper()
	code, err := totp.GenerateCodeCustom(seed.Reveal(), now, totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// WrongCode is a code that no step near now has.
func WrongCode(t testing.TB, seed portal.Secret, now time.Time) string {
	t.Helper()
	if raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(seed.Reveal()); err != nil || len(raw) == 0 {
		t.Fatalf("the seed is not base32: %v", err)
	}
	near := map[string]bool{}
	for step := -3; step <= 3; step++ {
		near[Code(t, seed, now.Add(time.Duration(step)*30*time.Second))] = true
	}
	for n := range 10 {
		if code := fmt.Sprintf("%06d", n*111111); !near[code] {
			return code
		}
	}
	t.Fatal("seven steps have ten codes") // can't be
	return ""
}
