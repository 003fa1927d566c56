package api

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Directories keeps the tokens of directories that write people and groups; *scim.Service does.
type Directories interface {
	Tokens(ctx context.Context, by portal.Actor) ([]portal.SCIMToken, error)
	CreateToken(ctx context.Context, by portal.Actor, name, issuer string, subject portal.SCIMSubject, life time.Duration) (portal.SCIMToken, portal.Secret, error)
	RevokeToken(ctx context.Context, by portal.Actor, id portal.SCIMTokenID) error
	// URL is the address that a directory is given.
	URL() string
}

// GetScim tells who writes people and groups here.
func (s *Server) GetScim(ctx context.Context, _ GetScimRequestObject) (GetScimResponseObject, error) {
	tokens, err := s.Directories.Tokens(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := GetScim200JSONResponse{Url: s.Directories.URL(), Tokens: make([]ScimToken, len(tokens))}
	out.Issuers = empty(out.Issuers)
	issuers, err := s.Auth.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range issuers {
		one := add(&out.Issuers)
		one.Issuer, one.Name = p.Issuer, p.Name
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		for i, t := range tokens {
			if out.Tokens[i], err = scimTokenJSON(tx, t); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// CreateScimToken makes a directory's token.
func (s *Server) CreateScimToken(ctx context.Context, req CreateScimTokenRequestObject) (CreateScimTokenResponseObject, error) {
	days := 365
	if req.Body.Days != nil {
		days = *req.Body.Days
	}
	t, secret, err := s.Directories.CreateToken(ctx, actor(ctx), req.Body.Name, req.Body.Issuer, portal.SCIMSubject(req.Body.Subject), time.Duration(days)*24*time.Hour)
	if err != nil {
		return nil, err
	}
	out := CreateScimToken201JSONResponse{Secret: secret.Reveal()}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		out.Token, err = scimTokenJSON(tx, t)
		return err
	})
	return out, err
}

// RevokeScimToken ends one.
func (s *Server) RevokeScimToken(ctx context.Context, req RevokeScimTokenRequestObject) (RevokeScimTokenResponseObject, error) {
	if err := s.Directories.RevokeToken(ctx, actor(ctx), portal.SCIMTokenID(req.Id)); err != nil {
		return nil, err
	}
	return RevokeScimToken204Response{}, nil
}

func scimTokenJSON(tx *store.Tx, t portal.SCIMToken) (ScimToken, error) {
	people, err := tx.CountSCIMUsers(store.SCIMQuery{Issuer: t.Issuer})
	if err != nil {
		return ScimToken{}, err
	}
	groups, err := tx.CountSCIMGroups(store.SCIMGroupQuery{Issuer: t.Issuer})
	return ScimToken{
		Id: string(t.ID), Name: t.Name, Issuer: t.Issuer, Subject: ScimTokenSubject(t.Subject), CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt,
		UsedAt: moment(t.UsedAt), WroteAt: moment(t.WroteAt), FailedAt: moment(t.FailedAt), Failure: text(t.Failure), People: people, Groups: groups,
	}, err
}
