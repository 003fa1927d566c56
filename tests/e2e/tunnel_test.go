package e2e

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/tests/world"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
}

// site is a portal with one gateway, two profiles and one rule: everyone may reach the office host, and nobody its neighbour.
type site struct {
	*world.World
	portal      *world.Portal
	gateway     *world.Gateway
	admin       *world.Person
	split, full string // profiles
}

func newSite(t *testing.T, o world.PortalOptions) *site {
	t.Helper()
	needRoot(t)
	s := &site{World: world.New(t)}
	world.ServeWeb(t, s.Office)
	world.ServeWeb(t, s.Net)
	s.portal = s.StartPortal(o)
	s.admin = s.portal.SignIn(s.Net, "admin")
	s.gateway = s.PlaceGateway(s.admin, "seoul")
	s.split = s.profile("Office", map[string]any{
		"mode": "split", "included": []string{world.OfficeNetV4, world.OfficeNetV6}, "dns": []string{world.OfficeV4}, "search": []string{"corp.example"}, "keepalive": 1,
	})
	s.full = s.profile("Everything", map[string]any{"mode": "full"})
	s.allow("office host", world.OfficeV4+"/32", world.OfficeV6+"/128", world.ElsewhereV4+"/32", world.ElsewhereV6+"/128")
	return s
}

func (s *site) profile(name string, in map[string]any) string {
	var made api.Profile
	in["name"] = name
	s.admin.Must(http.MethodPost, "/profiles", in, &made)
	return made.Id
}

func (s *site) allow(name string, prefixes ...string) {
	var made api.Resource
	s.admin.Must(http.MethodPost, "/resources", map[string]any{"name": name, "prefixes": prefixes, "transport": "any"}, &made)
	s.admin.Must(http.MethodPost, "/rules", map[string]any{
		"name": name, "reason": "work", "action": "allow", "groups": []string{"everyone"}, "resources": []string{made.Id},
	}, nil)
}

func (s *site) serve(t *testing.T) {
	t.Helper()
	s.gateway.Enrol()
	began := time.Now()
	s.gateway.Start()
	s.gateway.Online(s.admin, 5*time.Second)
	t.Logf("measured: enrolled gateway online %d ms after its start (target 2000)", time.Since(began).Milliseconds())
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the gateway came online after %s, want 2s", took)
	}
}

func TestStockClientReachesWhatRulesAllowUntilItIsRevoked(t *testing.T) {
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	worker := s.portal.SignIn(s.Client, "worker")
	device := worker.AddDevice(s.World, s.split, "Laptop")
	tun := s.Up(s.Client, device.File)

	office(t, s, true)
	if from, err := s.Client.Get(t.Context(), "http://"+world.ElsewhereV4+"/"); err != nil || from != world.ClientV4 {
		t.Errorf("split took other traffic along: elsewhere saw %q, %v", from, err)
	}
	for _, host := range []string{world.ForbidV4, "[" + world.ForbidV6 + "]"} {
		if s.Client.Reaches("http://"+host+"/", time.Second) {
			t.Errorf("%s answers, and no rule allows it", host)
		}
	}
	s.Client.Run(t, "ip", "route", "add", "192.0.2.0/24", "dev", tun.Name) // and neither by a route of one's own
	if s.Client.Ping("192.0.2.1") {
		t.Error("a network that is not behind the PoP answers")
	}
	worker.Await("device connected", 5*time.Second, func() (bool, error) {
		var now api.Device
		err := worker.Do(t.Context(), http.MethodGet, "/devices/"+device.Id, nil, &now)
		return err == nil && now.Status == "connected", err
	})

	transfer := s.Client.StartDownload(t, world.OfficeV4)
	<-transfer.Got
	click := time.Now()
	worker.Must(http.MethodDelete, "/devices/"+device.Id, nil, nil)
	answered := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	last, err := transfer.LastByte(ctx, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("measured: click to dead %.1f ms, answer to the click after %.1f ms", ms(last.Sub(click)), ms(answered.Sub(click)))
	if last.Sub(click) > 250*time.Millisecond {
		t.Errorf("the transfer went on for %s after the click", last.Sub(click))
	}
	office(t, s, false)
}

// office asserts that the allowed host answers, or does not, on both protocols and both families.
func office(t *testing.T, s *site, want bool) {
	t.Helper()
	for _, host := range []string{world.OfficeV4, world.OfficeV6} {
		if got := s.Client.Ping(host); got != want {
			t.Errorf("ping %s: %v, want %v", host, got, want)
		}
	}
	for _, host := range []string{world.OfficeV4, "[" + world.OfficeV6 + "]"} {
		if got := s.Client.Reaches("http://"+host+"/", time.Second); got != want {
			t.Errorf("http://%s/: %v, want %v", host, got, want)
		}
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
