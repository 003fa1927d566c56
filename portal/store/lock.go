package store

import (
	"fmt"

	"github.com/sallyport/sallyport/migrations"
)

// oneWriter reports whether the engine runs one writing transaction at a time, so that locks are not needed.
func (s *Store) oneWriter() bool { return s.engine == migrations.SQLite }

// LockFeed takes the lock under which all changes to the feed log are made, and keeps it until the transaction ends: the row of the
// revision counter. Who reads policy to write objects takes it first; then what was read can't be outdated by the time it is written,
// because whoever changes policy compiles it under the same lock.
func (tx *Tx) LockFeed() error {
	if tx.store.oneWriter() {
		return nil
	}
	var rev uint64
	if err := tx.db.Raw("SELECT value FROM counters WHERE name = 'revision' FOR UPDATE").Scan(&rev).Error; err != nil {
		return fmt.Errorf("lock feed log: %w", err)
	}
	return nil
}
