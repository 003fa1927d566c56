package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func TestMigrateTwiceChangesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		done, err := s.Migrate(t.Context())
		if err != nil || len(done) != 0 {
			t.Fatalf("second Migrate applied %v, err %v; want nothing", done, err)
		}
	})
}

func TestOneTimeThingIsUsedOnceByHundredCallers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.UseOnce("test", "thing", time.Hour) })
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, portal.ErrAlreadyUsed):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 99 {
			t.Errorf("%d won, %d lost; want 1 and 99", won.Load(), lost.Load())
		}
	})
}

func TestRevisionsFollowCommitOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		done := make(chan struct{})
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 20 {
					err := s.Tx(t.Context(), func(tx *store.Tx) error {
						_, err := tx.Put(fmt.Sprintf("test/%d/%d", w, i), func(rev uint64) any { return rev })
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		go func() { wg.Wait(); close(done) }()
		seen, last := map[uint64]bool{}, uint64(0)
		read := func() {
			err := s.View(t.Context(), func(tx *store.Tx) error {
				return tx.Since(last, func(o store.Object) error {
					seen[o.Revision], last = true, o.Revision
					return nil
				})
			})
			if err != nil {
				t.Error(err)
			}
		}
		for running := true; running; {
			select {
			case <-done:
				running = false
			default:
			}
			read()
		}
		read()
		if len(seen) != 160 || last != 160 {
			t.Errorf("a reader that follows saw %d of 160 revisions, the last being %d", len(seen), last)
		}
	})
}

func verify(t *testing.T, s *store.Store) (good, broken uint64) {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) (err error) {
		good, broken, err = tx.VerifyAudit()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return good, broken
}

func TestRolledBackTransactionLeavesNoTrace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		boom := errors.New("boom")
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			if _, err := tx.Put("test/x", func(rev uint64) any { return rev }); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("got %v, want the error of the function", err)
		}
		err = s.View(t.Context(), func(tx *store.Tx) error {
			if head, _, err := tx.Revision(); err != nil || head != 0 {
				t.Errorf("revision is %d, err %v; want 0", head, err)
			}
			_, err := tx.Object("test/x")
			return err
		})
		if !errors.Is(err, portal.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestCommitWakesThoseWhoWait(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		hint, stop := s.Changes()
		defer stop()
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Drop("test/x")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case <-hint:
		case <-time.After(5 * time.Second):
			t.Error("no hint within 5 s")
		}
	})
}

func TestViewIsOneSnapshotThatCannotBeChanged(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		inTx(t, s, func(tx *store.Tx) error { return put(tx, "before") })
		err := s.View(t.Context(), func(tx *store.Tx) error {
			before, _, err := tx.Revision()
			if err != nil {
				return err
			}
			inTx(t, s, func(tx *store.Tx) error { return put(tx, "meanwhile") })
			after, _, err := tx.Revision()
			if err != nil || after != before {
				t.Errorf("the head went from %d to %d within one view", before, after)
			}
			if _, err := tx.Object("test/meanwhile"); !errors.Is(err, portal.ErrNotFound) {
				t.Errorf("a view sees what was committed after it began: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.View(t.Context(), func(tx *store.Tx) error { return put(tx, "written") }); err == nil || there(t, s, "written") {
			t.Errorf("a view wrote: %v", err)
		}
		inTx(t, s, func(tx *store.Tx) error { return put(tx, "later") }) // the connection that the view used is as it was
	})
}

func TestTransactionThatNeverWinsIsUnavailable(t *testing.T) {
	s := storetest.NewPostgres(t)
	tries := 0
	err := s.Tx(t.Context(), func(tx *store.Tx) error {
		tries++
		return store.Fail(tx, "40P01")
	})
	if !errors.Is(err, portal.ErrUnavailable) || tries < 2 {
		t.Errorf("after %d tries: got %v, want unavailable", tries, err)
	}
}
