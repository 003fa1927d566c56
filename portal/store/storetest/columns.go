package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/migrations"
	"github.com/sallyport/sallyport/portal/store"
)

// opened holds the connection string of each open store.
var opened sync.Map

// columns lists the columns of text, one a row.
var columns = map[migrations.Engine]string{
	migrations.SQLite:   `SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type = 'TEXT'`,
	migrations.Postgres: `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND data_type = 'text'`,
}

// ColumnsWith returns the columns ("table.column", sorted) of the whole database in which some value begins with a text. It does
// not know of a store that a test has opened by itself.
func ColumnsWith(t testing.TB, s *store.Store, begin string) (found []string) {
	t.Helper()
	dsn, ok := opened.Load(s)
	if !ok {
		return nil
	}
	driver, dsnText := "pgx", dsn.(string)
	if s.Engine() == migrations.SQLite {
		driver, dsnText = "sqlite3", "file:"+dsnText
	}
	db, err := sql.Open(driver, dsnText)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx := context.WithoutCancel(t.Context()) // also at the end of a test
	rows, err := db.QueryContext(ctx, columns[s.Engine()])
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var each []string
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		each = append(each, fmt.Sprintf(`SELECT '%[1]s.%[2]s' WHERE EXISTS (SELECT 1 FROM "%[1]s" WHERE substr("%[2]s", 1, length($1)) = $1)`, table, column))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(each, 100) { // SQLite parses a long list by recursion
		found = append(found, hits(t, db, strings.Join(part, " UNION ALL "), begin)...)
	}
	slices.Sort(found)
	return found
}

func hits(t testing.TB, db *sql.DB, query, begin string) (found []string) {
	t.Helper()
	rows, err := db.QueryContext(context.WithoutCancel(t.Context()), query, begin)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		found = append(found, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
