package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	"gorm.io/gorm"
)

// writer is the one connection that writes to an SQLite file, with its statements kept prepared: database/sql would parse each statement
// anew in each transaction, which is a quarter of the time that a transaction takes. It is a gorm.ConnPool for one user at a time.
type writer struct {
	pool  *sql.DB
	gorm  *gorm.DB
	conn  *sql.Conn // nil before first use, and after it was lost
	stmts map[string]*sql.Stmt
}

// maxStatements bounds what is kept prepared. Lists of different length make different statements.
const maxStatements = 400

// session returns a gorm handle on the connection.
func (w *writer) session(ctx context.Context) *gorm.DB {
	db := w.gorm.Session(&gorm.Session{NewDB: true, Context: ctx})
	db.Statement.ConnPool = w
	return db
}

// begin takes the file's write lock; it waits for other processes up to busyTimeout.
func (w *writer) begin(ctx context.Context) error {
	if w.conn == nil {
		conn, err := w.pool.Conn(ctx)
		if err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		w.conn, w.stmts = conn, map[string]*sql.Stmt{}
	}
	_, err := w.ExecContext(ctx, "BEGIN IMMEDIATE")
	return err
}

// end commits or rolls back; after an error the connection is given up, so that nothing of the transaction can stay behind.
func (w *writer) end(ctx context.Context, statement string) error {
	_, err := w.ExecContext(ctx, statement)
	if err != nil {
		w.close()
	}
	return err
}

// close gives the connection up. Closing it undoes what is not committed.
func (w *writer) close() {
	if w.conn == nil {
		return
	}
	for _, s := range w.stmts {
		_ = s.Close()
	}
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn }) // makes database/sql close it instead of keeping it
	_ = w.conn.Close()
	w.conn, w.stmts = nil, nil
}

func (w *writer) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := w.stmts[query]; ok {
		return s, nil
	}
	s, err := w.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if len(w.stmts) >= maxStatements {
		for q, old := range w.stmts { // any one: the frequent ones come back
			delete(w.stmts, q)
			_ = old.Close()
			break
		}
	}
	w.stmts[query] = s
	return s, nil
}

// PrepareContext implements gorm.ConnPool.
func (w *writer) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return w.conn.PrepareContext(ctx, query)
}

// ExecContext implements gorm.ConnPool.
func (w *writer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := w.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext implements gorm.ConnPool. The rows must be closed before the same statement runs again.
func (w *writer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := w.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// QueryRowContext implements gorm.ConnPool.
func (w *writer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := w.stmt(ctx, query)
	if err != nil {
		return w.conn.QueryRowContext(ctx, query, args...) // fails alike, and carries the error
	}
	return s.QueryRowContext(ctx, args...)
}
