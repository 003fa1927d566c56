package storetest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/migrations"
	"github.com/sallyport/sallyport/portal/store"
)

// Migrating is most of what a small test would cost, so it is done once and the result is copied: as bytes for SQLite within a process,
// as a template database for PostgreSQL within a server. The template is named by the sum of the migrations, and every process that
// tests on the server shares it.

var (
	sqliteOnce sync.Once
	sqliteFile []byte
	sqliteErr  error

	templateMu   sync.Mutex
	templateName string
)

// templateLock is the advisory lock under which one process makes the template and the others wait.
const templateLock = 0x5a11_9047

// migratedFile returns a database file as Up leaves it.
func migratedFile(ctx context.Context) (_ []byte, err error) {
	dir, err := os.MkdirTemp("", "sallyport-schema-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "sallyport.db")
	if err := migrate(ctx, path); err != nil {
		return nil, err
	}
	return os.ReadFile(path) // closing the last connection moved the log into it
}

func migrate(ctx context.Context, dsn string) error {
	s, err := store.Open(ctx, dsn)
	if err != nil {
		return err
	}
	if _, err := s.Migrate(ctx); err != nil {
		_ = s.Close()
		return err
	}
	return s.Close()
}

// migratedTemplate returns the name of a PostgreSQL database as Up leaves it, making it when it isn't there.
func migratedTemplate(t testing.TB) string {
	t.Helper()
	templateMu.Lock()
	defer templateMu.Unlock()
	if templateName != "" {
		return templateName
	}
	server(t)
	sum, err := migrations.Sum(migrations.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	name := "sallyport_template_" + sum
	db, err := sql.Open("pgx", serverDSN)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context()) // the lock belongs to the connection
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.ExecContext(t.Context(), "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		t.Fatal(err)
	}
	var there bool
	if err := conn.QueryRowContext(t.Context(), "SELECT count(*) > 0 FROM pg_database WHERE datname = $1", name).Scan(&there); err != nil {
		t.Fatal(err)
	}
	if !there {
		makeTemplate(t, conn, name)
	}
	templateName = name
	return name
}

// makeTemplate migrates under another name first: a run that is killed half-way leaves no template.
func makeTemplate(t testing.TB, conn *sql.Conn, name string) {
	t.Helper()
	making := name + "_making"
	run := func(statement string) {
		if _, err := conn.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	run("DROP DATABASE IF EXISTS " + making + " WITH (FORCE)")
	run("CREATE DATABASE " + making)
	if err := migrate(t.Context(), databaseDSN(t, making)); err != nil {
		t.Fatal(err)
	}
	run("ALTER DATABASE " + making + " RENAME TO " + name)
}
