package auth_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// independent is npm's oidc-provider in a process of its own.
type independent struct {
	t      *testing.T
	issuer string
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
	cmd := exec.CommandContext(t.Context(), "node", "server.mjs", "https://vpn.example.com"+auth.CallbackPath+"corp", independentSecret)
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
	return &independent{t, said.Issuer}
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
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
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
