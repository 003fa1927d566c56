package auth_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// entered is the world's provider as an owner would enter it.
func (w *world) entered(create bool) auth.ProviderInput {
	secret := portal.NewSecretText(authtest.ClientSecret)
	return auth.ProviderInput{Enabled: true, Secret: &secret, Settings: portal.ProviderSettings{
		Name: "Entered", Issuer: w.idp.URL, ClientID: authtest.ClientID, GroupsClaim: "realm_access.roles", AdminGroups: []string{"chiefs"}, Create: create,
	}}
}

// openLoopback lets providers of the database be on this machine, where those of the tests are.
func (w *world) openLoopback() {
	w.ProviderNetworks = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

func (w *world) signInBy(provider string, a authtest.Answer) (auth.SignedIn, error) {
	w.t.Helper()
	w.idp.Set(a)
	start, err := w.StartSignIn(w.t.Context(), provider, "/", browser)
	if err != nil {
		return auth.SignedIn{}, err
	}
	w.keep(start.Flow)
	return w.FinishSignIn(w.t.Context(), w.idp.Visit(w.t, provider, start.Redirect), start.Flow.Reveal(), browser)
}

func nested(subject string, groups ...string) authtest.Answer {
	a := ada(subject)
	delete(a.Claims, "groups")
	a.Claims["realm_access"] = map[string]any{"roles": groups}
	return a
}

func TestProviderThatWasEnteredSignsPeopleIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.openLoopback()
		owner := w.admin("root", "owners")
		if err := w.AddProvider(t.Context(), owner.Actor(), "second", w.entered(true)); err != nil {
			t.Fatal(err)
		}
		in, err := w.signInBy("second", nested("bob", "chiefs", "dev"))
		if err != nil {
			t.Fatal(err)
		}
		if who := authtest.Who(t, w.Service, in, browser); who.User.Role != portal.RoleAdmin {
			t.Errorf("got role %s, want that of the nested claim", who.User.Role)
		}

		another := &auth.Service{Store: w.Store, Keys: w.Keys, Tunnels: w.tunnels, PublicURL: w.PublicURL, Now: w.Now, ProviderNetworks: w.ProviderNetworks}
		off := w.entered(true)
		off.Enabled, off.Secret = false, nil
		if err := another.UpdateProvider(t.Context(), owner.Actor(), "second", off); err != nil {
			t.Fatal(err)
		}
		_, err = w.signInBy("second", nested("bob"))
		wantErr(t, "sign-in by a provider that another portal has just disabled", err, auth.ErrNoProvider)
		_, err = w.Authenticate(t.Context(), in.Secret.Reveal(), browser)
		wantErr(t, "session that it began", err, portal.ErrSignedOut)
		if n := w.audited("provider.update", `"enabled":false`); n != 1 {
			t.Errorf("got %d events of the change, want 1", n)
		}

		if err := w.DeleteProvider(t.Context(), owner.Actor(), "second"); err != nil {
			t.Fatal(err)
		}
		user := w.userOf("bob")
		if user.Role != portal.RoleUser {
			t.Errorf("after its provider went: got role %s, want user", user.Role)
		}
		if groups := w.groups(user.ID); len(groups) != 0 {
			t.Errorf("after its provider went: got groups %v, want none", groups)
		}
	})
}

func (w *world) userOf(subject string) (user portal.User) {
	w.t.Helper()
	if err := w.Store.View(w.t.Context(), func(tx *store.Tx) (err error) {
		user, err = tx.UserByIdentity(w.idp.URL, subject)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return user
}

func TestClaimOfOneProviderLeavesWhatAnotherGave(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.openLoopback()
		owner := w.admin("root", "owners")
		if err := w.AddProvider(t.Context(), owner.Actor(), "second", w.entered(true)); err != nil {
			t.Fatal(err)
		}
		first := ada("bob")
		first.Claims["groups"] = []string{"eng", "admins"}
		w.signInAs(first)
		if _, err := w.signInBy("second", nested("bob", "ops", "eng")); err != nil {
			t.Fatal(err)
		}
		id := w.userOf("bob").ID
		if got := strings.Join(w.groups(id), " "); got != "admins eng ops" {
			t.Errorf("got groups %q", got)
		}
		if role := w.userOf("bob").Role; role != portal.RoleAdmin {
			t.Errorf("a claim of the second provider took the role of the first: %s", role)
		}
		if _, err := w.signInBy("second", nested("bob")); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.groups(id), " "); got != "admins eng" {
			t.Errorf("after the second claim went: got groups %q, want those of the first", got)
		}
		w.signInAs(ada("bob"))
		if got := w.groups(id); len(got) != 0 || w.userOf("bob").Role != portal.RoleUser {
			t.Errorf("after both went: got %v, %s", got, w.userOf("bob").Role)
		}
	})
}

func TestSecretIsKeptForTheSameClientOnly(t *testing.T) {
	invalid := &portal.Error{Code: "invalid_input"}
	w := on(t)
	owner := w.admin("root", "owners")
	if err := w.AddProvider(t.Context(), owner.Actor(), "second", w.entered(true)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*portal.ProviderSettings){
		"issuer": func(s *portal.ProviderSettings) { s.Issuer = "https://evil.example.com" },
		"client": func(s *portal.ProviderSettings) { s.ClientID = "other" },
	} {
		in := w.entered(true)
		in.Secret = nil
		change(&in.Settings)
		wantErr(t, "update: another "+name, w.UpdateProvider(t.Context(), owner.Actor(), "second", in), invalid)
		_, _, err := w.TryProvider(t.Context(), owner.Who, "second", in)
		wantErr(t, "test: another "+name, err, invalid)
	}
	wantErr(t, "a provider of the file", w.UpdateProvider(t.Context(), owner.Actor(), "corp", w.entered(true)), auth.ErrProviderFromFile)
	wantErr(t, "an id of the file", w.AddProvider(t.Context(), owner.Actor(), "corp", w.entered(true)), auth.ErrProviderTaken)
	wantErr(t, "an id twice", w.AddProvider(t.Context(), owner.Actor(), "second", w.entered(true)), auth.ErrProviderTaken)
	admin := w.admin("boss", "admins")
	wantErr(t, "an admin", w.AddProvider(t.Context(), admin.Actor(), "third", w.entered(true)), portal.ErrForbidden)
	w.pass(auth.StepUpAge + time.Minute)
	wantErr(t, "a stale factor", w.DeleteProvider(t.Context(), owner.Actor(), "second"), portal.ErrStepUp)
	bad := w.entered(true)
	bad.Settings.SubjectClaim = "email"
	wantErr(t, "known by e-mail", w.AddProvider(t.Context(), portal.System, "fourth", bad), invalid)
}

func TestPrivateAddressesAreNotAsked(t *testing.T) {
	w := on(t) // the provider is on loopback, which is not open
	owner := w.admin("root", "owners")
	if err := w.AddProvider(t.Context(), owner.Actor(), "second", w.entered(true)); err != nil {
		t.Fatal(err)
	}
	before := w.idp.Calls("/.well-known/openid-configuration")
	_, err := w.StartSignIn(t.Context(), "second", "/", browser)
	wantErr(t, "sign-in", err, auth.ErrProviderDown)
	id, start, err := w.TryProvider(t.Context(), owner.Who, "third", w.entered(true))
	if err != nil || start.Redirect != "/admin/provider-tests/"+id {
		t.Fatalf("a test leads to %q, %v", start.Redirect, err)
	}
	out, err := w.ProviderTried(t.Context(), owner.Who, id)
	if err != nil || out.Outcome != auth.TryFailed || out.Reason != "discovery" || !strings.Contains(out.Cause, "provider_networks") {
		t.Errorf("got %+v, %v; want to be told why", out, err)
	}
	if n := w.idp.Calls("/.well-known/openid-configuration"); n != before {
		t.Errorf("it was asked %d times", n-before)
	}
}

func TestATestAsksAProviderThatIsDownOnce(t *testing.T) {
	w := on(t)
	w.openLoopback()
	owner := w.admin("root", "owners")
	w.idp.SetDown(true)
	before := w.idp.Calls("/.well-known/openid-configuration")
	id, _, err := w.TryProvider(t.Context(), owner.Who, "second", w.entered(true))
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.ProviderTried(t.Context(), owner.Who, id)
	if err != nil || out.Reason != "discovery" || !strings.Contains(out.Cause, "503") {
		t.Errorf("got %q, %q, %v", out.Reason, out.Cause, err)
	}
	if n := w.idp.Calls("/.well-known/openid-configuration") - before; n != 1 {
		t.Errorf("it was asked %d times, want once: each may take seconds", n)
	}
}

func TestDirectoriesMayBeOfProvidersThatWereEntered(t *testing.T) {
	w := on(t)
	same, other := w.entered(true), w.entered(true)
	other.Settings.Name, other.Settings.Issuer = "Other", "https://other.example.com"
	for id, in := range map[string]auth.ProviderInput{"same": same, "other": other} {
		if err := w.AddProvider(t.Context(), portal.System, id, in); err != nil {
			t.Fatal(err)
		}
	}
	got, err := w.Issuers(t.Context())
	if want := []auth.Issuer{{Issuer: w.idp.URL, Name: "Test corp"}, {Issuer: "https://other.example.com", Name: "Other"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}

func TestTestSignInShowsAndSavesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.openLoopback()
		owner := w.admin("root", "owners")
		try := func(in auth.ProviderInput, a authtest.Answer) auth.Tried {
			t.Helper()
			w.idp.Set(a)
			id, start, err := w.TryProvider(t.Context(), owner.Who, "second", in)
			if err != nil {
				t.Fatal(err)
			}
			cb := w.idp.Visit(t, "second", start.Redirect)
			cb.Session = w.secretOf(owner)
			done, err := w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
			if err != nil || !done.Secret.IsZero() || done.ReturnTo != "/admin/provider-tests/"+id {
				t.Fatalf("got %v, %v", done.ReturnTo, err)
			}
			_, err = w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
			wantErr(t, "the same answer again", err, auth.ErrSignInUsed)
			out, err := w.ProviderTried(t.Context(), owner.Who, id)
			if err != nil || !out.Done {
				t.Fatalf("got %v, %v", out, err)
			}
			other := owner.Who
			other.Session.ID = "other"
			_, err = w.ProviderTried(t.Context(), other, id)
			wantErr(t, "another session", err, portal.ErrNotFound)
			return out
		}
		out := try(w.entered(true), nested("bob", "chiefs"))
		if out.Outcome != auth.TryCreated || out.Role != portal.RoleAdmin || out.Subject != "bob" || len(out.Groups) != 1 || out.Claims["realm_access"] == nil {
			t.Errorf("got %+v", out)
		}
		if out := try(w.entered(false), nested("bob")); out.Outcome != auth.TryRefused || out.Reason != "unknown_person" {
			t.Errorf("create off: got %s %s", out.Outcome, out.Reason)
		}
		if out := try(w.entered(false), nested("root")); out.Outcome != auth.TryExisting || out.Person != owner.User.ID {
			t.Errorf("somebody who is there: got %s %s", out.Outcome, out.Person)
		}
		wrong := nested("bob")
		wrong.ForeignKey = true
		if out := try(w.entered(true), wrong); out.Outcome != auth.TryFailed || out.Reason != "id_token" || out.Cause == "" || out.Claims != nil {
			t.Errorf("a wrong key: got %s %s", out.Outcome, out.Reason)
		}
		in := w.entered(true)
		in.Settings.Domains = []string{"other.org"}
		if out := try(in, nested("bob")); out.Outcome != auth.TryRefused || out.Reason != "domain" {
			t.Errorf("another domain: got %s %s", out.Outcome, out.Reason)
		}
		err := w.Store.View(t.Context(), func(tx *store.Tx) error {
			_, err := tx.UserByIdentity(w.idp.URL, "bob")
			return err
		})
		wantErr(t, "the person of the test", err, portal.ErrNotFound)
		if options, err := w.SignInOptions(t.Context()); err != nil || len(options) != 1 {
			t.Errorf("a provider was saved: %v, %v", options, err)
		}
	})
}

// secretOf is the cookie of a person's session, which the test has kept.
func (w *world) secretOf(p person) string {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.secrets {
		if who, err := w.Authenticate(w.t.Context(), s, browser); err == nil && who.Session.ID == p.Session.ID {
			return s
		}
	}
	w.t.Fatal("the session's secret was not kept")
	return ""
}

func TestSecondAccountIsLinkedBySessionOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bob := w.enrolled(ada("bob"))
		link := func(p person, a authtest.Answer, cookie string) error {
			t.Helper()
			w.idp.Set(a)
			start, err := w.LinkIdentity(t.Context(), p.Who, "corp")
			if err != nil {
				t.Fatal(err)
			}
			cb := w.idp.Visit(t, "corp", start.Redirect)
			cb.Session = cookie
			_, err = w.FinishSignIn(t.Context(), cb, start.Flow.Reveal(), browser)
			return err
		}
		wantErr(t, "without the session", link(bob, ada("bob-2"), ""), auth.ErrSignInEnded)
		if err := link(bob, ada("bob-2"), w.secretOf(bob)); err != nil {
			t.Fatal(err)
		}
		if id := w.userOf("bob-2").ID; id != bob.User.ID {
			t.Errorf("the second account is of %s, want %s", id, bob.User.ID)
		}
		same := w.enrolled(authtest.Answer{Subject: "eve", Claims: map[string]any{"email": "bob@example.com", "email_verified": true}})
		if same.User.ID == bob.User.ID {
			t.Error("people were matched by their address")
		}
		wantErr(t, "an account of somebody else", link(same, ada("bob-2"), w.secretOf(same)), auth.ErrIdentityTaken)
		wantErr(t, "another one's session", link(same, ada("new"), w.secretOf(bob)), auth.ErrSignInEnded)

		mine, err := w.Identities(t.Context(), bob.Who)
		if err != nil || len(mine) != 2 || mine[0].Provider == "" {
			t.Fatalf("got %v, %v", mine, err)
		}
		wantErr(t, "somebody else's", w.UnlinkIdentity(t.Context(), same.Who, mine[0].ID), portal.ErrNotFound)
		if err := w.UnlinkIdentity(t.Context(), bob.Who, mine[0].ID); err != nil {
			t.Fatal(err)
		}
		wantErr(t, "the last one", w.UnlinkIdentity(t.Context(), bob.Who, mine[1].ID), auth.ErrLastIdentity)
		w.pass(auth.StepUpAge + time.Minute)
		_, err = w.LinkIdentity(t.Context(), bob.Who, "corp")
		wantErr(t, "a stale factor", err, portal.ErrStepUp)
	})
}
