package main

import (
	"fmt"

	"github.com/sallyport/sallyport/portal/store"
)

type migrateCmd struct {
	configFlags
}

// Run brings the schema up to date. It needs nothing of the configuration but the database.
func (c migrateCmd) Run(e env) error {
	return c.withDatabase(e, nil, func(db *store.Store) error {
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
	})
}
