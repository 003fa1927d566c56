package scim

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sallyport/sallyport/portal"
)

// Error is an answer of RFC 7644, section 3.12.
type Error struct {
	Status int
	Type   string // scimType, "" where the RFC has none for it
	Detail string
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Type, e.Detail) }

// The detail error keywords of RFC 7644, table 9, that are used here.
const (
	invalidFilter = "invalidFilter"
	invalidPath   = "invalidPath"
	invalidSyntax = "invalidSyntax"
	invalidValue  = "invalidValue"
	mutability    = "mutability"
	noTarget      = "noTarget"
	uniqueness    = "uniqueness"
)

// bad is a 400 with its keyword.
func bad(kind, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, kind, fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) *Error {
	return &Error{http.StatusConflict, uniqueness, fmt.Sprintf(format, args...)}
}

var (
	errNotFound = &Error{http.StatusNotFound, "", "There is no such resource."}
	errVersion  = &Error{http.StatusPreconditionFailed, "", "The resource has changed since it was read."}
	errToken    = &Error{http.StatusUnauthorized, "", "The token is wrong, or it has ended."}
	errMethod   = &Error{http.StatusMethodNotAllowed, "", "This endpoint does not answer to this method."}
	errNotHere  = &Error{http.StatusNotImplemented, "", "This part of SCIM is not supported here."}
	errMedia    = &Error{http.StatusUnsupportedMediaType, "", "Send the body as application/scim+json."}
	errInternal = &Error{http.StatusInternalServerError, "", "Something failed on our side. The request id finds it in the log."}
	errBusy     = &Error{http.StatusServiceUnavailable, "", "A part of the service does not answer. Try again in a moment."}
)

// shown is what the client sees of err. What is neither SCIM's nor the portal's is ours: logged, and shown as internal.
func shown(err error) *Error {
	var own *Error
	var known *portal.Error
	switch {
	case errors.As(err, &own):
		return own
	case !errors.As(err, &known):
		return errInternal
	}
	switch known.Kind {
	case portal.NotFound:
		return errNotFound
	case portal.Unauthenticated:
		return errToken
	case portal.Conflict:
		if errors.Is(known, portal.ErrDuplicate) {
			return conflict("Somebody or something else has this name.")
		}
		return &Error{http.StatusConflict, "", known.Msg}
	case portal.Invalid:
		return bad(invalidValue, "%s", known.Error())
	case portal.Unavailable:
		return errBusy
	case portal.Limited:
		return &Error{http.StatusTooManyRequests, "", known.Msg}
	case portal.Internal, portal.Forbidden, portal.StepUp, portal.Exhausted, portal.Gone, portal.TooLarge, portal.Unsupported:
	}
	return errInternal
}
