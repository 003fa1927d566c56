package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
	_ "github.com/ncruces/go-sqlite3/driver" // registers "sqlite3"
	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/gorm"

	"github.com/sallyport/sallyport/migrations"
)

// busyTimeout is how long a statement waits for a lock of another process (a backup, `sallyport migrate`) before it gives up.
const busyTimeout = 5 * time.Second

// sqliteReaders is how many connections serve reads beside the one that writes.
const sqliteReaders = 4

func openSQLite(ctx context.Context, path string) (*Store, error) {
	if err := ensurePrivate(path); err != nil {
		return nil, fmt.Errorf("open SQLite file: %w", err)
	}
	write, err := gorm.Open(gormlite.Open(sqliteDSN(path, "immediate", "FULL")), gormConfig())
	if err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", path, err)
	}
	read, err := gorm.Open(gormlite.Open(sqliteDSN(path, "deferred", "FULL")), gormConfig())
	if err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", path, err)
	}
	s := &Store{engine: migrations.SQLite, write: write, read: read, wake: newWake(), dsn: path}
	for db, conns := range map[*gorm.DB]int{write: 2, read: sqliteReaders} { // to write: the writer's, and one for migrations
		pool, err := db.DB()
		if err != nil {
			return nil, err
		}
		pool.SetMaxOpenConns(conns)
		pool.SetMaxIdleConns(conns)
		if db == write {
			s.group = &groupCommit{writer: &writer{pool: pool, gorm: write}, open: groupTime}
		}
	}
	if err := s.Ping(ctx); err != nil {
		return nil, fmt.Errorf("open SQLite file %s: %w", path, err)
	}
	return s, nil
}

// ensurePrivate makes the file with mode 0600 before SQLite would make it with the umask's.
func ensurePrivate(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func sqliteDSN(path, txlock, synchronous string) string {
	q := url.Values{
		"_txlock": {txlock},
		"_pragma": {
			fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()),
			"journal_mode(wal)", "synchronous(" + synchronous + ")", "foreign_keys(on)", "cache_size(-16000)", "temp_store(memory)",
		},
	}
	return (&url.URL{Scheme: "file", Opaque: path, RawQuery: q.Encode()}).String()
}

func sqliteBusy(err error) bool {
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED)
}
