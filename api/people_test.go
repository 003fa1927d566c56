package api_test

import (
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal/geo"
	"github.com/sallyport/sallyport/portal/geo/geotest"
)

func TestAnAdminSeesAndEndsWhatLetsSomebodyIn(t *testing.T) {
	w := newWorld(t, func(w *world) { w.Trusted = prefixesOf("127.0.0.0/8") })
	boss, ada := w.ready("boss", "admins"), w.ready("ada")
	second := w.visitor()
	second.signIn("ada")
	second.want(http.StatusOK, "POST", "/session/totp", map[string]string{"code": ada.code()})
	second.keepCookie()
	w.pass(1e9 * 60)
	ada.stepUp()
	var made struct{ Secret string }
	ada.want(http.StatusCreated, "POST", "/tokens", map[string]any{"name": "script"}).into(t, &made)
	w.keep(made.Secret)

	var sessions list[struct {
		ID      string
		Current bool
	}]
	boss.want(http.StatusOK, "GET", "/people/"+ada.id+"/sessions", nil).into(t, &sessions)
	if len(sessions.Items) != 2 || sessions.Items[0].Current || sessions.Items[1].Current {
		t.Errorf("got %+v", sessions)
	}
	file := filepath.Join(t.TempDir(), "places.mmdb")
	must(0, os.WriteFile(file, geotest.Database("KR", "Seoul"), 0o600))
	w.Places = must(geo.Open(file, w.now, slog.New(slog.DiscardHandler)))
	abroad := w.visitor()
	abroad.signInFrom("ada", "203.0.113.7")
	if a := ada.want(http.StatusOK, "GET", "/sessions", nil); !strings.Contains(a.body, `"place":{"city":"Seoul","country":"KR"}`) || strings.Count(a.body, `"place"`) != 1 {
		t.Errorf("the place of a session: %s", a.body)
	}
	abroad.want(http.StatusNoContent, "DELETE", "/session", nil)
	var tokens list[struct{ Name string }]
	boss.want(http.StatusOK, "GET", "/people/"+ada.id+"/tokens", nil).into(t, &tokens)
	var identities list[struct{ Issuer, Subject string }]
	boss.want(http.StatusOK, "GET", "/people/"+ada.id+"/identities", nil).into(t, &identities)
	if len(tokens.Items) != 1 || tokens.Items[0].Name != "script" || len(identities.Items) != 1 || identities.Items[0].Subject != "ada" {
		t.Errorf("got %+v, %+v", tokens, identities)
	}
	ada.want(http.StatusForbidden, "GET", "/people/"+ada.id+"/sessions", nil)

	// everywhere else, by the person; then everywhere, by the admin
	var ended struct{ Ended int }
	ada.want(http.StatusOK, "DELETE", "/sessions", nil).into(t, &ended)
	if ended.Ended != 1 {
		t.Errorf("%d ended", ended.Ended)
	}
	second.want(http.StatusUnauthorized, "GET", "/session", nil)
	ada.want(http.StatusOK, "GET", "/session", nil)
	boss.stepUp()

	// one of each, and only of the person named
	bob := w.ready("bob")
	var again struct{ Token struct{ ID string } }
	ada.want(http.StatusCreated, "POST", "/tokens", map[string]any{"name": "one more"}).into(t, &again)
	third := w.visitor()
	third.signIn("ada")
	boss.want(http.StatusOK, "GET", "/people/"+ada.id+"/sessions", nil).into(t, &sessions)
	newest := sessions.Items[0].ID
	for _, path := range []string{"/sessions/" + newest, "/tokens/" + again.Token.ID} {
		boss.want(http.StatusNotFound, "DELETE", "/people/"+bob.id+path, nil)
		boss.want(http.StatusNoContent, "DELETE", "/people/"+ada.id+path, nil)
		boss.want(http.StatusNotFound, "DELETE", "/people/"+ada.id+path, nil)
	}
	third.want(http.StatusUnauthorized, "GET", "/session", nil)
	if a := boss.want(http.StatusOK, "GET", "/audit?action=user.end_", nil); !strings.Contains(a.body, newest) || !strings.Contains(a.body, again.Token.ID) {
		t.Errorf("the trail: %s", a.body)
	}

	boss.want(http.StatusOK, "DELETE", "/people/"+ada.id+"/tokens", nil).into(t, &ended)
	script := w.visitor()
	script.token = made.Secret
	script.want(http.StatusUnauthorized, "GET", "/devices", nil)
	boss.want(http.StatusOK, "DELETE", "/people/"+ada.id+"/sessions", nil).into(t, &ended)
	ada.want(http.StatusUnauthorized, "GET", "/session", nil)
}

func TestRolesTellWhoMayWhat(t *testing.T) {
	w := newWorld(t)
	chief := w.ready("chief", "owners")
	w.ready("ada")
	var table struct {
		Roles []struct {
			Role    string
			People  int
			Holders []struct {
				Name    string
				ByClaim bool
			}
		}
		Rights []struct {
			Right string
			Roles []string
			Fresh bool
		}
	}
	chief.want(http.StatusOK, "GET", "/roles", nil).into(t, &table)
	if r := table.Roles[0]; r.Role != "owner" || r.People != 1 || len(r.Holders) != 1 || r.Holders[0].Name != "Person chief" || !r.Holders[0].ByClaim {
		t.Errorf("got %+v", r)
	}
	if a := chief.want(http.StatusOK, "GET", "/people/"+chief.id, nil); !strings.Contains(a.body, `"roleByClaim":true`) {
		t.Errorf("got %s", a.body)
	}
	if r := table.Roles[len(table.Roles)-1]; r.Role != "user" || r.People != 1 || len(r.Holders) != 0 {
		t.Errorf("got %+v", r)
	}
	for _, x := range table.Rights {
		if x.Right == "settings.write" && (!slices.Equal(x.Roles, []string{"owner"}) || !x.Fresh) {
			t.Errorf("got %+v", x)
		}
	}
}

func TestDirectoriesAreSetUpOverTheAPI(t *testing.T) {
	w := newWorld(t)
	chief := w.ready("chief", "owners")
	type directory struct {
		ID, Name, Issuer, Subject string
		People, Groups            int
	}
	var scim struct {
		URL     string
		Tokens  []directory
		Issuers []struct{ Issuer, Name string }
	}
	chief.want(http.StatusOK, "GET", "/scim", nil).into(t, &scim)
	if !strings.HasSuffix(scim.URL, "/scim/v2") || len(scim.Tokens) != 0 || len(scim.Issuers) != 1 {
		t.Fatalf("got %+v", scim)
	}
	in := map[string]any{"name": "Entra", "issuer": scim.Issuers[0].Issuer, "subject": "externalId"}
	var made struct {
		Token  directory
		Secret string
	}
	chief.want(http.StatusCreated, "POST", "/scim/tokens", in).into(t, &made)
	w.keep(made.Secret)
	in["subject"] = "userName"
	chief.want(http.StatusBadRequest, "POST", "/scim/tokens", in)
	chief.want(http.StatusOK, "GET", "/scim", nil).into(t, &scim)
	if len(scim.Tokens) != 1 || scim.Tokens[0] != made.Token || !strings.HasPrefix(made.Secret, "sp_scim_") {
		t.Errorf("got %+v", scim)
	}
	chief.want(http.StatusNoContent, "DELETE", "/scim/tokens/"+made.Token.ID, nil)
	chief.want(http.StatusNotFound, "DELETE", "/scim/tokens/"+made.Token.ID, nil)

	w.Sinks = []string{"siem"}
	var sinks struct {
		Head  int
		Items []struct {
			Name       string
			Lag        int
			Configured bool
		}
	}
	chief.want(http.StatusOK, "GET", "/audit/sinks", nil).into(t, &sinks)
	if len(sinks.Items) != 1 || sinks.Items[0].Lag != sinks.Head || sinks.Head == 0 || !sinks.Items[0].Configured {
		t.Errorf("got %+v", sinks)
	}
}
