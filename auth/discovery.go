package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

// The patience with a provider.
const (
	discoverWithin = 5 * time.Second
	answerWithin   = 10 * time.Second
	discoverEvery  = time.Hour // endpoints and keys may move; keys are also asked for again when one is missing
	maxAnswer      = 1 << 20   // bytes of one answer
)

// discovery is what a provider says of itself, once it was asked.
type discovery struct {
	asking singleflight.Group
	mu     sync.Mutex
	known  *metadata
}

// metadata is the part of the discovery document that matters here (OpenID Connect Discovery 1.0, section 3).
type metadata struct {
	provider   *oidc.Provider
	endpoint   oauth2.Endpoint
	userInfo   bool   // there is a userinfo endpoint
	endSession string // where a session there can be ended; "" for nowhere
	issParam   bool   // answers carry "iss" (RFC 9207, section 3)
	askedAt    time.Time
}

// metadata returns what the provider says of itself: from memory when it is fresh, and also when the provider does not answer.
func (p *Provider) metadata(ctx context.Context, now time.Time) (*metadata, error) {
	p.discovery.mu.Lock()
	known := p.discovery.known
	p.discovery.mu.Unlock()
	if known != nil && now.Sub(known.askedAt) < discoverEvery {
		return known, nil
	}
	asked := p.discovery.asking.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discoverWithin) // others wait for the answer too
		defer cancel()
		m, err := p.discover(ctx, now)
		if err != nil {
			return nil, err
		}
		p.discovery.mu.Lock()
		defer p.discovery.mu.Unlock()
		p.discovery.known = m
		return m, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-asked:
		if r.Err == nil {
			return r.Val.(*metadata), nil
		}
		if known != nil {
			return known, nil
		}
		return nil, r.Err
	}
}

func (p *Provider) discover(ctx context.Context, now time.Time) (*metadata, error) {
	op, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client()), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover provider %s: %w", p.ID, err)
	}
	var doc struct {
		Auth     string   `json:"authorization_endpoint"`
		Token    string   `json:"token_endpoint"`
		Keys     string   `json:"jwks_uri"`
		UserInfo string   `json:"userinfo_endpoint"`
		End      string   `json:"end_session_endpoint"`
		Methods  []string `json:"token_endpoint_auth_methods_supported"`
		IssParam bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := op.Claims(&doc); err != nil {
		return nil, fmt.Errorf("discover provider %s: %w", p.ID, err)
	}
	for _, u := range []string{doc.Auth, doc.Token, doc.Keys} {
		if err := checkEndpoint(u, p.AllowHTTP); err != nil {
			return nil, fmt.Errorf("discover provider %s: %w", p.ID, err)
		}
	}
	if doc.UserInfo != "" {
		if err := checkEndpoint(doc.UserInfo, p.AllowHTTP); err != nil {
			return nil, fmt.Errorf("discover provider %s: %w", p.ID, err)
		}
	}
	if checkEndpoint(doc.End, p.AllowHTTP) != nil { // nobody needs it to sign in
		doc.End = ""
	}
	m := &metadata{provider: op, endpoint: op.Endpoint(), userInfo: doc.UserInfo != "", endSession: doc.End, issParam: doc.IssParam, askedAt: now}
	m.endpoint.AuthStyle = oauth2.AuthStyleInHeader // client_secret_basic is the default (Discovery, section 3)
	if p.ClientSecret.IsZero() || len(doc.Methods) > 0 && !slices.Contains(doc.Methods, "client_secret_basic") {
		m.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return m, nil
}

// checkEndpoint is checkURL, except that a query is fine.
func checkEndpoint(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	if err != nil {
		return fmt.Errorf("%q is not a URL", text)
	}
	u.RawQuery = ""
	return checkURL(u.String(), allowHTTP)
}

// client returns the client for everything that the provider is asked. It follows no redirect: an endpoint is where discovery says.
func (p *Provider) client() *http.Client {
	base := p.Client
	if base == nil {
		base = defaultClient
	}
	c := *base
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.Timeout == 0 {
		c.Timeout = answerWithin
	}
	c.Transport = bounded{base.Transport}
	return &c
}

var defaultClient = &http.Client{
	Timeout: answerWithin,
	Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: discoverWithin, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   discoverWithin,
		ResponseHeaderTimeout: answerWithin,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
	},
}

// bounded ends an answer that is larger than maxAnswer with an error, and forgets what a document that is not there says in its place: that would
// get into messages, and an admin's URL must not show what is behind it.
type bounded struct{ next http.RoundTripper }

var errAnswerTooLarge = errors.New("the answer is too large")

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	next := b.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{resp.Body, maxAnswer}
	if req.Method == http.MethodGet && resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		return 0, errAnswerTooLarge
	}
	return n, err
}
