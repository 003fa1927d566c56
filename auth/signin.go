package auth

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// SignInOption is one button of the sign-in page.
type SignInOption struct {
	ID   string
	Name string
}

// SignInStart is where to send the browser, and the secret that it keeps in a cookie until it is back.
type SignInStart struct {
	Redirect string
	Flow     portal.Secret // good for FlowLife
}

// Callback is what the provider's answer carries, as the query had it.
type Callback struct {
	Provider         string // from the path
	State            string
	Code             string
	Error            string
	ErrorDescription string
	Issuer           string // "iss" (RFC 9207); "" when absent
}

// SignInOptions returns the providers in the order of the configuration.
func (s *Service) SignInOptions() []SignInOption {
	options := make([]SignInOption, len(s.Providers))
	for i, p := range s.Providers {
		options[i] = SignInOption{p.ID, p.Name}
	}
	return options
}

// StartSignIn begins a sign-in. returnTo is where the person wanted to go; what is not a path on this portal becomes "/".
// It returns ErrNoProvider, ErrProviderDown or ErrTooManyTries.
func (s *Service) StartSignIn(ctx context.Context, provider, returnTo string, from Browser) (SignInStart, error) {
	return SignInStart{}, portal.ErrUnavailable
}

// FinishSignIn takes the provider's answer. Each sign-in can be finished once, by the browser that started it. The session may do
// nothing yet but show a second factor. It returns ErrSignInEnded, ErrSignInUsed, ErrProviderRefused, ErrProviderDown, ErrBadAnswer,
// ErrNotInvited, ErrSuspended or ErrTooManyTries; the reason in detail is in the log and the audit trail.
func (s *Service) FinishSignIn(ctx context.Context, cb Callback, flow string, from Browser) (SignedIn, error) {
	return SignedIn{}, portal.ErrUnavailable
}
