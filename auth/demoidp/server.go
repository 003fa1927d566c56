package demoidp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// The lifetimes. A code is used within moments of being given (RFC 6749, section 4.1.2, allows 10 minutes at most).
const (
	requestLife = 10 * time.Minute
	codeLife    = time.Minute
	tokenLife   = 5 * time.Minute
)

// Account is somebody whom the demo lets in.
type Account struct {
	Subject  string
	Username string
	Password string // shown on the page: this is a demo
	Name     string
	NameKo   string
	Email    string
	Groups   []string
}

// AdminGroup is the group whose members administer the demo portal.
const AdminGroup = "demo-admins"

// Accounts returns the two accounts of the demo: a worker and an admin.
func Accounts() []Account {
	return []Account{
		{
			Subject: "demo-worker", Username: "worker", Password: "worker-demo", Name: "Wendy Worker", NameKo: "김지원", Email: "worker@demo.example",
			Groups: []string{"staff"},
		},
		{
			Subject: "demo-admin", Username: "admin", Password: "admin-demo", Name: "Adam Admin", NameKo: "이관리", Email: "admin@demo.example",
			Groups: []string{"staff", AdminGroup},
		},
	}
}

// Config is what the provider needs to know.
type Config struct {
	Demo         bool          // must be true: the caller says that this is a demo
	Issuer       string        // where it is mounted as browsers and the portal see it, such as "http://127.0.0.1:8080/demo-idp"
	ClientID     string        // of the portal
	ClientSecret portal.Secret // of the portal
	RedirectURI  string        // of the portal, compared exactly
	Accounts     []Account     // nil for Accounts()
	Now          func() time.Time
}

// Server is the provider. It is safe for concurrent use.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	keyID  string
	signer jose.Signer
	public jose.JSONWebKeySet
	base   string // path of the issuer
	allow  string // origin that the sign-in form may lead to

	requests *once[request]
	codes    *once[grant]
	tokens   *once[Account]
}

// request is an authorization request that waits for somebody to choose an account.
type request struct{ state, nonce, challenge string }

// grant is what a code stands for.
type grant struct {
	request
	account Account
}

// ErrNotDemo is returned by New without Config.Demo.
var ErrNotDemo = errors.New("demoidp: this identity provider is for `sallyport demo` only")

// New makes the provider with a signing key of its own. The handler expects paths below the issuer's.
func New(cfg Config) (*Server, error) {
	if !cfg.Demo {
		return nil, ErrNotDemo
	}
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil || issuer.Host == "" || strings.HasSuffix(cfg.Issuer, "/") {
		return nil, fmt.Errorf("demoidp: issuer %q is not a URL without a slash at the end", cfg.Issuer)
	}
	back, err := url.Parse(cfg.RedirectURI)
	if err != nil || back.Host == "" {
		return nil, fmt.Errorf("demoidp: redirect URI %q is not a URL", cfg.RedirectURI)
	}
	if cfg.ClientID == "" || cfg.ClientSecret.IsZero() {
		return nil, errors.New("demoidp: the client has no id or no secret")
	}
	if cfg.Accounts == nil {
		cfg.Accounts = Accounts()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{
		cfg: cfg, base: issuer.Path, allow: back.Scheme + "://" + back.Host,
		requests: newOnce[request](cfg.Now), codes: newOnce[grant](cfg.Now), tokens: newOnce[Account](cfg.Now),
	}
	if err := s.makeKey(); err != nil {
		return nil, fmt.Errorf("demoidp: signing key: %w", err)
	}
	s.route()
	return s, nil
}

func (s *Server) makeKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	s.keyID = random(8)
	s.public.Keys = []jose.JSONWebKey{{Key: key.Public(), KeyID: s.keyID, Algorithm: string(jose.ES256), Use: "sig"}}
	s.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: s.keyID}}, nil)
	return err
}

func (s *Server) route() {
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET "+s.base+"/.well-known/openid-configuration", s.discovery)
	s.mux.HandleFunc("GET "+s.base+"/jwks", s.jwks)
	s.mux.HandleFunc("GET "+s.base+"/authorize", s.authorize)
	s.mux.HandleFunc("POST "+s.base+"/login", s.login)
	s.mux.HandleFunc("POST "+s.base+"/token", s.token)
	s.mux.HandleFunc("GET "+s.base+"/userinfo", s.userinfo)
	s.mux.HandleFunc("GET "+s.base+"/style.css", s.style)
}

// ServeHTTP answers everything below the issuer's path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin") // "no-referrer" would make browsers send "Origin: null" with the form
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self' "+s.allow+"; frame-ancestors 'none'; base-uri 'none'")
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	s.mux.ServeHTTP(w, r)
}

// Path is where to mount the handler: the issuer's path with a slash at the end.
func (s *Server) Path() string { return s.base + "/" }

// Provider is how the portal knows this provider: people are created, members of AdminGroup are owners: the
// demo has nobody above them.
func (s *Server) Provider(id string) *auth.Provider {
	return &auth.Provider{
		ID: id, Name: "Demo sign-in", Issuer: s.cfg.Issuer, ClientID: s.cfg.ClientID, ClientSecret: s.cfg.ClientSecret,
		GroupsClaim: "groups", OwnerGroups: []string{AdminGroup}, Create: true, AllowHTTP: true,
	}
}

// account returns the account with this name and password, in the same time for a wrong one.
func (s *Server) account(username, password string) (found Account, ok bool) {
	for _, a := range s.cfg.Accounts {
		name := subtle.ConstantTimeCompare([]byte(a.Username), []byte(username))
		word := subtle.ConstantTimeCompare([]byte(a.Password), []byte(password))
		if name&word == 1 {
			found, ok = a, true
		}
	}
	return found, ok
}

// once keeps things for a while under random names, each to be taken once.
type once[T any] struct {
	now  func() time.Time
	mu   sync.Mutex
	have map[string]kept[T]
}

type kept[T any] struct {
	thing T
	until time.Time
}

// maxKept bounds what strangers can make the demo remember.
const maxKept = 10_000

func newOnce[T any](now func() time.Time) *once[T] {
	return &once[T]{now: now, have: map[string]kept[T]{}}
}

// put keeps a thing and returns its name, "" when there is no room.
func (o *once[T]) put(thing T, life time.Duration) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if len(o.have) >= maxKept {
		for name, k := range o.have {
			if !now.Before(k.until) {
				delete(o.have, name)
			}
		}
	}
	if len(o.have) >= maxKept {
		return ""
	}
	name := random(24)
	o.have[name] = kept[T]{thing, now.Add(life)}
	return name
}

// peek returns a thing that is still good and keeps it.
func (o *once[T]) peek(name string) (T, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k, ok := o.have[name]
	return k.thing, ok && o.now().Before(k.until)
}

// take returns a thing that is still good and forgets it.
func (o *once[T]) take(name string) (T, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	k, ok := o.have[name]
	delete(o.have, name)
	return k.thing, ok && o.now().Before(k.until)
}
