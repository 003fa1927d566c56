package api

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

type requestIDKey struct{}

// requestID is the id of the request that ctx belongs to, "" outside of one.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// giveRequestID mints an id for each request. One that a client sends is not taken over: it would let a stranger write into our logs.
func giveRequestID(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := hex.EncodeToString(portal.NewSecret(8))
		c.Response().Header().Set(echo.HeaderXRequestID, id)
		c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), requestIDKey{}, id)))
		return next(c)
	}
}

// LogHandler adds the request id that rides in the context to each line that does not name it itself.
type LogHandler struct{ slog.Handler }

// Handle writes the line.
func (h LogHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := requestID(ctx); id != "" && !hasRequestID(r) {
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func hasRequestID(r slog.Record) (has bool) {
	r.Attrs(func(a slog.Attr) bool {
		has = a.Key == "request_id"
		return !has
	})
	return has
}

// WithAttrs keeps the wrapper around the handler that has the attributes.
func (h LogHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return LogHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup keeps the wrapper around the handler that has the group.
func (h LogHandler) WithGroup(name string) slog.Handler { return LogHandler{h.Handler.WithGroup(name)} }

const whoNote = "who" // in echo's context, for the access log only

func noteWho(c echo.Context, w auth.Who) {
	if w.Service.ID != "" {
		c.Set(whoNote, portal.UserID("service:"+w.Service.ID))
		return
	}
	c.Set(whoNote, w.User.ID)
}

// logAccess writes a line for each request and counts it. Paths are logged without their queries, which hold codes and states of sign-ins;
// paths themselves hold ids only.
func (s *Server) logAccess(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		req, res, took := c.Request(), c.Response(), time.Since(start)
		route := c.Path()
		s.Metrics.request(req.Method, route, res.Status, took)
		level := slog.LevelInfo
		if quiet(route) {
			level = slog.LevelDebug
		}
		attrs := []slog.Attr{
			slog.String("method", req.Method), slog.String("path", cut(req.URL.Path, 200)), slog.Int("status", res.Status),
			slog.Int64("bytes", res.Size), slog.Duration("took", took.Round(time.Microsecond)), slog.String("client", clientAddr(c).String()),
		}
		if id, ok := c.Get(whoNote).(portal.UserID); ok {
			attrs = append(attrs, slog.String("user", string(id)))
		}
		s.Log.LogAttrs(req.Context(), level, "http request", attrs...)
		return nil
	}
}

// quiet are the routes that probes and browsers ask so often that their lines drown the others.
func quiet(route string) bool {
	return route == "/healthz" || route == "/readyz" || route == appRoute
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
