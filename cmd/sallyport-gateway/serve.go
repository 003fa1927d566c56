package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/captive"
	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/host"
	"github.com/sallyport/sallyport/peers/gateway/openvpn"
	"github.com/sallyport/sallyport/peers/gateway/probe"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/portal/geo"
)

// serve brings the node to its last state, then follows the portal until ctx ends.
func serve(ctx context.Context, cfg Config, stderr io.Writer) (err error) {
	log := cfg.logger(stderr)
	key, creds, err := identity(ctx, cfg, log)
	if err != nil {
		return err
	}
	client := &feed.Client{
		Credentials: creds, Version: Version, Now: time.Now, Log: log,
		Save: func(c feed.Credentials) error { return c.WriteFile(filepath.Join(cfg.StateDir, credentialsName)) },
	}
	tunnel := &wireguard.System{Name: cfg.Interface, Key: key, Log: log, Userspace: cfg.Userspace}
	filter := &firewall.Filter{Table: cfg.Table, Interface: cfg.Interface, Captive: captive.Port, Log: log}
	second := secondTunnel(cfg, log)
	if err := second.CleanupOthers(ctx, secondTunnel(Config{StateDir: cfg.StateDir, Interface: cfg.Interface, OpenVPN: OpenVPNConfig{UDP: 1, TCP: 1}}, log)); err != nil {
		return fmt.Errorf("end what was served by OpenVPN before: %w", err)
	}
	agent := &gateway.Agent{
		Tunnel: tunnel, Filter: filter, Host: &host.Host{Interface: cfg.Interface, Log: log},
		Prober: probe.System{}, Dir: cfg.StateDir, Now: time.Now, Log: log,
		Report: func(r gateway.Report) {
			client.Report(feed.Report{
				Revision: r.Revision, Hash: r.Hash, Problem: r.Problem, ApplyTook: r.ApplyTook, Drift: r.Drift, Live: r.Live,
				Version: Version, PublicKey: key.Public(), OpenVPN: second.Ports(),
			})
		},
	}
	if cfg.Countries != "" {
		if places, err := geo.Open(cfg.Countries, time.Now, log); err != nil {
			log.ErrorContext(ctx, "no country is known", "err", err) // what else the node serves does not wait for it
		} else {
			agent.Places = countries{places}
		}
	}
	client.OnContact, client.Probe = agent.Contact, agent.Probe
	if len(second.Transports) > 0 {
		agent.OpenVPN, filter.More, second.Changed = second, second.Interfaces(), agent.Say
		second.Ask = func(ctx context.Context, csr []byte) (openvpn.Grant, error) {
			g, err := client.OpenVPN(ctx, csr)
			return openvpn.Grant{Certificates: g.Certificates, Authorities: g.Authorities, TLSCrypt: g.TLSCrypt, Trust: g.Trust}, err
		}
	}
	defer func() {
		filter.Close()
		err = errors.Join(err, tunnel.Close())
	}()
	if err := agent.Open(ctx); err != nil {
		return fmt.Errorf("open the agent: %w", err)
	}
	tasks, ctx := errgroup.WithContext(ctx)
	tasks.Go(func() error { return agent.Run(ctx) })
	tasks.Go(func() error { return client.Run(ctx, agent) })
	page := &captive.Page{Portal: agent.Portal, Why: agent.Why, Log: log}
	tasks.Go(func() error { return page.Follow(ctx, agent.Addresses) })
	tasks.Go(func() error { return second.Run(ctx) })
	tasks.Go(func() error { return serveMetrics(ctx, cfg.Metrics, agent, client, log) })
	return tasks.Wait()
}

// secondTunnel is OpenVPN as configured; without transports it does nothing.
func secondTunnel(cfg Config, log *slog.Logger) *openvpn.Server {
	s := &openvpn.Server{Dir: filepath.Join(cfg.StateDir, "openvpn"), User: cfg.OpenVPN.User, Group: cfg.OpenVPN.Group, Now: time.Now, Log: log}
	if cfg.OpenVPN.UDP != 0 {
		s.Transports = append(s.Transports, openvpn.Transport{Name: "udp", Port: cfg.OpenVPN.UDP, Interface: cfg.Interface + "u"})
	}
	if cfg.OpenVPN.TCP != 0 {
		s.Transports = append(s.Transports, openvpn.Transport{Name: "tcp", Port: cfg.OpenVPN.TCP, Interface: cfg.Interface + "t"})
	}
	return s
}

// countries tells of an address the country alone.
type countries struct{ *geo.Places }

// Country returns a code, "" when it is not known.
func (c countries) Country(a netip.Addr) string {
	place, _ := c.Of(a)
	return place.Country
}
