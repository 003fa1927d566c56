package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/sallyport/sallyport/migrations"
	"github.com/sallyport/sallyport/portal"
)

// Store is an open database. Its methods are safe for concurrent use.
type Store struct {
	Now func() time.Time // the clock of every transaction; set before first use to replace time.Now

	engine migrations.Engine
	write  *gorm.DB     // SQLite: one connection
	group  *groupCommit // SQLite only
	read   *gorm.DB     // SQLite: several; PostgreSQL: the same as write
	wake   *wake
	dsn    string
}

// Open opens the database that dsn names, without touching the schema: a "postgres://" URL, or the path of an SQLite file.
func Open(ctx context.Context, dsn string) (*Store, error) {
	if isPostgres(dsn) {
		return openPostgres(ctx, dsn)
	}
	return openSQLite(ctx, dsn)
}

// Engine says which engine is behind the store.
func (s *Store) Engine() migrations.Engine { return s.engine }

// Migrate brings the schema to the newest version and returns the versions that it applied.
func (s *Store) Migrate(ctx context.Context) ([]int64, error) {
	db, err := s.write.DB()
	if err != nil {
		return nil, err
	}
	return migrations.Up(ctx, db, s.engine)
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	db, err := s.read.DB()
	if err != nil {
		return err
	}
	return db.PingContext(ctx)
}

// Close closes every connection.
func (s *Store) Close() error {
	if s.group != nil {
		s.group.close()
	}
	var errs []error
	for _, g := range []*gorm.DB{s.write, s.read} {
		db, err := g.DB()
		if err == nil {
			err = db.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Tx is one transaction. It has one now, so that all that it writes agrees.
type Tx struct {
	Now time.Time // UTC, in whole microseconds: what the database keeps

	db      *gorm.DB
	store   *Store
	emitted bool
	audits  []auditRow // written at the end, so that the lock on the trail is the last one and short
}

// maxTries bounds how often a transaction that lost against another one is run again (PostgreSQL: deadlock or serialization failure).
const maxTries = 5

// Tx runs fn in a transaction that may write; an error rolls it back and is returned. fn may be run more than once, so it must change
// nothing but the database. After the commit those who wait on Changes are woken when the transaction wrote to the feed log.
func (s *Store) Tx(ctx context.Context, fn func(tx *Tx) error) error {
	var err error
	for range maxTries {
		tx := &Tx{Now: s.now(), store: s}
		err = s.transaction(ctx, func(db *gorm.DB) error {
			tx.db = db
			if err := fn(tx); err != nil {
				return err
			}
			if err := tx.appendAudits(); err != nil {
				return err
			}
			return s.notify(tx)
		})
		if err == nil {
			if tx.tells() {
				s.wake.all()
			}
			return nil
		}
		if !retryable(err) {
			break
		}
	}
	return translate(err)
}

// transaction runs fn in a transaction that may write and commits it: one that it shares with others, where the engine has one writer.
func (s *Store) transaction(ctx context.Context, fn func(db *gorm.DB) error) error {
	if s.group != nil {
		return s.group.run(ctx, fn)
	}
	return s.write.WithContext(ctx).Transaction(fn)
}

// tells reports whether the transaction wrote something that others wait for.
func (tx *Tx) tells() bool { return tx.emitted || len(tx.audits) > 0 }

// View runs fn on a consistent snapshot that it can't change.
func (s *Store) View(ctx context.Context, fn func(tx *Tx) error) error {
	opts := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if s.engine == migrations.SQLite {
		opts.Isolation = sql.LevelDefault // a WAL reader has a snapshot by itself
	}
	err := s.read.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		return fn(&Tx{Now: s.now(), db: db, store: s})
	}, opts)
	return translate(err)
}

// Changes returns a channel that gets a value after each commit that others may care about, and sometimes without one: it is a hint
// to look, never the data. It holds one value, so a slow reader sees one wake-up for many commits. Call stop when done.
func (s *Store) Changes() (hint <-chan struct{}, stop func()) { return s.wake.subscribe() }

func (s *Store) now() time.Time {
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	return now().UTC().Truncate(time.Microsecond)
}

// translate turns the errors of gorm into the sentinels of the portal.
func translate(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, gorm.ErrRecordNotFound):
		return fmt.Errorf("%w (%w)", portal.ErrNotFound, err)
	case errors.Is(err, gorm.ErrDuplicatedKey):
		return fmt.Errorf("%w (%w)", portal.ErrDuplicate, err)
	case busy(err):
		return fmt.Errorf("%w (%w)", portal.ErrUnavailable, err)
	}
	return err
}

// lockForChange makes a SELECT lock its rows until the transaction ends, against others who change or hold them, and not against foreign
// keys that point to them: PostgreSQL looks those up when it likes (at the second update of one row in a transaction, too), and would wait
// there for somebody who waits for the feed log. SQLite has one writer, so there it does nothing.
func (tx *Tx) lockForChange() *gorm.DB { return tx.locking("NO KEY UPDATE") }

// lockForUpdate does the same against foreign keys too.
func (tx *Tx) lockForUpdate() *gorm.DB { return tx.locking("UPDATE") }

func (tx *Tx) locking(strength string) *gorm.DB {
	if tx.store.engine == migrations.SQLite {
		return tx.db
	}
	return tx.db.Clauses(clause.Locking{Strength: strength})
}

// one ends a query that must find exactly the row it changes.
func one(res *gorm.DB) error {
	if res.Error != nil {
		return translate(res.Error)
	}
	if res.RowsAffected == 0 {
		return portal.ErrNotFound
	}
	return nil
}

func gormConfig() *gorm.Config {
	return &gorm.Config{
		TranslateError:         true,
		SkipDefaultTransaction: true,
		PrepareStmt:            true,
		Logger:                 logger.Discard,
	}
}
