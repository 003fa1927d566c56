package scim_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/auth/authtest"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
)

// Entra ID provisions with externalId = objectId and signs people in with a "sub" of the application's own; "oid" is the same in both.
func TestPersonOfEntraIsKnownByTheirObjectID(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		idp := authtest.New(t)
		idp.Now = w.Store.Now
		key, err := seal.NewKey("k1", portal.NewSecret(seal.KeySize))
		w.ok(err)
		w.auth.Keys, err = seal.NewKeyring(key)
		w.ok(err)
		p := idp.Config("entra")
		p.SubjectClaim, p.Create = "oid", false
		w.auth.Providers, w.auth.PublicURL, w.auth.Log = []*auth.Provider{p}, "https://vpn.example.com", slog.New(slog.DiscardHandler)
		w.token, w.secret = w.newToken(idp.URL)

		const oid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
		body := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":%q,"userName":"mina@example.com","displayName":"Mina","active":true}`
		id, _ := w.want(http.StatusCreated, "POST", "/Users", fmt.Sprintf(body, oid)).body["id"].(string)
		dev := w.group("dev", portal.UserID(id))

		says := func(oid string) authtest.Answer {
			return authtest.Answer{Subject: "pairwise-" + oid[:8], Claims: map[string]any{"oid": oid, "name": "Mina", "email": "mina@example.com"}}
		}
		in := authtest.SignIn(t, w.auth, idp, "entra", says(oid), from)
		who := authtest.Who(t, w.auth, in, from)
		if got := w.groups(who.User.ID); string(who.User.ID) != id || got != "dev[scim]" {
			t.Errorf("signed in as %s with %q, want %s with the group %s of the directory", who.User.ID, got, id, dev)
		}

		signIn := func(a authtest.Answer) error {
			idp.Set(a)
			start, err := w.auth.StartSignIn(t.Context(), "entra", "/", from)
			w.ok(err)
			_, err = w.auth.FinishSignIn(t.Context(), idp.Visit(t, "entra", start.Redirect), start.Flow.Reveal(), from)
			return err
		}
		if err := signIn(says("0f8fad5b-d9cb-469f-a165-70867728950e")); !errors.Is(err, auth.ErrNotInvited) {
			t.Errorf("somebody with the same address whom the directory does not know: %v", err)
		}
		w.want(http.StatusOK, "PATCH", "/Users/"+id, patch(`{"op":"Replace","path":"active","value":"False"}`))
		if err := signIn(says(oid)); !errors.Is(err, auth.ErrSuspended) {
			t.Errorf("after the directory deactivated them: %v", err)
		}
	})
}
