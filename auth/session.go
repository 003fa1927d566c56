package auth

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// Authenticate returns the person behind a session cookie. It returns portal.ErrSignedOut for whatever is not a live session.
func (s *Service) Authenticate(ctx context.Context, cookie string, from Browser) (Who, error) {
	return Who{}, portal.ErrUnavailable
}

// SignOut ends the session that asks.
func (s *Service) SignOut(ctx context.Context, who Who) error { return portal.ErrUnavailable }

// Sessions returns the person's live sessions, newest first.
func (s *Service) Sessions(ctx context.Context, who Who) ([]portal.Session, error) {
	return nil, portal.ErrUnavailable
}

// EndSession ends one of the person's sessions. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (s *Service) EndSession(ctx context.Context, who Who, id portal.SessionID) error {
	return portal.ErrUnavailable
}

// EndOtherSessions ends all of the person's sessions but the one that asks, and returns how many.
func (s *Service) EndOtherSessions(ctx context.Context, who Who) (int, error) {
	return 0, portal.ErrUnavailable
}
