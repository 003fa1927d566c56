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

func TestWorkerInABrowserMakesAnOpenVPNFileForTheStockClient(t *testing.T) {
	s := newSite(t, world.PortalOptions{})
	s.gateway.OpenVPN = true
	s.serve(t)
	id := s.profile("Anywhere", map[string]any{
		"mode": "split", "included": []string{world.OfficeNetV4, world.OfficeNetV6}, "protocols": []string{"wireguard", "openvpn"},
	})
	s.admin.Await("OpenVPN is served", 20*time.Second, func() (bool, error) {
		var p api.Profile
		err := s.admin.Do(context.Background(), http.MethodGet, "/profiles/"+id, nil, &p)
		return err == nil && len(p.Regions) == 1 && p.Regions[0].Openvpn, err
	})

	b := s.NewBrowser(s.Client)
	b.Do("signIn", map[string]any{"url": world.PortalURL + "/", "name": "worker"})
	b.Do("enrolTotp", nil)
	b.Do("addDevice", map[string]any{"platform": "Linux", "name": "Laptop", "profile": "Anywhere", "protocol": "OpenVPN"})
	file := b.Do("downloadConf", map[string]any{"dir": t.TempDir()})
	client := world.Start(t, "openvpn", s.Client.Command(context.Background(), "openvpn", "--config", file.Path))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.WaitLine(ctx, "Initialization Sequence Completed"); err != nil {
		t.Fatal(err)
	}
	s.answer(t, true, world.OfficeV4)
	s.answer(t, false, world.ForbidV4)
	b.Do("awaitGreen", map[string]any{"timeout": 20_000})

	began := time.Now()
	b.Do("revoke", map[string]any{"name": "Laptop"})
	if _, err := client.WaitLine(ctx, "revoked or suspended"); err != nil {
		t.Fatal(err)
	}
	t.Logf("measured: from the first click on revoke to the client that knows why %d ms", time.Since(began).Milliseconds())
	s.answer(t, false, world.OfficeV4)

	// The key's own bytes are in the second line of its PEM.
	_, key, _ := strings.Cut(file.Text, "-----BEGIN PRIVATE KEY-----\n")
	lines := strings.Split(key, "\n")
	if len(lines) < 3 || len(lines[1]) != 64 {
		t.Fatalf("the file has no private key:\n%s", file.Text)
	}
	if watched := b.Do("carrying", map[string]any{"key": lines[1]}); len(watched.Carrying) > 0 || watched.Requests < 20 {
		t.Errorf("of %d requests these carried the private key: %v", watched.Requests, watched.Carrying)
	}
	if c := b.Do("complaints", nil).Complaints; len(c) > 0 {
		t.Errorf("the console complains: %v", c)
	}
}
