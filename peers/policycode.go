package peers

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/peers/policyfile"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// PolicyChange is one thing that differs between the policy and a file.
type PolicyChange struct {
	Kind   string // group, resource, rule, profile, test
	Name   string
	Action string // create, update, delete
	Before string // YAML, "" where there is none
	After  string
}

// ExportPolicy returns the whole policy as a file.
func (s *Service) ExportPolicy(ctx context.Context, by portal.Actor) (text []byte, err error) {
	if !by.May(portal.AccessRead) || !by.May(portal.ProfilesRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		n, err := readNames(tx)
		if err != nil {
			return err
		}
		text, err = policyfile.Write(n.document())
		return err
	})
	return text, err
}

// errDryRun ends a transaction that was only to see what would happen.
var errDryRun = errors.New("dry run")

// DiffPolicy says what applying a file would change. It checks all that ApplyPolicy checks and changes nothing.
func (s *Service) DiffPolicy(ctx context.Context, by portal.Actor, text []byte, prune bool) ([]PolicyChange, error) {
	if !by.May(portal.AccessRead) || !by.May(portal.ProfilesRead) {
		return nil, portal.ErrForbidden
	}
	f, err := policyfile.Read(text)
	if err != nil {
		return nil, err
	}
	var changes []PolicyChange
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		n, err := readNames(tx)
		if err != nil {
			return err
		}
		changes = diffDocuments(n.document(), f.Document, prune)
		return nil
	})
	if err != nil || len(changes) == 0 || !by.May(portal.AccessWrite) {
		return changes, err // who may only look is told what differs, and not whether it would be taken
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := s.applyFile(ctx, tx, by, f, changes); err != nil {
			return err
		}
		return errDryRun
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return changes, err
}

// ApplyPolicy makes the policy what a file says, in one transaction. What the file does not name stays; with prune it goes. It returns what
// it changed. Errors name the line.
func (s *Service) ApplyPolicy(ctx context.Context, by portal.Actor, text []byte, prune bool) (changes []PolicyChange, err error) {
	if !by.May(portal.AccessWrite) {
		return nil, portal.ErrForbidden
	}
	f, err := policyfile.Read(text)
	if err != nil {
		return nil, err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFeed(); err != nil {
			return err
		}
		n, err := readNames(tx)
		if err != nil {
			return err
		}
		if changes = diffDocuments(n.document(), f.Document, prune); len(changes) == 0 {
			return nil
		}
		return s.applyFile(ctx, tx, by, f, changes)
	})
	return changes, err
}

// applyFile makes the changes through the same use cases as everybody else's, all in tx, and then looks at the policy tests.
func (s *Service) applyFile(ctx context.Context, tx *store.Tx, by portal.Actor, f policyfile.File, changes []PolicyChange) error {
	p, err := lockPolicy(tx)
	if err != nil {
		return err
	}
	before, err := judge(tx, nil)
	if err != nil {
		return err
	}
	inner := *s
	inner.within = p
	a := applier{s: &inner, ctx: ctx, tx: tx, by: by, file: f}
	for _, step := range []struct{ kind, action string }{
		{"group", "create"},
		{"resource", "create"},
		{"resource", "update"},
		{"profile", "create"},
		{"profile", "update"},
		{"rule", "create"},
		{"rule", "update"},
		{"test", "create"},
		{"test", "update"},
		{"test", "delete"},
		{"rule", "delete"},
		{"resource", "delete"},
		{"profile", "delete"},
	} {
		if a.names, err = readNames(tx); err != nil {
			return err
		}
		for _, c := range changes {
			if c.Kind == step.kind && c.Action == step.action {
				a.apply(c)
			}
		}
		if a.err != nil {
			return a.err
		}
		if len(a.fields) > 0 {
			return portal.InvalidFields(f.At(a.fields)...)
		}
	}
	after, err := judge(tx, nil)
	if err != nil {
		return err
	}
	if err := broken(before, after); err != nil {
		return err
	}
	return tx.Audit(by, "policy.apply", "policy:file", map[string]any{"changes": len(changes)})
}
