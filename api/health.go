package api

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/portal/store"
)

// healthz says that the process answers. Whoever restarts it on a bad answer should not restart it because the database is away.
func (s *Server) healthz(c echo.Context) error {
	return c.JSON(http.StatusOK, map[string]string{"status": "ok", "version": s.Version})
}

// readyz says whether requests make sense here: the database answers and this portal has heard of its newest change.
func (s *Server) readyz(c echo.Context) error {
	why := s.notReady(c.Request().Context())
	if len(why) == 0 {
		return c.JSON(http.StatusOK, map[string]any{"status": "ready"})
	}
	return c.JSON(http.StatusServiceUnavailable, map[string]any{"status": "not ready", "waiting_for": why})
}

// readyDeadline bounds how long a probe waits for the database.
const readyDeadline = 2 * time.Second

// hubMayLag is how far behind the log the hub may be and count as caught up, in revisions: it reads in turns of milliseconds.
const hubMayLag = 1000

func (s *Server) notReady(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, readyDeadline)
	defer cancel()
	var head uint64
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		head, _, err = tx.Revision() // fails where the schema is not there, too
		return err
	})
	if err != nil {
		s.Log.WarnContext(ctx, "not ready", "err", err)
		return []string{"database"}
	}
	if s.Live.Metrics().Head+hubMayLag < head {
		return []string{"feed"}
	}
	return nil
}

// HealthHandler answers /healthz and /readyz on the listener for operators, beside the metrics.
func (s *Server) HealthHandler() http.Handler {
	e := echo.New()
	e.HTTPErrorHandler = s.fail
	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	if s.Metrics != nil {
		e.GET("/metrics", echo.WrapHandler(s.Metrics.Handler()))
	}
	return e
}
