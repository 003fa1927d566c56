package authtest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// Provider is an OpenID provider on loopback. Whoever asks is signed in as Answer says, without a page.
type Provider struct {
	URL string           // the issuer
	Now func() time.Time // nil for time.Now
	End string           // end_session_endpoint; "" for one of its own

	mu     sync.Mutex
	answer Answer
	keys   []signer
	codes  map[string]grant
	tokens map[string]Answer // by access token
	calls  map[string]int    // by path
	down   bool
	page   string // in place of the keys
}

// Answer is what the provider says about the person, and how it misbehaves.
type Answer struct {
	Subject  string
	Claims   map[string]any // in the ID token, beside those of the protocol
	UserInfo map[string]any // at the userinfo endpoint only

	Error           string                      // the authorization endpoint answers with this error
	State           string                      // it answers with another state
	Issuer          string                      // it answers with another "iss"
	Twist           func(claims map[string]any) // changes the ID token before it is signed
	Unsigned        bool                        // the ID token has alg "none"
	ForeignKey      bool                        // the ID token is signed with a key that is not published, under a published id
	SymmetricKey    bool                        // the ID token is signed with the client's secret (HS256)
	NoIDToken       bool
	UserInfoSubject string // userinfo speaks of somebody else
	UserInfoStatus  int    // userinfo answers with this status
	Huge            bool   // the token answer has no end
}

type signer struct {
	id  string
	key *ecdsa.PrivateKey
}

type grant struct {
	answer                     Answer
	challenge, nonce, redirect string
}

// The client that the provider knows.
const (
	ClientID     = "sallyport"
	ClientSecret = "authtest-client-secret"
)

// New starts a provider that ends with the test.
func New(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{codes: map[string]grant{}, tokens: map[string]Answer{}, calls: map[string]int{}}
	p.Rotate()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	server := httptest.NewServer(p.counting(mux))
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Set says what the sign-ins from now on answer.
func (p *Provider) Set(a Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = a
}

// Rotate makes a new signing key and forgets the one before.
func (p *Provider) Rotate() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // the system's generator does not fail
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = []signer{{id: random(), key: key}}
}

// SetDown makes every endpoint answer 503.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// SetKeyPage puts a page in place of the keys.
func (p *Provider) SetKeyPage(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.page = text
}

// Calls tells how often a path was asked for.
func (p *Provider) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

// Config is how the portal knows the provider, under the given id: people are created, the claim "groups" counts.
func (p *Provider) Config(id string) *auth.Provider {
	return &auth.Provider{
		ID: id, Name: "Test " + id, Issuer: p.URL, ClientID: ClientID, ClientSecret: portal.NewSecretText(ClientSecret),
		GroupsClaim: "groups", AdminGroups: []string{"admins"}, OwnerGroups: []string{"owners"}, Create: true,
	}
}

// Visit does what a browser does with the redirect of StartSignIn, and returns the answer that it brings back.
func (p *Provider) Visit(t testing.TB, providerID, redirect string) auth.Callback {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(redirect)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatalf("the provider answers %s without a redirect", resp.Status)
	}
	q := back.Query()
	return auth.Callback{
		Provider: providerID, State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), ErrorDescription: q.Get("error_description"),
		Issuer: q.Get("iss"),
	}
}

func (p *Provider) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.calls[r.URL.Path]++
		down := p.down
		p.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/jwks",
		"userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": cmp.Or(p.End, p.URL+"/end?kept=1"), "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "authorization_response_iss_parameter_supported": true,
	})
}

func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.page != "" {
		_, _ = io.WriteString(w, p.page)
		return
	}
	var set jose.JSONWebKeySet
	for _, k := range p.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.key.Public(), KeyID: k.id, Algorithm: "ES256", Use: "sig"})
	}
	reply(w, set)
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("nonce") == "" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := random()
	p.codes[code] = grant{p.answer, q.Get("code_challenge"), q.Get("nonce"), q.Get("redirect_uri")}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.URL}, "code": {code}}
	if p.answer.State != "" {
		back.Set("state", p.answer.State)
	}
	if p.answer.Issuer != "" {
		back.Set("iss", p.answer.Issuer)
	}
	if p.answer.Error != "" {
		back.Del("code")
		back.Set("error", p.answer.Error)
		back.Set("error_description", "<b>because</b>")
	}
	//nolint:gosec // G710: this provider, on loopback in a test, sends people wherever the test wants
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != ClientID || secret != ClientSecret {
		fail(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	g, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || g.redirect != r.FormValue("redirect_uri") || g.challenge != base64.RawURLEncoding.EncodeToString(sum[:]) {
		fail(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	access := random()
	p.tokens[access] = g.answer
	body := map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": p.idToken(g)}
	if g.answer.NoIDToken {
		delete(body, "id_token")
	}
	if g.answer.Huge {
		body["padding"] = make([]byte, 2<<20)
	}
	reply(w, body)
}

func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	token, _ := auth.BearerToken(r.Header.Get("Authorization"))
	p.mu.Lock()
	a, ok := p.tokens[token]
	p.mu.Unlock()
	if !ok || a.UserInfoStatus != 0 {
		http.Error(w, "no", max(a.UserInfoStatus, http.StatusUnauthorized))
		return
	}
	said := map[string]any{"sub": a.Subject}
	maps.Copy(said, a.UserInfo)
	if a.UserInfoSubject != "" {
		said["sub"] = a.UserInfoSubject
	}
	reply(w, said)
}

func (p *Provider) idToken(g grant) string {
	now := time.Now()
	if p.Now != nil {
		now = p.Now()
	}
	said := map[string]any{
		"iss": p.URL, "sub": g.answer.Subject, "aud": ClientID, "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(said, g.answer.Claims)
	if g.answer.Twist != nil {
		g.answer.Twist(said)
	}
	return p.signed(g.answer, said)
}

// LogoutToken is what the provider posts when a session of the answer's subject has ended there; session is its "sid", "" for none. Twist and
// the flags of the answer that are about signing hold here too.
func (p *Provider) LogoutToken(a Answer, session string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.Now != nil {
		now = p.Now()
	}
	said := map[string]any{
		"iss": p.URL, "aud": ClientID, "iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(), "jti": random(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if a.Subject != "" {
		said["sub"] = a.Subject
	}
	if session != "" {
		said["sid"] = session
	}
	if a.Twist != nil {
		a.Twist(said)
	}
	return p.signed(a, said)
}

// signed is a token with these claims, signed as the answer says.
func (p *Provider) signed(a Answer, said map[string]any) string {
	body, err := json.Marshal(said)
	if err != nil {
		panic(err) // a test's own claims
	}
	current := p.keys[len(p.keys)-1]
	switch {
	case a.Unsigned:
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
	case a.SymmetricKey:
		return sign(jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: []byte(ClientSecret + ClientSecret), KeyID: current.id}}, body)
	case a.ForeignKey:
		foreign, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			panic(err)
		}
		current.key = foreign
	}
	return sign(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: current.key, KeyID: current.id}}, body)
}

func sign(with jose.SigningKey, body []byte) string {
	s, err := jose.NewSigner(with, nil)
	if err != nil {
		panic(fmt.Sprintf("authtest: %v", err))
	}
	jws, err := s.Sign(body)
	if err != nil {
		panic(fmt.Sprintf("authtest: %v", err))
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		panic(fmt.Sprintf("authtest: %v", err))
	}
	return text
}

func random() string { return base64.RawURLEncoding.EncodeToString(portal.NewSecret(16)) }

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "secret detail of the provider"})
}
