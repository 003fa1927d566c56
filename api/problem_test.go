package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/portal"
)

func TestEveryKindOfErrorHasAStatusOfItsOwnClass(t *testing.T) {
	want := map[portal.Kind]int{
		portal.Internal: 500, portal.Invalid: 400, portal.Unauthenticated: 401, portal.Forbidden: 403, portal.StepUp: 403, portal.NotFound: 404,
		portal.Conflict: 409, portal.Exhausted: 409, portal.Limited: 429, portal.Gone: 410, portal.TooLarge: 413, portal.Unsupported: 415,
		portal.Unavailable: 503,
	}
	for _, k := range portal.Kinds() {
		if got := api.StatusOf(k); got != want[k] || got == 0 {
			t.Errorf("%s: got %d, want %d", k, got, want[k])
		}
	}
}

func TestWhatIsOursIsShownAsInternal(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("dial tcp 10.0.0.5:5432: password authentication failed"), "internal"},
		{fmt.Errorf("enrol: %w", portal.ErrNotFound), "not_found"},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), "unavailable"},
		{echo.ErrNotFound, "not_found"},
		{echo.ErrMethodNotAllowed, "method_not_allowed"},
		{echo.NewHTTPError(http.StatusBadRequest, "strconv: secret"), "malformed_request"},
		{&http.MaxBytesError{Limit: 1}, "body_too_large"},
	} {
		if got := api.Shown(c.err); got.Code != c.want {
			t.Errorf("%v: got %s, want %s", c.err, got.Code, c.want)
		}
	}
}

func TestAProblemNamesEveryWrongField(t *testing.T) {
	err := portal.InvalidFields(portal.Field{Path: "/name", Code: "too_long", Msg: "Use at most 64 characters."})
	var own *portal.Error
	if !errors.As(err, &own) {
		t.Fatal("no portal.Error")
	}
	text := string(must(json.Marshal(api.ProblemOf(own.WithRetryAfter(3*time.Second), "r1"))))
	want := `{"code":"invalid_input","errors":[{"code":"too_long","message":"Use at most 64 characters.","path":"/name"}],"requestId":"r1",` +
		`"retryAfter":3,"status":400,"title":"Some of the input is not valid.","type":"/problems/invalid_input"}`
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}
