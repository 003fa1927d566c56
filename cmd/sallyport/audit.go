package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal/store"
)

type auditCmd struct {
	Verify verifyAuditCmd `cmd:"" help:"Prove that nothing in the audit trail was changed or removed."`
	Export exportAuditCmd `cmd:"" help:"Write the audit trail as JSON lines or CSV."`
	Sinks  sinksAuditCmd  `cmd:"" help:"Show how far each receiver of the audit trail has got."`
}

func withTrail(e env, c configFlags, fn func(*trail.Service) error) error {
	return c.withDatabase(e, nil, func(db *store.Store) error { return fn(&trail.Service{Store: db}) })
}

type verifyAuditCmd struct {
	configFlags
	Anchor string `placeholder:"SEQ:HASH" help:"What an earlier verification printed. It must still be in the trail: only this shows when the newest events were cut off."`
}

// errTrail makes the program end with 1; what is wrong was printed.
var errTrail = errors.New("the audit trail is not as it was written")

// Run prints what it found, and the anchor to keep.
func (c verifyAuditCmd) Run(e env) error {
	var anchor trail.Anchor
	if c.Anchor != "" {
		var err error
		if anchor, err = trail.ParseAnchor(c.Anchor); err != nil {
			return &usageError{fmt.Errorf("--anchor: %w", err)}
		}
	}
	return withTrail(e, c.configFlags, func(s *trail.Service) error {
		report, err := s.Verify(e.ctx, systemActor, anchor)
		if err != nil {
			return err
		}
		return printReport(e, report, anchor)
	})
}

func printReport(e env, r trail.Report, anchor trail.Anchor) error {
	lines := []string{fmt.Sprintf("Events that are as they were written: %d", r.Good)}
	if r.Broken > 0 {
		lines = append(lines, fmt.Sprintf("Changed or missing: event %d", r.Broken))
	}
	if r.AnchorLost {
		lines = append(lines, fmt.Sprintf("Not in the trail any more: the anchor at event %d", anchor.Seq))
	}
	if r.Head.Seq > 0 {
		lines = append(lines, "Anchor to keep outside of the database: "+r.Head.String())
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(e.out, line); err != nil {
			return err
		}
	}
	if !r.Whole() {
		return errTrail
	}
	return nil
}

type exportAuditCmd struct {
	configFlags
	Format string    `enum:"jsonl,csv" default:"jsonl" help:"jsonl or csv."`
	Out    string    `placeholder:"FILE" help:"A new file (made with mode 0600). Without it, standard output."`
	Actor  string    `placeholder:"ACTOR" help:"Only what this one did, as in user:ID."`
	Action string    `placeholder:"BEGINNING" help:"Only actions that begin so, as in device."`
	Target string    `placeholder:"TARGET" help:"Only what was done to this, as in device:ID."`
	Text   string    `placeholder:"TEXT" help:"Only what has this text in it."`
	From   time.Time `placeholder:"TIME" help:"Only at or after this time (RFC 3339)."`
	Until  time.Time `placeholder:"TIME" help:"Only before this time."`
}

// Run writes the file.
func (c exportAuditCmd) Run(e env) error {
	return withTrail(e, c.configFlags, func(s *trail.Service) (err error) {
		f := store.AuditFilter{Actor: c.Actor, Action: c.Action, Target: c.Target, Text: c.Text, From: c.From, Until: c.Until}
		file, err := s.Export(e.ctx, systemActor, f, trail.Format(c.Format))
		if err != nil {
			return err
		}
		if c.Out == "" {
			return file.WriteTo(e.ctx, e.out)
		}
		out, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("export audit trail: %w", err)
		}
		return errors.Join(file.WriteTo(e.ctx, out), out.Sync(), out.Close())
	})
}

type sinksAuditCmd struct {
	configFlags
}

// Run prints a line for each receiver that was ever configured.
func (c sinksAuditCmd) Run(e env) error {
	return withTrail(e, c.configFlags, func(s *trail.Service) error {
		return s.Store.View(e.ctx, func(tx *store.Tx) error {
			head, err := tx.AuditHead()
			if err != nil {
				return err
			}
			sinks, err := tx.AuditSinks()
			if err != nil {
				return err
			}
			for _, one := range sinks {
				problem := one.Problem
				if problem == "" {
					problem = "well"
				}
				if _, err := fmt.Fprintf(e.out, "%s: has %d of %d events; %s\n", one.Name, one.Seq, head, problem); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
