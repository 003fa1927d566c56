package trail

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Webhook is a receiver that takes one event a request, signed as https://www.standardwebhooks.com says: the headers webhook-id,
// webhook-timestamp and webhook-signature, "v1," and the base64 of HMAC-SHA256 over ID.TIMESTAMP.BODY. It is not followed anywhere else.
type Webhook struct {
	URL    string
	Secret portal.Secret // the key of the signature; after "whsec_" in base64
	Client *http.Client  // that connects only where it may
	Page   string        // where a person decides
	Now    func() time.Time
}

// AboutRequests are the events that webhooks are told: what becomes of requests for temporary access.
func AboutRequests(e portal.AuditEvent) bool { return strings.HasPrefix(e.Action, "access_request.") }

// message is what a webhook is told.
type message struct {
	Type string          `json:"type"`
	At   time.Time       `json:"timestamp"`
	Data json.RawMessage `json:"data"`
}

// data is what the trail says of the event, and where a person decides.
type data struct {
	Request string          `json:"request"`
	By      string          `json:"by"`
	URL     string          `json:"url"`
	Detail  json.RawMessage `json:"detail"`
}

// Deliver sends the events one after the other. It stops at the first that is not taken, and all of them come again.
func (w *Webhook) Deliver(ctx context.Context, events []portal.AuditEvent) error {
	for _, e := range events {
		if err := w.post(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

func (w *Webhook) post(ctx context.Context, e portal.AuditEvent) error {
	detail := json.RawMessage(e.Detail)
	if len(detail) == 0 {
		detail = json.RawMessage("{}")
	}
	_, id, _ := strings.Cut(e.Target, ":")
	inner, err := json.Marshal(data{Request: id, By: e.Actor, URL: w.Page, Detail: detail})
	if err != nil {
		return fmt.Errorf("write webhook of event %d: %w", e.Seq, err)
	}
	body, err := json.Marshal(message{Type: e.Action, At: e.At, Data: inner})
	if err != nil {
		return fmt.Errorf("write webhook of event %d: %w", e.Seq, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post webhook: %w", err)
	}
	name, stamp := "sallyport-"+strconv.FormatUint(e.Seq, 10), strconv.FormatInt(w.Now().Unix(), 10)
	signature, err := sign(w.Secret, name, stamp, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sallyport")
	req.Header.Set("Webhook-Id", name)
	req.Header.Set("Webhook-Timestamp", stamp)
	req.Header.Set("Webhook-Signature", signature)
	c := *w.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirect }
	resp, err := c.Do(req)
	var tried *url.Error
	if errors.As(err, &tried) {
		err = tried.Err // without the address: its path or query may hold a secret
	}
	if err != nil {
		return fmt.Errorf("post webhook: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return fmt.Errorf("read answer to webhook: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answered %d", resp.StatusCode)
	}
	return nil
}

// WebhookKey is the key in the secret. It has at least 24 bytes.
func WebhookKey(secret portal.Secret) ([]byte, error) {
	key := []byte(secret.Reveal())
	if text, coded := strings.CutPrefix(secret.Reveal(), "whsec_"); coded {
		var err error
		if key, err = base64.StdEncoding.DecodeString(text); err != nil {
			return nil, errors.New("what follows whsec_ is not base64")
		}
	}
	if len(key) < 24 {
		return nil, errors.New("the key of a signature has at least 24 bytes")
	}
	return key, nil
}

func sign(secret portal.Secret, id, stamp string, body []byte) (string, error) {
	key, err := WebhookKey(secret)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%s.", id, stamp)
	h.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}
