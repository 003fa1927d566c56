package auth_test

import (
	"errors"
	"testing"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Every way by which somebody at a second provider could become a person of the first.
func TestSecondProviderTakesNobodyOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.openLoopback()
		owner := w.admin("root", "owners")
		victim := w.enrolled(ada("victim"))
		evil := authtest.New(t)
		evil.Now = w.idp.Now
		in := w.entered(true)
		in.Settings.Issuer, in.Settings.GroupsClaim, in.Settings.AdminGroups = evil.URL, "", nil
		if err := w.AddProvider(t.Context(), owner.Actor(), "evil", in); err != nil {
			t.Fatal(err)
		}
		by := func(p *authtest.Provider, provider string, a authtest.Answer, change func(*auth.Callback)) (auth.SignedIn, error) {
			t.Helper()
			p.Set(a)
			start, err := w.StartSignIn(t.Context(), provider, "/", browser)
			if err != nil {
				t.Fatal(err)
			}
			cb := p.Visit(t, provider, start.Redirect)
			if change != nil {
				change(&cb)
			}
			w.keep(start.Flow)
			return w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
		}

		same := with(ada("victim"), map[string]any{"email": victim.User.Email, "preferred_username": "victim"})
		done, err := by(evil, "evil", same, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.keep(done.Secret)
		if who := authtest.Who(t, w.Service, done, browser); who.User.ID == victim.User.ID {
			t.Error("the same subject and address at another issuer are the same person")
		}
		_, err = by(evil, "evil", authtest.Answer{Subject: "victim", Twist: func(c map[string]any) { c["iss"] = w.idp.URL }}, nil)
		wantErr(t, "an ID token that names the other issuer", err, auth.ErrBadAnswer)

		// Mix-up (RFC 9700, section 4.4): an answer of one provider brought to the callback of another.
		_, err = by(evil, "evil", same, func(cb *auth.Callback) { cb.Provider = "corp" })
		wantErr(t, "an answer at another provider's callback", err, auth.ErrBadAnswer)
		_, err = by(evil, "evil", same, func(cb *auth.Callback) { cb.Issuer = w.idp.URL })
		wantErr(t, "an answer that names another issuer", err, auth.ErrBadAnswer)
		w.idp.Set(ada("victim"))
		honest, err := w.StartSignIn(t.Context(), "corp", "/", browser)
		if err != nil {
			t.Fatal(err)
		}
		code := w.idp.Visit(t, "corp", honest.Redirect)
		asked := evil.Calls("/token")
		_, err = by(evil, "evil", same, func(cb *auth.Callback) { cb.Code, cb.Issuer = code.Code, code.Issuer })
		wantErr(t, "a code of the other provider", err, auth.ErrBadAnswer)
		if evil.Calls("/token") != asked {
			t.Error("the code of one provider was sent to another")
		}
		_, err = w.FinishSignIn(t.Context(), code, "", browser)
		wantErr(t, "an answer without the browser's secret", err, auth.ErrSignInEnded)

		// The same issuer, and another notion of who is who.
		self := w.entered(true)
		self.Settings.SubjectClaim, self.Settings.GroupsClaim, self.Settings.AdminGroups = "employee", "", nil
		invalid := &portal.Error{Code: "invalid_input"}
		wantErr(t, "another claim than the configuration's", w.AddProvider(t.Context(), owner.Actor(), "self", self), invalid)
		_, _, err = w.TryProvider(t.Context(), owner.Who, "self", self)
		wantErr(t, "the same in a test", err, invalid)
		w.Providers = nil // it is in the file no more; its people are known
		wantErr(t, "another claim than the one that people are known by", w.AddProvider(t.Context(), owner.Actor(), "self", self), invalid)
		plain := w.entered(true)
		plain.Settings.GroupsClaim, plain.Settings.AdminGroups = "", nil
		if err := w.AddProvider(t.Context(), owner.Actor(), "self", plain); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "the claim changed under them", w.UpdateProvider(t.Context(), owner.Actor(), "self", self), invalid)
		moved := plain
		moved.Settings.Issuer = "https://other.example.com"
		wantErr(t, "the issuer changed under them", w.UpdateProvider(t.Context(), owner.Actor(), "self", moved), invalid)
		sly := w.idp.Config("sly") // of a file that was edited by hand
		sly.SubjectClaim = "employee"
		w.Providers = []*auth.Provider{sly}
		_, err = by(w.idp, "sly", with(ada("mallory"), map[string]any{"employee": "victim"}), nil)
		wantErr(t, "a claim that says what the other one says of the victim", err, auth.ErrBadAnswer)
		if n := w.audited("session.sign_in_refused", "other_claim"); n != 1 {
			t.Errorf("refused for something else:\n%s", w.auditText())
		}
	})
}

func TestUserinfoDoesNotSayHowSomebodyShowedThemselves(t *testing.T) {
	w := on(t)
	p := w.Providers[0]
	p.TrustAMR, p.TrustACR, p.NameClaim = []string{"mfa"}, []string{"strong"}, "wanted" // so that userinfo is asked
	stage := func(a authtest.Answer) (auth.Stage, auth.Who) {
		t.Helper()
		done := authtest.SignIn(t, w.Service, w.idp, "corp", a, browser)
		w.keep(done.Secret)
		return done.Stage, authtest.Who(t, w.Service, done, browser)
	}
	said := map[string]any{"amr": []string{"mfa"}, "acr": "strong", "auth_time": w.clock.Unix(), "sid": "chosen"}
	profile := ada("eve")
	profile.UserInfo = said
	if got, who := stage(profile); got != auth.FactorEnrolment || who.Session.Upstream.Session != "" {
		t.Errorf("a profile that says mfa: got %s, sid %q", got, who.Session.Upstream.Session)
	}
	for what, c := range map[string]struct {
		claims map[string]any
		want   auth.Stage
		fresh  bool
	}{
		"amr":            {map[string]any{"amr": []string{"pwd", "mfa"}, "auth_time": w.clock.Unix()}, auth.Ready, true},
		"acr":            {map[string]any{"acr": "strong", "auth_time": w.clock.Unix()}, auth.Ready, true},
		"no time":        {map[string]any{"amr": []string{"mfa"}}, auth.Ready, false},
		"in the future":  {map[string]any{"amr": []string{"mfa"}, "auth_time": w.clock.Unix() + 1e6}, auth.Ready, true},
		"last week":      {map[string]any{"amr": []string{"mfa"}, "auth_time": w.clock.Unix() - 7*86400}, auth.Ready, false},
		"a word":         {map[string]any{"amr": "mfa"}, auth.FactorEnrolment, false},
		"another":        {map[string]any{"amr": []string{"MFA", "mfa "}, "acr": "Strong"}, auth.FactorEnrolment, false},
		"acr as a list":  {map[string]any{"acr": []string{"strong"}}, auth.FactorEnrolment, false},
		"not trusted":    {map[string]any{"amr": []string{"pwd"}}, auth.FactorEnrolment, false},
		"amr of objects": {map[string]any{"amr": []any{map[string]any{"mfa": 1}}}, auth.FactorEnrolment, false},
	} {
		got, who := stage(with(ada("u-"+what), c.claims))
		if fresh := auth.RequireFresh(who.Actor(), w.clock) == nil; got != c.want || fresh != c.fresh {
			t.Errorf("%s: got %s, fresh %v; want %s, %v", what, got, fresh, c.want, c.fresh)
		}
		if renewed := authtest.Trace(t, w.Store, who.User.ID) == authtest.Renewed; renewed != (c.want == auth.Ready && what != "last week") {
			t.Errorf("%s: tunnels run again: %v", what, renewed)
		}
	}
	p.TrustAMR, p.TrustACR = nil, nil
	if got, _ := stage(with(ada("untrusted"), said)); got != auth.FactorEnrolment {
		t.Errorf("a provider that is not trusted with it: got %s", got)
	}
}

func TestUnlinkingTakesBackWhatTheAccountGave(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.openLoopback()
		owner := w.admin("root", "owners")
		second := authtest.New(t)
		second.Now = w.idp.Now
		in := w.entered(true)
		in.Settings.Issuer, in.Settings.GroupsClaim = second.URL, "groups"
		in.Settings.AdminGroups = []string{"chiefs"}
		if err := w.AddProvider(t.Context(), owner.Actor(), "second", in); err != nil {
			t.Fatal(err)
		}
		bob := w.enrolled(ada("bob"))
		second.Set(with(ada("b2"), map[string]any{"groups": []string{"chiefs"}}))
		start, err := w.LinkIdentity(t.Context(), bob.Who, "second")
		if err != nil {
			t.Fatal(err)
		}
		cb := second.Visit(t, "second", start.Redirect)
		cb.Session = w.secretOf(bob)
		if _, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser); err != nil {
			t.Fatal(err)
		}
		start, err = w.StartSignIn(t.Context(), "second", "/", browser)
		if err != nil {
			t.Fatal(err)
		}
		done, err := w.FinishSignIn(t.Context(), second.Visit(t, "second", start.Redirect), start.Flow.Reveal(), browser)
		if err != nil {
			t.Fatal(err)
		}
		w.keep(start.Flow, done.Secret)
		if u := w.userOf("bob"); u.ID != done.Session.User || u.Role != portal.RoleAdmin || len(w.groups(u.ID)) != 1 {
			t.Fatalf("got %+v, %v", u, w.groups(u.ID))
		}
		find := func(issuer string) string {
			t.Helper()
			all, err := w.PersonIdentities(t.Context(), owner.Actor(), bob.User.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range all {
				if one.Issuer == issuer {
					return one.ID
				}
			}
			t.Fatalf("no account at %s in %v", issuer, all)
			return ""
		}
		// From before sources named the provider.
		if err := w.Store.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.SetMemberships(bob.User.ID, portal.SourceClaim, []string{"old"})
			return errors.Join(err, tx.SetRole(bob.User.ID, portal.RoleAdmin, store.RoleFromClaim))
		}); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "by a plain user", w.UnlinkPerson(t.Context(), bob.Actor(), owner.User.ID, find(second.URL)), portal.ErrForbidden)
		wantErr(t, "of somebody else", w.UnlinkPerson(t.Context(), owner.Actor(), bob.User.ID, "nonsense"), portal.ErrNotFound)
		if err := w.UnlinkPerson(t.Context(), owner.Actor(), bob.User.ID, find(second.URL)); err != nil {
			t.Fatal(err)
		}
		if u := w.userOf("bob"); u.Role != portal.RoleUser || len(w.groups(u.ID)) != 0 {
			t.Errorf("what the account gave is left: %s, %v", u.Role, w.groups(u.ID))
		}
		_, err = w.Authenticate(t.Context(), done.Secret.Reveal(), browser)
		wantErr(t, "the session that the account began", err, portal.ErrSignedOut)
		if _, err := w.Authenticate(t.Context(), w.secretOf(bob), browser); err != nil {
			t.Errorf("the session of the other account: %v", err)
		}
		wantErr(t, "the last one", w.UnlinkPerson(t.Context(), owner.Actor(), bob.User.ID, find(w.idp.URL)), auth.ErrLastIdentity)
		wantErr(t, "one's own", w.UnlinkPerson(t.Context(), owner.Actor(), owner.User.ID, find(w.idp.URL)), auth.ErrOwnAccount)

		// Whom a directory keeps by an account can't come back by it as somebody of whom it does not know.
		if err := w.Store.Tx(t.Context(), func(tx *store.Tx) error {
			return errors.Join(
				tx.LinkIdentity(portal.Identity{Issuer: second.URL, Subject: "b2", User: bob.User.ID, IDPSub: "b2", Claim: "sub"}),
				tx.CreateSCIMUser(portal.SCIMUser{Issuer: w.idp.URL, User: bob.User.ID, Subject: "bob", UserName: "bob", Active: true}),
			)
		}); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "kept by a directory", w.UnlinkIdentity(t.Context(), bob.Who, find(w.idp.URL)), auth.ErrIdentityKept)
		if err := w.UnlinkIdentity(t.Context(), bob.Who, find(second.URL)); err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyClosesTheDoorTheyCameInBy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.openLoopback()
		owner := w.admin("root", "owners")
		in := w.entered(true)
		in.Settings.GroupsClaim, in.Settings.OwnerGroups = "groups", []string{"owners"}
		if err := w.AddProvider(t.Context(), owner.Actor(), "second", in); err != nil {
			t.Fatal(err)
		}
		done, err := w.signInBy("second", with(ada("chief"), map[string]any{"groups": []string{"owners"}}))
		if err != nil {
			t.Fatal(err)
		}
		chief := authtest.Who(t, w.Service, done, browser)
		_, proven := authtest.Enrol(t, w.Service, chief, w.clock)
		chief = authtest.Who(t, w.Service, proven.SignedIn, browser)
		off := in
		off.Enabled = false
		wantErr(t, "disable", w.UpdateProvider(t.Context(), chief.Actor(), "second", off), auth.ErrOwnProvider)
		wantErr(t, "delete", w.DeleteProvider(t.Context(), chief.Actor(), "second"), auth.ErrOwnProvider)

		// The last owner has the role by this provider's claim.
		if err := w.SetRole(t.Context(), chief.Actor(), owner.User.ID, portal.RoleAdmin); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "nobody would be left", w.DeleteProvider(t.Context(), portal.System, "second"), auth.ErrLastOwner)

		// Somebody is at the provider while it changes.
		w.idp.Set(ada("late"))
		start, err := w.StartSignIn(t.Context(), "second", "/", browser)
		if err != nil {
			t.Fatal(err)
		}
		cb := w.idp.Visit(t, "second", start.Redirect)
		off.Settings.Domains = []string{"other.org"}
		if err := w.UpdateProvider(t.Context(), portal.System, "second", off); err != nil {
			t.Fatal(err)
		}
		_, err = w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
		wantErr(t, "a provider that was disabled meanwhile", err, auth.ErrSignInEnded)
	})
}
