package e2e

import (
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

// site is a portal with one gateway, two profiles and one rule: everyone may reach the office host and the host elsewhere, nobody any other.
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
		"mode": "split", "included": []string{world.OfficeNetV4, world.OfficeNetV6}, "dns": []string{world.OfficeV4}, "search": []string{"corp.example"},
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

// serve enrols the gateway with the pasted command and starts it.
func (s *site) serve(t *testing.T) {
	t.Helper()
	began := time.Now()
	s.gateway.Enrol()
	s.gateway.Start()
	s.gateway.Online(s.admin, 5*time.Second)
	took := time.Since(began)
	t.Logf("measured: from the pasted command to a serving gateway %d ms (target 2000)", took.Milliseconds())
	if took > 2*time.Second {
		t.Errorf("the gateway served after %s, want 2s", took)
	}
}
