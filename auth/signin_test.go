package auth_test

import (
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func TestSignInMakesAPersonAndASessionThatWaitsForAFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		start, cb := w.start(ada("u1"))
		in, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
		if err != nil {
			t.Fatal(err)
		}
		w.keep(in.Secret)
		if in.Stage != auth.FactorEnrolment || in.ReturnTo != "/devices" || in.Session.Provider != "corp" {
			t.Errorf("got %+v", in)
		}
		who := authtest.Who(t, w.Service, in, browser)
		if who.User.Name != "Ada u1" || who.User.Email != "u1@example.com" || who.User.Role != portal.RoleUser || who.Stage != auth.FactorEnrolment {
			t.Errorf("got %+v", who.User)
		}
		if _, err := w.Sessions(t.Context(), who); !errors.Is(err, auth.ErrFactorEnrolment) {
			t.Errorf("before the factor: got %v, want ErrFactorEnrolment", err)
		}
		again := w.signIn("u1")
		if again.User.ID != who.User.ID {
			t.Error("the second sign-in is another person")
		}
		if n := w.audited("session.sign_in", "corp"); n != 2 {
			t.Errorf("%d sign-ins in the audit trail, want 2", n)
		}
		if n := w.audited("user.create", ""); n != 1 {
			t.Errorf("%d people created in the audit trail, want 1", n)
		}
	})
}

func TestRedirectCarriesWhatTheProviderNeedsAndNoMore(t *testing.T) {
	w := on(t)
	start, err := w.StartSignIn(t.Context(), "corp", "/", browser)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(start.Redirect)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for name, want := range map[string]string{
		"client_id": authtest.ClientID, "response_type": "code", "redirect_uri": "https://vpn.example.com/auth/callback/corp",
		"scope": "openid profile email", "code_challenge_method": "S256",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) != 43 || strings.Contains(start.Redirect, start.Flow.Reveal()) {
			t.Errorf("%s is %q, want 43 characters that are not the flow's secret", name, q.Get(name))
		}
	}
	if q.Get("state") == q.Get("nonce") || len(q) != 8 {
		t.Errorf("got query %v", q)
	}
}

func TestAnswersThatCantBeTrustedAreRefused(t *testing.T) {
	twist := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		}
	}
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		answer authtest.Answer
		want   *portal.Error
		reason string
	}{
		"wrong nonce":            {authtest.Answer{Twist: twist("nonce", "another")}, auth.ErrBadAnswer, "nonce"},
		"no nonce":               {authtest.Answer{Twist: twist("nonce", nil)}, auth.ErrBadAnswer, "nonce"},
		"wrong issuer":           {authtest.Answer{Twist: twist("iss", "https://evil.example")}, auth.ErrBadAnswer, "id_token"},
		"wrong audience":         {authtest.Answer{Twist: twist("aud", "another")}, auth.ErrBadAnswer, "id_token"},
		"two audiences, no azp":  {authtest.Answer{Twist: twist("aud", []string{"sallyport", "another"})}, auth.ErrBadAnswer, "authorized_party"},
		"azp of another":         {authtest.Answer{Twist: twist("azp", "another")}, auth.ErrBadAnswer, "authorized_party"},
		"expired":                {authtest.Answer{Twist: twist("exp", at.Add(-2*time.Minute).Unix())}, auth.ErrBadAnswer, "expired"},
		"no expiry":              {authtest.Answer{Twist: twist("exp", nil)}, auth.ErrBadAnswer, "expired"},
		"not yet valid":          {authtest.Answer{Twist: twist("nbf", at.Add(time.Hour).Unix())}, auth.ErrBadAnswer, "id_token"},
		"issued in the future":   {authtest.Answer{Twist: twist("iat", at.Add(2*time.Minute).Unix())}, auth.ErrBadAnswer, "issued_in_future"},
		"access token of others": {authtest.Answer{Twist: twist("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")}, auth.ErrBadAnswer, "access_token"},
		"no subject":             {authtest.Answer{Twist: twist("sub", "")}, auth.ErrBadAnswer, ""},
		"subject of 256":         {authtest.Answer{Twist: twist("sub", strings.Repeat("s", 256))}, auth.ErrBadAnswer, ""},
		"subject with newline":   {authtest.Answer{Twist: twist("sub", "a\nb")}, auth.ErrBadAnswer, ""},
		"unsigned":               {authtest.Answer{Unsigned: true}, auth.ErrBadAnswer, "id_token"},
		"signed by others":       {authtest.Answer{ForeignKey: true}, auth.ErrBadAnswer, "id_token"},
		"signed symmetrically":   {authtest.Answer{SymmetricKey: true}, auth.ErrBadAnswer, "id_token"},
		"no ID token":            {authtest.Answer{NoIDToken: true}, auth.ErrBadAnswer, "no_id_token"},
		"wrong state":            {authtest.Answer{State: "another"}, auth.ErrBadAnswer, "state"},
		"answer of another":      {authtest.Answer{Issuer: "https://evil.example"}, auth.ErrBadAnswer, "answer_issuer"},
		"provider's error":       {authtest.Answer{Error: "access_denied"}, auth.ErrProviderRefused, "provider_error"},
		"userinfo of another":    {authtest.Answer{UserInfoSubject: "evil"}, auth.ErrBadAnswer, "userinfo_subject"},
		"userinfo does not work": {authtest.Answer{UserInfoStatus: 500}, auth.ErrProviderDown, "userinfo"},
		"answer without end":     {authtest.Answer{Huge: true}, auth.ErrProviderDown, "token_endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			w := on(t)
			c.answer.Subject = "u1"
			start, cb := w.start(c.answer)
			_, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
			wantErr(t, name, err, c.want)
			if w.audited("session.sign_in_refused", `"`+c.reason) != 1 {
				t.Errorf("the audit trail has no refusal for %q:\n%s", c.reason, w.auditText())
			}
			if w.audited("session.sign_in", "corp") != 0 {
				t.Error("somebody was signed in")
			}
		})
	}
}

func TestAnswerCodeMustBeThere(t *testing.T) {
	for name, change := range map[string]func(*auth.Callback){
		"no code":        func(cb *auth.Callback) { cb.Code = "" },
		"other code":     func(cb *auth.Callback) { cb.Code = "made-up" },
		"control":        func(cb *auth.Callback) { cb.Code = "a\x00b" },
		"no iss":         func(cb *auth.Callback) { cb.Issuer = "" },
		"other provider": func(cb *auth.Callback) { cb.Provider = "other" },
		"no state":       func(cb *auth.Callback) { cb.State = "" },
	} {
		w := on(t)
		start, cb := w.start(ada("u1"))
		change(&cb)
		_, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
		wantErr(t, name, err, auth.ErrBadAnswer)
	}
}

func TestClockSkewWithinReasonIsFine(t *testing.T) {
	w := on(t)
	a := ada("u1")
	a.Twist = func(c map[string]any) {
		c["exp"], c["iat"], c["nbf"] = w.clock.Add(-30*time.Second).Unix(), w.clock.Add(30*time.Second).Unix(), w.clock.Add(30*time.Second).Unix()
	}
	w.signInAs(a)
}

func TestTwoAudiencesWithOurAuthorizedPartyAreFine(t *testing.T) {
	w := on(t)
	a := ada("u1")
	a.Twist = func(c map[string]any) { c["aud"], c["azp"] = []string{"sallyport", "another"}, "sallyport" }
	w.signInAs(a)
}

func TestOneAnswerIsTakenOnceByHundredCallers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		start, cb := w.start(ada("u1"))
		won, lost := race(t, 100, func() error {
			in, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
			w.keep(in.Secret)
			return err
		}, auth.ErrSignInUsed, auth.ErrTooManyTries)
		if won != 1 {
			t.Errorf("%d won (others: %v), want 1", won, lost)
		}
		if n := w.audited("session.sign_in", "corp"); n != 1 {
			t.Errorf("%d sessions, want 1", n)
		}
	})
}

func TestAnswerForAnotherBrowserOrTooLateIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		start, cb := w.start(ada("u1"))
		other, _ := w.start(ada("u2"))
		_, err := w.FinishSignIn(t.Context(), cb, other.Flow.Reveal(), browser)
		wantErr(t, "answer brought to another browser", err, auth.ErrBadAnswer)
		for _, flow := range []string{"", "x", strings.Repeat("A", 43), strings.Repeat("A", 100000), "\x00", start.Flow.Reveal() + "="} {
			_, err = w.FinishSignIn(t.Context(), cb, flow, browser)
			wantErr(t, "made-up flow", err, auth.ErrSignInEnded)
		}
		w.pass(auth.FlowLife + time.Second)
		_, err = w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
		wantErr(t, "too late", err, auth.ErrSignInEnded)
	})
}

func TestWrongStateDoesNotEndTheSignInThatIsOnItsWay(t *testing.T) {
	w := on(t)
	start, cb := w.start(ada("u1"))
	forged := cb
	forged.State = "forged"
	_, err := w.FinishSignIn(t.Context(), forged, start.Flow.Reveal(), browser)
	wantErr(t, "forged", err, auth.ErrBadAnswer)
	if _, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser); err != nil {
		t.Errorf("the real answer after a forged one: %v", err)
	}
}

func TestProvidersTextReachesNobody(t *testing.T) {
	w := on(t)
	start, cb := w.start(authtest.Answer{Subject: "u1", Error: "<script>alert(1)</script>"})
	_, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
	wantErr(t, "error", err, auth.ErrProviderRefused)
	if strings.Contains(err.Error(), "script") || strings.Contains(w.auditText(), "script") {
		t.Errorf("the provider's words are shown: %v\n%s", err, w.auditText())
	}
	start, cb = w.start(ada("u1"))
	cb.Code = "other"
	if _, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser); err == nil || strings.Contains(w.logged.String(), "secret detail") {
		t.Errorf("the provider's error text is logged: %v", err)
	}
}

func TestClaimsOnlyInUserinfoAreFound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		who := w.signInAs(authtest.Answer{Subject: "u1", UserInfo: map[string]any{
			"name": "박지민", "email": "jm@example.com", "email_verified": true, "groups": []string{"admins", "서울"},
		}})
		if who.User.Name != "박지민" || who.User.Email != "jm@example.com" || who.User.Role != portal.RoleAdmin {
			t.Errorf("got %+v", who.User)
		}
		if authtest.Trace(t, w.Store, who.User.ID) != authtest.Grouped {
			t.Error("the tunnels did not hear of the groups")
		}
		groups := w.groups(who.User.ID)
		if len(groups) != 2 || groups[0] != "admins" || groups[1] != "서울" {
			t.Errorf("groups are %v", groups)
		}
	})
}

func (w *world) groups(id portal.UserID) (names []string) {
	w.t.Helper()
	err := w.Store.View(w.t.Context(), func(tx *store.Tx) error {
		all, err := tx.GroupsOf(id)
		for _, m := range all {
			names = append(names, m.Group.Name)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

func TestUserinfoIsNotAskedWhenTheIDTokenSaysAll(t *testing.T) {
	w := on(t)
	w.signIn("u1")
	if n := w.idp.Calls("/userinfo"); n != 0 {
		t.Errorf("asked %d times, want 0", n)
	}
}

func TestPeopleAreKeyedByIssuerAndSubjectNotAddress(t *testing.T) {
	w := on(t)
	a, b := ada("u1"), ada("u2")
	b.Claims["email"], b.Claims["name"] = a.Claims["email"], a.Claims["name"]
	if w.signInAs(a).User.ID == w.signInAs(b).User.ID {
		t.Error("same address: two subjects are one person")
	}
	second := authtest.New(t)
	second.Now = w.idp.Now
	w.Providers = append(w.Providers, second.Config("other"))
	in := authtest.SignIn(t, w.Service, second, "other", ada("u1"), browser)
	if authtest.Who(t, w.Service, in, browser).User.ID == w.signInAs(a).User.ID {
		t.Error("same subject: two issuers are one person")
	}
}

func TestNobodyBecomesOwnerByBeingEarlyUnlessConfigured(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if role := w.signIn("first").User.Role; role != portal.RoleUser {
			t.Errorf("the first person is %s, want user", role)
		}
		w.FirstOwner = true
		if role := w.signIn("second").User.Role; role != portal.RoleOwner {
			t.Errorf("configured: the person is %s, want owner", role)
		}
		if role := w.signIn("third").User.Role; role != portal.RoleUser {
			t.Errorf("the next person is %s, want user", role)
		}
	})
}

func TestSuspendedPersonDoesNotEnter(t *testing.T) {
	w := on(t)
	who := w.signIn("u1")
	if err := w.Suspend(t.Context(), portal.System, who.User.ID); err != nil {
		t.Fatal(err)
	}
	start, cb := w.start(ada("u1"))
	_, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
	wantErr(t, "suspended", err, auth.ErrSuspended)
	if w.audited("session.sign_in_refused", "suspended") != 1 {
		t.Error("the refusal is not in the audit trail")
	}
}

func TestRefusalsAreBoundedInTheAuditTrail(t *testing.T) {
	w := on(t)
	limited := 0
	for range 150 {
		_, err := w.FinishSignIn(t.Context(), auth.Callback{Provider: "corp"}, "nothing", browser)
		var e *portal.Error
		if errors.Is(err, auth.ErrTooManyTries) && errors.As(err, &e) && e.RetryAfter > 0 {
			limited++
		}
	}
	if n := w.audited("session.sign_in_refused", ""); n > 110 || limited < 40 {
		t.Errorf("%d refusals in the audit trail, %d limited", n, limited)
	}
	w.signIn("u1") // who has a real answer is not held up by it
}

func TestBeginningIsBoundedByAddress(t *testing.T) {
	w := on(t)
	var last error
	for range 1001 {
		_, last = w.StartSignIn(t.Context(), "corp", "/", browser)
	}
	wantErr(t, "1001st", last, auth.ErrTooManyTries)
	elsewhere := browser
	elsewhere.Addr = elsewhere.Addr.Next()
	if _, err := w.StartSignIn(t.Context(), "corp", "/", elsewhere); err != nil {
		t.Errorf("from another address: %v", err)
	}
	w.pass(11 * time.Minute)
	if _, err := w.StartSignIn(t.Context(), "corp", "/", browser); err != nil {
		t.Errorf("later: %v", err)
	}
	_, err := w.StartSignIn(t.Context(), "nobody", "/", browser)
	wantErr(t, "unknown provider", err, auth.ErrNoProvider)
}

func TestTunnelsThatFailUndoTheSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.tunnels.Fail = errors.New("boom")
		a := ada("u1")
		a.Claims["groups"] = []string{"eng"}
		start, cb := w.start(a)
		if _, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser); err == nil {
			t.Fatal("the sign-in went on")
		}
		people, err := w.People(t.Context(), portal.System, "", "", 10)
		if err != nil || len(people) != 0 {
			t.Errorf("got %v, %v; want nobody", people, err)
		}
	})
}

func TestNamesFromTheProviderAreMadeHarmless(t *testing.T) {
	w := on(t)
	a := authtest.Answer{Subject: "u1", Claims: map[string]any{"groups": []any{"ok", 7, nil, "bad\n", strings.Repeat("g", 300)}}}
	maps.Copy(a.Claims, map[string]any{"name": "A\x00d\u202ea <b>" + strings.Repeat("x", 10000), "email": "a\r\nBcc: b@example.com"})
	who := w.signInAs(a)
	if !strings.HasPrefix(who.User.Name, "Ada <b>xxx") || len(who.User.Name) != 128 || who.User.Email != "" {
		t.Errorf("got %q and %q", who.User.Name, who.User.Email)
	}
	if groups := w.groups(who.User.ID); len(groups) != 1 || groups[0] != "ok" {
		t.Errorf("groups are %q, want ok", groups)
	}
}

func TestOfManyFirstSignInsAtOnceOneMakesAnOwner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.FirstOwner = true
		type visit struct {
			start auth.SignInStart
			cb    auth.Callback
		}
		visits := make(chan visit, 16)
		for i := range cap(visits) {
			start, cb := w.start(ada(strings.Repeat("u", i+1)))
			visits <- visit{start, cb}
		}
		won, _ := race(t, cap(visits), func() error {
			v := <-visits
			in, err := w.FinishSignIn(t.Context(), v.cb, v.start.Flow.Reveal(), browser)
			w.keep(in.Secret)
			return err
		})
		people, err := w.People(t.Context(), portal.System, "", "", 100)
		owners := 0
		for _, u := range people {
			if u.Role == portal.RoleOwner {
				owners++
			}
		}
		if err != nil || won != 16 || len(people) != 16 || owners != 1 {
			t.Errorf("%d signed in, %d people, %d owners, %v; want 16, 16 and 1", won, len(people), owners, err)
		}
	})
}
