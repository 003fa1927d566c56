package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// ResourceInput is a resource as typed. An update replaces all of it.
type ResourceInput struct {
	Name      string
	Prefixes  []string // without host bits, 1 to 1000
	Transport portal.Transport
	Ports     []portal.PortRange // TCP and UDP only, at most 100; empty: all
}

// RuleInput is a rule as typed. An update replaces all of it.
type RuleInput struct {
	Name      string
	Reason    string
	Action    portal.Action
	Groups    []portal.GroupID    // 1 to 200
	Resources []portal.ResourceID // 1 to 200
}

// Resources returns every resource, by name.
func (s *Service) Resources(ctx context.Context, by portal.Actor) ([]portal.Resource, error) {
	return nil, errSoon
}

// CreateResource adds a resource.
func (s *Service) CreateResource(ctx context.Context, by portal.Actor, in ResourceInput) (portal.Resource, error) {
	return portal.Resource{}, errSoon
}

// UpdateResource replaces a resource. One object for each rule that names it goes to gateways.
func (s *Service) UpdateResource(ctx context.Context, by portal.Actor, id portal.ResourceID, in ResourceInput) (portal.Resource, error) {
	return portal.Resource{}, errSoon
}

// DeleteResource returns ErrInUse while a rule names the resource.
func (s *Service) DeleteResource(ctx context.Context, by portal.Actor, id portal.ResourceID) error {
	return errSoon
}

// Rules returns every rule, by name.
func (s *Service) Rules(ctx context.Context, by portal.Actor) ([]portal.Rule, error) {
	return nil, errSoon
}

// CreateRule adds a rule.
func (s *Service) CreateRule(ctx context.Context, by portal.Actor, in RuleInput) (portal.Rule, error) {
	return portal.Rule{}, errSoon
}

// UpdateRule replaces a rule. Where its groups stay the same, one object goes to gateways, whatever the number of people.
func (s *Service) UpdateRule(ctx context.Context, by portal.Actor, id portal.RuleID, in RuleInput) (portal.Rule, error) {
	return portal.Rule{}, errSoon
}

// DeleteRule removes a rule.
func (s *Service) DeleteRule(ctx context.Context, by portal.Actor, id portal.RuleID) error {
	return errSoon
}
