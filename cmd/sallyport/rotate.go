package main

import (
	"fmt"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
)

type rotateCmd struct {
	configFlags
}

// Run is the second step of a rotation, when every portal runs with the new key. It needs the database and the keys only.
func (c rotateCmd) Run(e env) error {
	var keys *seal.Keyring
	settings := func(p *parser, raw rawConfig) { keys = p.keys(raw) }
	return c.withDatabase(e, settings, func(db *store.Store) error {
		n, err := (&auth.Service{Store: db, Keys: keys}).Reseal(e.ctx)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.out, "Sealed %d secrets again. Only the first key of the file is needed now.\n", n)
		return err
	})
}
