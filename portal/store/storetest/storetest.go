// Package storetest gives tests a real, migrated database: SQLite in a temporary folder, and PostgreSQL in a database of its own on a
// server that SALLYPORT_TEST_POSTGRES names or, without it, on one that is started for the test process. It owns no assertions.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // registers "pgx"

	"github.com/sallyport/sallyport/portal/store"
)

// New returns a migrated SQLite store that is closed when the test ends.
func New(t testing.TB) *store.Store {
	t.Helper()
	return open(t, DSN(t))
}

// DSN makes a migrated SQLite database, which goes when the test ends, and returns its path.
func DSN(t testing.TB) string {
	t.Helper()
	sqliteOnce.Do(func() { sqliteFile, sqliteErr = migratedFile(t.Context()) })
	if sqliteErr != nil {
		t.Fatal(sqliteErr)
	}
	path := filepath.Join(t.TempDir(), "sallyport.db")
	if err := os.WriteFile(path, sqliteFile, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// NewPostgres returns a migrated PostgreSQL store with a database of its own.
func NewPostgres(t testing.TB) *store.Store {
	t.Helper()
	return open(t, MigratedPostgresDSN(t))
}

// MigratedPostgresDSN is PostgresDSN with the tables.
func MigratedPostgresDSN(t testing.TB) string {
	t.Helper()
	return postgresFrom(t, migratedTemplate(t))
}

// Each runs the same test on SQLite and on PostgreSQL.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, New(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, NewPostgres(t)) })
}

func open(t testing.TB, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	opened.Store(s, dsn)
	t.Cleanup(func() {
		opened.Delete(s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var (
	serverOnce sync.Once
	serverDSN  string
	serverErr  error
	databases  atomic.Int64
)

// PostgresDSN makes an empty database and returns its connection string. The database goes when the test ends.
func PostgresDSN(t testing.TB) string {
	t.Helper()
	return postgresFrom(t, "template1")
}

// postgresFrom makes a database as the template is.
func postgresFrom(t testing.TB, template string) string {
	t.Helper()
	server(t)
	name := fmt.Sprintf("sallyport_test_%d_%d", os.Getpid(), databases.Add(1))
	admin(t, t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template)
	t.Cleanup(func() { admin(t, context.WithoutCancel(t.Context()), "DROP DATABASE "+name+" WITH (FORCE)") })
	return databaseDSN(t, name)
}

func server(t testing.TB) {
	t.Helper()
	serverOnce.Do(func() {
		if serverDSN = os.Getenv("SALLYPORT_TEST_POSTGRES"); serverDSN == "" {
			serverDSN, serverErr = startServer()
		}
	})
	if serverErr != nil {
		unavailable(t, serverErr)
	}
}

func databaseDSN(t testing.TB, name string) string {
	t.Helper()
	u, err := url.Parse(serverDSN)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func admin(t testing.TB, ctx context.Context, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", serverDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// unavailable skips on a developer's machine and fails in CI: there a test that can't run is a defect.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("PostgreSQL is needed in CI: %v", err)
	}
	t.Skipf("needs PostgreSQL 15 (apt-get install postgresql-15): %v", err)
}
