package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/sallyport/sallyport/migrations"
)

// postgresConns bounds the connections of one portal process.
const postgresConns = 16

// channel is the name that portals NOTIFY and LISTEN on.
const channel = "sallyport"

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func openPostgres(ctx context.Context, dsn string) (*Store, error) {
	db, err := gorm.Open(postgres.New(postgres.Config{DSN: dsn}), gormConfig())
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", redact(err, dsn))
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	s := &Store{engine: migrations.Postgres, write: db, read: db, wake: newWake(), dsn: dsn}
	if err := s.Ping(ctx); err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", redact(err, dsn))
	}
	return s, nil
}

// redact keeps the password out of messages that repeat the connection string.
func redact(err error, dsn string) error {
	cfg, parseErr := pgx.ParseConfig(dsn)
	if parseErr != nil || cfg.Password == "" {
		return err
	}
	if strings.Contains(err.Error(), cfg.Password) {
		return errors.New(strings.ReplaceAll(err.Error(), cfg.Password, "…"))
	}
	return err
}

// notify queues the wake-up of the other portals; PostgreSQL sends it with the commit.
func (s *Store) notify(tx *Tx) error {
	if s.engine != migrations.Postgres || !tx.tells() {
		return nil
	}
	return tx.db.Exec("SELECT pg_notify(?, '')", channel).Error
}

// Listen wakes those who wait on Changes when another portal commits. It ends with ctx; on SQLite it only waits for that. A lost
// connection is made again with a growing pause, and each new one wakes everybody, since something may have been missed.
func (s *Store) Listen(ctx context.Context, log *slog.Logger) error {
	if s.engine != migrations.Postgres {
		<-ctx.Done()
		return nil
	}
	for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
		began := time.Now()
		if err := s.listenOnce(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "listen for changes", "err", redact(err, s.dsn))
		}
		if time.Since(began) > time.Minute {
			pause = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

func (s *Store) listenOnce(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	s.wake.all()
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		s.wake.all()
	}
}

// retryable reports whether the transaction lost against another one and may simply be run again (PostgreSQL manual, appendix A:
// 40001 serialization_failure, 40P01 deadlock_detected).
func retryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// busy reports whether the database could not take the transaction now: locked, lost again and again, shutting down, out of connections,
// not there.
func busy(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return retryable(err) || strings.HasPrefix(pg.Code, "57P0") || strings.HasPrefix(pg.Code, "53") || strings.HasPrefix(pg.Code, "08") || pg.Code == "55P03"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	lost := errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF)
	return errors.As(err, &connect) || lost && !errors.Is(err, context.DeadlineExceeded) || sqliteBusy(err)
}
