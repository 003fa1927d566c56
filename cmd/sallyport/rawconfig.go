package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"gopkg.in/yaml.v3"
)

// rawConfig is what the operator typed: text, from the file, over it the environment, over it flags. Config is what was meant.
type rawConfig struct {
	PublicURL      string   `yaml:"public_url"`
	Listen         string   `yaml:"listen"`
	TLS            rawTLS   `yaml:"tls"`
	TrustedProxies []string `yaml:"trusted_proxies"`
	Database       string   `yaml:"database"`
	DatabaseFile   string   `yaml:"database_dsn_file"`
	MasterKey      string   `yaml:"-"`
	MasterKeyFile  string   `yaml:"master_key_file"`

	MasterKeyCommand []string `yaml:"master_key_command"`

	Gateways      rawGateways   `yaml:"gateways"`
	Metrics       rawMetrics    `yaml:"metrics"`
	Providers     []rawProvider `yaml:"providers"`
	ProviderNets  []string      `yaml:"provider_networks"`
	Owners        []rawOwner    `yaml:"owners"`
	FirstOwner    string        `yaml:"first_owner"`
	LocalAccounts string        `yaml:"local_accounts"`
	Pools         []rawPool     `yaml:"pools"`
	Sessions      rawSessions   `yaml:"sessions"`
	Limits        rawLimits     `yaml:"limits"`
	Quarantine    []string      `yaml:"quarantine"`
	FilteringDNS  []string      `yaml:"filtering_dns"`
	Audit         rawAudit      `yaml:"audit"`
	Webhooks      []rawWebhook  `yaml:"webhooks"`
	GeoIPFile     string        `yaml:"geoip_file"`
	Log           rawLog        `yaml:"log"`
}

type rawTLS struct {
	CertFile string  `yaml:"cert_file"`
	KeyFile  string  `yaml:"key_file"`
	ACME     rawACME `yaml:"acme"`
}

type rawACME struct {
	Email     string `yaml:"email"`
	CacheDir  string `yaml:"cache_dir"`
	Directory string `yaml:"directory"`
	Listen    string `yaml:"listen"`
}

type rawGateways struct {
	Listen  string   `yaml:"listen"`
	Public  []string `yaml:"public"`
	Grace   string   `yaml:"grace"`
	Command string   `yaml:"command"`
}

type rawMetrics struct {
	Listen string `yaml:"listen"`
}

type rawProvider struct {
	ID               string   `yaml:"id"`
	Name             string   `yaml:"name"`
	Issuer           string   `yaml:"issuer"`
	ClientID         string   `yaml:"client_id"`
	ClientSecretFile string   `yaml:"client_secret_file"`
	ClientSecretEnv  string   `yaml:"client_secret_env"`
	Scopes           []string `yaml:"scopes"`
	GroupsClaim      string   `yaml:"groups_claim"`
	AdminGroups      []string `yaml:"admin_groups"`
	OwnerGroups      []string `yaml:"owner_groups"`
	NetworkGroups    []string `yaml:"network_admin_groups"`
	HelpDeskGroups   []string `yaml:"help_desk_groups"`
	AuditorGroups    []string `yaml:"auditor_groups"`
	Domains          []string `yaml:"domains"`
	Create           string   `yaml:"create"`
}

type rawOwner struct {
	Issuer  string `yaml:"issuer"`
	Subject string `yaml:"subject"`
}

type rawPool struct {
	Name string `yaml:"name"`
	V4   string `yaml:"v4"`
	V6   string `yaml:"v6"`
}

type rawSessions struct {
	Idle        string `yaml:"idle"`
	Absolute    string `yaml:"absolute"`
	RenewWithin string `yaml:"renew_within"`
	StepUp      string `yaml:"step_up"`
}

type rawLimits struct {
	Requests string `yaml:"requests_per_second"`
	Guesses  string `yaml:"guesses_per_second"`
}

type rawLog struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// readFile reads the YAML file over r. Keys that do not exist are refused with their lines.
func (r *rawConfig) readFile(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(r); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read configuration %s: %w", path, err)
	}
	return nil
}

// environment names the variables that stand over the file. Lists are in the file only.
func (r *rawConfig) environment() map[string]*string {
	return map[string]*string{
		"SALLYPORT_PUBLIC_URL":          &r.PublicURL,
		"SALLYPORT_LISTEN":              &r.Listen,
		"SALLYPORT_TLS_CERT_FILE":       &r.TLS.CertFile,
		"SALLYPORT_TLS_KEY_FILE":        &r.TLS.KeyFile,
		"SALLYPORT_ACME_EMAIL":          &r.TLS.ACME.Email,
		"SALLYPORT_ACME_CACHE_DIR":      &r.TLS.ACME.CacheDir,
		"SALLYPORT_DATABASE":            &r.Database,
		"SALLYPORT_DATABASE_DSN_FILE":   &r.DatabaseFile,
		"SALLYPORT_MASTER_KEY":          &r.MasterKey,
		"SALLYPORT_MASTER_KEY_FILE":     &r.MasterKeyFile,
		"SALLYPORT_GATEWAYS_LISTEN":     &r.Gateways.Listen,
		"SALLYPORT_METRICS_LISTEN":      &r.Metrics.Listen,
		"SALLYPORT_FIRST_OWNER":         &r.FirstOwner,
		"SALLYPORT_LOCAL_ACCOUNTS":      &r.LocalAccounts,
		"SALLYPORT_GEOIP_FILE":          &r.GeoIPFile,
		"SALLYPORT_LOG_LEVEL":           &r.Log.Level,
		"SALLYPORT_LOG_FORMAT":          &r.Log.Format,
		"SALLYPORT_REQUESTS_PER_SECOND": &r.Limits.Requests,
		"SALLYPORT_GUESSES_PER_SECOND":  &r.Limits.Guesses,
	}
}

func (r *rawConfig) readEnvironment(lookup func(string) (string, bool)) {
	for name, field := range r.environment() {
		if v, ok := lookup(name); ok {
			*field = v
		}
	}
}

// configFlags are the flags of every subcommand that needs the configuration.
type configFlags struct {
	Config         string `short:"c" placeholder:"FILE" help:"YAML file. Over it stand SALLYPORT_… in the environment, then flags."`
	PublicURL      string `name:"public-url" placeholder:"URL" help:"What browsers call the portal."`
	Listen         string `placeholder:"ADDRESS" help:"Where browsers connect to, host:port."`
	Database       string `placeholder:"DSN" help:"Path of an SQLite file, or postgres://…"`
	GatewaysListen string `placeholder:"ADDRESS" help:"Where gateways connect to, host:port."`
	MetricsListen  string `placeholder:"ADDRESS" help:"Where metrics and health are, host:port; \"off\" for nowhere."`
	LogLevel       string `placeholder:"LEVEL" help:"debug, info, warn or error."`
	LogFormat      string `placeholder:"FORMAT" help:"json or text."`
}

// load puts file, environment and flags together.
func (f configFlags) load(lookup func(string) (string, bool)) (rawConfig, error) {
	var r rawConfig
	path := f.Config
	if path == "" {
		path, _ = lookup("SALLYPORT_CONFIG")
	}
	if path != "" {
		if err := r.readFile(path); err != nil {
			return r, err
		}
	}
	r.readEnvironment(lookup)
	for _, o := range []struct{ flag, field *string }{
		{&f.PublicURL, &r.PublicURL},
		{&f.Listen, &r.Listen},
		{&f.Database, &r.Database},
		{&f.GatewaysListen, &r.Gateways.Listen},
		{&f.MetricsListen, &r.Metrics.Listen},
		{&f.LogLevel, &r.Log.Level},
		{&f.LogFormat, &r.Log.Format},
	} {
		if *o.flag != "" {
			*o.field = *o.flag
		}
	}
	return r, nil
}
