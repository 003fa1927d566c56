package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// The manual must name what there is, and the example must be one.
func TestTheManualNamesEverySetting(t *testing.T) {
	manual, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range (&rawConfig{}).environment() {
		if !strings.Contains(string(manual), name) {
			t.Errorf("docs/operations.md does not name %s", name)
		}
	}
	var r rawConfig
	if err := r.readFile("../../deploy/sallyport.yaml"); err != nil {
		t.Error(err)
	}
}

// good is the least that a configuration needs.
func good(t *testing.T) rawConfig {
	t.Helper()
	return rawConfig{
		PublicURL: "https://vpn.example.com", Database: "postgres://sallyport@db/sallyport", MasterKey: newKeyLine(time.Now()),
		TLS:       rawTLS{ACME: rawACME{Email: "ops@example.com", CacheDir: t.TempDir()}},
		Providers: []rawProvider{{ID: "corp", Name: "Corp", Issuer: "https://idp.example.com", ClientID: "sallyport"}},
	}
}

func TestDefaults(t *testing.T) {
	c, err := good(t).parse(noEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != ":443" || c.Gateways != ":8443" || c.Metrics != "127.0.0.1:9090" || c.TLS.ACMEListen != ":80" || c.GatewayPortal[0] != "vpn.example.com:8443" {
		t.Errorf("listeners: %+v", c)
	}
	if c.Grace != 24*time.Hour || c.Sessions.Idle != 12*time.Hour || c.Sessions.Absolute != 7*24*time.Hour || c.Sessions.Renew != time.Hour {
		t.Errorf("lifetimes: %+v", c)
	}
	if c.FirstOwner || c.Demo || c.Providers[0].Create || c.Providers[0].AllowHTTP || len(c.Trusted) != 0 {
		t.Errorf("something is on that must be asked for: %+v", c)
	}
}

func TestPlainHTTPOnlyWhereNobodyElseReads(t *testing.T) {
	for _, c := range []struct {
		what string
		edit func(*rawConfig)
		ok   bool
	}{
		{"ACME", func(*rawConfig) {}, true},
		{"nothing", func(r *rawConfig) { r.TLS = rawTLS{} }, false},
		{"loopback", func(r *rawConfig) { r.TLS, r.Listen = rawTLS{}, "127.0.0.1:8080" }, true},
		{"loopback, version 6", func(r *rawConfig) { r.TLS, r.Listen = rawTLS{}, "[::1]:8080" }, true},
		{"a proxy", func(r *rawConfig) { r.TLS, r.TrustedProxies = rawTLS{}, []string{"10.0.0.5"} }, true},
		{"a proxy without TLS either", func(r *rawConfig) {
			r.TLS, r.TrustedProxies, r.PublicURL = rawTLS{}, []string{"10.0.0.5"}, "http://vpn.example.com"
		}, false},
		{"TLS under an http URL", func(r *rawConfig) { r.PublicURL = "http://vpn.example.com" }, false},
	} {
		r := good(t)
		c.edit(&r)
		if _, err := r.parse(noEnvironment); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}
