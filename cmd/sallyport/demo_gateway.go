package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/peers/gateway"
	"github.com/sallyport/sallyport/peers/gateway/captive"
	"github.com/sallyport/sallyport/peers/gateway/usernet"
	"github.com/sallyport/sallyport/peers/gateway/wireguard"
	"github.com/sallyport/sallyport/portal"
)

// demoGateway is a gateway in this process: it enrols with a token and follows the change feed over mutual TLS like any other, but its
// WireGuard and its networks are in user space, so it needs no root.
type demoGateway struct {
	dir    string
	key    portal.PrivateKey
	creds  feed.Credentials
	net    *usernet.Net
	tunnel *wireguard.Userspace
	agent  *gateway.Agent
	client *feed.Client
	log    *slog.Logger
}

// enrolDemoGateway makes the point of presence and the gateway in the portal and enrols this process as its node. State that is there
// from an earlier demo is used again when the gateway's address is the same. The portal's listener for gateways must be answering.
func enrolDemoGateway(ctx context.Context, s *site, dir string, endpoint netip.AddrPort, log *slog.Logger) (*demoGateway, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the gateway: %w", err)
	}
	g := &demoGateway{dir: dir, log: log}
	var err error
	if g.key, err = demoKey(filepath.Join(dir, "wireguard.key")); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "credentials.json")
	g.creds, err = feed.ReadCredentials(path)
	if err == nil && demoGatewayFits(ctx, s, g.creds.Gateway, endpoint) {
		g.creds.Portals = s.cfg.GatewayPortal // its port is another one in each demo
		return g, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	token, err := demoToken(ctx, s, endpoint)
	if err != nil {
		return nil, fmt.Errorf("make the demo's gateway: %w", err)
	}
	g.creds, err = feed.Enrol(ctx, feed.EnrolRequest{Portal: s.cfg.GatewayPortal[0], Token: token, PublicKey: g.key.Public(), Version: version})
	if err != nil {
		return nil, fmt.Errorf("enrol the demo's gateway: %w", err)
	}
	return g, g.creds.WriteFile(path)
}

// earlierPort is the port of the gateway that an earlier demo enrolled in dir, 0 for none.
func earlierPort(ctx context.Context, s *site, dir string) uint16 {
	creds, err := feed.ReadCredentials(filepath.Join(dir, "credentials.json"))
	if err != nil {
		return 0
	}
	g, err := s.gateways.Gateway(ctx, creds.Gateway)
	if err != nil {
		return 0
	}
	return g.Port
}

// demoGatewayFits reports whether the gateway of an earlier demo is good for this one, and retires it when it is not.
func demoGatewayFits(ctx context.Context, s *site, id portal.GatewayID, endpoint netip.AddrPort) bool {
	have, err := s.gateways.Gateway(ctx, id)
	if err != nil || have.State == portal.GatewayRetired {
		return false
	}
	if have.Host == endpoint.Addr().String() && have.Port == endpoint.Port() {
		return true
	}
	if err := s.gateways.RetireGateway(ctx, systemActor, id); err != nil {
		s.log.WarnContext(ctx, "retire the gateway of an earlier demo", "err", err)
	}
	return false
}

const demoPoP = "Seoul (demo)"

func demoToken(ctx context.Context, s *site, endpoint netip.AddrPort) (portal.Secret, error) {
	pop, err := demoPlace(ctx, s)
	if err != nil {
		return portal.Secret{}, err
	}
	name := "demo-" + strings.ToLower(time.Now().UTC().Format("0102-150405"))
	_, token, err := s.gateways.CreateGateway(ctx, systemActor, peers.NewGateway{PoP: pop, Name: name, Host: endpoint.Addr().String(), Port: endpoint.Port()})
	return token.Secret, err
}

func demoPlace(ctx context.Context, s *site) (portal.PoPID, error) {
	all, err := s.gateways.PoPs(ctx)
	if err != nil {
		return "", err
	}
	for _, p := range all {
		if p.Name == demoPoP {
			return p.ID, nil
		}
	}
	p, err := s.gateways.CreatePoP(ctx, systemActor, peers.NewPoP{
		Name: demoPoP, Country: "KR", Latitude: 37.5665, Longitude: 126.978, Networks: []netip.Prefix{demoIntranetPrefix},
	})
	return p.ID, err
}

// demoKey reads the gateway's WireGuard key, and makes it when there is none.
func demoKey(path string) (portal.PrivateKey, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := portal.NewPrivateKey()
		if err != nil {
			return key, err
		}
		return key, gateway.WriteFile(path, []byte(key.Reveal()+"\n"))
	}
	if err != nil {
		return portal.PrivateKey{}, fmt.Errorf("read the gateway's key: %w", err)
	}
	return portal.ParsePrivateKey(strings.TrimSpace(string(b)))
}

// open starts the data path: WireGuard on the endpoint's address, and the pages behind it.
func (g *demoGateway) open(ctx context.Context, endpoint netip.AddrPort) error {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	var err error
	if g.net, err = usernet.New(usernet.Config{Log: g.log, Dial: dialer.DialContext}); err != nil {
		return err
	}
	g.tunnel = wireguard.NewUserspace(g.net, wireguard.BindTo(endpoint.Addr()), g.key, g.log)
	g.client = &feed.Client{
		Credentials: g.creds, Version: version, Now: time.Now, Log: g.log,
		Save: func(c feed.Credentials) error { return c.WriteFile(filepath.Join(g.dir, "credentials.json")) },
	}
	g.agent = &gateway.Agent{
		Tunnel: g.tunnel, Filter: g.net.Filter(), Prober: g.net, Dir: g.dir, Now: time.Now, Log: g.log, PollEvery: 200 * time.Millisecond,
		Report: func(r gateway.Report) {
			g.client.Report(feed.Report{
				Revision: r.Revision, Hash: r.Hash, Problem: r.Problem, ApplyTook: r.ApplyTook, Drift: r.Drift, Live: r.Live, Version: version,
				PublicKey: g.key.Public(),
			})
		},
	}
	g.client.OnContact, g.client.Probe = g.agent.Contact, g.agent.Probe
	return g.agent.Open(ctx)
}

// page serves h inside the tunnel.
func (g *demoGateway) page(address netip.AddrPort, h http.Handler) (task, error) {
	l, err := g.net.Listen(address)
	if err != nil {
		return task{}, fmt.Errorf("serve %s inside the tunnel: %w", address, err)
	}
	srv := newServer(h, g.log)
	return task{"page " + address.String(), func(ctx context.Context) error {
		// Nothing waits for its requests: a device that was revoked never finishes one.
		defer context.AfterFunc(ctx, func() { _ = srv.Close() })()
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}}, nil
}

func (g *demoGateway) tasks() []task {
	return []task{
		{"gateway agent", g.agent.Run},
		{"gateway page", func(ctx context.Context) error {
			page := &captive.Page{Portal: g.agent.Portal, Why: g.agent.Why, Log: g.log}
			return page.Serve(ctx, g.net.ListenCaptive())
		}},
		{"gateway feed", func(ctx context.Context) error { return g.client.Run(ctx, g.agent) }},
	}
}

func (g *demoGateway) close() {
	if g.tunnel != nil {
		g.tunnel.Close() // and with it the network inside
	}
}
