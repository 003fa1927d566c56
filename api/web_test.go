package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func noRedirect(v *visitor) *visitor {
	v.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return v
}

// Over TLS every cookie is Secure, HttpOnly, SameSite=Lax, for this host only, and HSTS is on.
func TestCookiesOverTLSAreForThisHostOnly(t *testing.T) {
	w := newWorld(t, publicURL("https://vpn.example.com"))
	v := noRedirect(w.visitor())
	a := v.want(http.StatusSeeOther, "GET", "//auth/start?provider=corp", nil)
	cookies := a.header.Values("Set-Cookie")
	if len(cookies) != 1 || !strings.HasPrefix(cookies[0], "__Host-sallyport-flow=") {
		t.Fatalf("cookies: %q", cookies)
	}
	for _, part := range []string{"Path=/", "HttpOnly", "Secure", "SameSite=Lax"} {
		if !strings.Contains(cookies[0], part) {
			t.Errorf("the cookie lacks %s: %s", part, cookies[0])
		}
	}
	if strings.Contains(cookies[0], "Domain") {
		t.Errorf("the cookie has a domain: %s", cookies[0])
	}
	if a.header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
	if got := v.send("GET", "/session", nil, header("Cookie", "sallyport=x")).code(); got != "signed_out" {
		t.Errorf("a cookie without the prefix: %s", got)
	}
}

func TestTheSessionsSecretChangesWithTheSecondFactor(t *testing.T) {
	w := newWorld(t)
	v := w.signedIn("ada")
	before := v.http.Jar.Cookies(must(http.NewRequest("GET", w.base, nil)).URL)
	v.enrol()
	old := w.visitor()
	if got := old.send("GET", "/session", nil, func(r *http.Request) { r.AddCookie(before[0]) }).status; got != http.StatusUnauthorized {
		t.Errorf("the secret from before the second factor still works: %d", got)
	}
	v.want(http.StatusOK, "GET", "/session", nil)
}

func TestThePageHasANonceAndNoInlineScript(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	nonces := map[string]bool{}
	for _, path := range []string{"//", "//devices/new", "//sign-in?problem=x", "//api/docs", "//index.html", "//devices/.."} {
		a := v.want(http.StatusOK, "GET", path, nil)
		policy := a.header.Get("Content-Security-Policy")
		m := regexp.MustCompile(`style-src 'self' 'nonce-([^']{20,})'`).FindStringSubmatch(policy)
		if m == nil || !strings.Contains(a.body, m[1]) || strings.Contains(a.body, "__CSP_NONCE__") {
			t.Fatalf("%s: the page and the policy do not agree: %s %s", path, policy, a.body)
		}
		nonces[m[1]] = true
		for _, part := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: the policy lacks %q", path, part)
			}
		}
		if strings.Contains(policy, "unsafe") || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: policy %s, caching %s", path, policy, a.header.Get("Cache-Control"))
		}
	}
	if len(nonces) != 6 {
		t.Errorf("six pages have %d nonces", len(nonces))
	}
}

func TestAssetsAreCompressedAndKept(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	a := v.want(http.StatusOK, "GET", "//assets/app-abc123.js", nil, header("Accept-Encoding", "gzip"))
	if a.header.Get("Content-Encoding") != "gzip" || len(a.body) > 300 || !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
		t.Errorf("got %v, %d bytes", a.header, len(a.body))
	}
	a = v.want(http.StatusOK, "GET", "//assets/big-def456.js", nil, header("Accept-Encoding", "gzip, br"))
	if a.header.Get("Content-Encoding") != "br" || a.body != "brotli" {
		t.Errorf("got %v %s", a.header, a.body)
	}
	a = v.want(http.StatusOK, "GET", "//icon.svg", nil)
	v.want(http.StatusNotModified, "GET", "//icon.svg", nil, header("If-None-Match", a.header.Get("ETag")))
	for _, gone := range []string{"//assets/none.js", "//.vite/manifest.json", "//favicon.ico", "//assets/big-def456.js.br", "//auth/none", "//api", "//api/v2/session"} {
		if a := v.want(http.StatusNotFound, "GET", gone, nil); a.code() != "not_found" {
			t.Errorf("%s: %s", gone, a.body)
		}
	}
	v.want(http.StatusNotFound, "POST", "//api/v1/nothing", nil)
	v.want(http.StatusOK, "HEAD", "//", nil)
}

func TestOtherSitesCanChangeNothing(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("boss", "admins")
	pop := map[string]any{"name": "X", "networks": []string{}}
	for _, c := range []struct {
		what  string
		edits []edit
		want  int
	}{
		{"cross-site", []edit{header("Sec-Fetch-Site", "cross-site")}, 403},
		{"a sibling name", []edit{header("Sec-Fetch-Site", "same-site")}, 403},
		{"an old browser elsewhere", []edit{header("Origin", "https://evil.example")}, 403},
		{"a page without an origin", []edit{header("Origin", "null")}, 403},
		{"our own page", []edit{header("Sec-Fetch-Site", "same-origin")}, 201},
	} {
		if a := admin.send("POST", "/pops", pop, c.edits...); a.status != c.want {
			t.Errorf("%s: got %d %s, want %d", c.what, a.status, a.code(), c.want)
		}
	}
	if got := admin.send("GET", "/pops", nil, header("Origin", "https://evil.example")).header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("another site may read: %q", got)
	}
}

func TestAFailedSignInLeadsBackWithTheProblem(t *testing.T) {
	w := newWorld(t)
	v := noRedirect(w.visitor())
	for path, code := range map[string]string{
		"//auth/start?provider=none":                      "no_such_provider",
		"//auth/callback/corp?code=secretcode&state=x":    "sign_in_ended",
		"//auth/callback/corp?error=access_denied&state=": "sign_in_ended",
	} {
		a := v.want(http.StatusSeeOther, "GET", path, nil)
		if to := a.header.Get("Location"); !strings.HasPrefix(to, "/sign-in?id="+a.header.Get("X-Request-Id")) || !strings.HasSuffix(to, "problem="+code) {
			t.Errorf("%s leads to %s", path, to)
		}
	}
	if strings.Contains(w.seen.String(), "secretcode") {
		t.Error("the log holds the query of a callback")
	}
}

func TestSignInComesBackToThePathOnly(t *testing.T) {
	w := newWorld(t)
	for _, to := range []string{"https://evil.example/", "//evil.example/", `/\evil.example`, "javascript:alert(1)"} {
		v := w.visitor()
		v.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
			if strings.Contains(r.URL.Host, "evil") {
				t.Errorf("return_to %q leads to %s", to, r.URL)
				return http.ErrUseLastResponse
			}
			return nil
		}
		v.want(http.StatusOK, "GET", "//auth/start?provider=corp&return_to="+to, nil)
	}
}

func TestAddressesAreLimited(t *testing.T) {
	w := newWorld(t, func(w *world) { w.PerSecond = 5 })
	v := w.visitor()
	limited := 0
	for range 40 {
		if a := v.send("GET", "/sign-in", nil); a.status == http.StatusTooManyRequests {
			limited++
			if a.code() != "too_many_requests" || a.header.Get("Retry-After") == "" {
				t.Fatalf("got %s, Retry-After %q", a.body, a.header.Get("Retry-After"))
			}
		}
	}
	if limited == 0 {
		t.Error("40 requests at once pass a limit of 5 a second")
	}
	// Nobody is trusted to speak for another address.
	if a := v.send("GET", "/sign-in", nil, header("X-Forwarded-For", "203.0.113.9")); a.status != http.StatusTooManyRequests {
		t.Errorf("X-Forwarded-For of a stranger gives a fresh budget: %d", a.status)
	}
}

func TestHealth(t *testing.T) {
	w := newWorld(t)
	v := w.visitor()
	v.want(http.StatusOK, "GET", "//healthz", nil)
	v.want(http.StatusOK, "GET", "//readyz", nil)
	v.want(http.StatusOK, "GET", "//api/openapi.yaml", nil)
	if a := v.want(http.StatusOK, "GET", "//api/openapi.json", nil); !strings.Contains(a.body, `"createDevice"`) {
		t.Error("the contract as JSON lacks an operation")
	}
	if a := v.want(http.StatusOK, "GET", "//metrics", nil); strings.Contains(a.body, "sallyport_info") {
		t.Error("the metrics are for the listener for operators only")
	}
	if err := w.Store.Close(); err != nil {
		t.Fatal(err)
	}
	v.want(http.StatusOK, "GET", "//healthz", nil)
	if a := v.want(http.StatusServiceUnavailable, "GET", "//readyz", nil); !strings.Contains(a.body, "database") {
		t.Errorf("got %s", a.body)
	}
}
