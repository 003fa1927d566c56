package main

import (
	"errors"

	"github.com/sallyport/sallyport/portal/store"
)

// withDatabase runs fn with the database of the configuration, whose schema must be up to date but for migrate. Nothing else of the
// configuration is needed, and the portal need not run; settings reads what the subcommand wants beside it, nil for nothing.
func (c configFlags) withDatabase(e env, settings func(p *parser, raw rawConfig), fn func(db *store.Store) error) (err error) {
	raw, err := c.load(e.lookup)
	if err != nil {
		return err
	}
	p := parser{lookup: e.lookup}
	dsn := p.database(raw)
	if settings != nil {
		settings(&p, raw)
	}
	if err := p.err(); err != nil {
		return err
	}
	db, err := store.Open(e.ctx, dsn.Reveal())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return fn(db)
}
