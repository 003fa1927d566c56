package api

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/auth"
)

// Handler returns the whole HTTP surface for browsers and API clients. It refuses a contract that does not match the table of access.
//
// A request meets, from the outside in: an id, the access log, recovery from panics, headers, the limit on bodies, the refusal of other
// sites, the limit on rates; and for an operation of the contract: no caching, who asks and may they (access.go), a deadline, is it well formed
// (validate.go), and then its handler. An error anywhere becomes a problem in fail (problem.go).
func (s *Server) Handler() (http.Handler, error) {
	s.init()
	spec, err := loadContract()
	if err != nil {
		return nil, err
	}
	sameOrigin, err := s.refuseCrossOrigin()
	if err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	app, err := newApp(s.App)
	if err != nil {
		return nil, fmt.Errorf("web app: %w", err)
	}

	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(discard{})
	e.HTTPErrorHandler = s.fail
	e.IPExtractor, e.SchemeExtractor = trustProxies(s.Trusted)
	e.Use(giveRequestID, s.logAccess, s.recover, s.secureHeaders, limitBody, sameOrigin, limitRate(s.PerSecond))

	guesses := limitRate(s.GuessesPerSecond) // one budget for all that can be guessed
	perOperation := map[string][]echo.MiddlewareFunc{}
	for operation, route := range spec.routes {
		gate, err := s.gate(operation)
		if err != nil {
			return nil, err
		}
		chain := []echo.MiddlewareFunc{noStore}
		if guessable[operation] {
			chain = append(chain, guesses)
		}
		chain = append(chain, gate)
		if !lasting[operation] {
			chain = append(chain, limitTime(operationTime)) // after the gate, which notes the last use and must not spend a reader's time on it
		}
		perOperation[operation] = append(chain, validate(route))
	}
	RegisterHandlersWithOptions(e, NewStrictHandler(s, nil), RegisterHandlersOptions{BaseURL: apiBase, OperationMiddlewares: perOperation})

	e.GET("/auth/start", s.startSignIn, noStore, s.leadBack, guesses, limitTime(signInTime))
	e.GET("/auth/callback/:provider", s.finishSignIn, noStore, s.leadBack, guesses, limitTime(signInTime))
	// Not among what can be guessed: a provider tells of everybody who leaves in the evening from one address.
	e.POST(auth.LogoutPath+":provider", s.backChannelLogout, noStore, limitTime(signInTime))
	e.GET("/api/openapi.yaml", echo.WrapHandler(serveBytes("application/yaml", contractYAML)))
	e.GET("/api/openapi.json", echo.WrapHandler(serveBytes("application/json", spec.json)))
	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.GET("/api/docs", app.page)
	e.HEAD("/api/docs", app.page)
	for _, path := range []string{"/api", "/api/*", "/auth", "/auth/*"} { // not the web app's
		e.Any(path, notFound)
	}
	e.GET(appRoute, app.serve)
	e.HEAD(appRoute, app.serve)
	return e, nil
}

// appRoute is everything that nothing else answers to.
const appRoute = "/*"

// lasting are the operations that take as long as their answer is long; they end with the client. A policy is compiled whole.
var lasting = map[string]bool{"streamEvents": true, "exportAudit": true, "verifyAudit": true, "applyPolicy": true, "diffPolicy": true}

// guessable are the operations whose input could be found by trying; they share a smaller budget.
var guessable = map[string]bool{
	"verifyTotp": true, "verifyRecovery": true, "confirmTotp": true, "beginPasskeySignIn": true, "passkeySignIn": true, "localSignIn": true,
	"beginPasskey": true, "confirmPasskey": true, "beginVerifyPasskey": true, "verifyPasskey": true,
}

// notFound answers below /api and /auth. A path that is there for other methods says which: the router would rather come here.
func notFound(c echo.Context) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := c.Echo().NewContext(c.Request(), nil)
		c.Echo().Router().Find(method, c.Request().URL.Path, probe)
		if path := probe.Path(); path != c.Path() && path != appRoute && path != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Allow", strings.Join(allowed, ", "))
	return errMethod
}

// recover turns a panic into an internal error with its stack in the log.
func (s *Server) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // a sentinel that net/http compares the same way
				panic(cause)
			}
			s.Log.ErrorContext(c.Request().Context(), "request panicked", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			err = errInternal
		}()
		return next(c)
	}
}

// discard swallows what echo itself would print.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
