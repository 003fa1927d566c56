package auth

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// AuthenticateToken returns the person behind a personal token ("sp_…", without "Bearer "). It returns ErrBadToken for whatever is not
// a live one.
func (s *Service) AuthenticateToken(ctx context.Context, token string, from Browser) (Who, error) {
	return Who{}, portal.ErrUnavailable
}

// CreateToken makes a personal token. The secret is shown now and never again. life is how long it lives, 0 for the longest allowed.
// It needs a session with a fresh factor (portal.ErrStepUp); it returns an invalid-input error or ErrTooManyTokens.
func (s *Service) CreateToken(ctx context.Context, who Who, name string, life time.Duration) (portal.Token, portal.Secret, error) {
	return portal.Token{}, portal.Secret{}, portal.ErrUnavailable
}

// Tokens returns the person's tokens, newest first.
func (s *Service) Tokens(ctx context.Context, who Who) ([]portal.Token, error) {
	return nil, portal.ErrUnavailable
}

// DeleteToken ends one of the person's tokens. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (s *Service) DeleteToken(ctx context.Context, who Who, id portal.TokenID) error {
	return portal.ErrUnavailable
}
