package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/scim"
	"github.com/sallyport/sallyport/frontend"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal/geo"
	"github.com/sallyport/sallyport/portal/store"
)

// site is a whole portal, wired and not yet running. It is made in one place, for serve, for the demo and for tests.
type site struct {
	cfg      Config
	log      *slog.Logger
	store    *store.Store
	auth     *auth.Service
	peers    *peers.Service
	gateways *peers.Gateways
	hub      *feed.Hub
	api      *api.Server
	handler  http.Handler
}

// newSite opens the database, brings its schema up to date and wires the services. Close it in the end.
func newSite(ctx context.Context, cfg Config, log *slog.Logger) (*site, error) {
	db, err := store.Open(ctx, cfg.Database.Reveal())
	if err != nil {
		return nil, err
	}
	s, err := wire(ctx, cfg, log, db)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func wire(ctx context.Context, cfg Config, log *slog.Logger, db *store.Store) (*site, error) {
	applied, err := db.Migrate(ctx)
	if err != nil {
		return nil, err
	}
	if len(applied) > 0 {
		log.InfoContext(ctx, "schema brought up to date", "migrations", applied)
	}
	public := cfg.PublicURL.String()
	s := &site{cfg: cfg, log: log, store: db}
	s.peers = &peers.Service{Store: db, Log: log, Portal: public, Resolver: net.DefaultResolver, OpenVPN: &peers.OpenVPN{Keys: cfg.Keys}}
	s.auth = &auth.Service{
		Store: db, Keys: cfg.Keys, Tunnels: s.peers, Providers: cfg.Providers, PublicURL: public, Owners: cfg.Owners, FirstOwner: cfg.FirstOwner,
		LocalAccounts: cfg.Local, ProviderNetworks: cfg.Networks, Limits: cfg.Sessions, Log: log,
	}
	s.gateways = &peers.Gateways{Store: db, Keys: cfg.Keys, Now: time.Now, Log: log, Portals: cfg.GatewayPortal, Command: cfg.Command}
	s.hub = &feed.Hub{Control: s.gateways, Now: time.Now, Log: log, Quarantine: cfg.Quarantine, Filtering: cfg.Filtering, Portal: public, Grace: cfg.Grace}
	s.gateways.Live = s.hub
	s.peers.Filtering = cfg.Filtering
	s.peers.Quarantine, s.peers.Streams, s.peers.Prober = cfg.Quarantine, s.hub, s.hub
	var places *geo.Places
	if cfg.GeoIP != "" {
		if places, err = geo.Open(cfg.GeoIP, time.Now, log); err != nil {
			return nil, fmt.Errorf("geoip_file: %w", err)
		}
	}
	directories := &scim.Service{Store: db, Accounts: s.auth, Tunnels: s.peers, Public: public, Log: log}
	app, built := frontend.App()
	if !built {
		log.WarnContext(ctx, "this build has no web app in it")
	}
	s.api = &api.Server{
		Store: db, Auth: s.auth, Peers: s.peers, Gateways: s.gateways, Live: s.hub, App: app, PublicURL: cfg.PublicURL, Trusted: cfg.Trusted,
		Version: version, Demo: cfg.Demo, RenewWithin: cfg.Sessions.Renew, PerSecond: cfg.Requests, GuessesPerSecond: cfg.Guesses,
		Metrics: api.NewMetrics(version, s.hub, db.Ping), Log: log, Directories: directories, Sinks: sinkNames(slices.Concat(cfg.Sinks, cfg.Webhooks)), Places: places,
	}
	if s.handler, err = s.api.Handler(); err != nil {
		return nil, err
	}
	s.handler = s.api.MountSCIM(s.handler, directories)
	if err := s.sayWhoCanSignIn(ctx); err != nil {
		return nil, err
	}
	if err := s.peers.Upgrade(ctx); err != nil {
		return nil, fmt.Errorf("write the feed log anew: %w", err)
	}
	return s, s.seed(ctx)
}

// sayWhoCanSignIn warns where nobody can. It is no reason not to start: tunnels and tokens work, and the last provider may have been deleted in
// the web app.
func (s *site) sayWhoCanSignIn(ctx context.Context) error {
	ways, err := s.auth.SignInOptions(ctx)
	if err == nil && len(ways) == 0 && !s.cfg.Local {
		s.log.WarnContext(ctx, "nobody can sign in: there is no identity provider, and local_accounts is off")
	}
	return err
}

// seed makes the pools of the configuration that are not there. Without any, the first start makes one, so that a profile can be made.
func (s *site) seed(ctx context.Context) error {
	wanted := s.cfg.Pools
	if len(wanted) == 0 {
		_, err := s.peers.SeedPool(ctx, netip.Prefix{}, netip.Prefix{})
		return err
	}
	have, err := s.peers.Pools(ctx, systemActor)
	if err != nil {
		return err
	}
	for _, p := range wanted {
		if slices.ContainsFunc(have, func(v peers.PoolView) bool { return v.Name == p.Name }) {
			continue
		}
		if _, err := s.peers.CreatePool(ctx, systemActor, p.Name, p.V4, p.V6); err != nil {
			return fmt.Errorf("make pool %s: %w", p.Name, err)
		}
	}
	return nil
}

func (s *site) Close() error { return s.store.Close() }

// listeners are open before anything runs, so that a port that is taken is said at once.
type listeners struct{ web, gateways, metrics, acme net.Listener }

func (l listeners) close() {
	for _, one := range []net.Listener{l.web, l.gateways, l.metrics, l.acme} {
		if one != nil {
			one.Close()
		}
	}
}

func openListeners(ctx context.Context, cfg Config) (l listeners, err error) {
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for _, one := range []struct {
		what, address string
		into          *net.Listener
	}{
		{"browsers", cfg.Listen, &l.web}, {"gateways", cfg.Gateways, &l.gateways}, {"metrics", cfg.Metrics, &l.metrics}, {"ACME", cfg.TLS.ACMEListen, &l.acme},
	} {
		if one.address == "" {
			continue
		}
		if *one.into, err = (&net.ListenConfig{}).Listen(ctx, "tcp", one.address); err != nil {
			return l, fmt.Errorf("listen for %s: %w", one.what, err)
		}
	}
	return l, nil
}

// tasks is all that runs.
func (s *site) tasks(l listeners) ([]task, error) {
	web := newServer(s.handler, s.log)
	web.RegisterOnShutdown(s.api.CloseStreams)
	list := []task{
		{"change feed", s.hub.Run},
		{"gateways", func(ctx context.Context) error { return s.hub.Serve(ctx, l.gateways) }},
		{"events", s.api.Run},
		{"sweep of sessions", s.auth.Run},
		{"sweep of grants", s.peers.Sweep},
		{"posture", s.peers.Judge},
	}
	tlsConfig, acme, err := certificates(s.cfg, s.log)
	if err != nil {
		return nil, err
	}
	web.TLSConfig = tlsConfig
	if l.acme != nil {
		list = append(list, serveHTTP("ACME", newServer(acme, s.log), l.acme))
	}
	if l.metrics != nil {
		list = append(list, serveHTTP("metrics", newServer(s.api.HealthHandler(), s.log), l.metrics))
	}
	list = append(list, s.forwarders()...)
	list = append(list, s.webhookTasks()...)
	return append(list, serveHTTP("browsers", web, l.web)), nil
}

// newLogger writes lines with the id of the request that they belong to.
func newLogger(w io.Writer, cfg Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogJSON {
		return slog.New(api.LogHandler{Handler: slog.NewJSONHandler(w, options)})
	}
	return slog.New(api.LogHandler{Handler: slog.NewTextHandler(w, options)})
}

// certificates returns the TLS configuration of the browsers' listener, nil for plain HTTP, and with ACME the handler for its challenges.
func certificates(cfg Config, log *slog.Logger) (*tls.Config, http.Handler, error) {
	switch {
	case cfg.TLS.ACME:
		config, handler := acmeCertificates(cfg)
		return config, handler, nil
	case cfg.TLS.CertFile != "":
		files, err := newCertFiles(cfg.TLS.CertFile, cfg.TLS.KeyFile, log)
		if err != nil {
			return nil, nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: files.get}, nil, nil
	}
	return nil, nil, nil
}
