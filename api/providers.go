package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// ListIdentityProviders lists the providers, never with a secret.
func (s *Server) ListIdentityProviders(ctx context.Context, _ ListIdentityProvidersRequestObject) (ListIdentityProvidersResponseObject, error) {
	all, err := s.Auth.IdentityProviders(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := ListIdentityProviders200JSONResponse{Items: make([]IdentityProvider, len(all))}
	for i, p := range all {
		one := &out.Items[i]
		*one = IdentityProvider{
			Id: p.ID, Enabled: p.Enabled, FromFile: p.FromFile, HasSecret: p.HasSecret, RedirectUri: p.Redirect, LogoutUri: s.Auth.PublicURL + auth.LogoutPath + p.ID,
			Sessions: p.Sessions, People: p.People, UpdatedAt: moment(p.UpdatedAt),
		}
		if err := recast(p.Settings, &one.Settings); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// recast goes from one type to another with the same JSON: portal.ProviderSettings is written in the words of the contract.
func recast(from, to any) error {
	b, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	if err != nil {
		return fmt.Errorf("provider settings: %w", err)
	}
	return nil
}

func providerInput(enabled bool, settings ProviderSettings, secret *string) (auth.ProviderInput, error) {
	in := auth.ProviderInput{Enabled: enabled}
	if secret != nil {
		given := portal.Secret{}
		if *secret != "" {
			given = portal.NewSecretText(*secret)
		}
		in.Secret = &given
	}
	return in, recast(settings, &in.Settings)
}

// inSettings says where in the body a field is that auth names by itself.
func inSettings(err error) error {
	var e *portal.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	fields := slices.Clone(e.Fields)
	for i, f := range fields {
		if f.Path != "/id" && f.Path != "/clientSecret" {
			fields[i].Path = "/settings" + f.Path
		}
	}
	return portal.InvalidFields(fields...)
}

// CreateIdentityProvider adds one.
func (s *Server) CreateIdentityProvider(ctx context.Context, req CreateIdentityProviderRequestObject) (CreateIdentityProviderResponseObject, error) {
	in, err := providerInput(req.Body.Enabled, req.Body.Settings, req.Body.ClientSecret)
	if err != nil {
		return nil, err
	}
	if err := s.Auth.AddProvider(ctx, actor(ctx), req.Body.Id, in); err != nil {
		return nil, inSettings(err)
	}
	return CreateIdentityProvider204Response{}, nil
}

// UpdateIdentityProvider replaces one's settings.
func (s *Server) UpdateIdentityProvider(ctx context.Context, req UpdateIdentityProviderRequestObject) (UpdateIdentityProviderResponseObject, error) {
	in, err := providerInput(req.Body.Enabled, req.Body.Settings, req.Body.ClientSecret)
	if err != nil {
		return nil, err
	}
	if err := s.Auth.UpdateProvider(ctx, actor(ctx), req.Id, in); err != nil {
		return nil, inSettings(err)
	}
	return UpdateIdentityProvider204Response{}, nil
}

// DeleteIdentityProvider removes one.
func (s *Server) DeleteIdentityProvider(ctx context.Context, req DeleteIdentityProviderRequestObject) (DeleteIdentityProviderResponseObject, error) {
	if err := s.Auth.DeleteProvider(ctx, actor(ctx), req.Id); err != nil {
		return nil, err
	}
	return DeleteIdentityProvider204Response{}, nil
}

// away sends the browser to a provider, and gives it the secret of the way back.
type away struct {
	redirect, test string
	cookie         *http.Cookie
}

func (r away) answer(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	body := RedirectResponseJSONResponse{Redirect: r.redirect, Test: text(r.test)}
	return LinkIdentity201JSONResponse{body}.VisitLinkIdentityResponse(w)
}

func (r away) VisitLinkIdentityResponse(w http.ResponseWriter) error         { return r.answer(w) }
func (r away) VisitTestIdentityProviderResponse(w http.ResponseWriter) error { return r.answer(w) }

func (s *Server) away(start auth.SignInStart, test string) away {
	return away{start.Redirect, test, s.cookie(flowCookie, start.Flow.Reveal(), s.now().Add(auth.FlowLife))}
}

// TestIdentityProvider begins a sign-in with settings that are not saved.
func (s *Server) TestIdentityProvider(ctx context.Context, req TestIdentityProviderRequestObject) (TestIdentityProviderResponseObject, error) {
	in, err := providerInput(req.Body.Enabled, req.Body.Settings, req.Body.ClientSecret)
	if err != nil {
		return nil, err
	}
	test, start, err := s.Auth.TryProvider(ctx, who(ctx), req.Id, in)
	if err != nil {
		return nil, inSettings(err)
	}
	return s.away(start, test), nil
}

// GetIdentityProviderTest tells what came of it.
func (s *Server) GetIdentityProviderTest(ctx context.Context, req GetIdentityProviderTestRequestObject) (GetIdentityProviderTestResponseObject, error) {
	t, err := s.Auth.ProviderTried(ctx, who(ctx), req.Id)
	if err != nil {
		return nil, err
	}
	out := GetIdentityProviderTest200JSONResponse{Done: t.Done}
	if !t.Done {
		return out, nil
	}
	outcome, role := ProviderTestOutcome(t.Outcome), Role(t.Role)
	out.Provider, out.Outcome, out.Reason, out.Cause = &t.Provider, &outcome, text(t.Reason), text(t.Cause)
	if t.Outcome == auth.TryFailed {
		return out, nil
	}
	said := map[string]any{}
	if err := recast(t.Claims, &said); err != nil {
		return nil, err
	}
	groups := nonNil(t.Groups)
	out.Claims, out.Issuer, out.Subject, out.Name, out.Email, out.EmailVerified = &said, &t.Issuer, &t.Subject, &t.Name, &t.Email, &t.Verified
	out.Groups, out.GroupsSaid, out.Role, out.Factor, out.PersonId, out.PersonName = &groups, &t.Said, &role, &t.Factor, text(t.Person), text(t.Who)
	return out, nil
}

// ListIdentities lists the person's own accounts.
func (s *Server) ListIdentities(ctx context.Context, _ ListIdentitiesRequestObject) (ListIdentitiesResponseObject, error) {
	all, err := s.Auth.Identities(ctx, who(ctx))
	if err != nil {
		return nil, err
	}
	return ListIdentities200JSONResponse{Items: identitiesJSON(all, who(ctx).Session.Upstream)}, nil
}

func identitiesJSON(all []auth.LinkedIdentity, now portal.Upstream) []Identity {
	out := make([]Identity, len(all))
	for i, one := range all {
		out[i] = Identity{
			Id: one.ID, Issuer: one.Issuer, Subject: one.Subject, Provider: one.Provider, AddedAt: one.AddedAt, Kept: one.Kept,
			Current: now.Issuer == one.Issuer && now.Subject != "" && now.Subject == one.IDPSub,
		}
	}
	return out
}

// ListPersonIdentities lists those of somebody else.
func (s *Server) ListPersonIdentities(ctx context.Context, req ListPersonIdentitiesRequestObject) (ListPersonIdentitiesResponseObject, error) {
	all, err := s.Auth.PersonIdentities(ctx, actor(ctx), portal.UserID(req.Id))
	if err != nil {
		return nil, err
	}
	return ListPersonIdentities200JSONResponse{Items: identitiesJSON(all, portal.Upstream{})}, nil
}

// UnlinkPersonIdentity disconnects one of them.
func (s *Server) UnlinkPersonIdentity(ctx context.Context, req UnlinkPersonIdentityRequestObject) (UnlinkPersonIdentityResponseObject, error) {
	if err := s.Auth.UnlinkPerson(ctx, actor(ctx), portal.UserID(req.Id), req.Identity); err != nil {
		return nil, err
	}
	return UnlinkPersonIdentity204Response{}, nil
}

// LinkIdentity begins to connect one more.
func (s *Server) LinkIdentity(ctx context.Context, req LinkIdentityRequestObject) (LinkIdentityResponseObject, error) {
	start, err := s.Auth.LinkIdentity(ctx, who(ctx), req.Body.Provider)
	if err != nil {
		return nil, err
	}
	return s.away(start, ""), nil
}

// UnlinkIdentity disconnects one.
func (s *Server) UnlinkIdentity(ctx context.Context, req UnlinkIdentityRequestObject) (UnlinkIdentityResponseObject, error) {
	if err := s.Auth.UnlinkIdentity(ctx, who(ctx), req.Id); err != nil {
		return nil, err
	}
	return UnlinkIdentity204Response{}, nil
}

// backChannelLogout takes a provider's word that a session there has ended: POST /auth/backchannel-logout/PROVIDER. Who calls is a server, so
// the answer is in the words of the protocol (Back-Channel Logout 1.0, section 2.8).
func (s *Server) backChannelLogout(c echo.Context) error {
	if c.Request().ParseForm() != nil {
		return auth.ErrLogoutToken
	}
	if err := s.Auth.BackChannelLogout(c.Request().Context(), c.Param("provider"), c.Request().PostForm.Get("logout_token"), s.browser(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
