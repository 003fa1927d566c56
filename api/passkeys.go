package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// GetSessionWays tells what this session may show or set up.
func (s *Server) GetSessionWays(ctx context.Context, _ GetSessionWaysRequestObject) (GetSessionWaysResponseObject, error) {
	ways, err := s.Auth.Ways(ctx, who(ctx))
	if err != nil {
		return nil, err
	}
	return GetSessionWays200JSONResponse{Show: kinds(ways.Show), Enrol: kinds(ways.Enrol), Until: moment(ways.Until)}, nil
}

func kinds(all []portal.FactorKind) []FactorKind {
	out := make([]FactorKind, len(all))
	for i, k := range all {
		out[i] = FactorKind(k)
	}
	return out
}

// BeginPasskey begins to set up a passkey.
func (s *Server) BeginPasskey(ctx context.Context, _ BeginPasskeyRequestObject) (BeginPasskeyResponseObject, error) {
	options, err := passkeyOptions(s.Auth.BeginPasskey(ctx, who(ctx)))
	return BeginPasskey201JSONResponse(options), err
}

// ConfirmPasskey finishes it.
func (s *Server) ConfirmPasskey(ctx context.Context, req ConfirmPasskeyRequestObject) (ConfirmPasskeyResponseObject, error) {
	answer, err := json.Marshal(req.Body.Credential)
	if err != nil {
		return nil, fmt.Errorf("read passkey: %w", err)
	}
	done, err := s.Auth.ConfirmPasskey(ctx, who(ctx), req.Body.Name, answer)
	if err != nil {
		s.Metrics.signIn("refused")
		return nil, err
	}
	s.Metrics.signIn("enrolled")
	return enrolledPasskey{
		ConfirmPasskey200JSONResponse{Session: sessionJSON(renewed(who(ctx), done.SignedIn)), RecoveryCodes: reveal(done.Codes)},
		s.sessionCookie(done.SignedIn),
	}, nil
}

type enrolledPasskey struct {
	ConfirmPasskey200JSONResponse
	cookie *http.Cookie
}

func (r enrolledPasskey) VisitConfirmPasskeyResponse(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	return r.ConfirmPasskey200JSONResponse.VisitConfirmPasskeyResponse(w)
}

// BeginVerifyPasskey asks for a signature of one of the person's passkeys.
func (s *Server) BeginVerifyPasskey(ctx context.Context, _ BeginVerifyPasskeyRequestObject) (BeginVerifyPasskeyResponseObject, error) {
	options, err := passkeyOptions(s.Auth.BeginVerifyPasskey(ctx, who(ctx)))
	return BeginVerifyPasskey201JSONResponse(options), err
}

// VerifyPasskey takes it.
func (s *Server) VerifyPasskey(ctx context.Context, req VerifyPasskeyRequestObject) (VerifyPasskeyResponseObject, error) {
	answer, err := json.Marshal(req.Body.Credential)
	if err != nil {
		return nil, fmt.Errorf("read passkey: %w", err)
	}
	in, err := s.Auth.VerifyPasskey(ctx, who(ctx), answer)
	if err != nil {
		s.Metrics.signIn("refused")
		return nil, err
	}
	s.Metrics.signIn("passkey")
	return s.signedIn(ctx, in), nil
}

func (r signedIn) VisitVerifyPasskeyResponse(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	return VerifyPasskey200JSONResponse{r.SessionResponseJSONResponse}.VisitVerifyPasskeyResponse(w)
}

// BeginPasskeySignIn asks for a signature of any passkey.
func (s *Server) BeginPasskeySignIn(ctx context.Context, _ BeginPasskeySignInRequestObject) (BeginPasskeySignInResponseObject, error) {
	options, err := passkeyOptions(s.Auth.StartPasskeySignIn(ctx, from(ctx)))
	return BeginPasskeySignIn201JSONResponse(options), err
}

// PasskeySignIn signs in whoever the passkey belongs to.
func (s *Server) PasskeySignIn(ctx context.Context, req PasskeySignInRequestObject) (PasskeySignInResponseObject, error) {
	answer, err := json.Marshal(req.Body.Credential)
	if err != nil {
		return nil, fmt.Errorf("read passkey: %w", err)
	}
	in, err := s.Auth.FinishPasskeySignIn(ctx, answer, from(ctx))
	if err != nil {
		s.Metrics.signIn("refused")
		return nil, err
	}
	s.Metrics.signIn("passkey")
	return s.entered(ctx, in)
}

func (r signedIn) VisitPasskeySignInResponse(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	return PasskeySignIn200JSONResponse{r.SessionResponseJSONResponse}.VisitPasskeySignInResponse(w)
}

// entered is signedIn for somebody who had no session before.
func (s *Server) entered(ctx context.Context, in auth.SignedIn) (signedIn, error) {
	w, err := s.Auth.Authenticate(ctx, in.Secret.Reveal(), from(ctx))
	if err != nil {
		return signedIn{}, err
	}
	return signedIn{SessionResponseJSONResponse(sessionJSON(w)), s.sessionCookie(in)}, nil
}

func passkeyOptions(raw json.RawMessage, err error) (PasskeyOptions, error) {
	if err != nil {
		return nil, err
	}
	var options PasskeyOptions
	if err := json.Unmarshal(raw, &options); err != nil {
		return nil, fmt.Errorf("write passkey options: %w", err)
	}
	return options, nil
}
