package auth

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// People returns up to limit people in the order of their ids (oldest first) after the one named, "" for the beginning. search, when
// not "", must occur in name or address, in any case of letters.
func (s *Service) People(ctx context.Context, by portal.Actor, search string, after portal.UserID, limit int) ([]portal.User, error) {
	return nil, portal.ErrUnavailable
}

// Person returns one person. It returns portal.ErrNotFound.
func (s *Service) Person(ctx context.Context, by portal.Actor, id portal.UserID) (portal.User, error) {
	return portal.User{}, portal.ErrUnavailable
}

// PersonSessions returns the live sessions of a person, newest first.
func (s *Service) PersonSessions(ctx context.Context, by portal.Actor, id portal.UserID) ([]portal.Session, error) {
	return nil, portal.ErrUnavailable
}

// Suspend ends a person's sessions, tokens and tunnels, all at once, and lets nobody in as them until Resume. Suspending twice changes
// nothing. It returns ErrLastOwner, ErrOwnAccount, ErrOwnersOnly for an owner's account, or portal.ErrNotFound.
func (s *Service) Suspend(ctx context.Context, by portal.Actor, id portal.UserID) error {
	return portal.ErrUnavailable
}

// Resume undoes Suspend, except that sessions and tokens stay ended.
func (s *Service) Resume(ctx context.Context, by portal.Actor, id portal.UserID) error {
	return portal.ErrUnavailable
}

// SetRole changes a person's role, until a claim of their provider or another SetRole changes it. It returns ErrLastOwner, also when two
// owners demote each other at the same moment.
func (s *Service) SetRole(ctx context.Context, by portal.Actor, id portal.UserID, role portal.Role) error {
	return portal.ErrUnavailable
}

// ResetFactors forgets a person's factors and recovery codes and ends sessions and tokens, so that the next sign-in enrols anew.
// Nobody resets their own this way (ErrOwnAccount).
func (s *Service) ResetFactors(ctx context.Context, by portal.Actor, id portal.UserID) error {
	return portal.ErrUnavailable
}

// SignOutEverywhere ends all sessions of a person and returns how many. Tokens and tunnels stay.
func (s *Service) SignOutEverywhere(ctx context.Context, by portal.Actor, id portal.UserID) (int, error) {
	return 0, portal.ErrUnavailable
}
