package auth_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// independent is npm's oidc-provider in a process of its own.
type independent struct {
	t       *testing.T
	issuer  string
	jar     http.CookieJar // of the browser that visits it
	logouts chan string    // logout tokens that it posted
}

const independentSecret = "independent-client-secret"

// startIndependent installs what the lock file names, where that was not done yet, and starts the provider.
func startIndependent(t *testing.T) *independent {
	t.Helper()
	dir := filepath.Join("testdata", "oidc-provider")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider")); err != nil {
		install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = dir
		if out, err := install.CombinedOutput(); err != nil {
			cannotRun(t, "npm ci in auth/%s: %v: %s", dir, err, out)
		}
	}
	logouts := make(chan string, 10)
	portal := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { logouts <- r.FormValue("logout_token") }))
	t.Cleanup(portal.Close)
	cmd := exec.CommandContext(t.Context(), "node", "server.mjs", "https://vpn.example.com"+auth.CallbackPath+"corp", independentSecret, portal.URL)
	cmd.Dir = dir
	var warnings bytes.Buffer
	cmd.Stderr = &warnings
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		cannotRun(t, "start node: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close() // ends it; so does the test's context
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("the provider's own words: %s", warnings.String())
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the provider says nothing: %v", err)
	}
	var said struct{ Issuer string }
	if err := json.Unmarshal(line, &said); err != nil {
		t.Fatalf("the provider says %q: %v", line, err)
	}
	return &independent{t, said.Issuer, nil, logouts}
}

// cannotRun skips on a developer's machine and fails in CI: there a test that can't run is a defect.
func cannotRun(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func (p *independent) control(path, body string) {
	p.t.Helper()
	resp, err := http.Post(p.issuer+"/control/"+path, "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s", path, resp.Status)
	}
}

// visit follows the provider's redirects with cookies, as a browser does, until it is sent back to the portal.
func (p *independent) visit(address string) auth.Callback {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	p.jar = jar
	browser := p.browser()
	for range 10 {
		resp, err := browser.Get(address)
		if err != nil {
			p.t.Fatal(err)
		}
		resp.Body.Close()
		next, err := resp.Location()
		if err != nil {
			p.t.Fatalf("%s answers %s without a redirect", address, resp.Status)
		}
		if next.Host == "vpn.example.com" {
			q := next.Query()
			return auth.Callback{Provider: "corp", State: q.Get("state"), Code: q.Get("code"), Error: q.Get("error"), Issuer: q.Get("iss")}
		}
		address = next.String()
	}
	p.t.Fatal("the provider redirects in circles")
	return auth.Callback{}
}

// browser keeps the cookies of the last visit.
func (p *independent) browser() *http.Client {
	return &http.Client{Jar: p.jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// signOut does what a person does who is led to the provider to sign out there too, and returns where it leads in the end.
func (p *independent) signOut(address string) string {
	p.t.Helper()
	page, err := p.browser().Get(address)
	if err != nil {
		p.t.Fatal(err)
	}
	defer page.Body.Close()
	text, err := io.ReadAll(page.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	found := regexp.MustCompile(`name="xsrf" value="([^"]+)"`).FindSubmatch(text)
	if found == nil {
		p.t.Fatalf("%s answers %s: %s", address, page.Status, text)
	}
	done, err := p.browser().PostForm(p.issuer+"/session/end/confirm", url.Values{"xsrf": {string(found[1])}, "logout": {"yes"}})
	if err != nil {
		p.t.Fatal(err)
	}
	defer done.Body.Close()
	return done.Header.Get("Location")
}

func TestIndependentProvider(t *testing.T) {
	idp := startIndependent(t)
	w := on(t)
	w.clock = time.Now().UTC() // the other process has the machine's clock
	config := func(client string) *auth.Provider {
		return &auth.Provider{
			ID: "corp", Name: "Corp", Issuer: idp.issuer, ClientID: client, ClientSecret: portal.NewSecretText(independentSecret),
			GroupsClaim: "groups", AdminGroups: []string{"admins"}, Create: true,
		}
	}
	w.Providers = []*auth.Provider{config("sallyport")}
	w.keep(portal.NewSecretText(independentSecret))
	idp.control("account", `{"sub":"ada-1","name":"Ada Lovelace","email":"ada@example.com","email_verified":true,"groups":["admins","staff"]}`)

	begin := func(t *testing.T) auth.SignInStart {
		t.Helper()
		start, err := w.StartSignIn(t.Context(), "corp", "/", browser)
		if err != nil {
			t.Fatal(err)
		}
		return start
	}
	finish := func(cb auth.Callback, start auth.SignInStart) (auth.SignedIn, error) {
		return w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
	}
	signIn := func(t *testing.T) auth.Who {
		t.Helper()
		start := begin(t)
		in, err := finish(idp.visit(start.Redirect), start)
		if err != nil {
			t.Fatal(err)
		}
		who, err := w.Authenticate(t.Context(), in.Secret.Reveal(), browser)
		if err != nil {
			t.Fatal(err)
		}
		return who
	}
	changed := func(address, name, value string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}

	t.Run("signs in with claims that only userinfo has", func(t *testing.T) {
		who := signIn(t)
		if who.User.Name != "Ada Lovelace" || who.User.Email != "ada@example.com" || who.User.Role != portal.RoleAdmin {
			t.Errorf("got %+v", who.User)
		}
		if groups := w.groups(who.User.ID); len(groups) != 2 {
			t.Errorf("groups are %v", groups)
		}
	})
	t.Run("signs people out", func(t *testing.T) {
		defer func(before *auth.Provider) { w.Providers = []*auth.Provider{before} }(w.Providers[0])
		both := config("sallyport")
		both.Logout = true
		w.Providers = []*auth.Provider{both}
		other := signIn(t) // each in a browser of its own
		who := signIn(t)
		if who.Session.Upstream.Session == "" {
			t.Fatal("the ID token names no session")
		}
		var kept portal.Session // with the ID token
		if err := w.Store.View(t.Context(), func(tx *store.Tx) (err error) {
			kept, err = tx.Session(who.Session.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if to := idp.signOut(w.SignOutUpstream(t.Context(), kept)); to != "https://vpn.example.com/sign-in" {
			t.Errorf("the provider leads to %q", to)
		}
		select {
		case token := <-idp.logouts:
			if err := w.BackChannelLogout(t.Context(), "corp", token, browser); err != nil {
				t.Fatal(err)
			}
			wantErr(t, "its token again", w.BackChannelLogout(t.Context(), "corp", token, browser), auth.ErrLogoutToken)
		case <-time.After(time.Minute):
			t.Fatal("the provider says nothing of the end")
		}
		live := func(id portal.SessionID) bool {
			err := w.Store.View(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Session(id)
				return err
			})
			return err == nil
		}
		if live(who.Session.ID) || !live(other.Session.ID) {
			t.Errorf("live: %v, want not; in another browser: %v, want so", live(who.Session.ID), live(other.Session.ID))
		}
	})
	t.Run("is tried before it is saved", func(t *testing.T) {
		w.Owners = []portal.Identity{{Issuer: idp.issuer, Subject: "ada-1"}}
		seed, enrolled := authtest.Enrol(t, w.Service, signIn(t), w.clock)
		w.keep(seed, enrolled.Secret)
		owner := authtest.Who(t, w.Service, enrolled.SignedIn, browser)
		w.openLoopback()
		secret := portal.NewSecretText(independentSecret)
		in := auth.ProviderInput{Enabled: true, Secret: &secret, Settings: portal.ProviderSettings{
			Name: "Corp", Issuer: idp.issuer, ClientID: "sallyport", GroupsClaim: "realm_access.roles", AdminGroups: []string{"chiefs"}, Create: true,
		}}
		defer func(before []*auth.Provider) { w.Providers = before }(w.Providers)
		w.Providers = nil
		idp.control("account", `{"sub":"new-1","name":"New","realm_access":{"roles":["chiefs"]}}`)
		id, start, err := w.TryProvider(t.Context(), owner, "corp", in)
		if err != nil {
			t.Fatal(err)
		}
		cb := idp.visit(start.Redirect)
		cb.Session = enrolled.Secret.Reveal()
		if _, err := finish(cb, start); err != nil {
			t.Fatal(err)
		}
		out, err := w.ProviderTried(t.Context(), owner, id)
		if err != nil || out.Outcome != auth.TryCreated || out.Role != portal.RoleAdmin || out.Name != "New" || out.Subject != "new-1" {
			t.Errorf("got %+v, %v", out, err)
		}
		if err := w.AddProvider(t.Context(), owner.Actor(), "corp", in); err != nil {
			t.Fatal(err)
		}
		if who := signIn(t); who.User.Role != portal.RoleAdmin || len(w.groups(who.User.ID)) != 1 {
			t.Errorf("got %+v, unlike the test", who.User)
		}
		idp.control("account", `{"sub":"ada-1","name":"Ada Lovelace","email":"ada@example.com","email_verified":true,"groups":["admins","staff"]}`)
	})
	t.Run("an answer is good once", func(t *testing.T) {
		start := begin(t)
		cb := idp.visit(start.Redirect)
		if _, err := finish(cb, start); err != nil {
			t.Fatal(err)
		}
		_, err := finish(cb, start)
		wantErr(t, "again", err, auth.ErrSignInUsed)
		other := begin(t)
		replayed := idp.visit(other.Redirect)
		replayed.Code = cb.Code
		_, err = finish(replayed, other)
		wantErr(t, "its code in another sign-in", err, auth.ErrBadAnswer)
	})
	t.Run("another nonce", func(t *testing.T) {
		start := begin(t)
		_, err := finish(idp.visit(changed(start.Redirect, "nonce", "another")), start)
		wantErr(t, "nonce", err, auth.ErrBadAnswer)
		if w.audited("session.sign_in_refused", `"nonce"`) != 1 {
			t.Errorf("refused for something else:\n%s", w.auditText())
		}
	})
	t.Run("another state", func(t *testing.T) {
		start := begin(t)
		_, err := finish(idp.visit(changed(start.Redirect, "state", "another")), start)
		wantErr(t, "state", err, auth.ErrBadAnswer)
	})
	t.Run("another code challenge", func(t *testing.T) {
		start := begin(t)
		_, err := finish(idp.visit(changed(start.Redirect, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")), start)
		wantErr(t, "verifier", err, auth.ErrBadAnswer)
	})
	t.Run("another issuer", func(t *testing.T) {
		start := begin(t)
		cb := idp.visit(start.Redirect)
		if cb.Issuer != idp.issuer {
			t.Fatalf("the answer names issuer %q", cb.Issuer)
		}
		cb.Issuer = "https://evil.example"
		_, err := finish(cb, start)
		wantErr(t, "issuer", err, auth.ErrBadAnswer)
	})
	t.Run("another client's code", func(t *testing.T) {
		start := begin(t)
		_, err := finish(idp.visit(changed(start.Redirect, "client_id", "another")), start)
		wantErr(t, "audience", err, auth.ErrBadAnswer)
	})
	t.Run("a person who refuses", func(t *testing.T) {
		start := begin(t)
		_, err := finish(idp.visit(changed(start.Redirect, "prompt", "none")), start)
		wantErr(t, "login_required", err, auth.ErrProviderRefused)
	})
	t.Run("an ID token that has expired", func(t *testing.T) {
		start := begin(t)
		cb := idp.visit(start.Redirect)
		w.pass(5 * time.Minute)
		defer w.pass(-5 * time.Minute)
		_, err := finish(cb, start)
		wantErr(t, "expired", err, auth.ErrBadAnswer)
		if w.audited("session.sign_in_refused", `"expired"`) != 1 {
			t.Errorf("refused for something else:\n%s", w.auditText())
		}
	})
	t.Run("new keys", func(t *testing.T) {
		before := signIn(t)
		idp.control("rotate", "")
		if after := signIn(t); after.User.ID != before.User.ID {
			t.Error("the person is another one after the rotation")
		}
	})
	t.Run("a wrong client secret", func(t *testing.T) {
		wrong := config("sallyport")
		wrong.ClientSecret = portal.NewSecretText("wrong")
		w.Providers = []*auth.Provider{wrong}
		start := begin(t)
		_, err := finish(idp.visit(start.Redirect), start)
		wantErr(t, "secret", err, auth.ErrBadAnswer)
	})
}
