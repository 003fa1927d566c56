package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// tokenPrefix lets scanners of source code find a token that leaked.
const tokenPrefix = "sp_"

// The limits on tokens.
const (
	maxTokens    = 50
	maxTokenName = 64 // characters
)

// AuthenticateToken returns the person behind a personal token ("sp_…", without "Bearer "), or the program whose token it is. It returns
// ErrBadToken for whatever is not a live one, and ErrTooManyTries to an address that has sent many of those.
func (s *Service) AuthenticateToken(ctx context.Context, token string, from Browser) (Who, error) {
	who, err := s.authenticateToken(ctx, token, from)
	if errors.Is(err, ErrBadToken) {
		return Who{}, s.wrongToken(ctx, from)
	}
	return who, err
}

// wrongToken counts a wrong token and returns what to say.
func (s *Service) wrongToken(ctx context.Context, from Browser) error {
	if err := s.locked(ctx, portal.LimitTokenAddr, from); err != nil {
		return err
	}
	var wait time.Duration
	s.touch(ctx, func(tx *store.Tx) (err error) {
		wait, err = tx.Attempt(portal.LimitTokenAddr, addrKey(from.Addr))
		return err
	})
	if wait > 0 {
		return ErrTooManyTries.WithRetryAfter(wait)
	}
	return ErrBadToken
}

func (s *Service) authenticateToken(ctx context.Context, token string, from Browser) (Who, error) {
	if text, ok := portal.TokenSecret(servicePrefix, token); ok && len(text) == secretLen {
		return s.authenticateService(ctx, text, from)
	}
	text, ok := portal.TokenSecret(tokenPrefix, token)
	if !ok {
		return Who{}, ErrBadToken
	}
	hash, ok := hashSecret(forToken, text)
	if !ok {
		return Who{}, ErrBadToken
	}
	who := Who{From: from, Stage: Ready}
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		if who.Token, err = tx.TokenBySecret(hash); err != nil {
			return err
		}
		who.User, err = tx.User(who.Token.User)
		return err
	})
	if errors.Is(err, portal.ErrNotFound) {
		return Who{}, ErrBadToken
	}
	if err != nil {
		return Who{}, fmt.Errorf("authenticate token: %w", err)
	}
	now := s.now()
	if who.User.State != portal.UserActive || !now.Before(who.Token.ExpiresAt) {
		return Who{}, ErrBadToken
	}
	if now.Sub(who.Token.UsedAt) >= touchEvery {
		s.touch(ctx, func(tx *store.Tx) error { return tx.TouchToken(who.Token.ID) })
	}
	return who, nil
}

// CreateToken makes a personal token. The secret is shown now and never again. scopes is what it is limited to, among TokenScopes; nil for
// whatever its person may do at the time. life is how long it lives, 0 for the longest allowed.
// It needs a session with a fresh factor (portal.ErrStepUp); it returns an invalid-input error or ErrTooManyTokens.
func (s *Service) CreateToken(ctx context.Context, who Who, name string, scopes portal.Scopes, life time.Duration) (portal.Token, portal.Secret, error) {
	return s.createToken(ctx, who, name, scopes, life, false)
}

// CreatePolicyToken makes one that may also apply policy files, without the fresh second factor that a session needs for it. People whose
// role may not write policy gain nothing by it. access.write joins its scopes, where there are any.
func (s *Service) CreatePolicyToken(ctx context.Context, who Who, name string, scopes portal.Scopes, life time.Duration) (portal.Token, portal.Secret, error) {
	return s.createToken(ctx, who, name, scopes, life, true)
}

func (s *Service) createToken(ctx context.Context, who Who, name string, scopes portal.Scopes, life time.Duration, policy bool) (portal.Token, portal.Secret, error) {
	most := s.Limits.withDefaults().Token
	if life == 0 {
		life = most
	}
	if err := portal.InvalidFields(append(checkToken(name, life, most), checkScopes(TokenScopes(who.User.Role), scopes)...)...); err != nil {
		return portal.Token{}, portal.Secret{}, err
	}
	if policy && scopes != nil {
		scopes = append(slices.Clone(scopes), AccessWrite)
	}
	secret := newSecret()
	var made portal.Token
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.mayChangeFactors(tx, who); err != nil {
			return err
		}
		have, err := tx.Tokens(who.User.ID)
		if err != nil {
			return err
		}
		if len(have) >= maxTokens {
			return ErrTooManyTokens
		}
		made = portal.Token{ID: portal.NewID[portal.TokenID](tx.Now), User: who.User.ID, Name: name, Scopes: scopes, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(life), Policy: policy}
		if err := tx.CreateToken(made, digest(forToken, secret.Reveal())); err != nil {
			return err
		}
		return tx.Audit(who.Actor(), "token.create", "token:"+string(made.ID), map[string]any{"name": name, "scopes": made.Scopes.String(), "expires": made.ExpiresAt, "policy": policy})
	})
	if err != nil {
		return portal.Token{}, portal.Secret{}, fmt.Errorf("create token: %w", err)
	}
	return made, portal.TokenText(tokenPrefix, secret), nil
}

func checkToken(name string, life, most time.Duration) (wrong []portal.Field) {
	switch {
	case name == "":
		wrong = append(wrong, portal.Field{Path: "/name", Code: "missing", Msg: "Give the token a name."})
	case cleanText(name, maxTokenName+1) != name:
		wrong = append(wrong, portal.Field{Path: "/name", Code: "malformed", Msg: "Use printable characters only, without spaces at the ends."})
	case len([]rune(name)) > maxTokenName:
		wrong = append(wrong, portal.Field{Path: "/name", Code: "too_long", Msg: fmt.Sprintf("At most %d characters.", maxTokenName)})
	}
	if life < time.Minute || life > most {
		wrong = append(wrong, portal.Field{Path: "/expires_in", Code: "out_of_range", Msg: fmt.Sprintf("From one minute to %d days.", most/(24*time.Hour))})
	}
	return wrong
}

// TokenScopes returns the rights that a token of somebody of this role can have, sorted. Those that ask for a fresh second factor are not
// among them, since a token shows none, nor those that only a session has.
func TokenScopes(role portal.Role) []Action {
	return slices.DeleteFunc(Actions(), func(a Action) bool { return !Can(role, a) || NeedsStepUp(a) || a == OwnSecurity })
}

// checkScopes finds what is wrong with scopes, which most bounds; nil is no limit.
func checkScopes(most []Action, scopes portal.Scopes) (wrong []portal.Field) {
	if scopes != nil && len(scopes) == 0 {
		return []portal.Field{{Path: "/scopes", Code: "missing", Msg: "Name at least one scope."}}
	}
	if len(scopes) > len(most) {
		return []portal.Field{{Path: "/scopes", Code: "too_many", Msg: fmt.Sprintf("At most %d scopes.", len(most))}}
	}
	for i, x := range scopes {
		path := fmt.Sprintf("/scopes/%d", i)
		switch {
		case slices.Contains(scopes[:i], x):
			wrong = append(wrong, portal.Field{Path: path, Code: "duplicate", Msg: "This scope is named twice."})
		case !slices.Contains(most, x):
			wrong = append(wrong, portal.Field{Path: path, Code: "unknown", Msg: "This token can't have this scope."})
		}
	}
	return wrong
}

// Tokens returns the person's tokens, newest first.
func (s *Service) Tokens(ctx context.Context, who Who) ([]portal.Token, error) {
	if err := who.RequireReady(); err != nil {
		return nil, err
	}
	var tokens []portal.Token
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		tokens, err = tx.Tokens(who.User.ID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return tokens, nil
}

// DeleteToken ends one of the person's tokens. It returns portal.ErrNotFound when there is none, or it is somebody else's.
func (s *Service) DeleteToken(ctx context.Context, who Who, id portal.TokenID) error {
	if err := who.RequireReady(); err != nil {
		return err
	}
	if !plainText(string(id), maxID) {
		return portal.ErrNotFound
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		have, err := tx.Tokens(who.User.ID)
		if err != nil {
			return err
		}
		if err := tx.DeleteToken(who.User.ID, id); err != nil {
			return err
		}
		detail := map[string]any{}
		if i := slices.IndexFunc(have, func(t portal.Token) bool { return t.ID == id }); i >= 0 {
			detail["name"], detail["scopes"], detail["expires"] = have[i].Name, have[i].Scopes.String(), have[i].ExpiresAt
		}
		return tx.Audit(who.Actor(), "token.delete", "token:"+string(id), detail)
	})
	if err != nil {
		return fmt.Errorf("delete token: %w", err)
	}
	return nil
}
