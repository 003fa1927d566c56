package auth

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// VerifyRecovery shows a recovery code in place of the second factor; the code is gone then. Else it is VerifyTOTP.
func (s *Service) VerifyRecovery(ctx context.Context, who Who, code string) (SignedIn, error) {
	return SignedIn{}, portal.ErrUnavailable
}

// NewRecoveryCodes replaces the person's recovery codes by ten new ones, shown once. It needs a fresh factor (portal.ErrStepUp).
func (s *Service) NewRecoveryCodes(ctx context.Context, who Who) ([]portal.Secret, error) {
	return nil, portal.ErrUnavailable
}
