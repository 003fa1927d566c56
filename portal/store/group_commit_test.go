package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

func put(tx *store.Tx, key string) error {
	_, err := tx.Put("test/"+key, func(rev uint64) any { return rev })
	return err
}

// there reports whether a reader sees the key.
func there(t *testing.T, s *store.Store, key string) bool {
	t.Helper()
	err := s.View(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Object("test/" + key)
		return err
	})
	if err != nil && !errors.Is(err, portal.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// queue starts writers that share one group: the first runs and holds its turn until all others wait for theirs. The errors come back in
// the order of the writers.
func queue(t *testing.T, s *store.Store, ctxs []context.Context, writers ...func(tx *store.Tx) error) []error {
	t.Helper()
	store.KeepGroupsOpen(s)
	errs := make([]error, len(writers))
	running, goOn := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		errs[0] = s.Tx(t.Context(), func(tx *store.Tx) error {
			close(running)
			<-goOn
			return writers[0](tx)
		})
	})
	<-running
	for i, w := range writers[1:] {
		ctx := t.Context()
		if ctxs != nil {
			ctx = ctxs[i+1]
		}
		wg.Go(func() { errs[i+1] = s.Tx(ctx, w) })
	}
	store.AwaitWaiting(s, len(writers)-1)
	close(goOn)
	wg.Wait()
	return errs
}

func TestOneWritersFailureDoesNotTouchTheOthersOfItsGroup(t *testing.T) {
	s := storetest.New(t)
	boom := errors.New("boom")
	ok := func(key string) func(tx *store.Tx) error { return func(tx *store.Tx) error { return put(tx, key) } }
	errs := queue(t, s, nil, ok("a"), ok("b"), func(tx *store.Tx) error { return errors.Join(put(tx, "failed"), boom) }, ok("c"))
	for i, err := range errs {
		if i != 2 && err != nil || i == 2 && !errors.Is(err, boom) {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	for key, want := range map[string]bool{"a": true, "b": true, "c": true, "failed": false} {
		if there(t, s, key) != want {
			t.Errorf("%s is there: %v, want %v", key, !want, want)
		}
	}
	inTx(t, s, func(tx *store.Tx) error {
		if head, _, err := tx.Revision(); err != nil || head != 3 {
			t.Errorf("revision is %d, err %v; want 3: the one of the failed writer was undone", head, err)
		}
		return nil
	})
}

func TestPanicOfOneWriterLeavesTheOthersTheirCommit(t *testing.T) {
	s := storetest.New(t)
	errs := queue(t, s, nil,
		func(tx *store.Tx) error { return put(tx, "a") },
		func(tx *store.Tx) error { return put(tx, "b") })
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not reach the caller")
			}
		}()
		_ = s.Tx(t.Context(), func(tx *store.Tx) error {
			_ = put(tx, "panicked")
			panic("boom")
		})
	}()
	inTx(t, s, func(tx *store.Tx) error { return put(tx, "after") })
	if there(t, s, "panicked") || !there(t, s, "after") {
		t.Error("the writer that panicked left something, or the one after it did not get through")
	}
}

func TestWriterIsToldOfSuccessOnlyAfterTheCommit(t *testing.T) {
	s := storetest.New(t)
	store.KeepGroupsOpen(s)
	firstDone := make(chan error, 1)
	firstRuns, letFirst := make(chan struct{}), make(chan struct{})
	go func() {
		firstDone <- s.Tx(t.Context(), func(tx *store.Tx) error {
			close(firstRuns)
			<-letFirst
			return put(tx, "first")
		})
	}()
	<-firstRuns
	secondRuns, letSecond := make(chan struct{}), make(chan struct{})
	secondDone := make(chan error, 1)
	go func() {
		secondDone <- s.Tx(t.Context(), func(tx *store.Tx) error {
			close(secondRuns)
			<-letSecond
			return put(tx, "second")
		})
	}()
	store.AwaitWaiting(s, 1)
	close(letFirst)
	<-secondRuns // the first writer has done its work by now, and its group is still open
	select {
	case <-firstDone:
		t.Error("the first writer was told before the commit")
	default:
	}
	if there(t, s, "first") {
		t.Error("a reader sees what is not committed")
	}
	close(letSecond)
	if err := errors.Join(<-firstDone, <-secondDone); err != nil {
		t.Fatal(err)
	}
	if !there(t, s, "first") || !there(t, s, "second") {
		t.Error("what was acknowledged is not there")
	}
}

func TestCancelledWriterIsUndoneAndTheOthersAreNot(t *testing.T) {
	s := storetest.New(t)
	before, cancelBefore := context.WithCancel(t.Context())
	during, cancelDuring := context.WithCancel(t.Context())
	errs := queue(t, s, []context.Context{nil, before, during, t.Context()},
		func(tx *store.Tx) error { cancelBefore(); return put(tx, "a") },
		func(tx *store.Tx) error { return put(tx, "before") },
		func(tx *store.Tx) error { cancelDuring(); return put(tx, "during") },
		func(tx *store.Tx) error { return put(tx, "b") })
	if errs[0] != nil || errs[3] != nil || !errors.Is(errs[1], context.Canceled) || !errors.Is(errs[2], context.Canceled) {
		t.Errorf("errors are %v", errs)
	}
	for key, want := range map[string]bool{"a": true, "b": true, "before": false, "during": false} {
		if there(t, s, key) != want {
			t.Errorf("%s is there: %v, want %v", key, !want, want)
		}
	}
}

func TestLostTransactionIsAnErrorForAllOfItsGroupAndNotForTheNext(t *testing.T) {
	s := storetest.New(t)
	errs := queue(t, s, nil,
		func(tx *store.Tx) error { return put(tx, "a") },
		// What SQLite does by itself when the disk is full or fails.
		func(tx *store.Tx) error { store.ExecTx(t, tx, "ROLLBACK"); return errors.New("disk full") })
	for i, err := range errs {
		if err == nil {
			t.Errorf("writer %d was told of success", i)
		}
	}
	if there(t, s, "a") {
		t.Error("what was not acknowledged is there")
	}
	inTx(t, s, func(tx *store.Tx) error { return put(tx, "next") })
	if !there(t, s, "next") {
		t.Error("the next writer's work is not there")
	}
}

func TestManyWritersShareCommits(t *testing.T) {
	s := storetest.New(t)
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 25 {
				err := s.Tx(t.Context(), func(tx *store.Tx) error {
					if err := put(tx, fmt.Sprintf("%d/%d", w, i)); err != nil {
						return err
					}
					return tx.Audit(portal.System, "test.put", "test:x", nil)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	inTx(t, s, func(tx *store.Tx) error {
		head, _, err := tx.Revision()
		if head != 400 {
			t.Errorf("revision is %d, want 400", head)
		}
		return err
	})
	if good, broken := verify(t, s); good != 400 || broken != 0 {
		t.Errorf("audit trail has %d good events, broken at %d; want 400 and 0", good, broken)
	}
}

func TestWriterWhoseCommitWillNotBeIsToldWhenTheStoreCloses(t *testing.T) {
	s := storetest.New(t)
	store.KeepGroupsOpen(s)
	store.PretendWaiting(s) // so that the group is left open for somebody
	running, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- s.Tx(context.WithoutCancel(t.Context()), func(tx *store.Tx) error {
			close(running)
			<-goOn
			return put(tx, "a")
		})
	}()
	<-running
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	close(goOn)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the writer was told of a commit that never was")
	}
	if err := s.Tx(context.WithoutCancel(t.Context()), func(tx *store.Tx) error { return put(tx, "b") }); err == nil {
		t.Error("a closed store takes writers")
	}
}

func TestAuditChainIsWholeWhenOneOfAGroupIsUndone(t *testing.T) {
	s := storetest.New(t)
	note := func(err error) func(tx *store.Tx) error {
		return func(tx *store.Tx) error {
			if auditErr := tx.Audit(portal.System, "test", "test:1", nil); auditErr != nil {
				return auditErr
			}
			if putErr := put(tx, "key"); putErr != nil {
				return putErr
			}
			return errors.Join(err, tx.UseOnce("test", fmt.Sprint(err), 0))
		}
	}
	undone := errors.New("undone")
	errs := queue(t, s, nil, note(nil), note(undone), note(portal.ErrForbidden), note(errors.New("other")))
	if errs[0] != nil || !errors.Is(errs[1], undone) || !errors.Is(errs[2], portal.ErrForbidden) || errs[3] == nil {
		t.Errorf("errors are %v", errs)
	}
	inTx(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.Audit(portal.System, "test", "test:2", nil), put(tx, "next"), tx.UseOnce("test", "undone", 0)) // which is not used
	})
	err := s.View(t.Context(), func(tx *store.Tx) error {
		page, err := tx.AuditPage(0, 10)
		if err != nil || len(page) != 2 || page[0].Seq != 2 || page[0].Prev != page[1].Hash {
			t.Errorf("the trail is %v, %v; want two events in a chain", page, err)
		}
		head, _, err := tx.Revision()
		if head != 2 {
			t.Errorf("revision %d, want 2: those undone left no gap", head)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
