package api

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/time/rate"
)

// maxBody bounds every body, in bytes. The largest that makes sense is a profile with 2,000 prefixes, or a rule with 400 ids.
const maxBody = 64 << 10

// maxPolicy bounds a whole policy: 5,000 rules with their reasons are about 1.5 MB.
const maxPolicy = 5 << 20

// limitBody refuses a body that says that it is too large at once, and one that does not say when it gets there.
func limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, most := c.Request(), int64(maxBody)
		if p := r.URL.Path; p == apiBase+"/policy/apply" || p == apiBase+"/policy/diff" {
			most = maxPolicy
		}
		if r.ContentLength > most {
			return errTooLarge
		}
		r.Body = http.MaxBytesReader(c.Response(), r.Body, most)
		return next(c)
	}
}

// The longest that a request may take. Nothing that works takes a tenth of it: it is for a database that is locked or gone, where an
// answer that says so is worth more than a late one. A sign-in waits for somebody else's server, too.
const (
	operationTime = 10 * time.Second
	signInTime    = 30 * time.Second
)

// limitTime ends the work on a request that takes too long; the caller hears that the service is unavailable. A change whose commit has begun
// is not undone.
func limitTime(longest time.Duration) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			ctx, cancel := context.WithTimeout(c.Request().Context(), longest)
			defer cancel()
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

// limitRate bounds the requests of one address; perSecond 0 means no bound. It holds for this process: counters of wrong guesses, which
// several portals must share, are kept by auth.
func limitRate(perSecond float64) echo.MiddlewareFunc {
	if perSecond <= 0 {
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	}
	store := middleware.NewRateLimiterMemoryStoreWithConfig(middleware.RateLimiterMemoryStoreConfig{
		Rate: rate.Limit(perSecond), Burst: max(1, int(4*perSecond)), ExpiresIn: 2 * time.Minute,
	})
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if ok, err := store.Allow(limitKey(clientAddr(c))); err != nil || !ok {
				return errBusy.WithRetryAfter(time.Second)
			}
			return next(c)
		}
	}
}

// limitKey puts the addresses of one IPv6 network together: a household gets a /64 and could take a new address for each request.
func limitKey(a netip.Addr) string {
	if a.Is6() {
		p, err := a.Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return a.String()
}
