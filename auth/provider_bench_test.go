package auth_test

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// BenchmarkDeleteProvider deletes a provider by which everybody came: each has a session and two groups by it. It is one transaction, in which
// nobody else writes on SQLite.
func BenchmarkDeleteProvider(b *testing.B) {
	for _, people := range []int{500, 50_000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				w := newWorld(b, storetest.New(b))
				w.Tunnels = &peers.Service{Store: w.Store, Log: slog.New(slog.DiscardHandler), Portal: "https://vpn.example.com"}
				owner := w.admin("root", "owners").Actor()
				if err := w.AddProvider(b.Context(), owner, "left", w.entered(true)); err != nil {
					b.Fatal(err)
				}
				w.crowd("left", people)
				b.StartTimer()
				if err := w.DeleteProvider(b.Context(), owner, "left"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// crowd is people who have come by a provider.
func (w *world) crowd(provider string, n int) {
	w.t.Helper()
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i
	}
	for part := range slices.Chunk(numbers, 1000) {
		err := w.Store.Tx(w.t.Context(), func(tx *store.Tx) error {
			for _, i := range part {
				if err := w.cameBy(tx, provider, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) cameBy(tx *store.Tx, provider string, i int) error {
	u, _, err := tx.EnsureIdentity(w.idp.URL, fmt.Sprintf("crowd-%d", i), portal.User{
		ID: portal.NewID[portal.UserID](tx.Now), Name: "Crowd", Role: portal.RoleUser, State: portal.UserActive, CreatedAt: tx.Now,
	})
	if err != nil {
		return err
	}
	if _, err := tx.SetMemberships(u.ID, portal.SourceOf(provider), []string{"all", fmt.Sprintf("team-%d", i%500)}); err != nil {
		return err
	}
	session := portal.Session{
		ID: portal.NewID[portal.SessionID](tx.Now), User: u.ID, Provider: provider, CreatedAt: tx.Now, SeenAt: tx.Now, ExpiresAt: tx.Now.Add(time.Hour),
		Upstream: portal.Upstream{Issuer: w.idp.URL, Subject: fmt.Sprintf("crowd-%d", i)},
	}
	return tx.CreateSession(session, fmt.Sprintf("hash-%d", i))
}
