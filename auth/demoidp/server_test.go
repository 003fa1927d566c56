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

// answer is a response that was read whole.
type answer struct {
	code   int
	header http.Header
	body   string
}

// back is where the answer sends the browser, nil for nowhere.
func (a answer) back(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(a.header.Get("Location"))
	if err != nil || a.code != http.StatusSeeOther {
		t.Fatalf("got %d to %q, %v; want a redirect", a.code, a.header.Get("Location"), err)
	}
	return u
}

func get(t *testing.T, c *http.Client, address, language string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Language", language)
	return do(t, c, req)
}

func post(t *testing.T, c *http.Client, address string, form url.Values) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, c, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) answer {
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
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// requestOf is the hidden field that ties the form to the portal's request.
func requestOf(t *testing.T, page answer) string {
	t.Helper()
	m := requestField.FindStringSubmatch(page.body)
	if m == nil {
		t.Fatalf("the page has no form:\n%s", page.body)
	}
	return html.UnescapeString(m[1])
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
		{Demo: true},
		{Demo: true, Issuer: "http://x/", ClientID: "c", ClientSecret: portal.NewSecretText("s"), RedirectURI: redirect},
		{Demo: true, Issuer: "http://x", ClientID: "c", RedirectURI: redirect},
		{Demo: true, Issuer: "http://x", ClientID: "c", ClientSecret: portal.NewSecretText("s")},
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
		page := get(t, browser, began.Redirect, "en")
		if page.code != http.StatusOK || !strings.Contains(page.body, "DEMO") || !strings.Contains(page.body, a.Password) {
			t.Fatalf("the page answers %d:\n%s", page.code, page.body)
		}
		form := url.Values{"request": {requestOf(t, page)}, "username": {a.Username}, "password": {a.Password}}
		back := post(t, browser, issuer+"/login", form).back(t)
		if !strings.HasPrefix(back.String(), redirect+"?") {
			t.Fatalf("the form leads to %s", back)
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
		if again := post(t, browser, issuer+"/login", form); again.code != http.StatusGone {
			t.Errorf("the form again answers %d, want 410", again.code)
		}
	}
}

func TestPageIsStrictAndSpeaksTheBrowsersLanguage(t *testing.T) {
	_, issuer, browser := start(t)
	for accept, want := range map[string]string{
		"ko-KR,ko;q=0.9,en;q=0.8": "데모 로그인", "en-US": "Demo sign-in", "": "Demo sign-in", "fr, ko;q=0.3, en;q=0.2": "데모 로그인", "ko;q=x": "Demo sign-in",
	} {
		page := get(t, browser, question(issuer), accept)
		body := page.body
		if !strings.Contains(body, "<h1>"+want+"</h1>") {
			t.Errorf("Accept-Language %q: the page does not say %q", accept, want)
		}
		csp := page.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "form-action 'self' https://vpn.example.com;") {
			t.Errorf("the policy is %q", csp)
		}
		if strings.Contains(body, "<script") || strings.Contains(body, "style=") || strings.Contains(body, "<style") || strings.Contains(body, "http://") {
			t.Error("the page has something that its policy forbids")
		}
	}
	if css := get(t, browser, issuer+"/style.css", ""); css.code != http.StatusOK || !strings.Contains(css.body, "prefers-color-scheme: dark") {
		t.Errorf("the style sheet answers %d", css.code)
	}
}

func TestWrongRequestsAreNotRedirectedToStrangers(t *testing.T) {
	_, issuer, browser := start(t)
	for _, change := range [][]string{{"redirect_uri", "https://evil.example/"}, {"redirect_uri", redirect + "/"}, {"client_id", "other"}, {"client_id", "<b>"}} {
		page := get(t, browser, question(issuer, change...), "")
		if page.code != http.StatusBadRequest || page.header.Get("Location") != "" || strings.Contains(page.body, change[1]) {
			t.Errorf("%v: got %d to %q", change, page.code, page.header.Get("Location"))
		}
	}
	for want, change := range map[string][]string{
		"unsupported_response_type": {"response_type", "token"}, "invalid_scope": {"scope", "email"}, "invalid_request": {"code_challenge_method", "plain"}, "login_required": {"prompt", "none"},
	} {
		back := get(t, browser, question(issuer, change...), "").back(t)
		if back.Query().Get("error") != want || back.Query().Get("state") != "st" || back.Query().Get("iss") != issuer {
			t.Errorf("%v: got %v; want %s", change, back, want)
		}
	}
	if page := get(t, browser, question(issuer)+"&state=again", ""); page.code != http.StatusBadRequest {
		t.Errorf("a parameter twice: got %d", page.code)
	}
}

func TestWrongPasswordStaysOnThePage(t *testing.T) {
	_, issuer, browser := start(t)
	form := url.Values{"request": {requestOf(t, get(t, browser, question(issuer), "en"))}, "username": {"admin"}, "password": {"worker-demo"}}
	page := post(t, browser, issuer+"/login", form)
	if page.code != http.StatusUnauthorized || !strings.Contains(page.body, "not right") || page.header.Get("Location") != "" {
		t.Errorf("got %d", page.code)
	}
	page = post(t, browser, issuer+"/login", url.Values{"request": {"made-up"}, "username": {"admin"}, "password": {"admin-demo"}})
	if page.code != http.StatusGone {
		t.Errorf("made-up request: got %d", page.code)
	}
}

func TestCodesAreForTheClientWithTheVerifierAndOnce(t *testing.T) {
	_, issuer, browser := start(t)
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	code := func() string {
		asked := requestOf(t, get(t, browser, question(issuer, "code_challenge", challenge), "en"))
		form := url.Values{"request": {asked}, "username": {"worker"}, "password": {"worker-demo"}}
		return post(t, browser, issuer+"/login", form).back(t).Query().Get("code")
	}
	ask := func(code string, change ...string) int {
		form := url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {redirect}, "client_id": {"portal"}, "client_secret": {"s&cret +/"},
		}
		for i := 0; i+1 < len(change); i += 2 {
			form.Set(change[i], change[i+1])
		}
		return post(t, browser, issuer+"/token", form).code
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
	if info := get(t, browser, issuer+"/userinfo", ""); info.code != http.StatusUnauthorized {
		t.Errorf("userinfo without a token: got %d", info.code)
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
