package auth

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// TOTPEnrolment is what an authenticator app needs. It is shown once.
type TOTPEnrolment struct {
	Factor portal.FactorID
	Secret portal.Secret // base32, to type in
	URI    portal.Secret // otpauth://…, for the QR code
}

// Confirmed is a factor that is good from now on.
type Confirmed struct {
	SignedIn
	Codes []portal.Secret // ten recovery codes, shown once; nil when the person had some before
}

// BeginTOTP makes a new authenticator seed for the person, which counts for nothing until ConfirmTOTP. Beginning again forgets the
// one before. A person who has a factor already needs a fresh one (portal.ErrStepUp), who has shown none ErrFactorNeeded.
func (s *Service) BeginTOTP(ctx context.Context, who Who) (TOTPEnrolment, error) {
	return TOTPEnrolment{}, portal.ErrUnavailable
}

// ConfirmTOTP proves that the app has the seed. The session gets a new secret and is ready. It returns ErrNoEnrolment, ErrWrongCode,
// ErrCodeUsed or ErrTooManyTries with RetryAfter.
func (s *Service) ConfirmTOTP(ctx context.Context, who Who, code string) (Confirmed, error) {
	return Confirmed{}, portal.ErrUnavailable
}

// VerifyTOTP shows the second factor: the second step of a sign-in, or a step-up in a session that is ready. The session gets a new
// secret and every grant of the person runs again. It returns ErrFactorEnrolment, ErrWrongCode, ErrCodeUsed or ErrTooManyTries.
func (s *Service) VerifyTOTP(ctx context.Context, who Who, code string) (SignedIn, error) {
	return SignedIn{}, portal.ErrUnavailable
}
