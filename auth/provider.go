package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// CallbackPath is where providers send people back, followed by the provider's id: one redirect URI for each, so that the answer of one
// can't be taken for another's (RFC 9700, section 4.4.2).
const CallbackPath = "/auth/callback/"

// Provider is an OpenID provider that people sign in with. Fill the fields, Check it, and give it to one Service.
// Nothing is asked of it before the first sign-in, so a provider that is down does not keep the portal from starting.
type Provider struct {
	ID           string // a-z, 0-9 and '-', up to 32; part of the redirect URI
	Name         string // on the button
	Issuer       string // exactly as the provider says it
	ClientID     string
	ClientSecret portal.Secret // zero for a public client
	Scopes       []string      // beside "openid"; nil for "profile" and "email"
	GroupsClaim  string        // claim with the names of groups; "" for none
	OwnerGroups  []string      // members are owners as long as the claim says so
	AdminGroups  []string      // the same for admins; who is in groups of several roles gets the first of this order
	StaffGroups  StaffGroups   // the same for the roles below
	SubjectClaim string        // what people are keyed by beside the issuer; "" for "sub"
	NameClaim    string        // "" for the usual ones
	EmailClaim   string        // "" for "email"
	EmailTrusted bool          // addresses count as verified where the provider does not say
	Domains      []string      // only verified addresses in these mail domains; empty: any, also without an address
	Create       bool          // people are created at their first sign-in; else only those who are there may enter

	Prompt    string         // "prompt" of the request; "" for none
	MaxAge    *time.Duration // how old the sign-in at the provider may be; nil: any
	ACRValues []string       // asked for, not insisted on
	Logout    bool           // signing out here signs out there too
	TrustAMR  []string       // any of these in "amr" counts as the second factor; none by default
	TrustACR  []string       // the same for "acr"

	Skew      time.Duration // how far the provider's clock may be off; 0 for 1 min
	Client    *http.Client  // nil for one with timeouts
	AllowHTTP bool          // http:// beyond loopback too: for the demo on a local network, never else

	discovery discovery
	version   int64 // of the row in the database; 0 for one of the configuration
}

// StaffGroups are groups whose members get a role as long as the claim says so.
type StaffGroups struct{ NetworkAdmin, HelpDesk, Auditor []string }

// Check returns everything that is wrong with the configuration, or nil.
func (s *Service) Check() error {
	errs := []error{checkURL(s.PublicURL, s.AllowHTTP)}
	if strings.HasSuffix(s.PublicURL, "/") {
		errs = append(errs, errors.New("public URL: no slash at the end"))
	}
	seen := map[string]bool{}
	for _, p := range s.Providers {
		errs = append(errs, p.Check())
		if seen[p.ID] {
			errs = append(errs, fmt.Errorf("provider %q is there twice", p.ID))
		}
		seen[p.ID] = true
	}
	for _, o := range s.Owners {
		if o.Issuer == "" || o.Subject == "" {
			errs = append(errs, errors.New("an owner is named by issuer and subject"))
		}
	}
	return errors.Join(errs...)
}

// checkURL wants https, or http where nothing leaves the machine (or where it was allowed), and nothing but host and path.
func checkURL(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !plainText(text, 1024) {
		return fmt.Errorf("%q is not a URL", text)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%q has more than host and path", text)
	}
	if u.Scheme == "https" || u.Scheme == "http" && (allowHTTP || loopback(u.Hostname())) {
		return nil
	}
	return fmt.Errorf("%q must begin with https://", text)
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func (p *Provider) skew() time.Duration {
	if p.Skew > 0 {
		return p.Skew
	}
	return time.Minute
}

func (p *Provider) scopes() []string {
	if p.Scopes == nil {
		return []string{"openid", "profile", "email"}
	}
	return slices.Compact(append([]string{"openid"}, slices.DeleteFunc(slices.Clone(p.Scopes), func(s string) bool { return s == "openid" })...))
}

// RedirectURI is what to register with the provider.
func (s *Service) RedirectURI(providerID string) string {
	return s.PublicURL + CallbackPath + providerID
}
