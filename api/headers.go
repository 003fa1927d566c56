package api

import (
	"encoding/base64"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/portal"
)

// secureHeaders sets what every answer carries. The policy here lets a document do nothing at all; the web app's page replaces it.
func (s *Server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)")
		if s.overTLS() {
			h.Set("Strict-Transport-Security", "max-age=31536000") // one year, in seconds; RFC 6797. Subdomains are not ours to decide about
		}
		return next(c)
	}
}

// appPolicy is the policy of the web app's page: everything from here, no inline script, and inline styles only with the nonce, which the
// component library needs for the sheets that it makes. QR codes and downloads are data and blob URLs.
func appPolicy(nonce string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' data: blob:; font-src 'self'; " +
		"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

func newNonce() string { return base64.RawStdEncoding.EncodeToString(portal.NewSecret(16)) }

// noStore keeps answers of the API out of every cache.
func noStore(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Response().Header().Set("Cache-Control", "no-store")
		return next(c)
	}
}

// refuseCrossOrigin refuses what a browser sends on behalf of another site: by Sec-Fetch-Site, else by Origin. Clients that are no
// browsers send neither. GET and HEAD pass, so nothing here changes anything on GET, the sign-in redirects with their state aside.
func (s *Server) refuseCrossOrigin() (echo.MiddlewareFunc, error) {
	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(s.PublicURL.Scheme + "://" + s.PublicURL.Host); err != nil { // behind a proxy that changes Host
		return nil, err
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if guard.Check(c.Request()) != nil {
				return errCrossOrigin
			}
			return next(c)
		}
	}, nil
}
