package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// localTry is one try, as the counters know it. The name is a hash: people type a password where the name belongs.
type localTry struct{ addr, account string }

func (t localTry) pair() string { return t.account + "/" + t.addr }

// LocalSignIn begins a session for a local account; the second factor follows as after any sign-in, and policy can't waive it. What it
// answers, and how long that takes, is the same for accounts that there are and are not: ErrWrongPassword, or ErrTooManyTries. It returns
// ErrNoLocal where local accounts are off.
func (s *Service) LocalSignIn(ctx context.Context, username string, password portal.Secret, from Browser) (SignedIn, error) {
	if !s.LocalAccounts {
		return SignedIn{}, ErrNoLocal
	}
	username = strings.ToLower(strings.TrimSpace(username))
	if len(username) > maxID || len(password.Reveal()) > maxPassword {
		return SignedIn{}, s.noteRefused(ctx, signInRefused, localTarget, &refusal{tell: ErrWrongPassword, reason: "too_long"}, from)
	}
	try := localTry{addr: addrKey(from.Addr), account: digest("local", username)}
	account, wait, err := s.countLocal(ctx, try, username)
	if err != nil {
		return SignedIn{}, fmt.Errorf("local sign-in: %w", err)
	}
	if wait > 0 {
		return SignedIn{}, ErrTooManyTries.WithRetryAfter(wait)
	}
	same, err := s.passwords.matches(ctx, password, account.Hash)
	if err != nil {
		return SignedIn{}, fmt.Errorf("local sign-in: %w", err)
	}
	if !same {
		reason := "wrong_password"
		if account.User == "" {
			reason = "unknown_account"
		}
		return SignedIn{}, s.noteRefused(ctx, signInRefused, localTarget, &refusal{tell: ErrWrongPassword, reason: reason}, from)
	}
	return s.admitLocal(ctx, account, try, from)
}

const localTarget = "provider:" + portal.ProviderLocal

// countLocal counts a try before it is looked at, so that parallel ones are counted like others, and finds the account; the zero one where
// there is none.
func (s *Service) countLocal(ctx context.Context, try localTry, username string) (account portal.LocalAccount, wait time.Duration, err error) {
	err = s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		if account, err = tx.LocalAccountNamed(username); err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		if wait, err = tx.Attempt(portal.LimitLocalAddr, try.addr); err != nil || wait > 0 {
			return err
		}
		before, err := tx.Attempts(portal.LimitLocalPair, try.pair())
		if err != nil {
			return err
		}
		if wait, err = tx.Attempt(portal.LimitLocalPair, try.pair()); err != nil || wait > 0 {
			return err
		}
		others, err := tx.Attempt(portal.LimitLocal, try.account)
		if err != nil || others == 0 || before == 0 {
			return err
		}
		wait = others
		return tx.UndoAttempt(portal.LimitLocalPair, try.pair())
	})
	return account, wait, err
}

// admitLocal opens the session, when account and person are still as they were.
func (s *Service) admitLocal(ctx context.Context, account portal.LocalAccount, try localTry, from Browser) (SignedIn, error) {
	var in SignedIn
	var no *refusal
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		in, no = SignedIn{}, nil
		user, err := tx.LockUser(account.User)
		if err != nil {
			return err
		}
		now, err := tx.LocalAccount(user.ID)
		if err != nil {
			return err
		}
		switch {
		case now.Hash != account.Hash:
			no = &refusal{tell: ErrWrongPassword, reason: "wrong_password"}
			return nil
		case user.State != portal.UserActive:
			no = &refusal{tell: ErrWrongPassword, reason: "suspended"}
			return nil
		}
		if err := tx.ForgetAttempts(portal.LimitLocalPair, try.pair()); err != nil {
			return err
		}
		if err := tx.UndoAttempt(portal.LimitLocalAddr, try.addr); err != nil {
			return err
		}
		if err := tx.UndoAttempt(portal.LimitLocal, try.account); err != nil {
			return err
		}
		in, err = s.openSession(tx, opening{
			user: user, provider: portal.ProviderLocal, action: "session.local_sign_in", detail: map[string]string{"username": account.Username},
		}, from)
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("local sign-in: %w", err)
	}
	if no != nil {
		return SignedIn{}, s.noteRefused(ctx, signInRefused, localTarget, no, from)
	}
	s.log().WarnContext(ctx, "a local account signed in", "user", string(account.User), "addr", from.Addr, "request_id", from.RequestID)
	return in, nil
}
