package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/portal"
)

// refusal is a sign-in that was not let in: what the person is told, and why, for the log and the audit trail.
type refusal struct {
	tell   *portal.Error
	reason string // one of a few words, without anything from outside
	err    error
}

func (r *refusal) Error() string { return r.reason }

func (r *refusal) Unwrap() []error {
	if r.err == nil {
		return []error{r.tell}
	}
	return []error{r.tell, r.err}
}

func refuse(tell *portal.Error, reason string, err error) error { return &refusal{tell, reason, err} }

func (p *Provider) oauth(m *metadata, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Endpoint: m.endpoint, RedirectURL: redirect, Scopes: p.scopes(),
	}
}

// exchange turns the code of an answer into the person that the provider vouches for. Everything that is checked about an answer from
// the token endpoint on is in here (OpenID Connect Core 1.0, sections 3.1.3.5, 3.1.3.7 and 5.3.2).
func (s *Service) exchange(ctx context.Context, p *Provider, m *metadata, code string, f flowSecrets) (person, error) {
	ctx = oidc.ClientContext(ctx, p.client())
	token, err := p.oauth(m, s.RedirectURI(p.ID)).Exchange(ctx, code, oauth2.VerifierOption(f.verifier))
	if err != nil {
		return person{}, exchangeRefusal(err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok || raw == "" {
		return person{}, refuse(ErrBadAnswer, "no_id_token", nil)
	}
	id, err := s.verify(ctx, p, m, raw, token.AccessToken, f.nonce)
	if err != nil {
		return person{}, err
	}
	said := claims{}
	if err := id.Claims(&said); err != nil {
		return person{}, refuse(ErrBadAnswer, "claims", err)
	}
	signed := maps.Clone(said)
	if m.userInfo && said.missing(p) {
		if err := askUserInfo(ctx, m, token, id.Subject, said); err != nil {
			return person{}, err
		}
	}
	who, err := readPerson(said, signed, p)
	if err != nil {
		return person{}, refuse(ErrBadAnswer, "subject", err)
	}
	who.issuer, who.upstream.Issuer = id.Issuer, id.Issuer
	if p.Logout {
		who.idToken = portal.NewSecretText(raw)
	}
	if p.MaxAge != nil && (who.authTime.IsZero() || s.now().Sub(who.authTime) > *p.MaxAge+p.skew()) {
		return person{}, refuse(ErrBadAnswer, "auth_time", nil) // Core 1.0, section 3.1.3.7, step 13
	}
	who.said = said
	return who, nil
}

// verify checks the ID token: signature, issuer, audience, authorized party, times, nonce, and that the access token belongs to it.
func (s *Service) verify(ctx context.Context, p *Provider, m *metadata, raw, accessToken, nonce string) (*oidc.IDToken, error) {
	now := s.now()
	verifier := m.provider.Verifier(&oidc.Config{ClientID: p.ClientID, Now: func() time.Time { return now.Add(-p.skew()) }})
	id, err := verifier.Verify(ctx, raw)
	if expired := new(oidc.TokenExpiredError); errors.As(err, &expired) {
		return nil, refuse(ErrBadAnswer, "expired", err)
	}
	if noKeys(err) {
		return nil, refuse(ErrProviderDown, "keys", errNoKeys)
	}
	if err != nil {
		return nil, refuse(ErrBadAnswer, "id_token", err)
	}
	var extra struct {
		AuthorizedParty string `json:"azp"`
	}
	if err := id.Claims(&extra); err != nil {
		return nil, refuse(ErrBadAnswer, "claims", err)
	}
	switch {
	case id.Issuer != p.Issuer: // go-oidc lets Google leave the scheme away; people are keyed by it, so one spelling only
		return nil, refuse(ErrBadAnswer, "issuer", nil)
	case extra.AuthorizedParty != "" && extra.AuthorizedParty != p.ClientID, len(id.Audience) > 1 && extra.AuthorizedParty == "":
		return nil, refuse(ErrBadAnswer, "authorized_party", nil)
	case id.IssuedAt.After(now.Add(p.skew())):
		return nil, refuse(ErrBadAnswer, "issued_in_future", nil)
	case !equal(id.Nonce, nonce):
		return nil, refuse(ErrBadAnswer, "nonce", nil)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(accessToken); err != nil {
			return nil, refuse(ErrBadAnswer, "access_token", err)
		}
	}
	return id, nil
}

// errNoKeys stands in place of go-oidc's error, which holds what is behind jwks_uri: that would get into the log and into what a test shows.
var errNoKeys = errors.New("the keys behind jwks_uri can't be fetched or read")

// noKeys reports whether a token could not be checked because there are no keys, which says nothing of the token. go-oidc tells it by text only.
func noKeys(err error) bool {
	return err != nil && strings.HasPrefix(err.Error(), "failed to verify signature: fetching keys ")
}

// askUserInfo adds to said what only the userinfo endpoint says, provided that it speaks of the same subject.
func askUserInfo(ctx context.Context, m *metadata, token *oauth2.Token, subject string, said claims) error {
	info, err := m.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return refuse(ErrProviderDown, "userinfo", err)
	}
	if info.Subject != subject {
		return refuse(ErrBadAnswer, "userinfo_subject", nil)
	}
	more := claims{}
	if err := info.Claims(&more); err != nil {
		return refuse(ErrBadAnswer, "userinfo_claims", err)
	}
	said.merge(more)
	return nil
}

// exchangeRefusal tells a code that was refused from an endpoint that does not work. The provider's text is not kept: only its code.
func exchangeRefusal(err error) error {
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) || answer.Response == nil {
		return refuse(ErrProviderDown, "token_endpoint", err)
	}
	status := answer.Response.StatusCode
	known := []string{"invalid_grant", "invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type", "invalid_scope"}
	what := "other"
	if slices.Contains(known, answer.ErrorCode) {
		what = answer.ErrorCode
	}
	err = fmt.Errorf("token endpoint answers %d %s", status, what)
	if status >= http.StatusInternalServerError {
		return refuse(ErrProviderDown, "token_endpoint", err)
	}
	return refuse(ErrBadAnswer, "code", err)
}
