package auth_test

import (
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
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
		p := w.enrolled(ada("u1"))
		sealed, err := w.Keys.Seal([]byte("the CA's key"), "secrets/gateway-ca")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Store.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateSecret("gateway-ca", sealed) }); err != nil {
			t.Fatal(err)
		}

		w.Keys = ring(newer, older)
		if n, err := w.Reseal(t.Context()); err != nil || n != 2 {
			t.Fatalf("resealed %d, %v; want 2", n, err)
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
