package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
)

type rawAudit struct {
	Sinks []rawSink `yaml:"sinks"`
}

// rawSink is a receiver of the audit trail: syslog or url is given.
type rawSink struct {
	Name       string `yaml:"name"`
	Syslog     string `yaml:"syslog"`
	URL        string `yaml:"url"`
	CAFile     string `yaml:"ca_file"`
	ServerName string `yaml:"server_name"`
	CertFile   string `yaml:"cert_file"`
	KeyFile    string `yaml:"key_file"`
	SecretFile string `yaml:"secret_file"`
	Header     string `yaml:"header"`
}

// Sink is a receiver of the audit trail, and the name of its place in the database.
type Sink struct {
	Name string
	To   trail.Receiver
}

var (
	sinkName   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	headerName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
)

func (p *parser) sinks(list []rawSink) []Sink {
	seen := map[string]bool{}
	var out []Sink
	for i, r := range list {
		key := fmt.Sprintf("audit.sinks[%d]", i)
		if !sinkName.MatchString(r.Name) || seen[r.Name] {
			p.wrong(key+".name", "%q is not a name of its own of a-z, 0-9 and '-', up to 32", r.Name)
		}
		seen[r.Name] = true
		switch {
		case (r.Syslog == "") == (r.URL == ""):
			p.wrong(key, "needs syslog (host:port) or url, and not both")
		case r.Syslog != "":
			out = append(out, Sink{r.Name, p.syslogSink(key, r)})
		default:
			out = append(out, Sink{r.Name, p.httpSink(key, r)})
		}
	}
	return out
}

func (p *parser) syslogSink(key string, r rawSink) trail.Receiver {
	if host, port, err := net.SplitHostPort(r.Syslog); err != nil || host == "" || port == "" {
		p.wrong(key+".syslog", "%q is not host:port", r.Syslog)
	}
	if r.SecretFile != "" || r.Header != "" {
		p.wrong(key, "secret_file and header are for url; for syslog the portal shows a certificate: cert_file and key_file")
	}
	return &trail.Syslog{Address: r.Syslog, TLS: p.sinkTLS(key, r)}
}

// httpSink refuses plain HTTP beyond this machine: the trail and the secret would be there for all to read.
func (p *parser) httpSink(key string, r rawSink) trail.Receiver {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		p.wrong(key+".url", "is not an https URL without a user")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		p.wrong(key+".url", "must be https, unless the receiver is on this machine")
	}
	if r.Header != "" && !headerName.MatchString(r.Header) {
		p.wrong(key+".header", "%q is not the name of a header", r.Header)
	}
	h := &trail.HTTP{URL: r.URL, Header: r.Header}
	if r.SecretFile != "" {
		h.Secret = portal.NewSecretText(p.secretFile(key+".secret_file", r.SecretFile))
		p.private(key+".secret_file", r.SecretFile)
		if strings.ContainsFunc(h.Secret.Reveal(), unicode.IsControl) {
			p.wrong(key+".secret_file", "%s has more than one line", r.SecretFile)
		}
	}
	h.Client = &http.Client{Transport: &http.Transport{TLSClientConfig: p.sinkTLS(key, r), Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConns: 2}}
	return h
}

func (p *parser) sinkTLS(key string, r rawSink) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: r.ServerName}
	if r.CAFile != "" {
		c.RootCAs = x509.NewCertPool()
		text, err := os.ReadFile(r.CAFile)
		if err != nil {
			p.wrong(key+".ca_file", "%v", err)
		} else if !c.RootCAs.AppendCertsFromPEM(text) {
			p.wrong(key+".ca_file", "%s has no certificate in it", r.CAFile)
		}
	}
	switch {
	case (r.CertFile == "") != (r.KeyFile == ""):
		p.wrong(key, "cert_file and key_file go together")
	case r.CertFile != "":
		p.private(key+".key_file", r.KeyFile)
		pair, err := tls.LoadX509KeyPair(r.CertFile, r.KeyFile)
		if err != nil {
			p.wrong(key+".cert_file", "%v", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}

func sinkNames(sinks []Sink) []string {
	names := make([]string, len(sinks))
	for i, one := range sinks {
		names[i] = one.Name
	}
	return names
}

// forwarders are the tasks that hand the audit trail on.
func (s *site) forwarders() []task {
	list := make([]task, len(s.cfg.Sinks))
	for i, one := range s.cfg.Sinks {
		f := trail.Forwarder{Store: s.store, Name: one.Name, To: one.To, Log: s.log}
		list[i] = task{"audit sink " + one.Name, f.Run}
	}
	return list
}
