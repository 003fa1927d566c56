package auth_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
)

// with is ada with the provider's own name for the session.
func with(a authtest.Answer, claims map[string]any) authtest.Answer {
	for name, value := range claims {
		a.Claims[name] = value
	}
	return a
}

func browserAt(n int) auth.Browser {
	return auth.Browser{Addr: netip.AddrFrom4([4]byte{198, 51, 100, byte(n)}), UserAgent: "idp", RequestID: "r2"}
}

func TestProviderEndsSessionsByItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		in := func(subject, session string) string {
			t.Helper()
			done := authtest.SignIn(t, w.Service, w.idp, "corp", with(ada(subject), map[string]any{"sid": session}), browser)
			w.keep(done.Secret)
			return done.Secret.Reveal()
		}
		bob1, bob2, bob3, eve := in("bob", "s1"), in("bob", "s2"), in("bob", "s3"), in("eve", "s1-eve")
		live := func(cookies ...string) (n int) {
			for _, c := range cookies {
				if _, err := w.Authenticate(t.Context(), c, browser); err == nil {
					n++
				}
			}
			return n
		}
		logout := func(token string) error { return w.BackChannelLogout(t.Context(), "corp", token, browser) }

		if err := logout(w.idp.LogoutToken(authtest.Answer{}, "s1")); err != nil {
			t.Fatal(err)
		}
		if live(bob1) != 0 || live(bob2, bob3, eve) != 3 {
			t.Errorf("by the session alone: %d, %d live", live(bob1), live(bob2, bob3, eve))
		}
		if err := logout(w.idp.LogoutToken(authtest.Answer{Subject: "eve"}, "s2")); err != nil || live(bob2) != 1 {
			t.Errorf("somebody else's session: %v, %d live", err, live(bob2))
		}
		token := w.idp.LogoutToken(authtest.Answer{Subject: "bob"}, "")
		if err := logout(token); err != nil || live(bob2, bob3) != 0 || live(eve) != 1 {
			t.Errorf("by the subject: %v, %d of two and %d of one live", err, live(bob2, bob3), live(eve))
		}
		if what := authtest.Trace(t, w.Store, w.userOf("bob").ID); what != authtest.Ended {
			t.Errorf("tunnels were told %q", what)
		}
		wantErr(t, "the same token again", logout(token), auth.ErrLogoutToken)
		if err := logout(w.idp.LogoutToken(authtest.Answer{Subject: "bob"}, "")); err != nil || w.audited("session.provider_logout", `"grants":1,"people":["`+string(w.userOf("bob").ID)+`"],"sessions":0`) != 1 {
			t.Errorf("whose web session has gone already: %v; tunnels are ended all the same\n%s", err, w.auditText())
		}
		if n := w.audited("session.provider_logout", `"sessions":2`); n != 1 {
			t.Errorf("%d events tell of two sessions, want 1", n)
		}

		again := w.idp.LogoutToken(authtest.Answer{Subject: "eve"}, "")
		won, lost := race(t, 20, func() error { return logout(again) }, auth.ErrLogoutToken, auth.ErrTooManyTries)
		if won != 1 || live(eve) != 0 {
			t.Errorf("one token by twenty callers: %d took it, %v", won, lost)
		}
	})
}

func TestLogoutTokensThatCantBeTrustedEndNothing(t *testing.T) {
	w := on(t)
	done := authtest.SignIn(t, w.Service, w.idp, "corp", ada("bob"), browser)
	w.keep(done.Secret)
	twist := func(name string, value any) authtest.Answer {
		return authtest.Answer{Subject: "bob", Twist: func(c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}}
	}
	const event = "http://schemas.openid.net/event/backchannel-logout"
	idToken := authtest.Answer{Subject: "bob", Twist: func(c map[string]any) { delete(c, "events"); c["nonce"] = "n" }}
	tried := 0
	for reason, list := range map[string][]authtest.Answer{
		"logout_signature": {
			twist("aud", "another"), twist("aud", nil), twist("iss", "https://evil.example"), twist("iss", nil),
			{Subject: "bob", Unsigned: true},
			{Subject: "bob", ForeignKey: true},
			{Subject: "bob", SymmetricKey: true},
		},
		"logout_nonce": {twist("nonce", "n"), twist("nonce", ""), twist("nonce", map[string]any{})},
		"logout_events": {
			twist("events", nil), twist("events", map[string]any{}), twist("events", map[string]any{"x": map[string]any{}}), twist("events", event),
			twist("events", []string{event}), twist("events", map[string]any{event: nil}), twist("events", map[string]any{event: "yes"}), idToken,
		},
		"logout_jti": {twist("jti", nil), twist("jti", ""), twist("jti", 7), twist("jti", strings.Repeat("x", 600))},
		"logout_issued_at": {
			twist("iat", nil), twist("iat", w.clock.Add(-time.Hour).Unix()), twist("iat", w.clock.Add(time.Hour).Unix()), twist("iat", -5),
		},
		"logout_expired": {twist("exp", w.clock.Add(-2*time.Minute).Unix()), twist("exp", "soon")},
		"logout_nobody":  {twist("sub", nil), twist("sub", ""), twist("sub", strings.Repeat("x", 300)), twist("sub", "bob\n")},
	} {
		for i, a := range list {
			tried++ // refusals are counted by address
			token := w.idp.LogoutToken(a, "")
			before := w.audited("session.sign_in_refused", reason)
			err := w.BackChannelLogout(t.Context(), "corp", token, browserAt(tried))
			// What the library refuses while parsing has the reason of a bad signature.
			if got := w.audited("session.sign_in_refused", reason) + w.audited("session.sign_in_refused", "logout_signature"); err == nil || got == before {
				t.Errorf("%s %d: got %v", reason, i, err)
			}
		}
	}
	for _, token := range []string{"", "x", "a.b", "..", strings.Repeat("x", 20<<10)} {
		wantErr(t, "what is no token", w.BackChannelLogout(t.Context(), "corp", token, browserAt(99)), auth.ErrLogoutToken)
	}
	wantErr(t, "a provider that there is not", w.BackChannelLogout(t.Context(), "none", "x", browser), auth.ErrNoProvider)
	if _, err := w.Authenticate(t.Context(), done.Secret.Reveal(), browser); err != nil || authtest.Trace(t, w.Store, w.userOf("bob").ID) == authtest.Ended {
		t.Errorf("the session has ended: %v", err)
	}

	// Another provider's word is about its own people only, however they are called.
	other := authtest.New(t)
	other.Now = w.idp.Now
	config := other.Config("other")
	w.Providers = append(w.Providers, config)
	wantErr(t, "a token of another provider", w.BackChannelLogout(t.Context(), "corp", other.LogoutToken(authtest.Answer{Subject: "bob"}, ""), browserAt(98)), auth.ErrLogoutToken)
	if err := w.BackChannelLogout(t.Context(), "other", other.LogoutToken(authtest.Answer{Subject: "bob"}, ""), browser); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Authenticate(t.Context(), done.Secret.Reveal(), browser); err != nil || authtest.Trace(t, w.Store, w.userOf("bob").ID) == authtest.Ended {
		t.Errorf("another provider's subject of the same name ended it: %v", err)
	}
}

func TestSigningOutGoesOnAtTheProvider(t *testing.T) {
	w := on(t)
	who := w.signIn("bob")
	if to := w.SignOutUpstream(t.Context(), who.Session); to != "" {
		t.Errorf("leads to %s, though it is off", to)
	}
	w.Providers[0].Logout = true
	to, err := url.Parse(w.SignOutUpstream(t.Context(), who.Session))
	if err != nil {
		t.Fatal(err)
	}
	q := to.Query()
	if !strings.HasPrefix(to.String(), w.idp.URL+"/end?") || q.Get("kept") != "1" || q.Get("client_id") != authtest.ClientID || q.Get("post_logout_redirect_uri") != "https://vpn.example.com/sign-in" {
		t.Errorf("leads to %s", to)
	}
	if strings.Count(q.Get("id_token_hint"), ".") != 2 {
		t.Error("without the ID token, the provider asks everybody whether they mean it")
	}
	if strings.Contains(who.Session.Upstream.IDToken, q.Get("id_token_hint")) {
		t.Error("the ID token is not sealed")
	}
	if to := w.SignOutUpstream(t.Context(), portal.Session{Provider: "corp"}); to != "" {
		t.Errorf("a session that it did not begin leads to %s", to)
	}
	moved := who.Session
	moved.Upstream.Issuer = "https://evil.example"
	if to := w.SignOutUpstream(t.Context(), moved); to != "" {
		t.Errorf("a session of an issuer that was there before leads to %s", to)
	}
}
