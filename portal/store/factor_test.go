package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestFactorCountsOnceConfirmed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		me := addPerson(t, s, "me", portal.RoleUser)
		write(t, s, func(tx *store.Tx) error {
			has := func(want bool) {
				if got, err := tx.HasFactor(me); err != nil || got != want {
					t.Errorf("HasFactor is %v, %v; want %v", got, err, want)
				}
			}
			f := portal.Factor{ID: "f1", User: me, Kind: portal.FactorTOTP, Sealed: []byte("v1.a.x"), CreatedAt: tx.Now}
			errs := []error{tx.CreateFactor(f), tx.CreateFactor(portal.Factor{ID: "f2", User: me, Kind: portal.FactorTOTP, CreatedAt: tx.Now})}
			has(false)
			errs = append(errs, tx.ConfirmFactor("f1"))
			has(true)
			if err := tx.ConfirmFactor("f1"); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("confirmed twice: got %v, want ErrNotFound", err)
			}
			errs = append(errs, tx.DeleteUnconfirmedFactors(me), tx.ResealFactor("f1", []byte("v1.a.x"), []byte("v1.b.y")))
			if err := tx.ResealFactor("f1", []byte("v1.a.x"), []byte("v1.c.z")); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("resealed from what it is no longer: got %v, want ErrNotFound", err)
			}
			all, err := tx.FactorsAfter("", 10)
			if len(all) != 1 || all[0].ID != "f1" {
				t.Errorf("all: %+v", all)
			}
			errs = append(errs, err)
			left, err := tx.Factors(me)
			if len(left) != 1 || left[0].ID != "f1" || string(left[0].Sealed) != "v1.b.y" || left[0].ConfirmedAt.IsZero() {
				t.Errorf("left: %+v", left)
			}
			if err := tx.DeleteFactor("other", "f1"); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("somebody else's: got %v, want ErrNotFound", err)
			}
			n, err2 := tx.DeleteFactors(me)
			if n != 1 {
				t.Errorf("%d forgotten, want 1", n)
			}
			return errors.Join(append(errs, err, err2)...)
		})
	})
}

func TestRecoveryCodeIsTakenOnceByHundredCallers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		me := addPerson(t, s, "me", portal.RoleUser)
		write(t, s, func(tx *store.Tx) error {
			return errors.Join(tx.ReplaceRecoveryCodes(me, []string{"x"}), tx.ReplaceRecoveryCodes(me, []string{"a", "b"}))
		})
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.UseRecoveryCode(me, "a") })
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, portal.ErrNotFound):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		read(t, s, func(tx *store.Tx) error {
			left, err := tx.RecoveryCodes(me)
			if won.Load() != 1 || lost.Load() != 99 || left != 1 {
				t.Errorf("%d won, %d lost, %d left; want 1, 99 and 1", won.Load(), lost.Load(), left)
			}
			return err
		})
		write(t, s, func(tx *store.Tx) error { return tx.ReplaceRecoveryCodes(me, nil) })
	})
}

func TestAttemptsPauseAndEndByThemselves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		clock := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return clock }
		limit := portal.Limit{Kind: "totp", Free: 3, Window: 20 * time.Minute, Lock: time.Minute, Most: 3 * time.Minute}
		try := func() (wait time.Duration) {
			write(t, s, func(tx *store.Tx) (err error) {
				wait, err = store.Attempt(tx, limit, "u")
				return err
			})
			return wait
		}
		expect := func(when string, want time.Duration) {
			t.Helper()
			if got := try(); got != want {
				t.Errorf("%s: wait %v, want %v", when, got, want)
			}
		}
		expect("first", 0)
		expect("second", 0)
		expect("third, the last free one", 0)
		expect("fourth", time.Minute)
		clock = clock.Add(40 * time.Second)
		expect("a little later", 20*time.Second)
		clock = clock.Add(20 * time.Second)
		expect("after the pause", 0)
		expect("right after it, longer", 2*time.Minute)
		clock = clock.Add(2 * time.Minute)
		expect("after the longer pause", 0)
		expect("right after it, at most", 3*time.Minute)
		clock = clock.Add(3 * time.Minute)
		expect("after the longest pause", 0)
		write(t, s, func(tx *store.Tx) error { return tx.UndoAttempt("totp", "u") })
		expect("once taken back", 0)
		write(t, s, func(tx *store.Tx) error { return tx.ForgetAttempts("totp", "u") })
		expect("once forgotten", 0)
		clock = clock.Add(21 * time.Minute)
		expect("in a new window, first", 0)
		expect("in a new window, second", 0)
		clock = clock.Add(time.Hour)
		write(t, s, func(tx *store.Tx) error {
			n, err := tx.SweepAttempts()
			if n != 1 {
				t.Errorf("%d swept, want 1", n)
			}
			return err
		})
	})
}

func TestParallelAttemptsAreAllCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var allowed atomic.Int64
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				err := s.Tx(t.Context(), func(tx *store.Tx) error {
					wait, err := store.Attempt(tx, portal.Limit{Kind: "totp", Free: 5, Window: time.Hour, Lock: time.Hour}, "u")
					if err == nil && wait == 0 {
						allowed.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if allowed.Load() != 5 {
			t.Errorf("%d of 50 parallel tries went on, want 5", allowed.Load())
		}
	})
}

func TestSecretIsMadeOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		write(t, s, func(tx *store.Tx) error {
			if err := second(tx.Secret("ca")); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("before: got %v, want ErrNotFound", err)
			}
			return tx.CreateSecret("ca", []byte("one"))
		})
		write(t, s, func(tx *store.Tx) error {
			if err := tx.CreateSecret("ca", []byte("two")); !errors.Is(err, portal.ErrDuplicate) {
				t.Errorf("second: got %v, want ErrDuplicate", err)
			}
			got, err := tx.Secret("ca") // the transaction goes on after the clash
			if string(got) != "one" {
				t.Errorf("got %q, want the first", got)
			}
			names, err2 := tx.SecretNames()
			if len(names) != 1 || names[0] != "ca" {
				t.Errorf("names are %v", names)
			}
			return errors.Join(err, err2, tx.ResealSecret("ca", []byte("one"), []byte("three")))
		})
	})
}
