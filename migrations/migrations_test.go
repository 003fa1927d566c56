package migrations_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/migrations"
	"github.com/sallyport/sallyport/portal/store/storetest"
)

// 0006 was written after 0008 had been applied in places.
func TestADatabaseThatIsAheadOfAFileIsUpgraded(t *testing.T) {
	for _, c := range []struct {
		engine      migrations.Engine
		driver, dsn string
	}{
		{migrations.SQLite, "sqlite3", "file:" + filepath.Join(t.TempDir(), "sallyport.db")},
		{migrations.Postgres, "pgx", ""},
	} {
		t.Run(string(c.engine), func(t *testing.T) {
			if c.dsn == "" {
				c.dsn = storetest.PostgresDSN(t)
			}
			db, err := sql.Open(c.driver, c.dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := migrations.Apply(t.Context(), db, c.engine, 1, 2, 3, 5, 8); err != nil {
				t.Fatal(err)
			}
			done, err := migrations.Up(t.Context(), db, c.engine)
			if err != nil || !slices.Contains(done, 6) {
				t.Fatalf("applied %v, %v; want 6 among them", done, err)
			}
			if pending, err := migrations.Pending(t.Context(), db, c.engine); err != nil || pending {
				t.Errorf("pending: %v, %v", pending, err)
			}
			if _, err := db.ExecContext(t.Context(), "SELECT scopes, policy FROM tokens"); err != nil {
				t.Error(err)
			}
		})
	}
}
