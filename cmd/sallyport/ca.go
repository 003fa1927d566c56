package main

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/seal"
	"github.com/sallyport/sallyport/portal/store"
)

type caCmd struct {
	Show    showCACmd    `cmd:"" help:"Show the authorities and how many devices have a certificate of each."`
	Rotate  rotateCACmd  `cmd:"" help:"Let a new authority sign; the one of before stays trusted until finish."`
	Finish  finishCACmd  `cmd:"" help:"End a rotation: trust the authority of before no more."`
	Request requestCACmd `cmd:"" help:"Make a key and print the request for a root elsewhere to sign."`
	Import  importCACmd  `cmd:"" help:"Let the authority sign whose certificate came back; the one of before stays trusted until finish."`
}

// caFlags find the database and the keys that open the authorities'.
type caFlags struct{ configFlags }

func (c caFlags) withCA(e env, fn func(o *peers.OpenVPN, tx *store.Tx) error) error {
	var keys *seal.Keyring
	settings := func(p *parser, raw rawConfig) { keys = p.keys(raw) }
	return c.withDatabase(e, settings, func(db *store.Store) error {
		return db.Tx(e.ctx, func(tx *store.Tx) error { return fn(&peers.OpenVPN{Keys: keys}, tx) })
	})
}

type showCACmd struct{ caFlags }

// Run prints a line for each authority.
func (c showCACmd) Run(e env) error {
	return c.withCA(e, func(o *peers.OpenVPN, tx *store.Tx) error {
		all, err := o.Show(tx)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ID\tSTATE\tENDS\tDEVICES\tSHA-256") // Flush tells
		for _, a := range all {
			ends := "-"
			if a.State != portal.AuthorityRequested {
				ends = a.NotAfter.Format(time.DateOnly)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", a.ID, a.State, ends, a.Devices, a.Fingerprint)
		}
		return w.Flush()
	})
}

type rotateCACmd struct{ caFlags }

// Run begins a rotation.
func (c rotateCACmd) Run(e env) error {
	err := c.withCA(e, func(o *peers.OpenVPN, tx *store.Tx) error { return o.Rotate(tx, systemActor) })
	if err != nil {
		return err
	}
	return e.say("A new authority signs devices from now on. Files made now trust both. When `sallyport ca show` counts no device of the old one, `sallyport ca finish`.")
}

type finishCACmd struct {
	caFlags
	Cut bool `help:"Finish although devices have certificates of the authority of before: they need new files."`
}

// Run ends a rotation.
func (c finishCACmd) Run(e env) error {
	if err := c.withCA(e, func(o *peers.OpenVPN, tx *store.Tx) error { return o.Finish(tx, systemActor, c.Cut) }); err != nil {
		return err
	}
	return e.say("The authority of before is trusted no more.")
}

type requestCACmd struct{ caFlags }

// Run prints the request.
func (c requestCACmd) Run(e env) error {
	var request string
	err := c.withCA(e, func(o *peers.OpenVPN, tx *store.Tx) (err error) {
		request, err = o.Request(tx, systemActor)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(e.out, request)
	return err
}

type importCACmd struct {
	caFlags
	Chain string `arg:"" placeholder:"FILE" help:"PEM: the certificate for the request, then what leads to the root, and the root last."`
}

// Run begins a rotation to it.
func (c importCACmd) Run(e env) error {
	text, err := os.ReadFile(c.Chain)
	if err != nil {
		return fmt.Errorf("read the chain: %w", err)
	}
	if err := c.withCA(e, func(o *peers.OpenVPN, tx *store.Tx) error { return o.Import(tx, systemActor, string(text)) }); err != nil {
		return err
	}
	return e.say("The imported authority signs devices from now on. When `sallyport ca show` counts no device of the old one, `sallyport ca finish`.")
}

func (e env) say(line string) error {
	_, err := fmt.Fprintln(e.out, line)
	return err
}
