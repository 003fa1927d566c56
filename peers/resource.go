package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// ResourceInput is a resource as typed. An update replaces all of it.
type ResourceInput struct {
	Name      string
	Prefixes  []string // without host bits, 1 to 1000
	Transport portal.Transport
	Ports     []portal.PortRange // TCP and UDP only, at most 100; empty: all
	Tags      []string           // at most 20

	Requestable bool
	Approvers   portal.GroupID // "": people who may write rules
}

func (in ResourceInput) resource() (portal.Resource, error) {
	var c check
	r := portal.Resource{
		Name:      c.name("/name", in.Name),
		Prefixes:  c.prefixes("/prefixes", in.Prefixes),
		Transport: oneOf(&c, "/transport", in.Transport, portal.AnyTransport, portal.TCP, portal.UDP, portal.ICMP),
		Ports:     c.ports("/ports", in.Transport, in.Ports),
		Tags:      c.tags("/tags", in.Tags),

		Requestable: in.Requestable,
		Approvers:   in.Approvers,
	}
	if len(in.Prefixes) == 0 {
		c.wrong("/prefixes", "required", "Name at least one prefix.")
	}
	return r, c.err()
}

// Resources returns every resource, by name.
func (s *Service) Resources(ctx context.Context, by portal.Actor) (all []portal.Resource, err error) {
	if !by.May(portal.AccessRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err = tx.Resources()
		return err
	})
	return all, err
}

// CreateResource adds a resource. Rules that name one of its tags cover it at once; it returns ErrRuleSize when one of them gets too large.
func (s *Service) CreateResource(ctx context.Context, by portal.Actor, in ResourceInput) (r portal.Resource, err error) {
	err = s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		if r, err = in.resource(); err != nil {
			return err
		}
		if err := knownApprovers(p.tx, r.Approvers); err != nil {
			return err
		}
		r.ID, r.CreatedAt = portal.NewID[portal.ResourceID](p.tx.Now), p.tx.Now
		if err := p.tx.CreateResource(r); err != nil {
			return err
		}
		tagged, err := p.tx.RulesWithResource(r.ID)
		if err != nil {
			return err
		}
		if err := p.rules(tagged); err != nil {
			return err
		}
		return p.tx.Audit(by, "resource.create", resourceTarget(r.ID), r)
	})
	return r, err
}

// UpdateResource replaces a resource. One object for each rule that names it goes to gateways. It returns ErrRuleSize when one of them
// gets too large.
func (s *Service) UpdateResource(ctx context.Context, by portal.Actor, id portal.ResourceID, in ResourceInput) (r portal.Resource, err error) {
	err = s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		old, err := p.tx.Resource(id)
		if err != nil {
			return err
		}
		if r, err = in.resource(); err != nil {
			return err
		}
		if err := knownApprovers(p.tx, r.Approvers); err != nil {
			return err
		}
		r.ID, r.CreatedAt = old.ID, old.CreatedAt
		before, err := p.tx.RulesWithResource(id)
		if err != nil {
			return err
		}
		if err := p.tx.UpdateResource(r); err != nil {
			return err
		}
		after, err := p.tx.RulesWithResource(id)
		if err != nil {
			return err
		}
		if err := p.rules(before, after); err != nil { // a tag that it lost or got changes the rules that name the tag
			return err
		}
		return p.tx.Audit(by, "resource.update", resourceTarget(id), store.Changed{Now: r, Before: old})
	})
	return r, err
}

// DeleteResource returns ErrInUse while a rule names the resource itself. Rules that name its tags just cover it no more.
func (s *Service) DeleteResource(ctx context.Context, by portal.Actor, id portal.ResourceID) error {
	return s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		old, err := p.tx.Resource(id)
		if err != nil {
			return err
		}
		used, err := p.tx.ResourceInUse(id)
		if err != nil {
			return err
		}
		if used {
			return ErrInUse
		}
		tagged, err := p.tx.RulesWithResource(id)
		if err != nil {
			return err
		}
		if err := p.tx.DeleteResource(id); err != nil {
			return err
		}
		if err := p.rules(tagged); err != nil {
			return err
		}
		return p.tx.Audit(by, "resource.delete", resourceTarget(id), store.Changed{Now: named(old.Name), Before: old})
	})
}

func resourceTarget(id portal.ResourceID) string { return "resource:" + string(id) }

// knownApprovers checks that the group is there.
func knownApprovers(tx *store.Tx, group portal.GroupID) error {
	if group == "" {
		return nil
	}
	missing, err := tx.MissingGroups([]portal.GroupID{group})
	if err != nil || len(missing) == 0 {
		return err
	}
	return portal.InvalidFields(portal.Field{Path: "/approvers", Code: "unknown", Msg: "There is no such object."})
}
