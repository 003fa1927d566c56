package api

import (
	"cmp"
	"context"
	"net/http"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// signedIn answers with the session and puts its new secret into the browser's cookie.
type signedIn struct {
	SessionResponseJSONResponse
	cookie *http.Cookie
}

func (r signedIn) VisitVerifyTotpResponse(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	return VerifyTotp200JSONResponse{r.SessionResponseJSONResponse}.VisitVerifyTotpResponse(w)
}

func (r signedIn) VisitVerifyRecoveryResponse(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	return VerifyRecovery200JSONResponse{r.SessionResponseJSONResponse}.VisitVerifyRecoveryResponse(w)
}

type confirmed struct {
	ConfirmTotp200JSONResponse
	cookie *http.Cookie
}

func (r confirmed) VisitConfirmTotpResponse(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	return r.ConfirmTotp200JSONResponse.VisitConfirmTotpResponse(w)
}

type signedOut struct {
	cookie   *http.Cookie
	redirect string
}

func (r signedOut) VisitSignOutResponse(w http.ResponseWriter) error {
	http.SetCookie(w, r.cookie)
	if r.redirect != "" {
		return SignOut200JSONResponse{Redirect: r.redirect}.VisitSignOutResponse(w)
	}
	return SignOut204Response{}.VisitSignOutResponse(w)
}

// GetSession describes the session that asks.
func (s *Server) GetSession(ctx context.Context, _ GetSessionRequestObject) (GetSessionResponseObject, error) {
	return GetSession200JSONResponse{SessionResponseJSONResponse(sessionJSON(who(ctx)))}, nil
}

// SignOut ends the session that asks.
func (s *Server) SignOut(ctx context.Context, _ SignOutRequestObject) (SignOutResponseObject, error) {
	ended, err := s.Auth.SignOut(ctx, who(ctx))
	if err != nil {
		return nil, err
	}
	return signedOut{s.noCookie(sessionCookie), s.Auth.SignOutUpstream(ctx, ended)}, nil
}

// VerifyTotp shows the second factor.
func (s *Server) VerifyTotp(ctx context.Context, req VerifyTotpRequestObject) (VerifyTotpResponseObject, error) {
	in, err := s.Auth.VerifyTOTP(ctx, who(ctx), req.Body.Code)
	if err != nil {
		s.Metrics.signIn("wrong_code")
		return nil, err
	}
	s.Metrics.signIn("totp")
	return s.signedIn(ctx, in), nil
}

// VerifyRecovery shows a recovery code in its place.
func (s *Server) VerifyRecovery(ctx context.Context, req VerifyRecoveryRequestObject) (VerifyRecoveryResponseObject, error) {
	in, err := s.Auth.VerifyRecovery(ctx, who(ctx), req.Body.Code)
	if err != nil {
		s.Metrics.signIn("wrong_code")
		return nil, err
	}
	s.Metrics.signIn("recovery")
	return s.signedIn(ctx, in), nil
}

func (s *Server) signedIn(ctx context.Context, in auth.SignedIn) signedIn {
	return signedIn{SessionResponseJSONResponse(sessionJSON(renewed(who(ctx), in))), s.sessionCookie(in)}
}

// renewed is w after its session has changed.
func renewed(w auth.Who, in auth.SignedIn) auth.Who {
	w.Session, w.Stage = in.Session, in.Stage
	return w
}

// ListSessions lists where the person is signed in.
func (s *Server) ListSessions(ctx context.Context, _ ListSessionsRequestObject) (ListSessionsResponseObject, error) {
	all, err := s.Auth.Sessions(ctx, who(ctx))
	if err != nil {
		return nil, err
	}
	return ListSessions200JSONResponse{Items: s.sessionsJSON(ctx, all)}, nil
}

func (s *Server) sessionsJSON(ctx context.Context, all []portal.Session) []BrowserSession {
	out := make([]BrowserSession, len(all))
	for i, one := range all {
		out[i] = BrowserSession{
			Id: string(one.ID), Current: one.ID == who(ctx).Session.ID, CreatedAt: one.CreatedAt, SeenAt: one.SeenAt, ExpiresAt: one.ExpiresAt,
			UserAgent: one.UserAgent, Address: addrText(one.Addr),
		}
		if place, ok := s.Places.Of(one.Addr); ok {
			out[i].Place = &struct {
				City    *string `json:"city,omitempty"`
				Country string  `json:"country"`
			}{text(place.City), place.Country}
		}
	}
	return out
}

// EndOtherSessions signs out everywhere else.
func (s *Server) EndOtherSessions(ctx context.Context, _ EndOtherSessionsRequestObject) (EndOtherSessionsResponseObject, error) {
	n, err := s.Auth.EndOtherSessions(ctx, who(ctx))
	if err != nil {
		return nil, err
	}
	return EndOtherSessions200JSONResponse{Ended: n}, nil
}

// EndSession signs out elsewhere.
func (s *Server) EndSession(ctx context.Context, req EndSessionRequestObject) (EndSessionResponseObject, error) {
	if err := s.Auth.EndSession(ctx, who(ctx), portal.SessionID(req.Id)); err != nil {
		return nil, err
	}
	return EndSession204Response{}, nil
}

// sessionJSON says where w stands. A token is a session that is always ready and never fresh.
func sessionJSON(w auth.Who) Session {
	out := Session{Stage: SessionStage(w.Stage), ExpiresAt: w.Session.ExpiresAt, Can: []string{}}
	out.User.Id, out.User.Name, out.User.Email, out.User.Role = string(w.User.ID), w.User.Name, w.User.Email, Role(w.User.Role)
	if w.Token.ID != "" {
		out.ExpiresAt = w.Token.ExpiresAt
	}
	if w.Session.Provider != "" {
		out.Provider = &w.Session.Provider
	}
	if at := w.Session.FactorAt; !at.IsZero() {
		until := at.Add(cmp.Or(w.FreshFor, auth.StepUpAge))
		out.FactorAt, out.FreshUntil = &at, &until
	}
	by := w.Actor()
	for _, a := range auth.Actions() {
		if by.May(a) {
			out.Can = append(out.Can, string(a))
		}
	}
	return out
}
