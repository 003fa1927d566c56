package portal

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind classes an Error; api/problem.go maps each one to an HTTP status. The set is closed: a test walks it.
type Kind int

// The kinds. Internal is the zero value, so an Error that forgot its kind is shown as ours, never as the caller's.
const (
	Internal        Kind = iota
	Invalid              // the input is wrong; Fields says where
	Unauthenticated      // nobody is signed in, or the proof is wrong
	Forbidden            // signed in, and not allowed
	StepUp               // allowed after a fresh second factor
	NotFound             // not there, or not yours: the same answer
	Conflict             // clashes with what exists
	Exhausted            // a pool, quota or limit of things is full
	Limited              // too many tries; RetryAfter says when to come back
	Gone                 // it was there and has ended: used, expired, retired
	TooLarge             // the body is larger than the route takes
	Unsupported          // wrong content type
	Unavailable          // a part that is needed does not answer (database, identity provider)
)

// Kinds returns every kind, for tests that must not forget one.
func Kinds() []Kind {
	return []Kind{
		Internal, Invalid, Unauthenticated, Forbidden, StepUp, NotFound, Conflict, Exhausted, Limited, Gone, TooLarge, Unsupported, Unavailable,
	}
}

// Error is what a caller may see: a stable code, and a sentence for a person. Everything else is internal and only logged.
// Sentinels are compared with errors.Is by code, so a copy with Fields or RetryAfter still matches its sentinel.
type Error struct {
	Kind       Kind
	Code       string  // stable, snake_case; part of the API contract
	Msg        string  // what happened and what to do, in plain English; the web app translates by Code
	Fields     []Field // for Invalid: which fields, with their path
	RetryAfter int     // for Limited: seconds until another try makes sense; 0 when unknown
}

// Field names one wrong input. Path is a JSON pointer into the request body (RFC 6901), or the name of a parameter.
type Field struct {
	Path string
	Code string // stable, e.g. "too_long", "malformed"
	Msg  string
}

func (e *Error) Error() string {
	if len(e.Fields) == 0 {
		return e.Code + ": " + e.Msg
	}
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Path + ": " + f.Msg
	}
	return e.Code + ": " + strings.Join(parts, "; ")
}

// Is reports whether target is an Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// WithRetryAfter returns a copy of e that tells the caller when to come back, in whole seconds, rounded up.
func (e *Error) WithRetryAfter(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = int((wait + time.Second - 1) / time.Second)
	return &c
}

// ErrInvalid is the sentinel of every InvalidFields error.
var ErrInvalid = &Error{Kind: Invalid, Code: "invalid_input", Msg: "Some of the input is not valid."}

// InvalidFields returns an Invalid error that names every wrong field at once, or nil when there is none.
func InvalidFields(fields ...Field) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: ErrInvalid.Kind, Code: ErrInvalid.Code, Msg: ErrInvalid.Msg, Fields: fields}
}

// Sentinels that more than one package needs. A package's own stand beside the code that returns them.
var (
	ErrNotFound    = &Error{Kind: NotFound, Code: "not_found", Msg: "There is no such object, or it is not yours."}
	ErrDuplicate   = &Error{Kind: Conflict, Code: "duplicate", Msg: "An object with this name or key exists already."}
	ErrForbidden   = &Error{Kind: Forbidden, Code: "forbidden", Msg: "Your role does not allow this."}
	ErrSignedOut   = &Error{Kind: Unauthenticated, Code: "signed_out", Msg: "Sign in first."}
	ErrStepUp      = &Error{Kind: StepUp, Code: "step_up_required", Msg: "Confirm with your second factor first."}
	ErrAlreadyUsed = &Error{Kind: Gone, Code: "already_used", Msg: "This was used already and works only once."}
	ErrUnavailable = &Error{Kind: Unavailable, Code: "unavailable", Msg: "A part of the service does not answer. Try again in a moment."}
)

// KindOf returns the kind of err's Error, and Internal when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

func (k Kind) String() string {
	names := [...]string{
		"internal", "invalid", "unauthenticated", "forbidden", "step_up", "not_found", "conflict", "exhausted", "limited", "gone", "too_large", "unsupported", "unavailable",
	}
	if int(k) < len(names) && k >= 0 {
		return names[k]
	}
	return fmt.Sprintf("kind(%d)", int(k))
}
