package auth

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// maxPage bounds a page of people; maxID what may be an id at all, in bytes.
const (
	maxPage = 200
	maxID   = 64
)

// People returns up to limit people in the order of their ids (oldest first) after the one named, "" for the beginning. search, when
// not "", must occur in name or address, in any case of letters.
func (s *Service) People(ctx context.Context, by portal.Actor, search string, after portal.UserID, limit int) ([]portal.User, error) {
	if err := Allow(by, PeopleRead, s.now()); err != nil {
		return nil, err
	}
	var users []portal.User
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		users, err = tx.Users(cleanText(search, 128), portal.UserID(cleanText(string(after), maxID)), min(max(limit, 1), maxPage))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return users, nil
}

// Person returns one person. It returns portal.ErrNotFound.
func (s *Service) Person(ctx context.Context, by portal.Actor, id portal.UserID) (portal.User, error) {
	if err := Allow(by, PeopleRead, s.now()); err != nil {
		return portal.User{}, err
	}
	if !plainText(string(id), maxID) {
		return portal.User{}, portal.ErrNotFound
	}
	var user portal.User
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		user, err = tx.User(id)
		return err
	})
	if err != nil {
		return portal.User{}, fmt.Errorf("read person: %w", err)
	}
	return user, nil
}

// PersonSessions returns the live sessions of a person, newest first. It returns portal.ErrNotFound.
func (s *Service) PersonSessions(ctx context.Context, by portal.Actor, id portal.UserID) ([]portal.Session, error) {
	if _, err := s.Person(ctx, by, id); err != nil {
		return nil, err
	}
	return s.liveSessions(ctx, id)
}

// PersonTokens returns the tokens of a person, newest first. It returns portal.ErrNotFound.
func (s *Service) PersonTokens(ctx context.Context, by portal.Actor, id portal.UserID) (tokens []portal.Token, err error) {
	if _, err := s.Person(ctx, by, id); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		tokens, err = tx.Tokens(id)
		return err
	})
	return tokens, err
}

// Suspend ends a person's sessions, tokens and tunnels, all at once, and lets nobody in as them until Resume. Suspending twice changes
// nothing. It returns ErrLastOwner, ErrOwnAccount, ErrOwnersOnly for an owner's account, portal.ErrAboveOwn for one with more rights than the
// actor may touch, or portal.ErrNotFound.
func (s *Service) Suspend(ctx context.Context, by portal.Actor, id portal.UserID) error {
	return s.administer(ctx, by, PeopleWrite, id, func(tx *store.Tx, c change) error {
		if c.self {
			return ErrOwnAccount
		}
		if c.user.State == portal.UserSuspended {
			return nil
		}
		if c.last {
			return ErrLastOwner
		}
		if err := tx.SetUserState(id, portal.UserSuspended); err != nil {
			return err
		}
		ended, err := endAccess(tx, id)
		if err != nil {
			return err
		}
		if err := s.Tunnels.CutUser(tx, by, id); err != nil {
			return err
		}
		return tx.Audit(by, "user.suspend", target(id), ended)
	})
}

// Resume undoes Suspend, except that sessions and tokens stay ended.
func (s *Service) Resume(ctx context.Context, by portal.Actor, id portal.UserID) error {
	return s.administer(ctx, by, PeopleWrite, id, func(tx *store.Tx, c change) error {
		if c.user.State == portal.UserActive {
			return nil
		}
		if err := tx.SetUserState(id, portal.UserActive); err != nil {
			return err
		}
		if err := s.Tunnels.RestoreUser(tx, by, id); err != nil {
			return err
		}
		return tx.Audit(by, "user.resume", target(id), nil)
	})
}

// SetRole changes a person's role, until a claim of their provider or another SetRole changes it. It returns ErrLastOwner, also when two
// owners demote each other at the same moment, and portal.ErrAboveOwn for a role with rights that the actor lacks.
func (s *Service) SetRole(ctx context.Context, by portal.Actor, id portal.UserID, role portal.Role) error {
	if !role.Known() {
		return portal.InvalidFields(portal.Field{Path: "/role", Code: "unknown", Msg: "There is no such role."})
	}
	return s.administer(ctx, by, PeopleRoles, id, func(tx *store.Tx, c change) error {
		if c.user.Role == role {
			return nil
		}
		if !c.role.Covers(role) {
			return portal.ErrAboveOwn
		}
		if c.last && !role.Covers(c.user.Role) {
			return ErrLastOwner
		}
		if err := tx.SetRole(id, role, store.RoleLocal); err != nil {
			return err
		}
		return tx.Audit(by, "user.role", target(id), map[string]string{"from": string(c.user.Role), "to": string(role)})
	})
}

// ResetFactors forgets a person's factors and recovery codes and ends sessions and tokens, so that the next sign-in enrols anew.
// Nobody resets their own this way (ErrOwnAccount).
func (s *Service) ResetFactors(ctx context.Context, by portal.Actor, id portal.UserID) error {
	return s.administer(ctx, by, PeopleFactors, id, func(tx *store.Tx, c change) error {
		if c.self {
			return ErrOwnAccount
		}
		factors, err := tx.DeleteFactors(id)
		if err != nil {
			return err
		}
		if err := tx.ReplaceRecoveryCodes(id, nil); err != nil {
			return err
		}
		if err := tx.ForgetAttempts(portal.LimitFactor, string(id)); err != nil {
			return err
		}
		if err := tx.EndGrace(id); err != nil { // whoever had a factor sets up the next one at once
			return err
		}
		ended, err := endAccess(tx, id)
		if err != nil {
			return err
		}
		ended["factors"] = factors
		return tx.Audit(by, "user.reset_factors", target(id), ended)
	})
}

// SignOutEverywhere ends all sessions of a person and returns how many. Tokens and tunnels stay.
func (s *Service) SignOutEverywhere(ctx context.Context, by portal.Actor, id portal.UserID) (int, error) {
	ended := 0
	err := s.administer(ctx, by, PeopleWrite, id, func(tx *store.Tx, _ change) (err error) {
		if ended, err = tx.DeleteSessions(id, ""); err != nil {
			return err
		}
		return tx.Audit(by, "session.end_all", target(id), map[string]int{"sessions": ended})
	})
	return ended, err
}

// EndPersonSession ends one session of a person. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (s *Service) EndPersonSession(ctx context.Context, by portal.Actor, id portal.UserID, session portal.SessionID) error {
	if !plainText(string(session), maxID) {
		return portal.ErrNotFound
	}
	return s.administer(ctx, by, PeopleWrite, id, func(tx *store.Tx, _ change) error {
		if err := tx.DeleteSession(id, session); err != nil {
			return err
		}
		return tx.Audit(by, "user.end_session", target(id), map[string]any{"session": session})
	})
}

// EndPersonToken ends one token of a person. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (s *Service) EndPersonToken(ctx context.Context, by portal.Actor, id portal.UserID, token portal.TokenID) error {
	if !plainText(string(token), maxID) {
		return portal.ErrNotFound
	}
	return s.administer(ctx, by, PeopleWrite, id, func(tx *store.Tx, _ change) error {
		if err := tx.DeleteToken(id, token); err != nil {
			return err
		}
		return tx.Audit(by, "user.end_token", target(id), map[string]any{"token": token})
	})
}

// EndTokens ends all tokens of a person and returns how many. Sessions and tunnels stay.
func (s *Service) EndTokens(ctx context.Context, by portal.Actor, id portal.UserID) (int, error) {
	ended := 0
	err := s.administer(ctx, by, PeopleWrite, id, func(tx *store.Tx, _ change) (err error) {
		if ended, err = tx.DeleteTokens(id); err != nil {
			return err
		}
		return tx.Audit(by, "token.delete_all", target(id), map[string]int{"tokens": ended})
	})
	return ended, err
}

// endAccess ends whatever lets somebody in as the person, and tells how many of each.
func endAccess(tx *store.Tx, id portal.UserID) (map[string]int, error) {
	sessions, err := tx.DeleteSessions(id, "")
	if err != nil {
		return nil, err
	}
	tokens, err := tx.DeleteTokens(id)
	return map[string]int{"sessions": sessions, "tokens": tokens}, err
}

// change is what a change to an account is about.
type change struct {
	user portal.User // as it is, locked
	self bool        // the acting person's own
	last bool        // without this account nobody could do what it can: the last owner, or the last admin where there is no owner
	role portal.Role // of the acting person, as it is now; the system counts as an owner
}

// administer runs fn on an account for somebody who may do a to it, in one transaction. Everybody with rights over others is locked
// first, so that what fn is told of them stays true until it is done, and the acting person's own role is read again.
func (s *Service) administer(ctx context.Context, by portal.Actor, a Action, id portal.UserID, fn func(tx *store.Tx, c change) error) error {
	if err := Allow(by, a, s.now()); err != nil {
		return err
	}
	if !plainText(string(id), maxID) {
		return portal.ErrNotFound
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		powerful, err := tx.LockPrivileged(portal.StaffRoles()...)
		if err != nil {
			return err
		}
		powerful = slices.DeleteFunc(powerful, func(u portal.User) bool { return u.State != portal.UserActive })
		role := portal.RoleOwner
		if !by.IsSystem() {
			i := slices.IndexFunc(powerful, func(u portal.User) bool { return u.ID == by.User })
			if i < 0 || !Can(powerful[i].Role, a) {
				return portal.ErrForbidden // lost the role since the request came in
			}
			role = powerful[i].Role
		}
		user, err := tx.LockUser(id)
		if err != nil {
			return err
		}
		if err := mayTouch(role, user.Role); err != nil {
			return err
		}
		return fn(tx, change{user: user, self: by.User == id, last: isLast(user, powerful), role: role})
	})
	if err != nil {
		return fmt.Errorf("%s of %s: %w", a, id, err)
	}
	return nil
}

func mayTouch(role, other portal.Role) error {
	if other == portal.RoleOwner && role != portal.RoleOwner {
		return ErrOwnersOnly
	}
	return role.MayTouch(other)
}

// isLast reports whether nobody else among the active people of power can do all that the user can, where the user can change roles: then
// nobody could undo the loss.
func isLast(user portal.User, powerful []portal.User) bool {
	if user.State != portal.UserActive || !user.Role.May(PeopleRoles) {
		return false
	}
	return !slices.ContainsFunc(powerful, func(u portal.User) bool { return u.ID != user.ID && u.Role.Covers(user.Role) })
}
