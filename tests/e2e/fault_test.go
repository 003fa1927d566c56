package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/api"
	"github.com/sallyport/sallyport/tests/world"
)

func TestRevocationArrivesAfterThePortalWasKilledBeforeThePush(t *testing.T) {
	t.Parallel()
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	worker := s.portal.SignIn(s.Client, "worker")
	device := worker.AddDevice(s.World, s.split, "Laptop")
	other := worker.AddDevice(s.World, s.split, "Other")
	s.Up(s.Client, device.File)
	s.office(t, true)

	s.Portal.Run(t, "nft", "add table inet cut; add chain inet cut in { type filter hook input priority 0; }; add rule inet cut in tcp dport 8443 drop; "+
		"add chain inet cut out { type filter hook output priority 0; }; add rule inet cut out tcp sport 8443 drop")
	worker.Must(http.MethodDelete, "/devices/"+device.Id, nil, nil)
	s.portal.Kill() // committed, and no gateway has heard of it
	s.office(t, true)

	s.Portal.Run(t, "nft", "delete table inet cut")
	transfer := s.Client.StartDownload(t, world.OfficeV4)
	<-transfer.Got
	began := time.Now()
	s.portal.Restart()
	last, err := transfer.LastByte(t.Context(), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("measured: portal killed between commit and push: dead %d ms after its restart", last.Sub(began).Milliseconds())
	s.office(t, false)
	worker.Must(http.MethodGet, "/devices/"+other.Id, nil, nil) // the session, and the other device, survived
}

func TestKilledGatewayServesAgainWithoutThePortalUntilItIsRetired(t *testing.T) {
	t.Parallel()
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	worker := s.portal.SignIn(s.Client, "worker")
	device := worker.AddDevice(s.World, s.split, "Laptop")
	s.Up(s.Client, device.File)
	s.office(t, true)

	s.portal.Kill()
	s.gateway.Kill()
	s.gateway.Start()
	began := time.Now()
	// A client that sends and hears nothing makes a new handshake after 15 s (KEEPALIVE_TIMEOUT + REKEY_TIMEOUT; WireGuard paper, section 6.2).
	if err := world.Await(30*time.Second, func() (bool, error) { return s.Client.Ping(world.OfficeV4), nil }); err != nil {
		t.Fatalf("a gateway that was killed does not serve its last state: %v", err)
	}
	t.Logf("measured: gateway killed and restarted without a portal: the client is back after %d ms", time.Since(began).Milliseconds())
	s.office(t, true)
	s.forbidden(t)

	s.portal.Restart()
	s.gateway.Online(s.admin, 45*time.Second) // it looks for a portal again after up to half a minute
	s.office(t, true)
	s.admin.Must(http.MethodPost, "/gateways/"+s.gateway.ID+"/retire", nil, nil)
	if err := world.Await(5*time.Second, func() (bool, error) { return !s.Client.Ping(world.OfficeV4), nil }); err != nil {
		t.Fatalf("a retired gateway goes on: %v", err)
	}
}

func TestExpiredDeviceIsQuarantinedByTheGatewaysClockAndRenewed(t *testing.T) {
	t.Parallel()
	s := newSite(t, world.PortalOptions{})
	s.serve(t)
	short := s.profile("Short", map[string]any{"mode": "full", "sessionSeconds": 60})
	worker := s.portal.SignIn(s.Net, "worker") // the browser is on another machine, and stays outside of the tunnel
	device := worker.AddDevice(s.World, short, "Laptop")
	s.Up(s.Client, device.File)
	s.office(t, true)
	transfer := s.Client.StartDownload(t, world.OfficeV4)
	<-transfer.Got
	s.portal.Kill()

	last, err := transfer.LastByte(t.Context(), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	late := last.Sub(device.Grant.NotAfter)
	t.Logf("measured: expiry with the portal dead: last byte %+d ms from the end of the session", late.Milliseconds())
	if late < -2*time.Second || late > time.Second {
		t.Errorf("the transfer died %s from the end", late)
	}
	s.office(t, false)
	s.portal.Restart()
	if err := world.Await(10*time.Second, func() (bool, error) {
		return s.Client.ReachesURL(world.PortalURL+"/healthz", s.portal.TLS(), time.Second), nil
	}); err != nil {
		t.Error("a quarantined device does not reach the portal through its tunnel")
	}
	s.office(t, false)

	worker.Must(http.MethodPost, "/grants/renew", nil, nil)
	began := time.Now()
	// A gateway that had no portal for a minute looks for one again after up to half a minute.
	if err := world.Await(45*time.Second, func() (bool, error) { return s.Client.Reaches(world.OfficeV4, time.Second), nil }); err != nil {
		t.Fatalf("renewed, and nothing passes: %v", err)
	}
	t.Logf("measured: renewed after an outage of a minute: the office answers after %d ms, reconnecting included", time.Since(began).Milliseconds())
	s.connected(t, worker, device)
}

func TestPastedCommandWorksOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, world.PortalOptions{})
	s.gateway.Enrol()
	again := *s.gateway
	again.StateDir += "-thief"
	if out, err := again.TryEnrol(); err == nil {
		t.Errorf("the command enrolled a second node: %s", out)
	}
	var now api.Gateway
	s.admin.Must(http.MethodGet, "/gateways/"+s.gateway.ID, nil, &now)
	if now.State != "active" {
		t.Errorf("the gateway is %q, want active", now.State)
	}
}
