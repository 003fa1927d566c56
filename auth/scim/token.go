package scim

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// tokenPrefix lets scanners of source code find a token that leaked.
const tokenPrefix = "sp_scim_"

const (
	secretSize = 32                       // bytes, 256 bits: a plain hash protects the copy in the database
	secretLen  = 43                       // of its text, base64url without padding
	touchEvery = time.Minute              // between notes of use
	maxLife    = 5 * 365 * 24 * time.Hour // of a token
)

// CreateToken makes a directory's token. The secret is shown now and never again. It returns an invalid-input error.
func (s *Service) CreateToken(ctx context.Context, by portal.Actor, name, issuer string, subject portal.SCIMSubject, life time.Duration) (portal.SCIMToken, portal.Secret, error) {
	if err := portal.InvalidFields(checkToken(name, issuer, subject, life)...); err != nil {
		return portal.SCIMToken{}, portal.Secret{}, err
	}
	secret := base64.RawURLEncoding.EncodeToString(portal.NewSecret(secretSize))
	var made portal.SCIMToken
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := auth.Allow(by, auth.SettingsWrite, tx.Now); err != nil {
			return err
		}
		if err := sameSubject(tx, issuer, subject); err != nil {
			return err
		}
		made = portal.SCIMToken{
			ID: portal.NewID[portal.SCIMTokenID](tx.Now), Name: name, Issuer: issuer, Subject: subject, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(life),
		}
		if err := tx.CreateSCIMToken(made, hash(secret)); err != nil {
			return err
		}
		return tx.Audit(by, "scim.token.create", "scim:"+string(made.ID), map[string]any{
			"name": name, "issuer": issuer, "subject": subject, "expires": made.ExpiresAt,
		})
	})
	if err != nil {
		return portal.SCIMToken{}, portal.Secret{}, fmt.Errorf("create SCIM token: %w", err)
	}
	return made, portal.TokenText(tokenPrefix, portal.NewSecretText(secret)), nil
}

// sameSubject refuses a second notion of who is who at one issuer: two directories would move identities back and forth.
func sameSubject(tx *store.Tx, issuer string, subject portal.SCIMSubject) error {
	have, err := tx.SCIMTokens()
	if err != nil {
		return err
	}
	for _, t := range have {
		if t.Issuer == issuer && t.Subject != subject {
			return portal.InvalidFields(portal.Field{Path: "/subject", Code: "differs", Msg: "Another token of this issuer matches by " + string(t.Subject) + "."})
		}
	}
	return nil
}

func checkToken(name, issuer string, subject portal.SCIMSubject, life time.Duration) (wrong []portal.Field) {
	if name == "" || utf8.RuneCountInString(name) > 64 || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		wrong = append(wrong, portal.Field{Path: "/name", Code: "malformed", Msg: "Give the token a name of 1 to 64 printable characters."})
	}
	if u, err := url.Parse(issuer); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		wrong = append(wrong, portal.Field{Path: "/issuer", Code: "malformed", Msg: "Name the OpenID provider's issuer, exactly as it is configured."})
	}
	if subject != portal.SubjectExternalID && subject != portal.SubjectUserName {
		wrong = append(wrong, portal.Field{Path: "/subject", Code: "unknown", Msg: "The subject is externalId or userName."})
	}
	if life < time.Minute || life > maxLife {
		wrong = append(wrong, portal.Field{Path: "/expires_in", Code: "out_of_range", Msg: "From one minute to five years."})
	}
	return wrong
}

// Tokens returns every directory's token, oldest first.
func (s *Service) Tokens(ctx context.Context, by portal.Actor) (tokens []portal.SCIMToken, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if err := auth.Allow(by, auth.SettingsRead, tx.Now); err != nil {
			return err
		}
		tokens, err = tx.SCIMTokens()
		return err
	})
	return tokens, err
}

// RevokeToken ends a directory's token. What it wrote stays. It returns portal.ErrNotFound.
func (s *Service) RevokeToken(ctx context.Context, by portal.Actor, id portal.SCIMTokenID) error {
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := auth.Allow(by, auth.SettingsWrite, tx.Now); err != nil {
			return err
		}
		if !plainID(string(id)) {
			return portal.ErrNotFound
		}
		if err := tx.DeleteSCIMToken(id); err != nil {
			return err
		}
		return tx.Audit(by, "scim.token.revoke", "scim:"+string(id), nil)
	})
}

// known returns the caller behind an Authorization header. It returns errToken for whatever is not a live token, and auth.ErrTooManyTries to an
// address that has sent many of those.
func (s *Service) known(ctx context.Context, header string, from auth.Browser) (caller, error) {
	who, err := s.authenticate(ctx, header, from)
	if !errors.Is(err, errToken) {
		return who, err
	}
	var wait time.Duration
	key := portal.TryKey(from.Addr)
	counted := s.Store.View(ctx, func(tx *store.Tx) (err error) { // while there is a pause, nothing is written
		wait, err = tx.Locked(portal.LimitSCIMAddr, key)
		return err
	})
	if counted == nil && wait == 0 {
		counted = s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
			wait, err = tx.Attempt(portal.LimitSCIMAddr, key)
			return err
		})
	}
	if counted != nil && s.Log != nil {
		s.Log.WarnContext(ctx, "count a wrong token of a directory", "err", counted)
	}
	if wait > 0 {
		return caller{}, auth.ErrTooManyTries.WithRetryAfter(wait)
	}
	return caller{}, err
}

// authenticate returns the caller behind an Authorization header. It returns errToken for whatever is not a live token.
func (s *Service) authenticate(ctx context.Context, header string, from auth.Browser) (caller, error) {
	bearer, ok := auth.BearerToken(header)
	if !ok {
		return caller{}, errToken
	}
	secret, ok := portal.TokenSecret(tokenPrefix, bearer)
	if !ok || len(secret) != secretLen {
		return caller{}, errToken
	}
	var token portal.SCIMToken
	var now time.Time
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		now = tx.Now
		token, err = tx.SCIMTokenBySecret(hash(secret))
		return err
	})
	switch {
	case errors.Is(err, portal.ErrNotFound), err == nil && !now.Before(token.ExpiresAt):
		return caller{}, errToken
	case err != nil:
		return caller{}, fmt.Errorf("authenticate directory: %w", err)
	}
	if now.Sub(token.UsedAt) >= touchEvery {
		if err := s.Store.Tx(ctx, func(tx *store.Tx) error { return tx.TouchSCIMToken(token.ID) }); err != nil {
			return caller{}, fmt.Errorf("note use of SCIM token: %w", err)
		}
	}
	return caller{token: token, now: now, by: portal.Actor{SCIM: token.ID, Addr: from.Addr, RequestID: from.RequestID}}, nil
}

// hash is how a secret is kept.
func hash(secret string) string {
	sum := sha256.Sum256([]byte("sallyport\x00scim\x00" + secret))
	return hex.EncodeToString(sum[:])
}
