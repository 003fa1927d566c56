package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what authenticator apps use (RFC 6238)
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// demoBrowser plays a browser for `sallyport demo --check`: it keeps cookies, follows redirects, fills in the provider's form and calls the
// API as the web app does.
type demoBrowser struct {
	portal string // its public URL
	client *http.Client
}

func newDemoBrowser(portal string) (*demoBrowser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &demoBrowser{portal: portal, client: &http.Client{Jar: jar, Timeout: 15 * time.Second}}, nil
}

// call sends a request to the API and decodes the answer into out, which may be nil. A problem comes back as an error with its code.
func (b *demoBrowser) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	resp, err := b.do(ctx, method, "/api/v1"+path, "application/json", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		var p struct{ Code, Title string }
		if err := json.Unmarshal(answer, &p); err != nil {
			return fmt.Errorf("%s %s: %s", method, path, resp.Status)
		}
		return &apiProblem{resp.StatusCode, p.Code, p.Title}
	}
	if out == nil {
		return nil
	}
	if text, ok := out.(*string); ok {
		*text = string(answer)
		return nil
	}
	return json.Unmarshal(answer, out)
}

// apiProblem is a problem document as the caller sees it.
type apiProblem struct {
	status      int
	code, title string
}

func (p *apiProblem) Error() string { return fmt.Sprintf("%d %s: %s", p.status, p.code, p.title) }

func (b *demoBrowser) do(ctx context.Context, method, path, accept string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.portal+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", accept)
	req.Header.Set("User-Agent", "sallyport demo --check")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return b.client.Do(req)
}

var (
	formTag   = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	inputTag  = regexp.MustCompile(`(?is)<input\b([^>]*)>`)
	attribute = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*"([^"]*)"`)
)

// signIn goes through the identity provider like a person: the button, the provider's form, and back.
func (b *demoBrowser) signIn(ctx context.Context, provider, user, password string) error {
	resp, err := b.do(ctx, http.MethodGet, "/auth/start?return_to=/&provider="+url.QueryEscape(provider), "text/html", nil)
	if err != nil {
		return err
	}
	page, err := readAll(resp)
	if err != nil {
		return err
	}
	action, fields, err := readForm(page, user)
	if err != nil {
		return fmt.Errorf("the provider at %s: %w", resp.Request.URL.Host, err)
	}
	target, err := resp.Request.URL.Parse(action)
	if err != nil {
		return err
	}
	fill(fields, user, password)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(fields.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", target.Scheme+"://"+target.Host)
	if resp, err = b.client.Do(req); err != nil {
		return err
	}
	if _, err := readAll(resp); err != nil {
		return err
	}
	if problem := resp.Request.URL.Query().Get("problem"); problem != "" {
		return fmt.Errorf("the portal refused the sign-in: %s", problem)
	}
	if got := resp.Request.URL.Scheme + "://" + resp.Request.URL.Host; got != b.portal {
		return fmt.Errorf("the sign-in ended at %s and not at the portal", resp.Request.URL.Redacted())
	}
	return nil
}

func readAll(resp *http.Response) (string, error) {
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode >= 400 {
		err = fmt.Errorf("%s answers %s", resp.Request.URL.Host+resp.Request.URL.Path, resp.Status)
	}
	return string(b), err
}

// readForm finds the form of the person's account, or else the page's first: where it goes, and the fields that are filled already.
func readForm(page, user string) (action string, fields url.Values, err error) {
	for _, form := range formTag.FindAllStringSubmatch(page, -1) {
		found := url.Values{}
		for _, input := range inputTag.FindAllStringSubmatch(form[2], -1) {
			a := attributes(input[1])
			if a["name"] != "" && a["type"] != "submit" {
				found.Set(a["name"], a["value"])
			}
		}
		if fields == nil || found.Get("username") == user {
			action, fields = attributes(form[1])["action"], found
		}
	}
	if fields == nil {
		return "", nil, errors.New("the page has no form")
	}
	return action, fields, nil
}

func attributes(tag string) map[string]string {
	found := map[string]string{}
	for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
		found[strings.ToLower(m[1])] = html.UnescapeString(m[2])
	}
	return found
}

// fill puts the account into the fields that ask for it.
func fill(fields url.Values, user, password string) {
	for name := range fields {
		switch strings.ToLower(name) {
		case "username", "user", "login", "email":
			fields.Set(name, user)
		case "password":
			fields.Set(name, password)
		}
	}
}

// totpCode is what an authenticator app shows at now (RFC 6238: HMAC-SHA-1, 6 digits, steps of 30 s).
func totpCode(seed string, now time.Time) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.ReplaceAll(seed, " ", "")))
	if err != nil {
		return "", fmt.Errorf("the seed is not base32: %w", err)
	}
	var step [8]byte
	binary.BigEndian.PutUint64(step[:], uint64(now.Unix()/30))
	mac := hmac.New(sha1.New, key)
	mac.Write(step[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000), nil
}
