package api

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ListServiceTokens lists the tokens of programs.
func (s *Server) ListServiceTokens(ctx context.Context, _ ListServiceTokensRequestObject) (ListServiceTokensResponseObject, error) {
	all, err := s.Auth.ServiceTokens(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := ListServiceTokens200JSONResponse{}
	out.Items, out.Offers = empty(out.Items), empty(out.Offers)
	for _, role := range portal.Roles() {
		if scopes := auth.ServiceScopes(role); len(scopes) > 0 && actor(ctx).Role.Covers(role) {
			one := add(&out.Offers)
			one.Role, one.Scopes = Role(role), ids(scopes)
		}
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		names := actorNames{tx: tx, known: map[string]string{}}
		for _, t := range all {
			out.Items = append(out.Items, serviceTokenJSON(t, names.person(t.MadeBy)))
		}
		return nil
	})
	return out, err
}

// CreateServiceToken makes one.
func (s *Server) CreateServiceToken(ctx context.Context, req CreateServiceTokenRequestObject) (CreateServiceTokenResponseObject, error) {
	days := 90
	if req.Body.Days != nil {
		days = *req.Body.Days
	}
	t, secret, err := s.Auth.CreateServiceToken(ctx, actor(ctx), auth.NewServiceToken{
		Name: req.Body.Name, Role: portal.Role(req.Body.Role), Scopes: idsFrom[portal.Right](req.Body.Scopes), Life: time.Duration(days) * 24 * time.Hour,
	})
	if err != nil {
		return nil, err
	}
	return CreateServiceToken201JSONResponse{Token: serviceTokenJSON(t, who(ctx).User.Name), Secret: secret.Reveal()}, nil
}

// DeleteServiceToken ends one.
func (s *Server) DeleteServiceToken(ctx context.Context, req DeleteServiceTokenRequestObject) (DeleteServiceTokenResponseObject, error) {
	if err := s.Auth.DeleteServiceToken(ctx, actor(ctx), portal.ServiceTokenID(req.Id)); err != nil {
		return nil, err
	}
	return DeleteServiceToken204Response{}, nil
}

func serviceTokenJSON(t portal.ServiceToken, madeBy string) ServiceToken {
	out := ServiceToken{
		Id: string(t.ID), Name: t.Name, Role: Role(t.Role), Scopes: ids(t.Scopes), CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, UsedAt: moment(t.UsedAt),
	}
	out.MadeBy.Id, out.MadeBy.Name = string(t.MadeBy), madeBy
	return out
}
