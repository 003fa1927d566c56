package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sallyport/sallyport/auth"
)

// directories is a SCIM that says what reached it.
type directories struct{ from auth.Browser }

func (d *directories) ServeSCIM(w http.ResponseWriter, _ *http.Request, from auth.Browser) {
	d.from = from
	w.WriteHeader(http.StatusTeapot)
}

func TestOnlyWhatIsBelowSCIMGoesToDirectories(t *testing.T) {
	w, d := newWorld(t), &directories{}
	h := w.MountSCIM(http.NotFoundHandler(), d)
	for path, want := range map[string]int{
		"/scim/v2/Users": http.StatusTeapot, "/scim/": http.StatusTeapot, "/scim": http.StatusNotFound, "/scimitar": http.StatusNotFound, "/api/v1/me": http.StatusNotFound,
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPatch, path, nil))
		if rec.Code != want {
			t.Errorf("%s: status %d, want %d", path, rec.Code, want)
		}
		if want == http.StatusTeapot && (rec.Header().Get("X-Content-Type-Options") != "nosniff" || rec.Header().Get("X-Request-Id") != d.from.RequestID || d.from.RequestID == "" || !d.from.Addr.IsValid()) {
			t.Errorf("%s: headers %v, from %+v", path, rec.Header(), d.from)
		}
	}
}
