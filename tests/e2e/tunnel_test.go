package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/tests/world"
)

func TestStockClientReachesWhatRulesAllowUntilItIsRevoked(t *testing.T) {
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	worker := s.portal.SignIn(s.Client, "worker")
	device := worker.AddDevice(s.World, s.split, "Laptop")
	tun := s.Up(s.Client, device.File)

	s.office(t, true)
	if from, err := s.Client.Get(t.Context(), "http://"+world.ElsewhereV4+"/"); err != nil || from != world.ClientV4 {
		t.Errorf("split took other traffic along: elsewhere saw %q, %v", from, err)
	}
	if got := tun.Resolv(t); !strings.Contains(got, "nameserver "+world.OfficeV4) || !strings.Contains(got, "search corp.example") {
		t.Errorf("wg-quick set the resolver to %q", got)
	}
	s.forbidden(t)
	s.Client.Run(t, "ip", "route", "add", "192.0.2.0/24", "dev", tun.Name) // what the file does not route does not pass by a route of one's own
	if s.Client.Ping("192.0.2.1") {
		t.Error("a network that is not behind the PoP answers")
	}
	s.connected(t, worker, device)
	s.unencrypted(t, worker, device)

	transfer := s.Client.StartDownload(t, world.OfficeV4)
	<-transfer.Got
	s.diesOf(t, transfer, "revoke", func() { worker.Must(http.MethodDelete, "/devices/"+device.Id, nil, nil) })
	s.office(t, false)
}

func TestFullTunnelTakesEverythingAndSuspensionEndsIt(t *testing.T) {
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	worker := s.portal.SignIn(s.Client, "worker")
	device := worker.AddDevice(s.World, s.full, "Laptop")
	tun := s.Up(s.Client, device.File)

	s.office(t, true)
	for host, want := range map[string]string{world.ElsewhereV4: world.GatewayV4, "[" + world.ElsewhereV6 + "]": world.GatewayV6} {
		if from, err := s.Client.Get(t.Context(), "http://"+host+"/"); err != nil || from != want {
			t.Errorf("%s saw %q, %v; want %s", host, from, err, want)
		}
	}
	s.forbidden(t)

	transfer := s.Client.StartDownload(t, world.OfficeV6)
	<-transfer.Got
	var me api.Session
	worker.Must(http.MethodGet, "/session", nil, &me)
	s.diesOf(t, transfer, "suspend", func() { s.admin.Must(http.MethodPost, "/people/"+me.User.Id+"/suspend", nil, nil) })
	tun.Down(t) // the portal itself is reached without the tunnel again
	if err := worker.Do(t.Context(), http.MethodGet, "/session", nil, nil); err == nil {
		t.Error("the session of a suspended person goes on")
	}
	s.leaves(t)
}

// leaves is the whole life of somebody whom a directory keeps: made by SCIM, signed in, connected, and deactivated by SCIM.
func (s *site) leaves(t *testing.T) {
	t.Helper()
	directory := s.directory(t)
	id := directory.create(t, "dora")
	dora := s.portal.SignIn(s.Client, "dora")
	tun := s.Up(s.Client, dora.AddDevice(s.World, s.full, "Laptop").File)
	s.office(t, true)
	transfer := s.Client.StartDownload(t, world.OfficeV4)
	<-transfer.Got
	s.diesOf(t, transfer, "deactivate by SCIM", func() { directory.deactivate(t, id) })
	tun.Down(t)
	if err := dora.Do(t.Context(), http.MethodGet, "/session", nil, nil); err == nil {
		t.Error("the session of somebody who was deactivated goes on")
	}
}

// office asserts that the allowed host answers, or does not, to ping and HTTP in both families.
func (s *site) office(t *testing.T, want bool) {
	t.Helper()
	s.answer(t, want, world.OfficeV4, world.OfficeV6)
}

// forbidden asserts that hosts beside the allowed one do not answer, although the file routes them.
func (s *site) forbidden(t *testing.T) {
	t.Helper()
	s.answer(t, false, world.ForbidV4, world.ForbidV6)
}

func (s *site) answer(t *testing.T, want bool, hosts ...string) {
	t.Helper()
	type answer struct {
		what string
		got  bool
	}
	limit := time.Second // long enough for an answer that comes, and one that does not is waited for in full
	if want {
		limit = 5 * time.Second // a lost first packet is sent again after a second
	}
	answers := make(chan answer)
	for _, host := range hosts {
		go func() { answers <- answer{"ping " + host, s.Client.PingWithin(host, limit)} }()
		go func() { answers <- answer{"HTTP of " + host, s.Client.Reaches(host, limit)} }()
	}
	for range 2 * len(hosts) {
		if a := <-answers; a.got != want {
			t.Errorf("%s: answered %v, want %v", a.what, a.got, want)
		}
	}
}

// connected waits until the portal shows the device as connected.
func (s *site) connected(t *testing.T, owner *world.Person, device world.Device) {
	t.Helper()
	owner.Await("device connected", 5*time.Second, func() (bool, error) {
		var now api.Device
		err := owner.Do(t.Context(), http.MethodGet, "/devices/"+device.Id, nil, &now)
		return now.Status == "connected", err
	})
}

// diesOf clicks, and asserts that the transfer is dead soon after.
func (s *site) diesOf(t *testing.T, transfer *world.Download, what string, click func()) {
	t.Helper()
	began := time.Now()
	click()
	answered := time.Since(began)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	last, err := transfer.LastByte(ctx, time.Second)
	if err != nil {
		t.Fatalf("after %s: %v", what, err)
	}
	t.Logf("measured: %s: click to dead %.1f ms, answered after %.1f ms", what, ms(last.Sub(began)), ms(answered))
	if last.Sub(began) > answered+250*time.Millisecond {
		t.Errorf("after %s was answered the transfer went on for %s", what, last.Sub(began)-answered)
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
