package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/sallyport/sallyport/portal"
)

// HTTP is a receiver that takes {"events": […]} by POST and answers 2xx once it has them. It is not followed anywhere else: the secret is
// for that address.
type HTTP struct {
	URL    string
	Header string        // in which the secret goes; "" for "Authorization: Bearer"
	Secret portal.Secret // zero for none
	Client *http.Client  // nil for one that uses the system's authorities
}

// Deliver sends the events in one request.
func (h *HTTP) Deliver(ctx context.Context, events []portal.AuditEvent) error {
	body := bytes.NewBufferString(`{"events":[`)
	for i, e := range events {
		if i > 0 {
			body.WriteByte(',')
		}
		line, err := encode(e)
		if err != nil {
			return err
		}
		body.Write(line)
	}
	body.WriteString("]}")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, body)
	if err != nil {
		return fmt.Errorf("post audit events: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sallyport")
	req.Header.Set("Idempotency-Key", strconv.FormatUint(events[0].Seq, 10)+"-"+strconv.FormatUint(events[len(events)-1].Seq, 10))
	switch {
	case h.Secret.IsZero():
	case h.Header != "":
		req.Header.Set(h.Header, h.Secret.Reveal())
	default:
		req.Header.Set("Authorization", "Bearer "+h.Secret.Reveal())
	}
	resp, err := h.client().Do(req)
	var tried *url.Error
	if errors.As(err, &tried) {
		err = tried.Err // without the address: its query may hold a secret
	}
	if err != nil {
		return fmt.Errorf("post audit events: %w", err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)); err != nil {
		return fmt.Errorf("read answer to audit events: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver of audit events answered %d", resp.StatusCode)
	}
	return nil
}

// errRedirect refuses to send the secret and the trail to another address.
var errRedirect = errors.New("the receiver sends elsewhere: write that address into the configuration")

func (h *HTTP) client() *http.Client {
	c := http.Client{}
	if h.Client != nil {
		c = *h.Client
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirect }
	return &c
}
