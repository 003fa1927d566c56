package main

import (
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal/store"
)

type resealCmd struct {
	configFlags
}

// Run is the second step of a rotation, when every portal runs with the new key. It needs the database and the keys only.
func (c resealCmd) Run(e env) (err error) {
	raw, err := c.load(e.lookup)
	if err != nil {
		return err
	}
	p := parser{lookup: e.lookup}
	dsn, keys := p.database(raw), p.keys(raw)
	if err := p.err(); err != nil {
		return err
	}
	db, err := store.Open(e.ctx, dsn.Reveal())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	n, err := (&auth.Service{Store: db, Keys: keys}).Reseal(e.ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "Sealed %d secrets again. Only the first key of the file is needed now.\n", n)
	return err
}
