package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// touchEvery bounds how often the last use of a session or token is written.
const touchEvery = time.Minute

// Authenticate returns the person behind a session cookie. It returns portal.ErrSignedOut for whatever is not a live session.
func (s *Service) Authenticate(ctx context.Context, cookie string, from Browser) (Who, error) {
	hash, ok := hashSecret(forSession, cookie)
	if !ok {
		return Who{}, portal.ErrSignedOut
	}
	who := Who{From: from, FreshFor: s.Limits.withDefaults().StepUp}
	now := s.now()
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if who.Session, err = tx.SessionBySecret(hash); err != nil {
			return err
		}
		if who.User, err = tx.User(who.Session.User); err != nil {
			return err
		}
		who.Stage, who.TrustedAt, err = place(tx, who.Session)
		return err
	})
	if errors.Is(err, portal.ErrNotFound) {
		return Who{}, portal.ErrSignedOut
	}
	if err != nil {
		return Who{}, fmt.Errorf("authenticate session: %w", err)
	}
	if who.User.State != portal.UserActive || !s.alive(who.Session, now) {
		return Who{}, portal.ErrSignedOut
	}
	if now.Sub(who.Session.SeenAt) >= touchEvery {
		s.touch(ctx, func(tx *store.Tx) error { return tx.TouchSession(who.Session.ID) })
	}
	return who, nil
}

// alive reports whether neither limit of a session is reached.
func (s *Service) alive(session portal.Session, now time.Time) bool {
	return now.Before(session.ExpiresAt) && now.Before(session.SeenAt.Add(s.Limits.withDefaults().Idle))
}

// touch writes a last use. A database that can't be written to now must not refuse those who only read.
func (s *Service) touch(ctx context.Context, fn func(tx *store.Tx) error) {
	if err := s.Store.Tx(ctx, fn); err != nil {
		s.log().WarnContext(ctx, "note last use", "err", err)
	}
}

// SignOut ends the session that asks, and returns it for SignOutUpstream. A session that has ended already is fine.
func (s *Service) SignOut(ctx context.Context, who Who) (ended portal.Session, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		ended, err = tx.Session(who.Session.ID) // with the ID token
		return err
	})
	if err == nil {
		err = s.endSession(ctx, who, who.Session.ID, "session.sign_out")
	}
	if errors.Is(err, portal.ErrNotFound) {
		return who.Session, nil
	}
	return ended, err
}

// Sessions returns the person's live sessions, newest first.
func (s *Service) Sessions(ctx context.Context, who Who) ([]portal.Session, error) {
	if err := who.RequireReady(); err != nil {
		return nil, err
	}
	return s.liveSessions(ctx, who.User.ID)
}

func (s *Service) liveSessions(ctx context.Context, id portal.UserID) ([]portal.Session, error) {
	var live []portal.Session
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.Sessions(id)
		live = live[:0]
		for _, one := range all {
			if s.alive(one, tx.Now) {
				live = append(live, one)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return live, nil
}

// EndSession ends one of the person's sessions. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (s *Service) EndSession(ctx context.Context, who Who, id portal.SessionID) error {
	if err := who.RequireReady(); err != nil {
		return err
	}
	return s.endSession(ctx, who, id, "session.end")
}

func (s *Service) endSession(ctx context.Context, who Who, id portal.SessionID, action string) error {
	if !plainText(string(id), maxID) {
		return portal.ErrNotFound
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteSession(who.User.ID, id); err != nil {
			return err
		}
		return tx.Audit(who.Actor(), action, "session:"+string(id), nil)
	})
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// EndOtherSessions ends all of the person's sessions but the one that asks, and returns how many.
func (s *Service) EndOtherSessions(ctx context.Context, who Who) (int, error) {
	if err := who.RequireReady(); err != nil {
		return 0, err
	}
	return s.endSessions(ctx, who.Actor(), who.User.ID, who.Session.ID)
}

func (s *Service) endSessions(ctx context.Context, by portal.Actor, id portal.UserID, except portal.SessionID) (int, error) {
	ended := 0
	err := s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if _, err = tx.LockUser(id); err != nil {
			return err
		}
		if ended, err = tx.DeleteSessions(id, except); err != nil {
			return err
		}
		return tx.Audit(by, "session.end_all", target(id), map[string]int{"sessions": ended})
	})
	if err != nil {
		return 0, fmt.Errorf("end sessions of %s: %w", id, err)
	}
	return ended, nil
}
