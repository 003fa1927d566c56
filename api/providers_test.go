package api_test

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
)

func TestAProviderIsEnteredChangedAndDeleted(t *testing.T) {
	w := newWorld(t)
	w.Auth.ProviderNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	chief := w.ready("chief", "owners")
	settings := map[string]any{"name": "Second", "issuer": w.idp.URL, "clientId": authtest.ClientID, "create": true, "groupsClaim": "groups"}
	in := map[string]any{"id": "second", "enabled": true, "clientSecret": authtest.ClientSecret, "settings": settings}

	settings["subjectClaim"] = "email"
	var wrong struct{ Errors []struct{ Path, Code string } }
	chief.want(http.StatusBadRequest, "POST", "/identity-providers", in).into(t, &wrong)
	if len(wrong.Errors) != 1 || wrong.Errors[0].Path != "/settings/subjectClaim" {
		t.Errorf("the wrong field is named %+v", wrong.Errors)
	}
	delete(settings, "subjectClaim")
	chief.want(http.StatusNoContent, "POST", "/identity-providers", in)
	w.ready("boss", "admins").want(http.StatusForbidden, "DELETE", "/identity-providers/second", nil)

	settings["name"] = "Renamed"
	chief.want(http.StatusNoContent, "PUT", "/identity-providers/second", map[string]any{"enabled": true, "settings": settings})
	var all list[struct {
		ID        string
		HasSecret bool
		LogoutURI string `json:"logoutUri"`
		Settings  struct{ Name string }
	}]
	chief.want(http.StatusOK, "GET", "/identity-providers", nil).into(t, &all)
	if got := all.Items[len(all.Items)-1]; len(all.Items) != 2 || got.ID != "second" || got.Settings.Name != "Renamed" || !got.HasSecret || got.LogoutURI != w.base+auth.LogoutPath+"second" {
		t.Errorf("got %+v", all.Items)
	}
	w.idp.Set(authtest.Answer{Subject: "bob", Claims: map[string]any{"name": "Bob"}})
	bob := w.visitor()
	bob.want(http.StatusOK, "GET", "//auth/start?provider=second&return_to=/", nil)
	bob.want(http.StatusOK, "GET", "/session", nil)
	bob.keepCookie()

	chief.want(http.StatusNoContent, "DELETE", "/identity-providers/second", nil)
	chief.want(http.StatusNotFound, "DELETE", "/identity-providers/second", nil)
	bob.want(http.StatusUnauthorized, "GET", "/session", nil)
}

func TestAProviderEndsASessionByPostingALogoutToken(t *testing.T) {
	w := newWorld(t)
	bob := w.ready("bob")
	provider := w.visitor()
	post := func(status int, token string) answer {
		t.Helper()
		return provider.want(status, "POST", "/"+auth.LogoutPath+"corp", url.Values{"logout_token": {token}}.Encode(), header("Content-Type", "application/x-www-form-urlencoded"))
	}
	for what, token := range map[string]string{
		"forged": w.idp.LogoutToken(authtest.Answer{Subject: "bob", ForeignKey: true}, ""), "none": "", "long": strings.Repeat("x", 20<<10),
	} {
		if a := post(http.StatusBadRequest, token); a.code() != "invalid_logout_token" {
			t.Errorf("%s: %s", what, a.body)
		}
	}
	bob.want(http.StatusOK, "GET", "/session", nil)

	w.idp.Rotate()
	w.idp.SetDown(true)
	token := w.idp.LogoutToken(authtest.Answer{Subject: "bob"}, "")
	post(http.StatusServiceUnavailable, token)
	w.idp.SetDown(false)
	if a := post(http.StatusOK, token); a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer may be kept: %v", a.header)
	}
	bob.want(http.StatusUnauthorized, "GET", "/session", nil)
	post(http.StatusBadRequest, token)
}
