package store

import (
	"runtime"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Attempt counts with a limit of the test's own.
func Attempt(tx *Tx, l portal.Limit, key string) (time.Duration, error) { return tx.attempt(l, key) }

// Exec runs a statement behind the back of the store.
func Exec(t testing.TB, s *Store, statement string, args ...any) {
	t.Helper()
	if err := s.write.Exec(statement, args...).Error; err != nil {
		t.Fatal(err)
	}
}

// ExecTx does the same inside a transaction.
func ExecTx(t testing.TB, tx *Tx, statement string, args ...any) {
	t.Helper()
	if err := tx.db.Exec(statement, args...).Error; err != nil {
		t.Error(err)
	}
}

// TryExec is Exec for a statement that may be refused.
func TryExec(s *Store, statement string, args ...any) error {
	return s.write.Exec(statement, args...).Error
}

// AwaitWaiting returns when n writers wait for their turn. Only SQLite has turns.
func AwaitWaiting(s *Store, n int) {
	for s.group.waiting.Load() < int64(n) {
		runtime.Gosched()
	}
}

// KeepGroupsOpen lets a group take in whoever waits, however slow the machine is.
func KeepGroupsOpen(s *Store) { s.group.open = time.Hour }

// PretendWaiting makes the store believe that one more writer is about to take its turn. Only SQLite has turns.
func PretendWaiting(s *Store) { s.group.waiting.Add(1) }

// Fail ends the transaction with an error of PostgreSQL, as the server would make it.
func Fail(tx *Tx, code string) error {
	return tx.db.Exec("DO $$ BEGIN RAISE EXCEPTION 'test' USING ERRCODE = '" + code + "'; END $$").Error
}
