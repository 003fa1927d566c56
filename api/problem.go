package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/portal"
)

// status is the one place that knows which HTTP status a kind of error has. Out of quota is a clash with what exists (409), and an old
// second factor is a matter of permission (403) that the code tells apart.
func status(k portal.Kind) int {
	switch k {
	case portal.Internal:
		return http.StatusInternalServerError
	case portal.Invalid:
		return http.StatusBadRequest
	case portal.Unauthenticated:
		return http.StatusUnauthorized
	case portal.Forbidden, portal.StepUp:
		return http.StatusForbidden
	case portal.NotFound:
		return http.StatusNotFound
	case portal.Conflict, portal.Exhausted:
		return http.StatusConflict
	case portal.Limited:
		return http.StatusTooManyRequests
	case portal.Gone:
		return http.StatusGone
	case portal.TooLarge:
		return http.StatusRequestEntityTooLarge
	case portal.Unsupported:
		return http.StatusUnsupportedMediaType
	case portal.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// What HTTP itself can refuse, beside the errors of the domain.
var (
	errInternal    = &portal.Error{Kind: portal.Internal, Code: "internal", Msg: "Something failed on our side. The request id finds it in the log."}
	errTooLarge    = &portal.Error{Kind: portal.TooLarge, Code: "body_too_large", Msg: "The body is larger than this address takes."}
	errUnsupported = &portal.Error{Kind: portal.Unsupported, Code: "unsupported_media_type", Msg: "Send the body as application/json."}
	errMethod      = &portal.Error{Kind: portal.NotFound, Code: "method_not_allowed", Msg: "This address does not answer to this method."}
	errCrossOrigin = &portal.Error{Kind: portal.Forbidden, Code: "cross_origin", Msg: "Requests from other sites are refused."}
	errBusy        = &portal.Error{Kind: portal.Limited, Code: "too_many_requests", Msg: "Too many requests from your address. Wait a little."}
	errMalformed   = &portal.Error{Kind: portal.Invalid, Code: "malformed_request", Msg: "The request can't be read."}
	errSessionOnly = &portal.Error{Kind: portal.Forbidden, Code: "session_required", Msg: "This works in a browser session only, not with a token."}
)

// shown is the error that the caller sees. What is not a portal.Error is ours: logged, and shown as internal.
func shown(err error) *portal.Error {
	var own *portal.Error
	if errors.As(err, &own) {
		return own
	}
	var tooLarge *http.MaxBytesError
	var he *echo.HTTPError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.Is(err, context.DeadlineExceeded):
		return portal.ErrUnavailable
	case errors.As(err, &he):
		return shownHTTP(he)
	}
	return errInternal
}

func shownHTTP(he *echo.HTTPError) *portal.Error {
	switch he.Code {
	case http.StatusNotFound:
		return portal.ErrNotFound
	case http.StatusMethodNotAllowed:
		return errMethod
	case http.StatusRequestEntityTooLarge:
		return errTooLarge
	case http.StatusUnsupportedMediaType:
		return errUnsupported
	}
	if he.Code >= 400 && he.Code < 500 {
		return errMalformed
	}
	return errInternal
}

// problemOf makes the document of RFC 9457. Nothing in it depends on why something was not found.
func problemOf(e *portal.Error, requestID string) Problem {
	p := Problem{Type: "/problems/" + e.Code, Title: e.Msg, Status: statusOf(e), Code: e.Code, RequestId: requestID}
	if e.RetryAfter > 0 {
		p.RetryAfter = &e.RetryAfter
	}
	if len(e.Fields) > 0 {
		p.Errors = newOf(p.Errors)
		for _, f := range e.Fields {
			one := add(p.Errors)
			one.Path, one.Code, one.Message = f.Path, f.Code, f.Msg
		}
	}
	return p
}

func statusOf(e *portal.Error) int {
	if e == errMethod {
		return http.StatusMethodNotAllowed // a matter of HTTP and not of the domain, so there is no Kind for it
	}
	return status(e.Kind)
}

// fail is echo's error handler: the only place where an error becomes an answer, and where ours are logged.
func (s *Server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		s.Log.WarnContext(c.Request().Context(), "answer cut short", "err", err)
		return
	}
	ctx, e := c.Request().Context(), shown(err)
	s.logFailure(ctx, e, err)
	writeProblem(c.Response(), problemOf(e, requestID(ctx)), c.Request().Method == http.MethodHead)
}

func (s *Server) logFailure(ctx context.Context, e *portal.Error, err error) {
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		s.Log.DebugContext(ctx, "client went away", "err", err)
	case e.Kind == portal.Internal:
		s.Log.ErrorContext(ctx, "request failed", "err", err)
	case e.Kind == portal.Unavailable:
		s.Log.WarnContext(ctx, "request not possible now", "code", e.Code, "err", err)
	default:
		s.Log.LogAttrs(ctx, slog.LevelDebug, "request refused", slog.String("code", e.Code))
	}
}

func writeProblem(w http.ResponseWriter, p Problem, headOnly bool) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	h.Del("Etag")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="sallyport"`) // RFC 9110, section 11.6.1
	}
	if p.RetryAfter != nil {
		h.Set("Retry-After", strconv.Itoa(*p.RetryAfter))
	} else if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "2")
	}
	w.WriteHeader(p.Status)
	if !headOnly {
		_ = json.NewEncoder(w).Encode(p) // the client went away; there is nobody left to tell
	}
}
