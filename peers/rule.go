package peers

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// RuleInput is a rule as typed. An update replaces all of it.
type RuleInput struct {
	Name      string
	Reason    string
	Action    portal.Action
	Groups    []portal.GroupID    // at most 200; there is at least one group or person
	People    []portal.UserID     // at most 200
	Resources []portal.ResourceID // at most 200; there is at least one resource or tag
	Tags      []string            // at most 20

	Conditions ConditionsInput
}

// rule checks the input, and what it names against what there is.
func (in RuleInput) rule(tx *store.Tx) (portal.Rule, error) {
	var c check
	r := portal.Rule{
		Name:       c.name("/name", in.Name),
		Reason:     c.text("/reason", in.Reason, maxDescription),
		Action:     oneOf(&c, "/action", in.Action, portal.Allow, portal.Deny),
		Groups:     links(&c, "/groups", in.Groups, 0),
		People:     links(&c, "/people", in.People, 0),
		Resources:  links(&c, "/resources", in.Resources, 0),
		Tags:       c.tags("/tags", in.Tags),
		Conditions: c.conditions("/conditions", in.Conditions, in.Action),
	}
	if len(in.Groups)+len(in.People) == 0 {
		c.wrong("/groups", "required", "Choose at least one group or person.")
	}
	if len(in.Resources)+len(in.Tags) == 0 {
		c.wrong("/resources", "required", "Choose at least one resource or tag.")
	}
	if r.Reason == "" && len(c.fields) == 0 {
		c.wrong("/reason", "required", "Say why the rule exists.")
	}
	groups, err1 := tx.MissingGroups(r.Groups)
	people, err2 := tx.MissingUsers(r.People)
	resources, err3 := tx.MissingResources(r.Resources)
	if err := errors.Join(err1, err2, err3); err != nil {
		return r, err
	}
	known(&c, "/groups", in.Groups, groups)
	known(&c, "/people", in.People, people)
	known(&c, "/resources", in.Resources, resources)
	return r, c.err()
}

// RuleView is a rule with the names of the people that it names.
type RuleView struct {
	portal.Rule
	Names map[portal.UserID]string
}

// Rules returns every rule, by name.
func (s *Service) Rules(ctx context.Context, by portal.Actor) (all []RuleView, err error) {
	if !by.May(portal.AccessRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		rules, err := tx.Rules()
		if err != nil {
			return err
		}
		all, err = viewRules(tx, rules...)
		return err
	})
	return all, err
}

func viewRules(tx *store.Tx, rules ...portal.Rule) ([]RuleView, error) {
	var people []portal.UserID
	for _, r := range rules {
		people = append(people, r.People...)
	}
	names, err := tx.UserNames(people)
	if err != nil {
		return nil, err
	}
	all := make([]RuleView, len(rules))
	for i, r := range rules {
		all[i] = RuleView{r, names}
	}
	return all, nil
}

// oneRule is the view of a rule that was just written.
func oneRule(tx *store.Tx, r portal.Rule) (RuleView, error) {
	views, err := viewRules(tx, r)
	if err != nil {
		return RuleView{}, err
	}
	return views[0], nil
}

// CreateRule adds a rule. It returns ErrRuleSize when its resources multiply to too much.
func (s *Service) CreateRule(ctx context.Context, by portal.Actor, in RuleInput) (view RuleView, err error) {
	err = s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		r, err := in.rule(p.tx)
		if err != nil {
			return err
		}
		r.ID, r.CreatedAt = portal.NewID[portal.RuleID](p.tx.Now), p.tx.Now
		if err := p.createRule(by, r); err != nil {
			return err
		}
		view, err = oneRule(p.tx, r)
		return err
	})
	return view, err
}

func (p *policy) createRule(by portal.Actor, r portal.Rule) error {
	if err := p.tx.CreateRule(r); err != nil {
		return err
	}
	if err := p.rule(r); err != nil {
		return err
	}
	if err := p.named(r.People); err != nil {
		return err
	}
	return p.tx.Audit(by, "rule.create", ruleTarget(r.ID), r)
}

// UpdateRule replaces a rule. One object goes to gateways, whatever the number of people in its groups, and the entries of those whom it names
// themselves from now on or no longer.
func (s *Service) UpdateRule(ctx context.Context, by portal.Actor, id portal.RuleID, in RuleInput) (view RuleView, err error) {
	err = s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		old, err := p.tx.Rule(id)
		if err != nil {
			return err
		}
		r, err := in.rule(p.tx)
		if err != nil {
			return err
		}
		r.ID, r.CreatedAt = old.ID, old.CreatedAt
		if err := p.tx.UpdateRule(r); err != nil {
			return err
		}
		if err := p.rule(r); err != nil {
			return err
		}
		if err := p.named(difference(old.People, r.People)); err != nil {
			return err
		}
		if view, err = oneRule(p.tx, r); err != nil {
			return err
		}
		return p.tx.Audit(by, "rule.update", ruleTarget(id), store.Changed{Now: r, Before: old})
	})
	return view, err
}

// DeleteRule removes a rule.
func (s *Service) DeleteRule(ctx context.Context, by portal.Actor, id portal.RuleID) error {
	return s.managing(ctx, by, portal.AccessWrite, func(p *policy) error {
		old, err := p.tx.Rule(id)
		if err != nil {
			return err
		}
		return p.deleteRule(by, old)
	})
}

// deleteRule removes a rule, and with it the access of the request that it was made for.
func (p *policy) deleteRule(by portal.Actor, old portal.Rule) error {
	if err := p.tx.DeleteRule(old.ID); err != nil {
		return err
	}
	if err := p.tx.EndRequestOfRule(old.ID); err != nil {
		return err
	}
	if err := p.named(old.People); err != nil {
		return err
	}
	if err := p.write([]store.LogChange{{Key: store.RuleKey(old.ID)}}); err != nil {
		return err
	}
	return p.tx.Audit(by, "rule.delete", ruleTarget(old.ID), store.Changed{Now: named(old.Name), Before: old})
}

// difference is what is in one of the two lists and not in the other.
func difference[T comparable](a, b []T) []T {
	var only []T
	for _, x := range a {
		if !slices.Contains(b, x) {
			only = append(only, x)
		}
	}
	for _, x := range b {
		if !slices.Contains(a, x) {
			only = append(only, x)
		}
	}
	return only
}

func ruleTarget(id portal.RuleID) string { return "rule:" + string(id) }
