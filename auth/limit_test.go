package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// tries is how each limit is run into: under which key it counts, and what is tried from a browser.
func tries(w *world) map[portal.LimitKind]func(from auth.Browser) (key string, do func(ctx context.Context, s *auth.Service) error) {
	a, b := w.enrolled(ada("a")), w.enrolled(ada("b"))
	farA, farB := w.signIn("a"), w.signIn("b") // sessions that have yet to show a factor
	type doer = func(ctx context.Context, s *auth.Service) error
	guess := func(name string, from auth.Browser) doer {
		return func(ctx context.Context, s *auth.Service) error {
			return second(s.LocalSignIn(ctx, name, portal.NewSecretText("not the password"), from))
		}
	}
	return map[portal.LimitKind]func(from auth.Browser) (string, doer){
		portal.LimitFactor: func(from auth.Browser) (string, doer) {
			farA.From = from
			return string(a.User.ID), func(ctx context.Context, s *auth.Service) error { return second(s.VerifyTOTP(ctx, farA, "000000")) }
		},
		portal.LimitFactorAddr: func(from auth.Browser) (string, doer) {
			farB.From = from
			return portal.TryKey(from.Addr), func(ctx context.Context, s *auth.Service) error { return second(s.VerifyRecovery(ctx, farB, "x")) }
		},
		portal.LimitPasskeyAsk: func(auth.Browser) (string, doer) {
			return string(b.User.ID), func(ctx context.Context, s *auth.Service) error {
				b.Session.FactorAt = w.clock
				return second(s.BeginPasskey(ctx, b.Who))
			}
		},
		portal.LimitSignIn: func(from auth.Browser) (string, doer) {
			return portal.TryKey(from.Addr), func(ctx context.Context, s *auth.Service) error { return second(s.StartSignIn(ctx, "corp", "/", from)) }
		},
		portal.LimitRefused: func(from auth.Browser) (string, doer) {
			return portal.TryKey(from.Addr), func(ctx context.Context, s *auth.Service) error {
				return second(s.FinishSignIn(ctx, auth.Callback{Provider: "corp"}, "none", from))
			}
		},
		portal.LimitLocalAddr: func(from auth.Browser) (string, doer) { return portal.TryKey(from.Addr), guess("somebody", from) },
		portal.LimitLocalPair: func(from auth.Browser) (string, doer) {
			return auth.LocalKey("pair") + "/" + portal.TryKey(from.Addr), guess("pair", from)
		},
		portal.LimitLocal: func(from auth.Browser) (string, doer) { // only places that have been wrong before wait for what others tried
			fill(w, portal.LimitLocalPair, auth.LocalKey("account")+"/"+portal.TryKey(from.Addr), 1)
			return auth.LocalKey("account"), guess("account", from)
		},
		portal.LimitTokenAddr: func(from auth.Browser) (string, doer) {
			return portal.TryKey(from.Addr), func(ctx context.Context, s *auth.Service) error {
				return second(s.AuthenticateToken(ctx, "sp_wrong", from))
			}
		},
	}
}

// Everything that the table of limits names pauses after its last free try, says for how long, counts on one portal what was tried on another,
// and ends the pause by itself. All tries but the last two are counted as the portal itself would. A kind that nothing here tries fails.
func TestEveryLimitPausesAndIsSharedByReplicas(t *testing.T) {
	t.Cleanup(auth.HashCheaply())
	each(t, func(t *testing.T, w *world) {
		known := tries(w)
		other := &auth.Service{Store: w.Store, Keys: w.Keys, Tunnels: w.tunnels, Providers: w.Providers, PublicURL: w.PublicURL, Now: w.Now, Log: w.Log, LocalAccounts: true}
		w.LocalAccounts = true
		from := browser
		from.Addr = netip.MustParseAddr("198.51.100.1")
		for _, l := range portal.Limits() {
			if l.Kind == portal.LimitSCIMAddr || l.Kind == portal.LimitEnrolAddr {
				continue // tried by the tests of auth/scim and peers
			}
			if known[l.Kind] == nil {
				t.Errorf("nothing tries %s", l.Kind)
				continue
			}
			from.Addr = from.Addr.Next() // a place of its own
			key, do := known[l.Kind](from)
			fill(w, l.Kind, key, l.Free-2)
			for i, s := range []*auth.Service{w.Service, other} {
				if err := do(t.Context(), s); err == nil && l.Kind != portal.LimitSignIn && l.Kind != portal.LimitPasskeyAsk || limited(err) > 0 {
					t.Errorf("%s: free try %d of two: %v", l.Kind, i+1, err)
				}
			}
			for i, s := range []*auth.Service{other, w.Service} {
				if wait := limited(do(t.Context(), s)); wait < 1 || wait > int(l.Pause(l.Free).Seconds()) {
					t.Errorf("%s: after %d tries, portal %d says to wait %d s; want up to %v", l.Kind, l.Free, i+1, wait, l.Lock)
				}
			}
			w.pass(l.Pause(l.Free))
			if err := do(t.Context(), w.Service); limited(err) > 0 {
				t.Errorf("%s: the pause did not end by itself: %v", l.Kind, err)
			}
		}
	})
}

// A right token passes while its address waits: guesses of others behind the same address keep no program out.
func TestARightTokenPassesWhileItsAddressWaits(t *testing.T) {
	w := on(t)
	p := w.enrolled(ada("a"))
	_, secret, err := w.CreateToken(t.Context(), p.Who, "x", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	w.keep(secret)
	fill(w, portal.LimitTokenAddr, portal.TryKey(browser.Addr), 200)
	_, err = w.AuthenticateToken(t.Context(), "sp_wrong", browser)
	if limited(err) == 0 {
		t.Errorf("a wrong one: %v", err)
	}
	in, err := w.AuthenticateToken(t.Context(), secret.Reveal(), browser)
	if err != nil || in.User.ID != p.User.ID {
		t.Errorf("a right one: %v", err)
	}
}

// limited is the number of seconds that an error says to wait, 0 for other errors.
func limited(err error) int {
	var e *portal.Error
	if errors.As(err, &e) && e.Kind == portal.Limited {
		return e.RetryAfter
	}
	return 0
}

// fill counts n tries.
func fill(w *world, kind portal.LimitKind, key string, n int64) {
	w.t.Helper()
	err := w.Store.Tx(w.t.Context(), func(tx *store.Tx) error {
		for range n {
			if _, err := tx.Attempt(kind, key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
