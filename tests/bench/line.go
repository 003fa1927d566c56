package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/tests/world"
)

// clients is how many ask at once where that is measured.
const clients = 16

// line is the whole way from an API request to a gateway's data path: the real portal on SQLite with durable commits, the real agent with
// wireguard-go and nftables.
type line struct {
	*world.World
	s       *scene
	portal  *world.Portal
	gateway *world.Gateway
	admin   *world.Person
	people  []*world.Person
	metrics *http.Client // in the gateway's namespace
	profile string
	devices []api.Device
}

func measureLine(s *scene, r *results, peers, clicks int) {
	l := newLine(s)
	l.enrol(r)

	r.note("device creation, 1 client", l.fill(1, 500), "1/s")
	small := l.clicks(r, clicks)
	l.fill(clients, 1000)
	l.clicks(r, clicks)

	l.stop() // what is measured next is the portal alone
	began := len(l.devices)
	first := l.fill(clients, began+1000)
	last := first
	if n := peers - len(l.devices); n > 1000 {
		l.fill(clients, peers-1000)
		last = l.fill(clients, peers)
	}
	r.least("device creation, 16 clients, SQLite, durable", last, "1/s", 1000)
	r.most(fmt.Sprintf("a device more at %d against %d (16 clients)", len(l.devices), began), first/last, "x", 1.2)
	r.most(fmt.Sprintf("portal memory at %d devices", len(l.devices)), memory(s, l.portal.Process), "MiB", 200)

	l.gateway.Start()
	caughtUp := l.timed(func() { l.awaitHead() })
	r.note(fmt.Sprintf("gateway that was away catches up on %d devices", len(l.devices)-began), caughtUp.Seconds(), "s")
	large := l.clicks(r, clicks)
	r.most(fmt.Sprintf("click → applied at %d peers against 500", len(l.devices)), ms(large)/ms(small), "x", 1.2)
	l.coldStart(r)
	r.note("gateway memory with wireguard-go in its process", memory(s, l.gateway.Process), "MiB")
}

func newLine(s *scene) *line {
	w := world.New(s)
	l := &line{World: w, s: s, portal: w.StartPortal(world.PortalOptions{Extra: `pools: [{name: bench, v4: 100.96.0.0/16, v6: "fd5a::/64"}]`})}
	l.metrics = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: w.Gateway.Dial}}
	l.admin = l.portal.SignIn(w.Net, "admin")
	var profile api.Profile
	l.admin.Must(http.MethodPost, "/profiles", map[string]any{"name": "Office", "mode": "split", "included": []string{world.OfficeNetV4, world.OfficeNetV6}}, &profile)
	l.profile = profile.Id
	var resource api.Resource
	l.admin.Must(http.MethodPost, "/resources", map[string]any{"name": "office", "prefixes": []string{world.OfficeV4 + "/32"}, "transport": "any"}, &resource)
	l.admin.Must(http.MethodPost, "/rules", map[string]any{
		"name": "office", "reason": "work", "action": "allow", "groups": []string{"everyone"}, "resources": []string{resource.Id},
	}, nil)
	for i := range clients {
		l.people = append(l.people, l.portal.SignIn(w.Net, fmt.Sprintf("worker%d", i)))
	}
	return l
}

func (l *line) enrol(r *results) {
	l.gateway = l.PlaceGateway(l.admin, "bench")
	took := l.timed(func() {
		l.gateway.Enrol()
		l.gateway.Start()
		l.gateway.Online(l.admin, 10*time.Second)
	})
	r.most("from the pasted command to a serving gateway", took.Seconds(), "s", 2)
}

func (l *line) stop() {
	if err := l.gateway.Stop(); err != nil {
		l.s.Fatalf("stop the gateway: %w\n%s", err, l.gateway.Output())
	}
}

func (l *line) timed(fn func()) time.Duration {
	began := time.Now()
	fn()
	return time.Since(began)
}

// fill creates devices until there are total, n people at once, and returns how many a second.
func (l *line) fill(n, total int) float64 {
	have := len(l.devices)
	made := make([]api.Device, total-have)
	keys := make([]string, total-have)
	for i := range keys {
		keys[i] = l.key()
	}
	errs := make([]error, n)
	var wg sync.WaitGroup
	began := time.Now()
	for c := range n {
		wg.Go(func() {
			for i := c; i < len(made) && errs[c] == nil; i += n {
				made[i], errs[c] = l.create(l.people[c], fmt.Sprintf("device %d", have+i), keys[i])
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	for _, err := range errs {
		if err != nil {
			l.s.Fatalf("create devices: %w", err)
		}
	}
	l.devices = append(l.devices, made...)
	return float64(len(made)) / took.Seconds()
}

func (l *line) key() string {
	k, err := portal.NewPrivateKey()
	if err != nil {
		l.s.Fatalf("%w", err)
	}
	return k.Public().String()
}

func (l *line) create(who *world.Person, name, key string) (api.Device, error) {
	var made api.DeviceWithConfig
	err := who.Do(context.Background(), http.MethodPost, "/devices", map[string]any{"name": name, "platform": "linux", "profile": l.profile, "publicKey": key}, &made)
	return made.Device, err
}

// clicks adds and revokes devices one after another and measures from each request to the moment when the gateway itself says that it has
// applied the change: its kernel tables and its WireGuard have it then. It returns the median of all.
func (l *line) clicks(r *results, n int) time.Duration {
	l.awaitHead()
	var adds, revokes []time.Duration
	for i := range n {
		key, before := l.key(), l.revision()
		var d api.Device
		adds = append(adds, l.timed(func() {
			var err error
			if d, err = l.create(l.people[0], fmt.Sprintf("click %d at %d", i, len(l.devices)), key); err != nil {
				l.s.Fatalf("click: %w", err)
			}
			l.awaitRevision(before + 1)
		}))
		revokes = append(revokes, l.timed(func() {
			var done api.Revision
			l.people[0].Must(http.MethodDelete, "/devices/"+d.Id, nil, &done)
			l.awaitRevision(done.Revision)
		}))
	}
	at := len(l.devices)
	for _, m := range []struct {
		what string
		list []time.Duration
	}{{"add", adds}, {"revoke", revokes}} {
		r.most(fmt.Sprintf("click → applied, %s, p50, %d peers", m.what, at), ms(quantile(m.list, 0.5)), "ms", 5)
		r.most(fmt.Sprintf("click → applied, %s, p99, %d peers", m.what, at), ms(quantile(m.list, 0.99)), "ms", 25)
	}
	return quantile(append(adds, revokes...), 0.5)
}

var revisionLine = regexp.MustCompile(`(?m)^sallyport_gateway_revision (\S+)$`)

// revision is what the gateway says on its metrics listener.
func (l *line) revision() int64 {
	res, err := l.metrics.Get("http://127.0.0.1:9586/metrics")
	if err != nil {
		l.s.Fatalf("metrics of the gateway: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		l.s.Fatalf("metrics of the gateway: %w", err)
	}
	m := revisionLine.FindSubmatch(b)
	if m == nil {
		l.s.Fatalf("the gateway's metrics have no revision:\n%s", b)
	}
	v, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		l.s.Fatalf("metrics of the gateway: %w", err)
	}
	return int64(v)
}

func (l *line) awaitRevision(want int64) {
	deadline := time.Now().Add(time.Minute)
	for l.revision() < want {
		if time.Now().After(deadline) {
			l.s.Fatalf("the gateway does not reach revision %d", want)
		}
	}
}

// awaitHead waits until the gateway has applied the newest revision of this moment.
func (l *line) awaitHead() {
	var list struct {
		Head  int64         `json:"head"`
		Items []api.Gateway `json:"items"`
	}
	l.admin.Must(http.MethodGet, "/gateways", nil, &list)
	if list.Items[0].Applied < list.Head || list.Items[0].Status != "online" {
		l.await(func(g api.Gateway) bool { return g.Applied >= list.Head && g.Status == "online" })
	}
}

func (l *line) await(done func(api.Gateway) bool) {
	deadline := time.Now().Add(time.Minute)
	for {
		var g api.Gateway
		l.admin.Must(http.MethodGet, "/gateways/"+l.gateway.ID, nil, &g)
		if done(g) {
			return
		}
		if time.Now().After(deadline) {
			l.s.Fatalf("the gateway does not follow: %+v", g)
		}
	}
}

// coldStart kills the gateway and measures how long it takes to serve everything again, against wg setconf with the same peers.
func (l *line) coldStart(r *results) {
	var agent, setconf []time.Duration
	file := l.File("setconf.conf", l.setconf())
	for range 3 {
		l.gateway.Kill()
		agent = append(agent, l.timed(func() {
			l.gateway.Start()
			ctx, cancel := context.WithTimeout(l.s.ctx, time.Minute)
			defer cancel()
			if _, err := l.gateway.WaitLine(ctx, "serving the last known state"); err != nil {
				l.s.Fatalf("%w", err)
			}
		}))
		l.awaitHead()
		setconf = append(setconf, l.timed(func() {
			l.Gateway.Run(l.s, l.Program("wireguard-go"), "wgbench")
			l.Gateway.Run(l.s, "wg", "setconf", "wgbench", file)
		}))
		l.Gateway.Run(l.s, "ip", "link", "del", "wgbench")
	}
	a, b := quantile(agent, 0.5), quantile(setconf, 0.5)
	r.note(fmt.Sprintf("gateway cold start, %d peers and their rules", len(l.devices)), ms(a), "ms")
	r.note("wireguard-go and wg setconf with the same peers", ms(b), "ms")
	r.most("gateway cold start against wg setconf", ms(a)/ms(b), "x", 1.3)
}

func (l *line) setconf() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[Interface]\nListenPort = 51999\n")
	for _, d := range l.devices {
		fmt.Fprintf(&b, "[Peer]\nPublicKey = %s\nAllowedIPs = %s/32, %s/128\n", d.PublicKey, d.Ipv4, d.Ipv6)
	}
	return b.String()
}

// memory is the resident set of a program, in MiB.
func memory(s *scene, p *world.Process) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	if err != nil {
		s.Fatalf("%w", err)
	}
	for _, l := range strings.Split(string(b), "\n") {
		if f := strings.Fields(l); len(f) == 3 && f[0] == "VmRSS:" {
			kib, _ := strconv.ParseFloat(f[1], 64) // the kernel writes numbers
			return kib / 1024
		}
	}
	s.Fatalf("no VmRSS of %s", p.Name)
	return 0
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// quantile sorts the list.
func quantile(list []time.Duration, q float64) time.Duration {
	slices.Sort(list)
	return list[min(int(q*float64(len(list))), len(list)-1)]
}
