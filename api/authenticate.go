package api

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

type whoKey struct{}

func withWho(ctx context.Context, w auth.Who) context.Context {
	return context.WithValue(ctx, whoKey{}, w)
}

// who is the person behind the request, put there by the gate. It stays in this package: below it the actor is a parameter.
func who(ctx context.Context) auth.Who {
	w, _ := ctx.Value(whoKey{}).(auth.Who)
	return w
}

type fromKey struct{}

// from is where a request without a session came from, put there by the gate.
func from(ctx context.Context) auth.Browser {
	b, _ := ctx.Value(fromKey{}).(auth.Browser)
	return b
}

// actor is who as the acting person of a use case.
func actor(ctx context.Context) portal.Actor { return who(ctx).Actor() }

// The names of the cookies. Browsers take the prefix __Host- as a promise: Secure, Path=/ and no Domain (RFC 6265bis, section 4.1.3.2).
// Over plain http, which config allows on loopback and in the demo only, they refuse Secure cookies unless the host is loopback, so there the names
// have no prefix and the cookies are not Secure.
const (
	sessionCookie = "sallyport"
	flowCookie    = "sallyport-flow"
	hostPrefix    = "__Host-"
)

func (s *Server) cookieName(name string) string {
	if s.overTLS() {
		return hostPrefix + name
	}
	return name
}

// cookie makes one that scripts can't read and other sites' requests don't carry. Lax and not Strict: the way back from the identity
// provider is a navigation that another site started.
func (s *Server) cookie(name, value string, expires time.Time) *http.Cookie {
	return &http.Cookie{
		Name: s.cookieName(name), Value: value, Path: "/", Expires: expires, HttpOnly: true, Secure: s.overTLS(), SameSite: http.SameSiteLaxMode,
	}
}

func (s *Server) sessionCookie(in auth.SignedIn) *http.Cookie {
	return s.cookie(sessionCookie, in.Secret.Reveal(), in.Session.ExpiresAt)
}

// noCookie makes the browser forget one.
func (s *Server) noCookie(name string) *http.Cookie {
	c := s.cookie(name, "", time.Unix(1, 0))
	c.MaxAge = -1
	return c
}

// authenticate finds out who asks: by token if there is one, else by cookie.
func (s *Server) authenticate(c echo.Context) (auth.Who, error) {
	ctx, from := c.Request().Context(), s.browser(c)
	if header := c.Request().Header.Get(echo.HeaderAuthorization); header != "" {
		token, ok := auth.BearerToken(header)
		if !ok {
			return auth.Who{}, auth.ErrBadToken
		}
		return s.Auth.AuthenticateToken(ctx, token, from)
	}
	cookie, err := c.Cookie(s.cookieName(sessionCookie))
	if err != nil || cookie.Value == "" {
		return auth.Who{}, portal.ErrSignedOut
	}
	return s.Auth.Authenticate(ctx, cookie.Value, from)
}

// browser is where the request came from.
func (s *Server) browser(c echo.Context) auth.Browser {
	b := auth.Browser{Addr: clientAddr(c), UserAgent: userAgent(c.Request()), RequestID: requestID(c.Request().Context())}
	if cookie, err := c.Cookie(s.cookieName(sessionCookie)); err == nil {
		b.Before = portal.NewSecretText(cookie.Value)
	}
	return b
}

// clientAddr is the address of the client, after trusted proxies; the zero address when there is none to be had.
func clientAddr(c echo.Context) netip.Addr {
	a, err := netip.ParseAddr(c.RealIP())
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// maxUserAgent bounds what is kept of the header, in bytes.
const maxUserAgent = 200

// userAgent is the header as far as it is printable ASCII, cut.
func userAgent(r *http.Request) string {
	clean := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, r.UserAgent())
	if len(clean) > maxUserAgent {
		clean = clean[:maxUserAgent]
	}
	return clean
}
