package demoidp_test

import (
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/auth/demoidp"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

const redirect = "https://vpn.example.com/auth/callback/demo"

// start mounts the provider on a real server and returns it with a browser that follows no redirect.
func start(t *testing.T) (*demoidp.Server, string, *http.Client) {
	t.Helper()
	var idp *demoidp.Server
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { idp.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	issuer := server.URL + "/demo-idp"
	var err error
	idp, err = demoidp.New(demoidp.Config{
		Demo: true, Issuer: issuer, ClientID: "portal", ClientSecret: portal.NewSecretText("s&cret +/"), RedirectURI: redirect,
	})
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return idp, issuer, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func get(t *testing.T, c *http.Client, address, language string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Language", language)
	return do(t, c, req)
}

func post(t *testing.T, c *http.Client, address string, form url.Values) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, c, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

var requestField = regexp.MustCompile(`name="request" value="([^"]+)"`)

func question(issuer string, change ...string) string {
	q := url.Values{
		"client_id": {"portal"}, "redirect_uri": {redirect}, "response_type": {"code"}, "scope": {"openid email"}, "state": {"st"}, "nonce": {"n"},
		"code_challenge": {strings.Repeat("c", 43)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return issuer + "/authorize?" + q.Encode()
}

func TestDemoProviderWantsToBeToldThatItIsADemo(t *testing.T) {
	if _, err := demoidp.New(demoidp.Config{Issuer: "http://127.0.0.1/x", ClientID: "c", ClientSecret: portal.NewSecretText("s"), RedirectURI: redirect}); !errors.Is(err, demoidp.ErrNotDemo) {
		t.Errorf("got %v, want ErrNotDemo", err)
	}
	for _, cfg := range []demoidp.Config{
		{Demo: true}, {Demo: true, Issuer: "http://x/", ClientID: "c", ClientSecret: portal.NewSecretText("s"), RedirectURI: redirect},
		{Demo: true, Issuer: "http://x", ClientID: "c", RedirectURI: redirect}, {Demo: true, Issuer: "http://x", ClientID: "c", ClientSecret: portal.NewSecretText("s")},
	} {
		if _, err := demoidp.New(cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
}

func TestPortalSignsInThroughTheDemoProvider(t *testing.T) {
	idp, issuer, browser := start(t)
	key, err := seal.NewKey("k", portal.NewSecret(seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	s := &auth.Service{
		Store: storetest.New(t), Keys: keys, Tunnels: &authtest.Tunnels{}, Providers: []*auth.Provider{idp.Provider("demo")},
		PublicURL: "https://vpn.example.com", Log: slog.New(slog.DiscardHandler),
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	from := auth.Browser{Addr: netip.MustParseAddr("127.0.0.1")}
	for _, a := range demoidp.Accounts() {
		began, err := s.StartSignIn(t.Context(), "demo", "/", from)
		if err != nil {
			t.Fatal(err)
		}
		resp, body := get(t, browser, began.Redirect, "en")
		if resp.StatusCode != http.StatusOK || !strings.Contains(body, "DEMO") || !strings.Contains(body, a.Password) {
			t.Fatalf("the page answers %s:\n%s", resp.Status, body)
		}
		form := url.Values{"request": {html.UnescapeString(requestField.FindStringSubmatch(body)[1])}, "username": {a.Username}, "password": {a.Password}}
		resp, _ = post(t, browser, issuer+"/login", form)
		back, err := resp.Location()
		if err != nil || resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(back.String(), redirect+"?") {
			t.Fatalf("the form answers %s, %v, %v", resp.Status, back, err)
		}
		q := back.Query()
		in, err := s.FinishSignIn(t.Context(), auth.Callback{Provider: "demo", State: q.Get("state"), Code: q.Get("code"), Issuer: q.Get("iss")}, began.Flow.Reveal(), from)
		if err != nil {
			t.Fatal(err)
		}
		who := authtest.Who(t, s, in, from)
		want := portal.RoleUser
		if a.Username == "admin" {
			want = portal.RoleOwner
		}
		if who.User.Name != a.Name || who.User.Email != a.Email || who.User.Role != want {
			t.Errorf("%s is %+v, want role %s", a.Username, who.User, want)
		}
		if resp, _ = post(t, browser, issuer+"/login", form); resp.StatusCode != http.StatusGone {
			t.Errorf("the form again answers %s, want 410", resp.Status)
		}
	}
}

func TestPageIsStrictAndSpeaksTheBrowsersLanguage(t *testing.T) {
	_, issuer, browser := start(t)
	for accept, want := range map[string]string{
		"ko-KR,ko;q=0.9,en;q=0.8": "데모 로그인", "en-US": "Demo sign-in", "": "Demo sign-in", "fr, ko;q=0.3, en;q=0.2": "데모 로그인", "ko;q=x": "Demo sign-in",
	} {
		resp, body := get(t, browser, question(issuer), accept)
		if !strings.Contains(body, "<h1>"+want+"</h1>") {
			t.Errorf("Accept-Language %q: the page does not say %q", accept, want)
		}
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "form-action 'self' https://vpn.example.com;") {
			t.Errorf("the policy is %q", csp)
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "style=") || strings.Contains(body, "<style") || strings.Contains(body, "http://") {
			t.Error("the page has something that its policy forbids")
		}
	}
	if resp, body := get(t, browser, issuer+"/style.css", ""); resp.StatusCode != http.StatusOK || !strings.Contains(body, "prefers-color-scheme: dark") {
		t.Errorf("the style sheet answers %s", resp.Status)
	}
}

func TestWrongRequestsAreNotRedirectedToStrangers(t *testing.T) {
	_, issuer, browser := start(t)
	for _, change := range [][]string{{"redirect_uri", "https://evil.example/"}, {"redirect_uri", redirect + "/"}, {"client_id", "other"}, {"client_id", "<b>"}} {
		resp, body := get(t, browser, question(issuer, change...), "")
		if resp.StatusCode != http.StatusBadRequest || resp.Header.Get("Location") != "" || strings.Contains(body, "<b>") && change[1] == "<b>" && strings.Contains(body, "<b></b>") {
			t.Errorf("%v: got %s to %q", change, resp.Status, resp.Header.Get("Location"))
		}
	}
	for want, change := range map[string][]string{
		"unsupported_response_type": {"response_type", "token"}, "invalid_scope": {"scope", "email"}, "invalid_request": {"code_challenge_method", "plain"}, "login_required": {"prompt", "none"},
	} {
		resp, _ := get(t, browser, question(issuer, change...), "")
		back, err := resp.Location()
		if err != nil || back.Query().Get("error") != want || back.Query().Get("state") != "st" || back.Query().Get("iss") != issuer {
			t.Errorf("%v: got %v, %v; want %s", change, back, err, want)
		}
	}
	if resp, _ := get(t, browser, question(issuer)+"&state=again", ""); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a parameter twice: got %s", resp.Status)
	}
}

func TestWrongPasswordStaysOnThePage(t *testing.T) {
	_, issuer, browser := start(t)
	_, body := get(t, browser, question(issuer), "en")
	form := url.Values{"request": {requestField.FindStringSubmatch(body)[1]}, "username": {"admin"}, "password": {"worker-demo"}}
	resp, body := post(t, browser, issuer+"/login", form)
	if resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "not right") || resp.Header.Get("Location") != "" {
		t.Errorf("got %s", resp.Status)
	}
	resp, _ = post(t, browser, issuer+"/login", url.Values{"request": {"made-up"}, "username": {"admin"}, "password": {"admin-demo"}})
	if resp.StatusCode != http.StatusGone {
		t.Errorf("made-up request: got %s", resp.Status)
	}
}

func TestCodesAreForTheClientWithTheVerifierAndOnce(t *testing.T) {
	_, issuer, browser := start(t)
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	code := func() string {
		_, body := get(t, browser, question(issuer, "code_challenge", challenge), "en")
		resp, _ := post(t, browser, issuer+"/login", url.Values{"request": {requestField.FindStringSubmatch(body)[1]}, "username": {"worker"}, "password": {"worker-demo"}})
		back, err := resp.Location()
		if err != nil {
			t.Fatal(err)
		}
		return back.Query().Get("code")
	}
	ask := func(code string, change ...string) int {
		form := url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {redirect}, "client_id": {"portal"}, "client_secret": {"s&cret +/"},
		}
		for i := 0; i+1 < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		resp, _ := post(t, browser, issuer+"/token", form)
		return resp.StatusCode
	}
	good := code()
	if got := ask(good); got != http.StatusOK {
		t.Errorf("right: got %d", got)
	}
	if got := ask(good); got != http.StatusBadRequest {
		t.Errorf("twice: got %d", got)
	}
	for _, change := range [][]string{{"code_verifier", "other"}, {"redirect_uri", "https://evil.example"}, {"client_secret", "x"}, {"client_id", "x"}, {"grant_type", "password"}, {"code", "x"}} {
		if got := ask(code(), change...); got != http.StatusBadRequest && got != http.StatusUnauthorized {
			t.Errorf("%v: got %d", change, got)
		}
	}
	if resp, _ := get(t, browser, issuer+"/userinfo", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("userinfo without a token: got %s", resp.Status)
	}
}

func TestCodesEnd(t *testing.T) {
	clock := time.Unix(1_800_000_000, 0)
	idp, err := demoidp.New(demoidp.Config{
		Demo: true, Issuer: "http://127.0.0.1/idp", ClientID: "portal", ClientSecret: portal.NewSecretText("x"), RedirectURI: redirect, Now: func() time.Time { return clock },
	})
	if err != nil {
		t.Fatal(err)
	}
	page := httptest.NewRecorder()
	idp.ServeHTTP(page, httptest.NewRequest(http.MethodGet, question("http://127.0.0.1/idp"), nil))
	clock = clock.Add(10 * time.Minute)
	form := url.Values{"request": {requestField.FindStringSubmatch(page.Body.String())[1]}, "username": {"worker"}, "password": {"worker-demo"}}
	req := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/idp/login", strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	late := httptest.NewRecorder()
	idp.ServeHTTP(late, req)
	if late.Code != http.StatusGone {
		t.Errorf("a choice after 10 min: got %d", late.Code)
	}
}
