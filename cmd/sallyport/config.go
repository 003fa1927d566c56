package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
)

// Config is what was meant.
type Config struct {
	PublicURL *url.URL // without a path
	Listen    string
	TLS       TLS
	Trusted   []netip.Prefix
	Database  portal.Secret // a DSN may hold a password
	Keys      *seal.Keyring

	Gateways      string   // listener, host:port
	GatewayPortal []string // host:port under which gateways reach such listeners
	Grace         time.Duration
	Command       string // what an admin pastes on a node, without flags
	Metrics       string // listener; "" for none

	Providers  []*auth.Provider
	Networks   []netip.Prefix // that are not public, in which providers of the web app may be
	Owners     []portal.Identity
	FirstOwner bool
	Local      bool // local accounts may sign in
	Pools      []NewPool
	Sessions   auth.Limits
	Requests   float64
	Guesses    float64
	Quarantine []portal.Destination
	Sinks      []Sink       // of the audit trail
	Webhooks   []Sink       // told of requests for temporary access
	GeoIP      string       // file with places of addresses, "" for none
	Filtering  []netip.Addr // resolvers of devices at the level restricted

	LogLevel slog.Level
	LogJSON  bool
	Demo     bool
}

// TLS says where the certificate comes from: files, ACME, or nowhere with plain HTTP.
type TLS struct {
	CertFile, KeyFile string
	ACME              bool
	Email             string
	CacheDir          string
	Directory         string // of the ACME authority; "" for Let's Encrypt
	ACMEListen        string // plain HTTP, for challenges and redirects
}

// On reports whether the portal itself speaks TLS.
func (t TLS) On() bool { return t.CertFile != "" || t.ACME }

// NewPool is a pool to make when there is none of its name.
type NewPool struct{ Name, V4, V6 string }

// The defaults. Ports are those of docs/attack-surface.md.
const (
	defaultTLSListen = ":443"
	defaultListen    = ":8080"
	defaultGateways  = ":8443"
	defaultMetrics   = "127.0.0.1:9090"
	defaultACME      = ":80"
	defaultRequests  = 200 // a second and address, which may be a whole company's
	defaultGuesses   = 20  // the same; guesses at one account are counted by auth
)

// parse makes a Config of what was typed. Every problem is reported, not only the first.
func (r rawConfig) parse(lookup func(string) (string, bool)) (Config, error) {
	p := parser{lookup: lookup}
	c := Config{
		PublicURL: p.publicURL(r.PublicURL),
		Trusted:   p.prefixes("trusted_proxies", r.TrustedProxies),
		TLS:       p.tls(r.TLS),
		Database:  p.database(r),
		Keys:      p.keys(r),
		Gateways:  p.listen("gateways.listen", r.Gateways.Listen, defaultGateways),
		Grace:     p.duration("gateways.grace", r.Gateways.Grace, 24*time.Hour, time.Minute, 30*24*time.Hour),
		Command:   r.Gateways.Command,
		Metrics:   p.metrics(r.Metrics.Listen),
		Networks:  p.prefixes("provider_networks", r.ProviderNets),
		Owners:    p.owners(r.Owners),
		Pools:     p.pools(r.Pools),
		Sessions: auth.Limits{
			Idle:     p.duration("sessions.idle", r.Sessions.Idle, 12*time.Hour, time.Minute, 90*24*time.Hour),
			Absolute: p.duration("sessions.absolute", r.Sessions.Absolute, 7*24*time.Hour, 10*time.Minute, 365*24*time.Hour),
			StepUp:   p.duration("sessions.step_up", r.Sessions.StepUp, auth.StepUpAge, time.Minute, time.Hour),
			Renew:    p.duration("sessions.renew_within", r.Sessions.RenewWithin, time.Hour, time.Minute, 30*24*time.Hour),
		},
		Requests:   p.rate("limits.requests_per_second", r.Limits.Requests, defaultRequests),
		Guesses:    p.rate("limits.guesses_per_second", r.Limits.Guesses, defaultGuesses),
		Quarantine: p.destinations("quarantine", r.Quarantine),
		Filtering:  p.addresses("filtering_dns", r.FilteringDNS),
		Sinks:      p.sinks(r.Audit.Sinks),
		GeoIP:      r.GeoIPFile,
		FirstOwner: p.yes("first_owner", r.FirstOwner, false),
		Local:      p.yes("local_accounts", r.LocalAccounts, false),
		LogLevel:   p.level(r.Log.Level),
		LogJSON:    p.format(r.Log.Format),
	}
	c.Webhooks = p.webhooks(r.Webhooks, c.PublicURL)
	c.Providers = p.providers(r.Providers) // there may be none: those of the web app are in the database
	c.Listen = p.listen("listen", r.Listen, listenDefault(c.TLS))
	c.GatewayPortal = p.portals(r.Gateways.Public, c.PublicURL, c.Gateways)
	p.plainHTTP(c)
	return c, p.err()
}

func listenDefault(t TLS) string {
	if t.On() {
		return defaultTLSListen
	}
	return defaultListen
}

// plainHTTP refuses a portal that would carry sessions over the network in the clear: without TLS of its own, connections must come from
// this machine or from a proxy that is named.
func (p *parser) plainHTTP(c Config) {
	if c.PublicURL == nil {
		return
	}
	if c.TLS.On() && c.PublicURL.Scheme != "https" {
		p.wrong("public_url", "is http, and tls is set: write https://%s", c.PublicURL.Host)
	}
	if c.TLS.On() {
		return
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err == nil && isLoopback(host) || len(c.Trusted) > 0 && c.PublicURL.Scheme == "https" {
		return
	}
	p.wrong("tls", "is not set: give cert_file and key_file, or acme, or listen on loopback only, or name the proxy in trusted_proxies and make public_url https")
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

func (p *parser) portals(public []string, u *url.URL, listen string) []string {
	if len(public) == 0 && u != nil {
		_, port, err := net.SplitHostPort(listen)
		if err != nil {
			return nil // reported already
		}
		return []string{net.JoinHostPort(u.Hostname(), port)}
	}
	for i, hostport := range public {
		if host, port, err := net.SplitHostPort(hostport); err != nil || host == "" || port == "" {
			p.wrong(fmt.Sprintf("gateways.public[%d]", i), "%q is not host:port", hostport)
		}
	}
	return public
}
