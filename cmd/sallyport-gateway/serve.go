package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/firewall"
	"github.com/sallyport/sallyport/peers/gateway/host"
	"github.com/sallyport/sallyport/peers/gateway/probe"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
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
	filter := &firewall.Filter{Table: cfg.Table, Interface: cfg.Interface, Log: log}
	agent := &gateway.Agent{
		Tunnel: tunnel, Filter: filter, Host: &host.Host{Interface: cfg.Interface, Log: log},
		Prober: probe.System{}, Dir: cfg.StateDir, Now: time.Now, Log: log,
		Report: func(r gateway.Report) {
			client.Report(feed.Report{
				Revision: r.Revision, Hash: r.Hash, Problem: r.Problem, ApplyTook: r.ApplyTook, Drift: r.Drift, Live: r.Live,
				Version: Version, PublicKey: key.Public(),
			})
		},
	}
	client.OnContact, client.Probe = agent.Contact, agent.Probe
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
	tasks.Go(func() error { return serveMetrics(ctx, cfg.Metrics, agent, client, log) })
	return tasks.Wait()
}
