package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/demoidp"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
)

type demoCmd struct {
	Host    string `default:"127.0.0.1" placeholder:"ADDRESS" help:"Address of this machine to bind to. One on the local network lets a phone connect; then everybody on that network reaches the demo."`
	Port    uint16 `placeholder:"PORT" help:"Port for browsers. Without it: 8080, or the next free one."`
	Data    string `placeholder:"DIR" help:"Keep the demo's state here. Without it, it goes when the demo ends."`
	Check   bool   `help:"Play a worker from sign-in to a revoked tunnel, without a browser, and end with 0 when all of it worked."`
	Verbose bool   `short:"v" help:"Show the log."`
}

// demoProviderID is what the portal calls the built-in provider.
const demoProviderID = "demo"

// demo is the whole product in one process.
type demo struct {
	host netip.Addr
	dir  string
	log  *slog.Logger
	listeners
	site     *site
	provider *demoidp.Server
	partner  *demoidp.Server // nil unless only this machine reaches the demo
	endpoint netip.AddrPort  // WireGuard's
	node     *demoGateway
	ready    chan struct{} // closed when the gateway serves
}

// Run runs the demo until a signal comes, or with --check until the check is over.
func (c demoCmd) Run(e env) (err error) {
	host, err := netip.ParseAddr(c.Host)
	if err != nil || host.IsUnspecified() {
		return &usageError{fmt.Errorf("--host %s is not an address of this machine, such as 192.168.0.10", c.Host)}
	}
	dir, cleanup, err := c.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	d := &demo{host: host, dir: dir, log: c.logger(e.err), ready: make(chan struct{})}
	if err := d.open(e.ctx, c); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	tasks, err := d.tasks()
	if err != nil {
		return err
	}
	if c.Check {
		return d.check(e, tasks)
	}
	tasks = append(tasks, task{"banner", func(ctx context.Context) error {
		select {
		case <-d.ready:
			d.banner(e.out)
		case <-ctx.Done():
			return nil
		}
		<-ctx.Done()
		return nil
	}})
	return runTasks(e.ctx, d.log, shutdownDeadline, tasks...)
}

func (c demoCmd) folder() (dir string, cleanup func() error, err error) {
	if c.Data != "" {
		return c.Data, func() error { return nil }, os.MkdirAll(c.Data, 0o700)
	}
	dir, err = os.MkdirTemp("", "sallyport-demo-")
	return dir, func() error { return os.RemoveAll(dir) }, err
}

func (c demoCmd) logger(w io.Writer) *slog.Logger {
	cfg := Config{LogLevel: slog.LevelWarn}
	if c.Verbose {
		cfg.LogLevel = slog.LevelDebug
	}
	return newLogger(w, cfg)
}

// check runs the demo only for as long as the check takes.
func (d *demo) check(e env, tasks []task) error {
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	var outcome error
	tasks = append(tasks, task{"check", func(ctx context.Context) error {
		defer cancel()
		select {
		case <-d.ready:
		case <-ctx.Done():
			return nil
		}
		worker := demoidp.Accounts()[0]
		outcome = runDemoCheck(ctx, e.out, d.site.cfg.PublicURL.String(), worker.Username, worker.Password)
		return nil
	}})
	return errors.Join(runTasks(ctx, d.log, shutdownDeadline, tasks...), outcome)
}

// open takes the ports and wires everything. Nothing answers yet.
func (d *demo) open(ctx context.Context, c demoCmd) (err error) {
	defer func() {
		if err != nil {
			d.listeners.close()
		}
	}()
	if d.web, err = demoListen(ctx, d.host, c.Port, 8080); err != nil {
		return err
	}
	if d.gateways, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return fmt.Errorf("listen for the gateway: %w", err)
	}
	public := demoURL(d.host, portOf(d.web))
	d.provider, err = demoidp.New(demoidp.Config{
		Demo: true, Issuer: public.String() + "/demo-idp", ClientID: "sallyport", RedirectURI: public.String() + auth.CallbackPath + demoProviderID,
		ClientSecret: portal.NewSecretText(base64.RawURLEncoding.EncodeToString(portal.NewSecret(32))),
	})
	if err != nil {
		return err
	}
	if d.partner, err = newDemoPartner(d.host, public); err != nil {
		return err
	}
	keys, err := demoKeyring(filepath.Join(d.dir, "master.key"))
	if err != nil {
		return err
	}
	cfg := Config{
		PublicURL: public, Database: portal.NewSecretText(filepath.Join(d.dir, "sallyport.db")), Keys: keys, GatewayPortal: []string{d.gateways.Addr().String()},
		Grace: 24 * time.Hour, Providers: []*auth.Provider{d.provider.Provider(demoProviderID)}, Guesses: defaultGuesses, Demo: true,
		Networks:   demoNetworks(d.host),
		Quarantine: []portal.Destination{{Prefix: netip.PrefixFrom(d.host, d.host.BitLen()), Transport: portal.TCP}},
	}
	if d.site, err = newSite(ctx, cfg, d.log); err != nil {
		return err
	}
	if d.endpoint, err = demoEndpoint(ctx, d.host, earlierPort(ctx, d.site, d.nodeDir())); err != nil {
		return errors.Join(err, d.site.Close())
	}
	mux := http.NewServeMux()
	mux.Handle(d.provider.Path(), d.provider)
	if d.partner != nil {
		mux.Handle(d.partner.Path(), d.partner)
	}
	mux.Handle("/", d.site.handler)
	d.site.handler = byName(public, mux)
	if err := d.site.peers.SeedDemo(ctx, peers.Demo{Intranet: demoIntranetPrefix, Ports: []portal.PortRange{{First: demoIntranet.Port(), Last: demoIntranet.Port()}}}); err != nil {
		return errors.Join(err, d.site.Close())
	}
	return nil
}

// demoURL is what browsers call the demo: localhost, since passkeys belong to a name, or the address that others reach it under.
func demoURL(host netip.Addr, port uint16) *url.URL {
	u := &url.URL{Scheme: "http", Host: hostPort(host, port)}
	if host == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		u.Host = net.JoinHostPort("localhost", strconv.Itoa(int(port)))
	}
	return u
}

// byName leads who typed the address to the name, where cookies and sign-in work.
func byName(public *url.URL, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.Host != public.Host && strings.Contains(r.Header.Get("Accept"), "text/html") {
			to := *public
			to.Path, to.RawQuery = r.URL.Path, r.URL.RawQuery
			http.Redirect(w, r, to.String(), http.StatusTemporaryRedirect)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (d *demo) close() error {
	if d.node != nil {
		d.node.close()
	}
	return d.site.Close()
}

// tasks is the portal, with the provider in it, and the gateway, which enrols when the portal answers.
func (d *demo) tasks() ([]task, error) {
	list, err := d.site.tasks(d.listeners)
	if err != nil {
		return nil, err
	}
	return append(list, task{"gateway", d.runGateway}), nil
}

func (d *demo) runGateway(ctx context.Context) error {
	var err error
	if d.node, err = enrolDemoGateway(ctx, d.site, d.nodeDir(), d.endpoint, d.log); err != nil {
		return endOf(ctx, err)
	}
	if err := d.node.open(ctx, d.endpoint); err != nil {
		return endOf(ctx, err)
	}
	allowed, err := d.node.page(demoIntranet, http.HandlerFunc(intranet))
	if err != nil {
		return err
	}
	forbidden, err := d.node.page(demoForbidden, http.NotFoundHandler())
	if err != nil {
		return err
	}
	announce := task{"announce", func(ctx context.Context) error {
		if err := d.awaitGateway(ctx); err != nil {
			return endOf(ctx, err)
		}
		close(d.ready)
		<-ctx.Done()
		return nil
	}}
	return runTasks(ctx, d.log, shutdownDeadline, append(d.node.tasks(), allowed, forbidden, announce)...)
}

// endOf is nil where err only says that ctx has ended.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// awaitGateway waits until the portal has heard from the gateway.
func (d *demo) awaitGateway(ctx context.Context) error {
	events, stop := d.site.hub.Subscribe()
	defer stop()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		status := d.site.hub.Status(d.node.creds.Gateway)
		if status.Connected && !status.SeenAt.IsZero() && status.Applied >= status.Head {
			return nil
		}
		select {
		case e := <-events:
			if e.Kind != feed.EventGateway {
				continue
			}
		case <-deadline.C:
			return errors.New("the demo's gateway did not come up within 20 s; run again with --verbose to see why")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// demoListen takes the port that was chosen, or else the first free one from fallback on.
func demoListen(ctx context.Context, host netip.Addr, chosen, fallback uint16) (net.Listener, error) {
	lc := &net.ListenConfig{}
	if chosen != 0 {
		l, err := lc.Listen(ctx, "tcp", hostPort(host, chosen))
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("port %d on %s is in use: choose another one with --port, or none to get a free one", chosen, host)
		}
		return l, err
	}
	var err error
	for port := fallback; port < fallback+100; port++ {
		var l net.Listener
		if l, err = lc.Listen(ctx, "tcp", hostPort(host, port)); err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, fmt.Errorf("listen on %s: %w", host, err)
}

func (d *demo) nodeDir() string { return filepath.Join(d.dir, "gateway") }

// demoEndpoint finds a free UDP port for WireGuard: that of an earlier demo on the same state, whose devices know it, then its usual one.
func demoEndpoint(ctx context.Context, host netip.Addr, earlier uint16) (netip.AddrPort, error) {
	var err error
	ports := []uint16{}
	if earlier != 0 {
		ports = append(ports, earlier)
	}
	for port := uint16(51820); port < 51920; port++ {
		ports = append(ports, port)
	}
	for _, port := range ports {
		var c net.PacketConn
		if c, err = (&net.ListenConfig{}).ListenPacket(ctx, "udp", hostPort(host, port)); err == nil {
			if err := c.Close(); err != nil {
				return netip.AddrPort{}, err
			}
			return netip.AddrPortFrom(host, port), nil
		}
	}
	return netip.AddrPort{}, fmt.Errorf("find a UDP port for WireGuard on %s: %w", host, err)
}

func hostPort(host netip.Addr, port uint16) string {
	return net.JoinHostPort(host.String(), strconv.Itoa(int(port)))
}

func portOf(l net.Listener) uint16 { return uint16(l.Addr().(*net.TCPAddr).Port) }

// demoKeyring keeps the master key beside the database, which is what nobody should do outside of a demo.
func demoKeyring(path string) (*seal.Keyring, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(newKeyLine(time.Now()) + "\n")
		err = replacePrivate(path, string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("master key of the demo: %w", err)
	}
	return parseKeys(string(text))
}

// banner says what to do first.
func (d *demo) banner(w io.Writer) {
	fmt.Fprintf(w, "\n  Sallyport demo\n\n  Portal    %s\n", d.site.cfg.PublicURL)
	for _, a := range demoidp.Accounts() {
		fmt.Fprintf(w, "  Account   %-7s password %s\n", a.Username, a.Password)
	}
	fmt.Fprintf(w, `
  Try this
    1. Sign in as the worker. Scan the second factor with an authenticator app, or copy its key into one.
    2. Add a device with the profile "Company networks", and open the file or the QR code in the WireGuard app.
    3. Open http://%s through the tunnel. The device's card turns green by itself.
    4. Revoke the device: the page is gone at once. Sign in as the admin to see the gateway and the audit trail.
`, demoIntranet.Addr())
	if d.partner != nil {
		fmt.Fprintf(w, `    5. As the admin, add another provider: id %s, issuer %s/partner-idp,
       client ID %s, client secret %s. Test it, save it, and sign in with it or connect it to your account.
`, demoPartnerID, d.site.cfg.PublicURL, demoPartnerClient, demoPartnerSecret)
	}
	if d.host.IsLoopback() {
		fmt.Fprintf(w, "\n  Only this machine reaches the demo. For a phone: sallyport demo --host ADDRESS-OF-THIS-MACHINE\n")
	} else {
		fmt.Fprintf(w, "\n  Everybody on the network of %s reaches this demo over plain HTTP: do not leave it running.\n", d.host)
	}
	fmt.Fprintf(w, "  The identity provider is part of the demo and of nothing else. Ctrl-C ends everything.\n\n")
}
