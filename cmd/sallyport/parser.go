package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
)

// parser collects every problem of a configuration.
type parser struct {
	lookup   func(string) (string, bool)
	problems []error
}

func (p *parser) wrong(key, format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...)))
}

func (p *parser) err() error {
	if len(p.problems) == 0 {
		return nil
	}
	return fmt.Errorf("the configuration has %d problem(s):\n%w", len(p.problems), errors.Join(p.problems...))
}

func (p *parser) publicURL(s string) *url.URL {
	if s == "" {
		p.wrong("public_url", "is missing: write what browsers call the portal, such as https://vpn.example.com")
		return nil
	}
	u, err := url.Parse(strings.TrimSuffix(s, "/"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		p.wrong("public_url", "%q is not an http or https URL", s)
	case u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		p.wrong("public_url", "%q must have no path, query or user: the portal is at the root of its own name", s)
	default:
		return u
	}
	return nil
}

func (p *parser) listen(key, s, fallback string) string {
	if s == "" {
		s = fallback
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		p.wrong(key, "%q is not host:port", s)
		return s
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		p.wrong(key, "%q has no port between 0 and 65535", s)
	} else if n == 0 && port != "0" {
		p.wrong(key, "%q has no port", s)
	}
	return s
}

func (p *parser) metrics(s string) string {
	if s == "off" {
		return ""
	}
	return p.listen("metrics.listen", s, defaultMetrics)
}

func (p *parser) duration(key, s string, fallback, least, most time.Duration) time.Duration {
	if s == "" {
		return fallback
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		p.wrong(key, "%q is not a duration such as 12h or 30m", s)
		return fallback
	}
	if d < least || d > most {
		p.wrong(key, "%s is not between %s and %s", s, least, most)
	}
	return d
}

func (p *parser) rate(key, s string, fallback float64) float64 {
	if s == "" {
		return fallback
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n > 1e6 {
		p.wrong(key, "%q is not a number of requests a second; 0 means no limit", s)
	}
	return n
}

func (p *parser) yes(key, s string, fallback bool) bool {
	switch strings.ToLower(s) {
	case "":
		return fallback
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	p.wrong(key, "%q is neither true nor false", s)
	return fallback
}

func (p *parser) prefixes(key string, list []string) []netip.Prefix {
	var out []netip.Prefix
	for i, s := range list {
		prefix, err := netip.ParsePrefix(s)
		if addr, addrErr := netip.ParseAddr(s); addrErr == nil {
			prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil || prefix != prefix.Masked() {
			p.wrong(fmt.Sprintf("%s[%d]", key, i), "%q is not an address or a prefix without host bits", s)
			continue
		}
		out = append(out, prefix)
	}
	return out
}

func (p *parser) tls(r rawTLS) TLS {
	t := TLS{CertFile: r.CertFile, KeyFile: r.KeyFile, Email: r.ACME.Email, CacheDir: r.ACME.CacheDir, Directory: r.ACME.Directory}
	t.ACME = r.ACME != (rawACME{})
	if (t.CertFile == "") != (t.KeyFile == "") {
		p.wrong("tls", "cert_file and key_file go together")
	}
	if t.ACME && t.CertFile != "" {
		p.wrong("tls", "choose files or acme, not both")
	}
	if t.ACME && t.CacheDir == "" {
		p.wrong("tls.acme.cache_dir", "is missing: certificates must survive a restart, or the authority will refuse to make more")
	}
	if t.ACME {
		t.ACMEListen = p.listen("tls.acme.listen", r.ACME.Listen, defaultACME)
	}
	p.readable("tls.cert_file", t.CertFile)
	p.readable("tls.key_file", t.KeyFile)
	return t
}

func (p *parser) readable(key, path string) {
	if path == "" {
		return
	}
	f, err := os.Open(path)
	if err != nil {
		p.wrong(key, "%v", err)
		return
	}
	f.Close()
}

func (p *parser) database(r rawConfig) portal.Secret {
	switch {
	case r.Database != "" && r.DatabaseFile != "":
		p.wrong("database", "is given twice: here and in database_dsn_file")
	case r.DatabaseFile != "":
		return portal.NewSecretText(p.secretFile("database_dsn_file", r.DatabaseFile))
	case r.Database == "":
		p.wrong("database", "is missing: write the path of an SQLite file, or postgres://…")
	}
	return portal.NewSecretText(r.Database)
}

// secretFile reads a file that holds one secret, without the newline at its end.
func (p *parser) secretFile(key, path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		p.wrong(key, "%v", err)
		return ""
	}
	if s := strings.TrimSpace(string(b)); s != "" {
		return s
	}
	p.wrong(key, "%s is empty", path)
	return ""
}

func (p *parser) keys(r rawConfig) *seal.Keyring {
	key, text := "master_key_file", r.MasterKey
	sources := 0
	for _, given := range []bool{r.MasterKey != "", r.MasterKeyFile != "", len(r.MasterKeyCommand) > 0} {
		if given {
			sources++
		}
	}
	switch {
	case sources > 1:
		p.wrong(key, "is given in more than one way: give one of master_key_file, master_key_command and SALLYPORT_MASTER_KEY")
		return nil
	case r.MasterKeyFile != "":
		if text = p.secretFile(key, r.MasterKeyFile); text == "" {
			return nil
		}
		p.private(key, r.MasterKeyFile)
	case len(r.MasterKeyCommand) > 0:
		key = "master_key_command"
		var err error
		if text, err = runKeyCommand(context.Background(), r.MasterKeyCommand, keyCommandTime); err != nil {
			p.wrong(key, "%v", err)
			return nil
		}
	case r.MasterKey == "":
		p.wrong(key, "is missing: make one with `sallyport keys new --out FILE`, keep a copy apart from the database's backups")
		return nil
	}
	ring, err := parseKeys(text)
	if err != nil {
		p.wrong(key, "%v", err)
	}
	return ring
}

// private refuses a secret that other people of the machine can read.
func (p *parser) private(key, path string) {
	if st, err := os.Stat(path); err == nil && st.Mode().Perm()&0o077 != 0 {
		p.wrong(key, "%s can be read by others (mode %o): chmod 600 it", path, st.Mode().Perm())
	}
}

func (p *parser) owners(list []rawOwner) []portal.Identity {
	var out []portal.Identity
	for i, o := range list {
		if o.Issuer == "" || o.Subject == "" {
			p.wrong(fmt.Sprintf("owners[%d]", i), "needs issuer and subject, as the provider says them in the ID token")
		}
		out = append(out, portal.Identity{Issuer: o.Issuer, Subject: o.Subject})
	}
	return out
}

func (p *parser) pools(list []rawPool) []NewPool {
	names := map[string]bool{}
	var out []NewPool
	for i, r := range list {
		key := fmt.Sprintf("pools[%d]", i)
		if r.Name == "" || names[r.Name] {
			p.wrong(key, "needs a name of its own")
		}
		names[r.Name] = true
		v4, err4 := netip.ParsePrefix(r.V4)
		v6, err6 := netip.ParsePrefix(r.V6)
		if err := (portal.Pool{V4: v4, V6: v6}).Validate(); err4 != nil || err6 != nil || err != nil {
			p.wrong(key, "%s", portal.ErrPool.Msg)
		}
		out = append(out, NewPool(r))
	}
	return out
}

var destinationForm = regexp.MustCompile(`^(\S+)(?:\s+(any|tcp|udp|icmp)(?:/(\d{1,5})(?:-(\d{1,5}))?)?)?$`)

// addresses reads at most 16 addresses.
func (p *parser) addresses(key string, list []string) []netip.Addr {
	if len(list) > 16 {
		p.wrong(key, "at most 16 addresses")
		return nil
	}
	var out []netip.Addr
	for i, s := range list {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" || a.Is4In6() {
			p.wrong(fmt.Sprintf("%s[%d]", key, i), "%q is not an address", s)
			continue
		}
		out = append(out, a)
	}
	return out
}

// destinations reads "PREFIX [TRANSPORT[/PORT[-PORT]]]".
func (p *parser) destinations(key string, list []string) []portal.Destination {
	var out []portal.Destination
	for i, s := range list {
		at := fmt.Sprintf("%s[%d]", key, i)
		m := destinationForm.FindStringSubmatch(s)
		if m == nil {
			p.wrong(at, "%q is not of the form 192.0.2.10/32 tcp/443", s)
			continue
		}
		d := portal.Destination{Transport: portal.AnyTransport}
		if prefixes := p.prefixes(at, m[1:2]); len(prefixes) == 1 {
			d.Prefix = prefixes[0]
		}
		if m[2] != "" {
			d.Transport = portal.Transport(m[2])
		}
		if m[3] != "" {
			d.Ports = p.ports(at, m[3], m[4])
		}
		out = append(out, d)
	}
	return out
}

func (p *parser) ports(key, first, last string) portal.PortRange {
	if last == "" {
		last = first
	}
	a, errA := strconv.ParseUint(first, 10, 16)
	b, errB := strconv.ParseUint(last, 10, 16)
	if errA != nil || errB != nil || a == 0 || b < a {
		p.wrong(key, "ports %s-%s are not a range between 1 and 65535", first, last)
	}
	return portal.PortRange{First: uint16(a), Last: uint16(b)}
}

func (p *parser) level(s string) slog.Level {
	var l slog.Level
	if s != "" && l.UnmarshalText([]byte(s)) != nil {
		p.wrong("log.level", "%q is none of debug, info, warn, error", s)
	}
	return l
}

func (p *parser) format(s string) (json bool) {
	if s != "" && s != "json" && s != "text" {
		p.wrong("log.format", "%q is neither json nor text", s)
	}
	return s != "text"
}

func (p *parser) providers(list []rawProvider) []*auth.Provider {
	seen := map[string]bool{}
	var out []*auth.Provider
	for i, r := range list {
		key := fmt.Sprintf("providers[%d]", i)
		if seen[r.ID] {
			p.wrong(key, "the id %q is used twice", r.ID)
		}
		seen[r.ID] = true
		one := &auth.Provider{
			ID: r.ID, Name: r.Name, Issuer: r.Issuer, ClientID: r.ClientID, ClientSecret: p.clientSecret(key, r), Scopes: r.Scopes,
			GroupsClaim: r.GroupsClaim, AdminGroups: r.AdminGroups, OwnerGroups: r.OwnerGroups, Domains: r.Domains,
			StaffGroups: auth.StaffGroups{NetworkAdmin: r.NetworkGroups, HelpDesk: r.HelpDeskGroups, Auditor: r.AuditorGroups},
			Create:      p.yes(key+".create", r.Create, false),
		}
		if one.Name == "" {
			one.Name = one.ID
		}
		if err := one.Check(); err != nil {
			p.wrong(key, "%v", err)
		}
		out = append(out, one)
	}
	return out
}

// clientSecret comes from a file or a variable, so that the configuration itself can be shown around. A public client has none.
func (p *parser) clientSecret(key string, r rawProvider) portal.Secret {
	switch {
	case r.ClientSecretFile != "" && r.ClientSecretEnv != "":
		p.wrong(key, "client_secret_file and client_secret_env exclude each other")
	case r.ClientSecretFile != "":
		return portal.NewSecretText(p.secretFile(key+".client_secret_file", r.ClientSecretFile))
	case r.ClientSecretEnv != "":
		if v, ok := p.lookup(r.ClientSecretEnv); ok && v != "" {
			return portal.NewSecretText(v)
		}
		p.wrong(key+".client_secret_env", "the environment has no %s", r.ClientSecretEnv)
	}
	return portal.Secret{}
}
