package api

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// GetFactors lists what the person has to show.
func (s *Server) GetFactors(ctx context.Context, _ GetFactorsRequestObject) (GetFactorsResponseObject, error) {
	have, err := s.Auth.Factors(ctx, who(ctx))
	return GetFactors200JSONResponse(factorsJSON(have)), err
}

// GetPersonFactors lists what another person has.
func (s *Server) GetPersonFactors(ctx context.Context, req GetPersonFactorsRequestObject) (GetPersonFactorsResponseObject, error) {
	have, err := s.Auth.PersonFactors(ctx, actor(ctx), portal.UserID(req.Id))
	return GetPersonFactors200JSONResponse(factorsJSON(have)), err
}

func factorsJSON(have auth.FactorList) Factors {
	out := Factors{RecoveryCodesLeft: have.RecoveryCodes, Totp: []Factor{}, Passkeys: []Factor{}}
	for _, f := range have.Factors {
		into := &out.Totp
		if f.Kind == portal.FactorPasskey {
			into = &out.Passkeys
		}
		*into = append(*into, factorJSON(f, have.BackedUp[f.ID]))
	}
	return out
}

func factorJSON(f portal.Factor, backedUp bool) Factor {
	out := Factor{Id: string(f.ID), Kind: FactorKind(f.Kind), Name: f.Name, ConfirmedAt: f.ConfirmedAt, UsedAt: moment(f.UsedAt)}
	if f.Kind == portal.FactorPasskey {
		out.BackedUp = &backedUp
	}
	return out
}

// RenameFactor gives one of the person's factors another name.
func (s *Server) RenameFactor(ctx context.Context, req RenameFactorRequestObject) (RenameFactorResponseObject, error) {
	if err := s.Auth.RenameFactor(ctx, who(ctx), portal.FactorID(req.Id), req.Body.Name); err != nil {
		return nil, err
	}
	return RenameFactor204Response{}, nil
}

// RemoveFactor removes one.
func (s *Server) RemoveFactor(ctx context.Context, req RemoveFactorRequestObject) (RemoveFactorResponseObject, error) {
	if err := s.Auth.RemoveFactor(ctx, who(ctx), portal.FactorID(req.Id)); err != nil {
		return nil, err
	}
	return RemoveFactor204Response{}, nil
}

// BeginTotp begins to enrol an authenticator app.
func (s *Server) BeginTotp(ctx context.Context, _ BeginTotpRequestObject) (BeginTotpResponseObject, error) {
	e, err := s.Auth.BeginTOTP(ctx, who(ctx))
	if err != nil {
		return nil, err
	}
	return BeginTotp201JSONResponse{Secret: e.Secret.Reveal(), Uri: e.URI.Reveal()}, nil
}

// ConfirmTotp finishes it.
func (s *Server) ConfirmTotp(ctx context.Context, req ConfirmTotpRequestObject) (ConfirmTotpResponseObject, error) {
	done, err := s.Auth.ConfirmTOTP(ctx, who(ctx), req.Body.Code)
	if err != nil {
		s.Metrics.signIn("wrong_code")
		return nil, err
	}
	s.Metrics.signIn("enrolled")
	return confirmed{
		ConfirmTotp200JSONResponse{Session: sessionJSON(renewed(who(ctx), done.SignedIn)), RecoveryCodes: reveal(done.Codes)},
		s.sessionCookie(done.SignedIn),
	}, nil
}

// NewRecoveryCodes replaces the recovery codes.
func (s *Server) NewRecoveryCodes(ctx context.Context, _ NewRecoveryCodesRequestObject) (NewRecoveryCodesResponseObject, error) {
	codes, err := s.Auth.NewRecoveryCodes(ctx, who(ctx))
	if err != nil {
		return nil, err
	}
	return NewRecoveryCodes201JSONResponse{RecoveryCodes: reveal(codes)}, nil
}

// reveal is for what is shown this once.
func reveal(secrets []portal.Secret) []string {
	texts := make([]string, len(secrets))
	for i, s := range secrets {
		texts[i] = s.Reveal()
	}
	return texts
}

// ListTokens lists the person's tokens.
func (s *Server) ListTokens(ctx context.Context, _ ListTokensRequestObject) (ListTokensResponseObject, error) {
	all, err := s.Auth.Tokens(ctx, who(ctx))
	if err != nil {
		return nil, err
	}
	out := ListTokens200JSONResponse{Items: make([]Token, len(all)), Scopes: ids(auth.TokenScopes(who(ctx).User.Role))}
	for i, t := range all {
		out.Items[i] = tokenJSON(t)
	}
	return out, nil
}

// CreateToken makes one.
func (s *Server) CreateToken(ctx context.Context, req CreateTokenRequestObject) (CreateTokenResponseObject, error) {
	days := 90
	if req.Body.Days != nil {
		days = *req.Body.Days
	}
	var scopes portal.Scopes
	if named := req.Body.Scopes; named != nil {
		scopes = idsFrom[portal.Right](*named)
	}
	create := s.Auth.CreateToken
	if or(req.Body.Policy) {
		create = s.Auth.CreatePolicyToken
	}
	t, secret, err := create(ctx, who(ctx), req.Body.Name, scopes, time.Duration(days)*24*time.Hour)
	if err != nil {
		return nil, err
	}
	return CreateToken201JSONResponse{Token: tokenJSON(t), Secret: secret.Reveal()}, nil
}

// DeleteToken ends one.
func (s *Server) DeleteToken(ctx context.Context, req DeleteTokenRequestObject) (DeleteTokenResponseObject, error) {
	if err := s.Auth.DeleteToken(ctx, who(ctx), portal.TokenID(req.Id)); err != nil {
		return nil, err
	}
	return DeleteToken204Response{}, nil
}

func tokenJSON(t portal.Token) Token {
	out := Token{Id: string(t.ID), Name: t.Name, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt, UsedAt: moment(t.UsedAt)}
	if t.Scopes != nil {
		scopes := ids(t.Scopes)
		out.Scopes = &scopes
	}
	return out
}
