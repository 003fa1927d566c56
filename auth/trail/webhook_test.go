package trail_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

var hookKey = []byte("0123456789abcdef0123456789abcdef")

// told is what a webhook's receiver got.
type told struct {
	id, kind, request, page, reason string
	signed                          bool
}

func hookServer(t *testing.T, status *atomic.Int64) (url string, got chan told) {
	got = make(chan told, 100)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var in struct {
			Type string
			Data struct {
				Request, URL string
				Detail       struct{ Reason string }
			}
		}
		if err := json.Unmarshal(body, &in); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		h := hmac.New(sha256.New, hookKey)
		h.Write([]byte(r.Header.Get("webhook-id") + "." + r.Header.Get("webhook-timestamp") + "." + string(body)))
		want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
		got <- told{r.Header.Get("webhook-id"), in.Type, in.Data.Request, in.Data.URL, in.Data.Detail.Reason, r.Header.Get("webhook-signature") == want}
		if status.Load() == http.StatusFound {
			w.Header().Set("Location", "http://127.0.0.1:1/")
		}
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func TestAWebhookIsToldOfRequestsOnceItIsThereSignedAndAgainUntilItTakesThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var status atomic.Int64
		status.Store(http.StatusInternalServerError)
		url, got := hookServer(t, &status)
		put(t, s, auditor, "access_request.create", "access_request:old", map[string]any{"reason": "before there was a webhook"})
		start(t, trail.Forwarder{
			Store: s, Name: "webhook:chat", Log: slog.New(slog.DiscardHandler), Only: trail.AboutRequests, New: true,
			To: &trail.Webhook{
				URL: url + "/hook?key=hidden", Secret: portal.NewSecretText("whsec_" + base64.StdEncoding.EncodeToString(hookKey)), Page: "https://portal.example.com/requests",
				Client: auth.GuardedClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Now: time.Now,
			},
			Pause: time.Millisecond, Timeout: 5 * time.Second, MinRetry: time.Millisecond, MaxRetry: 20 * time.Millisecond, Poll: 20 * time.Millisecond,
		})
		for known := false; !known; {
			if err := s.View(t.Context(), func(tx *store.Tx) error {
				sinks, err := tx.AuditSinks()
				known = len(sinks) == 1
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		put(t, s, auditor, "device.create", "device:d", nil)
		put(t, s, auditor, "access_request.create", "access_request:r1", map[string]any{"reason": "마감 <b>"})
		want := told{kind: "access_request.create", request: "r1", page: "https://portal.example.com/requests", reason: "마감 <b>", signed: true}
		for i, answer := range []int64{http.StatusFound, http.StatusNoContent, http.StatusNoContent} { // answers to what comes after
			one := <-got
			want.id = one.id
			if one != want || !strings.HasPrefix(one.id, "sallyport-") {
				t.Errorf("told %+v, want %+v", one, want)
			}
			status.Store(answer)
			if i == 1 {
				break
			}
		}
		put(t, s, auditor, "access_request.approve", "access_request:r1", nil)
		for one := range got {
			if one.kind == "access_request.approve" && one.signed {
				return
			}
			if one.id != want.id {
				t.Errorf("told %+v", one)
			}
		}
	})
}

func TestAWebhookLeadsNowhereInside(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusNoContent)
	url, got := hookServer(t, &status)
	w := trail.Webhook{URL: url, Secret: portal.NewSecretText(string(hookKey)), Client: auth.GuardedClient(nil), Now: time.Now}
	err := w.Deliver(context.Background(), []portal.AuditEvent{{Seq: 1, Action: "access_request.create", Target: "access_request:r"}})
	if err == nil || strings.Contains(err.Error(), url) || len(got) > 0 {
		t.Errorf("the portal posted to its own machine: %v", err)
	}
}

func TestAWebhooksKeyIsLongEnough(t *testing.T) {
	for secret, ok := range map[string]bool{
		"": false, "short": false, "whsec_!!": false, "whsec_c2hvcnQ=": false, string(hookKey): true, "whsec_" + base64.StdEncoding.EncodeToString(hookKey): true,
	} {
		if _, err := trail.WebhookKey(portal.NewSecretText(secret)); (err == nil) != ok {
			t.Errorf("%q: %v", secret, err)
		}
	}
}
