package auth

import (
	"net/http"
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
	ClientSecret portal.Secret
	Scopes       []string // beside "openid"; nil for "profile" and "email"
	GroupsClaim  string   // claim with the names of groups; "" for none
	AdminGroups  []string // members are admins as long as the claim says so
	OwnerGroups  []string // members are owners as long as the claim says so
	Domains      []string // only verified addresses in these mail domains; empty: any, also without an address
	Create       bool     // people are created at their first sign-in; else only those who are there may enter

	Skew   time.Duration // how far the provider's clock may be off; 0 for 1 min
	Client *http.Client  // nil for one with timeouts

	discovery discovery
}
