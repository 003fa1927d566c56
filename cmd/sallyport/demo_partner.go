package main

import (
	"net/netip"
	"net/url"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/demoidp"
	"github.com/sallyport/sallyport/portal"
)

// The demo's second provider is there to be added in the web app: the portal knows nothing of it until an admin enters this.
const (
	demoPartnerID     = "partner"
	demoPartnerClient = "sallyport"
	demoPartnerSecret = "partner-demo" //nolint:gosec // G101: like the passwords of the demo, it is for everybody to read
)

func demoPartnerAccounts() []demoidp.Account {
	return []demoidp.Account{
		{
			Subject: "partner-guest", Username: "guest", Password: "guest-demo", Name: "Gina Guest", NameKo: "박손님", Email: "guest@partner.example",
			Groups: []string{"partners"},
		},
		{
			Subject: "partner-second", Username: "second", Password: "second-demo", Name: "Second Account", NameKo: "두 번째 계정", Email: "second@partner.example",
			Groups: []string{"partners"},
		},
	}
}

// newDemoPartner returns nil where the demo is for a network: admins could enter it only if the portal asked plain HTTP beyond loopback.
func newDemoPartner(host netip.Addr, public *url.URL) (*demoidp.Server, error) {
	if !host.IsLoopback() {
		return nil, nil
	}
	return demoidp.New(demoidp.Config{
		Demo: true, Issuer: public.String() + "/partner-idp", ClientID: demoPartnerClient, ClientSecret: portal.NewSecretText(demoPartnerSecret),
		RedirectURI: public.String() + auth.CallbackPath + demoPartnerID, Accounts: demoPartnerAccounts(),
	})
}

// demoNetworks is where providers entered in the demo may be beside public addresses: on this machine, while nobody else reaches the demo.
func demoNetworks(host netip.Addr) []netip.Prefix {
	if !host.IsLoopback() {
		return nil
	}
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}
