// Package migrations owns the schema: SQL files, appended and never edited, applied in order by Up. NNNN_name.sql is for both engines;
// where they must differ, NNNN_name.sqlite.sql and NNNN_name.postgres.sql stand side by side. There is no way down: restore the backup.
package migrations

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Engine names a database engine as the file names do.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Up brings the schema to the newest version and returns the versions that it applied. On PostgreSQL an advisory lock makes several
// portals that start at once wait for one another.
func Up(ctx context.Context, db *sql.DB, engine Engine) ([]int64, error) {
	p, err := provider(db, engine)
	if err != nil {
		return nil, err
	}
	done, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate %s: %w", engine, err)
	}
	versions := make([]int64, len(done))
	for i, r := range done {
		versions[i] = r.Source.Version
	}
	return versions, nil
}

// Pending reports whether the schema is older than the program.
func Pending(ctx context.Context, db *sql.DB, engine Engine) (bool, error) {
	p, err := provider(db, engine)
	if err != nil {
		return false, err
	}
	return p.HasPending(ctx)
}

// Sum names the schema that Up makes: it differs when any file for the engine does. Tests keep databases made by Up under it.
func Sum(engine Engine) (string, error) {
	own := engineFS{files, engine}
	entries, err := own.ReadDir(".")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, e := range entries {
		text, err := own.ReadFile(e.Name())
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", e.Name(), len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

func provider(db *sql.DB, engine Engine) (*goose.Provider, error) {
	own := engineFS{files, engine}
	if engine == SQLite {
		return goose.NewProvider(goose.DialectSQLite3, db, own, anyOrder)
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, fmt.Errorf("migration lock: %w", err)
	}
	return goose.NewProvider(goose.DialectPostgres, db, own, goose.WithSessionLocker(locker), anyOrder)
}

// anyOrder applies a file whose number is below one that a database has already: 0006 came after 0008, and goose would refuse such a database.
var anyOrder = goose.WithAllowOutofOrder(true)

// engineFS shows the files for one engine and hides those of the others.
type engineFS struct {
	embed.FS
	engine Engine
}

// ReadDir lists the files that are for every engine or for this one.
func (f engineFS) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := f.FS.ReadDir(name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool {
		_, suffix, ok := strings.Cut(strings.TrimSuffix(e.Name(), ".sql"), ".")
		return ok && suffix != string(f.engine)
	}), err
}
