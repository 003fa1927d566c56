package auth_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// addAtOnce adds providers that differ in id, and as change says, at the same time. It returns what came of each.
func (w *world) addAtOnce(by portal.Actor, n int, change func(i int, in *auth.ProviderInput)) []error {
	w.t.Helper()
	out := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			in := w.entered(true)
			change(i, &in)
			out[i] = w.AddProvider(w.t.Context(), by, fmt.Sprintf("p%d", i), in)
		})
	}
	all.Wait()
	return out
}

func (w *world) read(look func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.Store.View(w.t.Context(), look); err != nil {
		w.t.Error(err)
	}
}

func TestProvidersAddedAtOnceKeepToTheRules(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		by := w.admin("root", "owners").Actor()
		added := map[string]int{}
		for _, err := range w.addAtOnce(by, 16, func(i int, in *auth.ProviderInput) {
			in.Settings.Issuer, in.Settings.SubjectClaim = "https://login.example.com", []string{"sub", "oid"}[i%2]
		}) {
			var e *portal.Error
			if err != nil && (!errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Code != "other_claim") {
				t.Errorf("one of two notions: %v", err)
			}
		}
		w.read(func(tx *store.Tx) error {
			rows, err := tx.Providers()
			for _, r := range rows {
				added[r.Settings.SubjectClaim]++
			}
			return err
		})
		if len(added) != 1 {
			t.Errorf("people of one issuer would be known by %v", added)
		}

		err := w.Store.Tx(t.Context(), func(tx *store.Tx) error { // up to two places of the limit
			rows, err := tx.Providers()
			for i := len(rows); i < 48 && err == nil; i++ {
				err = tx.CreateProvider(portal.IdentityProvider{ID: fmt.Sprintf("full%d", i)})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, err := range w.addAtOnce(by, 8, func(i int, in *auth.ProviderInput) { in.Settings.Issuer = fmt.Sprintf("https://%d.example.com", i) }) {
			if !errors.Is(err, auth.ErrTooManyProviders) && !errors.Is(err, auth.ErrProviderTaken) && err != nil {
				t.Error(err)
			}
			if errors.Is(err, auth.ErrTooManyProviders) {
				left++
			}
		}
		w.read(func(tx *store.Tx) error {
			rows, err := tx.Providers()
			if len(rows) != 50 || left == 0 {
				t.Errorf("there are %d providers, want the 50 that may be; %d were refused", len(rows), left)
			}
			return err
		})
	})
}
