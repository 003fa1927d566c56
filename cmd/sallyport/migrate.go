package main

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/portal/store"
)

type migrateCmd struct {
	configFlags
}

// Run brings the schema up to date. It needs nothing of the configuration but the database.
func (c migrateCmd) Run(e env) (err error) {
	raw, err := c.load(e.lookup)
	if err != nil {
		return err
	}
	p := parser{lookup: e.lookup}
	dsn := p.database(raw)
	if err := p.err(); err != nil {
		return err
	}
	db, err := store.Open(e.ctx, dsn.Reveal())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	applied, err := db.Migrate(e.ctx)
	if err != nil {
		return err
	}
	if len(applied) == 0 {
		_, err = fmt.Fprintln(e.out, "The schema is up to date.")
		return err
	}
	_, err = fmt.Fprintln(e.out, "Applied migrations:", applied)
	return err
}
