package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/auth"
)

// startSignIn sends the browser to an identity provider: GET /auth/start?provider=ID&return_to=/path.
func (s *Server) startSignIn(c echo.Context) error {
	start, err := s.Auth.StartSignIn(c.Request().Context(), c.QueryParam("provider"), c.QueryParam("return_to"), s.browser(c))
	if err != nil {
		return err
	}
	c.SetCookie(s.cookie(flowCookie, start.Flow.Reveal(), s.now().Add(auth.FlowLife)))
	return c.Redirect(http.StatusSeeOther, start.Redirect)
}

// finishSignIn takes the provider's answer: GET /auth/callback/PROVIDER.
func (s *Server) finishSignIn(c echo.Context) error {
	cb := auth.Callback{
		Provider: c.Param("provider"), State: c.QueryParam("state"), Code: c.QueryParam("code"), Issuer: c.QueryParam("iss"),
		Error: c.QueryParam("error"), ErrorDescription: c.QueryParam("error_description"),
	}
	var flow string
	if cookie, err := c.Cookie(s.cookieName(flowCookie)); err == nil {
		flow = cookie.Value
	}
	if cookie, err := c.Cookie(s.cookieName(sessionCookie)); err == nil {
		cb.Session = cookie.Value
	}
	c.SetCookie(s.noCookie(flowCookie))
	in, err := s.Auth.FinishSignIn(c.Request().Context(), cb, flow, s.browser(c))
	if err != nil {
		s.Metrics.signIn("refused")
		if in.ReturnTo != "" {
			return errors.Join(err, leadTo(in.ReturnTo))
		}
		return err
	}
	if in.Secret.IsZero() { // an account was connected, or settings were tried: the session stays as it is
		return c.Redirect(http.StatusSeeOther, in.ReturnTo)
	}
	s.Metrics.signIn("provider")
	c.SetCookie(s.sessionCookie(in))
	return c.Redirect(http.StatusSeeOther, in.ReturnTo) // auth has made sure that it is a path on this portal
}

// leadBack is for the two routes that a person's browser visits itself: what goes wrong leads to the sign-in page, which has the words
// for it, and not to a problem document.
func (s *Server) leadBack(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		err := next(c)
		if err == nil {
			return nil
		}
		ctx, e := c.Request().Context(), shown(err)
		s.logFailure(ctx, e, err)
		q := url.Values{"problem": {e.Code}, "id": {requestID(ctx)}}
		to := leadTo("/sign-in")
		errors.As(err, &to)
		return c.Redirect(http.StatusSeeOther, string(to)+"?"+q.Encode())
	}
}

// leadTo is the page that tells of an error, where it is not the sign-in page.
type leadTo string

func (leadTo) Error() string { return "told on another page" }

// GetSignIn lists the ways to sign in.
func (s *Server) GetSignIn(ctx context.Context, _ GetSignInRequestObject) (GetSignInResponseObject, error) {
	out := GetSignIn200JSONResponse{Demo: s.Demo, Version: s.Version, Passkeys: s.Auth.PasskeysOffered(), Local: s.Auth.LocalAccounts}
	out.Providers = empty(out.Providers)
	options, err := s.Auth.SignInOptions(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range options {
		one := add(&out.Providers)
		one.Id, one.Name = o.ID, o.Name
	}
	return out, nil
}
