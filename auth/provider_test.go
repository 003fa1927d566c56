package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
)

func TestKeyRotationIsFollowed(t *testing.T) {
	w := on(t)
	w.signIn("u1")
	w.idp.Rotate()
	w.signIn("u1")
	if n := w.idp.Calls("/.well-known/openid-configuration"); n != 1 {
		t.Errorf("discovered %d times, want 1", n)
	}
	if n := w.idp.Calls("/jwks"); n != 2 {
		t.Errorf("keys were asked for %d times, want 2", n)
	}
}

func TestProviderThatIsDownIsAskedAgainLater(t *testing.T) {
	w := on(t)
	w.idp.SetDown(true)
	_, err := w.StartSignIn(t.Context(), "corp", "/", browser)
	wantErr(t, "down", err, auth.ErrProviderDown)
	w.idp.SetDown(false)
	w.signIn("u1")
	w.pass(2 * time.Hour)
	start, cb := w.start(ada("u1"))
	w.idp.SetDown(true)
	_, err = w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
	wantErr(t, "down at the token endpoint", err, auth.ErrProviderDown)
	w.pass(2 * time.Hour)
	if _, err := w.StartSignIn(t.Context(), "corp", "/", browser); err != nil {
		t.Errorf("down, but known from before: %v", err)
	}
}

func TestUnknownPeopleStayOutWhereNobodyIsCreated(t *testing.T) {
	w := on(t)
	known := w.signIn("known")
	w.Providers[0].Create = false
	w.Owners = []portal.Identity{{Issuer: w.idp.URL, Subject: "boss"}}
	if w.signIn("known").User.ID != known.User.ID {
		t.Error("a known person is somebody else now")
	}
	if w.signIn("boss").User.Role != portal.RoleOwner {
		t.Error("the configured owner is not one")
	}
	start, cb := w.start(ada("stranger"))
	_, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
	wantErr(t, "stranger", err, auth.ErrNotInvited)
}

func TestOnlyVerifiedAddressesOfTheDomainsEnter(t *testing.T) {
	for name, c := range map[string]struct {
		claims map[string]any
		in     bool
	}{
		"right":            {map[string]any{"email": "a@Example.com", "email_verified": true}, true},
		"verified as text": {map[string]any{"email": "a@example.com", "email_verified": "true"}, true},
		"not verified":     {map[string]any{"email": "a@example.com", "email_verified": false}, false},
		"not said":         {map[string]any{"email": "a@example.com"}, false},
		"other domain":     {map[string]any{"email": "a@evil.example", "email_verified": true}, false},
		"suffix":           {map[string]any{"email": "a@notexample.com", "email_verified": true}, false},
		"subdomain":        {map[string]any{"email": "a@sub.example.com", "email_verified": true}, false},
		"two at signs":     {map[string]any{"email": "a@evil.example@example.com", "email_verified": true}, false},
		"none":             {map[string]any{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := on(t)
			w.Providers[0].Domains = []string{"example.com"}
			start, cb := w.start(authtest.Answer{Subject: "u", Claims: c.claims})
			_, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
			if c.in != (err == nil) || !c.in && !errors.Is(err, auth.ErrNotInvited) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRoleComesAndGoesWithTheClaim(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.Providers[0].StaffGroups = auth.StaffGroups{NetworkAdmin: []string{"net"}, HelpDesk: []string{"desk"}, Auditor: []string{"audit"}}
		w.Owners = []portal.Identity{{Issuer: w.idp.URL, Subject: "root"}}
		w.signIn("root") // the last owner would stay one
		role := func(groups ...string) portal.Role {
			a := ada("u1")
			a.Claims["groups"] = groups
			return w.signInAs(a).User.Role
		}
		for i, step := range []struct {
			groups []string
			want   portal.Role
		}{
			{nil, portal.RoleUser},
			{[]string{"admins"}, portal.RoleAdmin},
			{[]string{"admins", "owners"}, portal.RoleOwner},
			{[]string{"admins"}, portal.RoleAdmin},
			{[]string{"audit", "desk"}, portal.RoleHelpDesk},
			{[]string{"audit"}, portal.RoleAuditor},
			{[]string{"net", "audit"}, portal.RoleNetworkAdmin},
			{[]string{"ADMINS", " admins", "admins\u200b"}, portal.RoleUser},
		} {
			if got := role(step.groups...); got != step.want {
				t.Errorf("step %d, groups %q: role is %s, want %s", i, step.groups, got, step.want)
			}
		}
	})
}

func TestWrongConfigurationIsNamedWhole(t *testing.T) {
	good := func() *auth.Provider {
		return &auth.Provider{ID: "a", Name: "A", Issuer: "https://idp.example.com", ClientID: "c"}
	}
	s := &auth.Service{PublicURL: "https://vpn.example.com", Providers: []*auth.Provider{good()}}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	bad := []func(*auth.Provider){
		func(p *auth.Provider) { p.ID = "A b" }, func(p *auth.Provider) { p.Name = "" }, func(p *auth.Provider) { p.Issuer = "http://idp.example.com" },
		func(p *auth.Provider) { p.Issuer = "https://idp.example.com?x" }, func(p *auth.Provider) { p.ClientID = "" },
		func(p *auth.Provider) { p.AdminGroups = []string{"x"} }, func(p *auth.Provider) { p.Domains = []string{"@x"} },
		func(p *auth.Provider) { p.Skew = time.Hour },
	}
	for i, change := range bad {
		p := good()
		change(p)
		if p.Check() == nil {
			t.Errorf("wrong field %d is not seen", i)
		}
	}
	s = &auth.Service{PublicURL: "http://vpn.example.com/", Providers: []*auth.Provider{good(), good()}, Owners: []portal.Identity{{}}}
	if err := s.Check(); err == nil || strings.Count(err.Error(), "\n") != 3 {
		t.Errorf("got %v, want four problems", err)
	}
}

func TestAnswersOfAProviderAreBounded(t *testing.T) {
	w := on(t)
	padding := 0
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		at := "http://" + r.Host
		_, _ = fmt.Fprintf(out, `{"issuer":%q,"authorization_endpoint":%q,"token_endpoint":%q,"jwks_uri":%q}`, at, at+"/a", at+"/t", at+"/k")
		_, _ = out.Write([]byte(strings.Repeat(" ", padding)))
	}))
	defer server.Close()
	for n, want := range map[int]*portal.Error{0: nil, 2 << 20: auth.ErrProviderDown} {
		padding = n
		w.Providers = []*auth.Provider{{ID: "corp", Name: "Corp", Issuer: server.URL, ClientID: "c"}}
		_, err := w.StartSignIn(t.Context(), "corp", "/", browser)
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("an answer with %d bytes more: got %v, want %v", n, err, want)
		}
	}
}
