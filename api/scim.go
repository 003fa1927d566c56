package api

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/auth"
)

// SCIM answers directories (RFC 7644); *scim.Service does. It authenticates by tokens of its own and answers errors in its own way.
type SCIM interface {
	ServeSCIM(w http.ResponseWriter, r *http.Request, from auth.Browser)
}

// scimPath is the root of what a SCIM answers.
const scimPath = "/scim/"

// MountSCIM gives what is below /scim/ to directories and the rest to next. Cookies mean nothing there, and bodies may be larger than the
// API's: the service bounds them itself.
func (s *Server) MountSCIM(next http.Handler, directories SCIM) http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(discard{})
	e.HTTPErrorHandler = s.fail
	e.IPExtractor, e.SchemeExtractor = trustProxies(s.Trusted)
	e.Use(giveRequestID, s.logAccess, s.recover, s.secureHeaders, limitRate(s.PerSecond))
	e.Any(scimPath+"*", func(c echo.Context) error {
		directories.ServeSCIM(c.Response(), c.Request(), s.browser(c))
		return nil
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, scimPath) {
			e.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
