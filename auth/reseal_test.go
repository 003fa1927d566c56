package auth_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestMasterKeyRotates(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key := func(id string) seal.Key {
			k, err := seal.NewKey(id, portal.NewSecret(seal.KeySize))
			if err != nil {
				t.Fatal(err)
			}
			return k
		}
		ring := func(keys ...seal.Key) *seal.Keyring {
			r, err := seal.NewKeyring(keys...)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		older, newer := key("2026-a"), key("2026-b")
		w.Keys = ring(older)
		w.Providers[0].Logout = true // so that the ID token is kept
		w.openLoopback()
		p := w.admin("u1", "owners")
		if err := w.AddProvider(t.Context(), p.Actor(), "second", w.entered(true)); err != nil {
			t.Fatal(err)
		}
		w.idp.SetDown(true)
		test, _, err := w.TryProvider(t.Context(), p.Who, "third", w.entered(true))
		if err != nil {
			t.Fatal(err)
		}
		w.idp.SetDown(false)
		sealed, err := w.Keys.Seal([]byte("the CA's key"), "secrets/gateway-ca")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Store.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateSecret("gateway-ca", sealed) }); err != nil {
			t.Fatal(err)
		}

		if got := storetest.ColumnsWith(t, w.Store, w.Keys.Head()); !slices.Equal(got, sealedColumns) {
			t.Errorf("sealed are %v, want %v", got, sealedColumns)
		}
		w.Keys = ring(newer, older)
		if n, err := w.Reseal(t.Context()); err != nil || n != 5 {
			t.Fatalf("resealed %d, %v; want 5", n, err)
		}
		if left := storetest.ColumnsWith(t, w.Store, ring(older).Head()); left != nil {
			t.Errorf("the old key is still needed for %v", left)
		}
		if n, err := w.Reseal(t.Context()); err != nil || n != 0 {
			t.Errorf("again: resealed %d, %v; want none", n, err)
		}
		w.Keys = ring(newer) // the old one is gone for good
		in, err := w.VerifyTOTP(t.Context(), p.Who, w.code(p))
		if err != nil {
			t.Errorf("the authenticator after the rotation: %v", err)
		}
		w.keep(in.Secret)
		_, err = w.ProviderTried(t.Context(), p.Who, test)
		wantErr(t, "the test of before", err, portal.ErrNotFound)
		if _, err := w.signInBy("second", nested("bob")); err != nil {
			t.Errorf("the client secret after the rotation: %v", err)
		}
		if ended, err := w.SignOut(t.Context(), p.Who); err != nil || !strings.Contains(w.SignOutUpstream(t.Context(), ended), "client_id=") || ended.Upstream.IDToken != "" {
			t.Errorf("signing out without the ID token: %v", err)
		}
		err = w.Store.View(t.Context(), func(tx *store.Tx) error {
			got, err := tx.Secret("gateway-ca")
			if err != nil {
				return err
			}
			plain, err := w.Keys.Open(got, "secrets/gateway-ca")
			if string(plain) != "the CA's key" {
				t.Errorf("the secret is %q", plain)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
