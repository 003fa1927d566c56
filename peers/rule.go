package peers

import (
	"context"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// RuleInput is a rule as typed. An update replaces all of it.
type RuleInput struct {
	Name      string
	Reason    string
	Action    portal.Action
	Groups    []portal.GroupID    // 1 to 200
	Resources []portal.ResourceID // 1 to 200
}

// rule checks the input, and what it names against what there is.
func (in RuleInput) rule(tx *store.Tx) (portal.Rule, error) {
	var c check
	r := portal.Rule{
		Name:      c.name("/name", in.Name),
		Reason:    c.text("/reason", in.Reason, maxDescription),
		Action:    oneOf(&c, "/action", in.Action, portal.Allow, portal.Deny),
		Groups:    links(&c, "/groups", in.Groups, 1),
		Resources: links(&c, "/resources", in.Resources, 1),
	}
	if r.Reason == "" && len(c.fields) == 0 {
		c.wrong("/reason", "required", "Say why the rule exists.")
	}
	groups, err := tx.MissingGroups(r.Groups)
	if err != nil {
		return r, err
	}
	resources, err := tx.MissingResources(r.Resources)
	if err != nil {
		return r, err
	}
	known(&c, "/groups", in.Groups, groups)
	known(&c, "/resources", in.Resources, resources)
	return r, c.err()
}

// Rules returns every rule, by name.
func (s *Service) Rules(ctx context.Context, by portal.Actor) (all []portal.Rule, err error) {
	if !by.May(portal.AccessRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err = tx.Rules()
		return err
	})
	return all, err
}

// CreateRule adds a rule. It returns ErrRuleSize when its resources multiply to too much.
func (s *Service) CreateRule(ctx context.Context, by portal.Actor, in RuleInput) (r portal.Rule, err error) {
	err = s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		if r, err = in.rule(p.tx); err != nil {
			return err
		}
		r.ID, r.CreatedAt = portal.NewID[portal.RuleID](p.tx.Now), p.tx.Now
		if err := p.tx.CreateRule(r); err != nil {
			return err
		}
		if err := p.rule(r); err != nil {
			return err
		}
		if err := p.devices(store.DeviceFilter{Groups: r.Groups}); err != nil {
			return err
		}
		return p.tx.Audit(by, "rule.create", ruleTarget(r.ID), r)
	})
	return r, err
}

// UpdateRule replaces a rule. Where its groups stay the same, one object goes to gateways, whatever the number of people.
func (s *Service) UpdateRule(ctx context.Context, by portal.Actor, id portal.RuleID, in RuleInput) (r portal.Rule, err error) {
	err = s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		old, err := p.tx.Rule(id)
		if err != nil {
			return err
		}
		if r, err = in.rule(p.tx); err != nil {
			return err
		}
		r.ID, r.CreatedAt = old.ID, old.CreatedAt
		if err := p.tx.UpdateRule(r); err != nil {
			return err
		}
		if err := p.rule(r); err != nil {
			return err
		}
		if concerned := difference(old.Groups, r.Groups); len(concerned) > 0 {
			if err := p.devices(store.DeviceFilter{Groups: concerned}); err != nil {
				return err
			}
		}
		return p.tx.Audit(by, "rule.update", ruleTarget(id), store.Changed{Now: r, Before: old})
	})
	return r, err
}

// DeleteRule removes a rule.
func (s *Service) DeleteRule(ctx context.Context, by portal.Actor, id portal.RuleID) error {
	return s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		old, err := p.tx.Rule(id)
		if err != nil {
			return err
		}
		if err := p.tx.DeleteRule(id); err != nil {
			return err
		}
		if err := p.devices(store.DeviceFilter{Groups: old.Groups}); err != nil {
			return err
		}
		if err := p.write([]store.LogChange{{Key: store.RuleKey(id)}}); err != nil {
			return err
		}
		return p.tx.Audit(by, "rule.delete", ruleTarget(id), store.Changed{Now: named(old.Name), Before: old})
	})
}

// difference is what is in one of the two sorted lists and not in the other.
func difference(a, b []portal.GroupID) []portal.GroupID {
	var only []portal.GroupID
	for _, g := range a {
		if !slices.Contains(b, g) {
			only = append(only, g)
		}
	}
	for _, g := range b {
		if !slices.Contains(a, g) {
			only = append(only, g)
		}
	}
	return only
}

func ruleTarget(id portal.RuleID) string { return "rule:" + string(id) }
