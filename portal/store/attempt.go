package store

import (
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Attempt counts one try at (kind, key), of which portal's table of limits has a line for the kind, on any number of portals, and keeps
// others who try the same waiting until the transaction ends, so that parallel guesses are counted like those made one after the other. It
// returns how long to wait, 0 when the try may go on.
// A try that must wait is not counted. A try that turned out right is taken back with UndoAttempt, or all are with ForgetAttempts.
func (tx *Tx) Attempt(kind portal.LimitKind, key string) (wait time.Duration, err error) {
	l, err := portal.LimitOf(kind)
	if err != nil {
		return 0, err
	}
	return tx.attempt(l, key)
}

func (tx *Tx) attempt(l portal.Limit, key string) (wait time.Duration, err error) {
	kind := string(l.Kind)
	now := micros(tx.Now)
	var row struct{ Count, LockedUntil int64 }
	// One statement, so that the row is there and locked before anything is decided. What it had before decides what it gets:
	// locked → as it was; window over → counts from 1; else one more, and locked from the last free one on.
	err = tx.db.Raw(`INSERT INTO attempts (kind, key, count, window_ends, locked_until) VALUES (?, ?, 1, ?, 0)
		ON CONFLICT (kind, key) DO UPDATE SET
			count = CASE WHEN attempts.locked_until > ? THEN attempts.count WHEN attempts.window_ends <= ? THEN 1 ELSE attempts.count + 1 END,
			window_ends = CASE WHEN attempts.locked_until > ? OR attempts.window_ends > ? THEN attempts.window_ends ELSE excluded.window_ends END,
			locked_until = CASE WHEN attempts.locked_until > ? THEN attempts.locked_until ELSE 0 END
		RETURNING count, locked_until`,
		kind, key, micros(tx.Now.Add(l.Window)), now, now, now, now, now).Scan(&row).Error
	if err != nil {
		return 0, fmt.Errorf("count attempt at %s: %w", kind, err)
	}
	if row.LockedUntil > now {
		return time.Duration(row.LockedUntil-now) * time.Microsecond, nil
	}
	if row.Count < l.Free {
		return 0, nil
	}
	// The try that is counted now may still go on; whoever comes next waits.
	err = tx.db.Exec("UPDATE attempts SET locked_until = ? WHERE kind = ? AND key = ?", micros(tx.Now.Add(l.Pause(row.Count))), kind, key).Error
	return 0, err
}

// Locked returns how long tries at (kind, key) have to wait, 0 for not at all. It counts none and writes nothing, so that what is refused while
// there is a pause costs a read.
func (tx *Tx) Locked(kind portal.LimitKind, key string) (wait time.Duration, err error) {
	var until int64
	now := micros(tx.Now)
	err = tx.db.Raw("SELECT COALESCE(MAX(locked_until), 0) FROM attempts WHERE kind = ? AND key = ?", string(kind), key).Scan(&until).Error
	return time.Duration(max(until-now, 0)) * time.Microsecond, err
}

// Attempts returns how many tries at (kind, key) are counted now.
func (tx *Tx) Attempts(kind portal.LimitKind, key string) (int64, error) {
	var n int64
	err := tx.db.Raw("SELECT COALESCE(MAX(count), 0) FROM attempts WHERE kind = ? AND key = ? AND (window_ends > ? OR locked_until > ?)",
		string(kind), key, micros(tx.Now), micros(tx.Now)).Scan(&n).Error
	return n, err
}

// UndoAttempt takes back a try that Attempt counted in this transaction.
func (tx *Tx) UndoAttempt(kind portal.LimitKind, key string) error {
	return tx.db.Exec("UPDATE attempts SET count = count - 1, locked_until = 0 WHERE kind = ? AND key = ? AND count > 0", string(kind), key).Error
}

// ForgetAttempts starts the count of (kind, key) anew.
func (tx *Tx) ForgetAttempts(kind portal.LimitKind, key string) error {
	return tx.db.Exec("DELETE FROM attempts WHERE kind = ? AND key = ?", string(kind), key).Error
}

// SweepAttempts forgets counts whose window and pause are over and returns how many.
func (tx *Tx) SweepAttempts() (int64, error) {
	res := tx.db.Exec("DELETE FROM attempts WHERE window_ends < ? AND locked_until < ?", micros(tx.Now), micros(tx.Now))
	return res.RowsAffected, res.Error
}
