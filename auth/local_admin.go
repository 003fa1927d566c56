package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// username is what a local account may be called, in lower case.
var username = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,31}$`)

// ErrNotLocal is for people without a local account.
var ErrNotLocal = &portal.Error{Kind: portal.NotFound, Code: "not_local", Msg: "There is no local account of this name."}

// NewLocal is a local account to make.
type NewLocal struct {
	Username string
	Name     string // shown; "" for the username
	Role     portal.Role
	Password portal.Secret
}

// LocalView is a local account with whom it belongs to.
type LocalView struct {
	portal.LocalAccount
	Person  portal.User
	Factors []portal.Factor // confirmed ones, without their seeds
}

// AddLocal makes a person who signs in with a name and a password. Local accounts are made and changed on the server only: by is the system,
// or it is portal.ErrForbidden. It returns an invalid-input error or portal.ErrDuplicate.
func (s *Service) AddLocal(ctx context.Context, by portal.Actor, in NewLocal) (portal.User, error) {
	if !by.IsSystem() {
		return portal.User{}, portal.ErrForbidden
	}
	name := strings.ToLower(in.Username)
	var fields []portal.Field
	if !username.MatchString(name) {
		fields = append(fields, portal.Field{Path: "/username", Code: "malformed", Msg: "A name has 2 to 32 letters a-z, digits, dots, dashes and underscores, and begins with a letter or digit."})
	}
	if !in.Role.Known() {
		fields = append(fields, portal.Field{Path: "/role", Code: "unknown", Msg: "There is no such role."})
	}
	if err := portal.InvalidFields(fields...); err != nil {
		return portal.User{}, err
	}
	if err := checkPassword(name, in.Password); err != nil {
		return portal.User{}, err
	}
	hash, err := s.passwords.hash(ctx, in.Password)
	if err != nil {
		return portal.User{}, err
	}
	shown := cleanText(in.Name, 128)
	if shown == "" {
		shown = name
	}
	var user portal.User
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LocalAccountNamed(name); err == nil {
			return portal.ErrDuplicate
		} else if !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		user = portal.User{ID: portal.NewID[portal.UserID](tx.Now), Name: shown, Role: in.Role, State: portal.UserActive, CreatedAt: tx.Now}
		if err := tx.CreateUser(user); err != nil {
			return err
		}
		if err := tx.CreateLocalAccount(portal.LocalAccount{User: user.ID, Username: name, Hash: hash, PasswordAt: tx.Now, CreatedAt: tx.Now}); err != nil {
			return err
		}
		return tx.Audit(by, "local.add", target(user.ID), map[string]string{"username": name, "name": shown, "role": string(in.Role)})
	})
	if err != nil {
		return portal.User{}, fmt.Errorf("add local account %s: %w", name, err)
	}
	return user, nil
}

// SetLocalPassword replaces the password of a local account, ends its sessions and tokens, and forgets wrong guesses. It returns
// portal.ErrForbidden, ErrNotLocal or an invalid-input error.
func (s *Service) SetLocalPassword(ctx context.Context, by portal.Actor, name string, password portal.Secret) error {
	if !by.IsSystem() {
		return portal.ErrForbidden
	}
	account, err := s.local(ctx, name)
	if err != nil {
		return err
	}
	if err := checkPassword(account.Username, password); err != nil {
		return err
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockUser(account.User); err != nil {
			return err
		}
		if err := tx.SetLocalPassword(account.User, hash); err != nil {
			return err
		}
		if err := tx.ForgetAttempts(portal.LimitLocal, digest("local", account.Username)); err != nil {
			return err
		}
		ended, err := endAccess(tx, account.User)
		if err != nil {
			return err
		}
		return tx.Audit(by, "local.set_password", target(account.User), ended)
	})
	if err != nil {
		return fmt.Errorf("set password of %s: %w", account.Username, err)
	}
	return nil
}

// Locals returns all local accounts, by name. It is for the system.
func (s *Service) Locals(ctx context.Context, by portal.Actor) ([]LocalView, error) {
	if !by.IsSystem() {
		return nil, portal.ErrForbidden
	}
	var views []LocalView
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		accounts, err := tx.LocalAccounts()
		if err != nil {
			return err
		}
		views = make([]LocalView, len(accounts))
		for i, a := range accounts {
			views[i].LocalAccount = a
			if views[i].Person, err = tx.User(a.User); err != nil {
				return err
			}
			st, err := standingOf(tx, a.User)
			if err != nil {
				return err
			}
			for _, f := range st.have {
				f.Sealed = nil
				views[i].Factors = append(views[i].Factors, f)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list local accounts: %w", err)
	}
	return views, nil
}

// PersonNamed returns whom a name on the command line means: a local account's, or anybody's id. It returns ErrNotLocal.
func (s *Service) PersonNamed(ctx context.Context, by portal.Actor, name string) (portal.User, error) {
	if !by.IsSystem() {
		return portal.User{}, portal.ErrForbidden
	}
	account, err := s.local(ctx, name)
	if err == nil {
		return s.Person(ctx, by, account.User)
	}
	if !errors.Is(err, ErrNotLocal) {
		return portal.User{}, err
	}
	user, err := s.Person(ctx, by, portal.UserID(name))
	if errors.Is(err, portal.ErrNotFound) {
		return portal.User{}, ErrNotLocal
	}
	return user, err
}

func (s *Service) local(ctx context.Context, name string) (account portal.LocalAccount, err error) {
	if !plainText(name, maxID) {
		return account, ErrNotLocal
	}
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		account, err = tx.LocalAccountNamed(strings.ToLower(name))
		return err
	})
	if errors.Is(err, portal.ErrNotFound) {
		return account, ErrNotLocal
	}
	return account, err
}
