package api

import (
	"context"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// ListResources lists all resources.
func (s *Server) ListResources(ctx context.Context, _ ListResourcesRequestObject) (ListResourcesResponseObject, error) {
	all, err := s.Peers.Resources(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := ListResources200JSONResponse{Items: make([]Resource, len(all))}
	for i, r := range all {
		out.Items[i] = resourceJSON(r)
	}
	return out, nil
}

// CreateResource adds a resource.
func (s *Server) CreateResource(ctx context.Context, req CreateResourceRequestObject) (CreateResourceResponseObject, error) {
	r, err := s.Peers.CreateResource(ctx, actor(ctx), resourceInput(req.Body))
	if err != nil {
		return nil, err
	}
	return CreateResource201JSONResponse{ResourceResponseJSONResponse(resourceJSON(r))}, nil
}

// UpdateResource replaces a resource.
func (s *Server) UpdateResource(ctx context.Context, req UpdateResourceRequestObject) (UpdateResourceResponseObject, error) {
	r, err := s.Peers.UpdateResource(ctx, actor(ctx), portal.ResourceID(req.Id), resourceInput(req.Body))
	if err != nil {
		return nil, err
	}
	return UpdateResource200JSONResponse{ResourceResponseJSONResponse(resourceJSON(r))}, nil
}

// DeleteResource removes a resource that no rule names.
func (s *Server) DeleteResource(ctx context.Context, req DeleteResourceRequestObject) (DeleteResourceResponseObject, error) {
	if err := s.Peers.DeleteResource(ctx, actor(ctx), portal.ResourceID(req.Id)); err != nil {
		return nil, err
	}
	return DeleteResource204Response{}, nil
}

// ListRules lists all rules.
func (s *Server) ListRules(ctx context.Context, _ ListRulesRequestObject) (ListRulesResponseObject, error) {
	all, err := s.Peers.Rules(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := ListRules200JSONResponse{Items: make([]Rule, len(all))}
	for i, r := range all {
		out.Items[i] = ruleJSON(r)
	}
	return out, nil
}

// CreateRule adds a rule.
func (s *Server) CreateRule(ctx context.Context, req CreateRuleRequestObject) (CreateRuleResponseObject, error) {
	r, err := s.Peers.CreateRule(ctx, actor(ctx), ruleInput(req.Body))
	if err != nil {
		return nil, err
	}
	return CreateRule201JSONResponse{RuleResponseJSONResponse(ruleJSON(r))}, nil
}

// UpdateRule replaces a rule.
func (s *Server) UpdateRule(ctx context.Context, req UpdateRuleRequestObject) (UpdateRuleResponseObject, error) {
	r, err := s.Peers.UpdateRule(ctx, actor(ctx), portal.RuleID(req.Id), ruleInput(req.Body))
	if err != nil {
		return nil, err
	}
	return UpdateRule200JSONResponse{RuleResponseJSONResponse(ruleJSON(r))}, nil
}

// DeleteRule removes a rule.
func (s *Server) DeleteRule(ctx context.Context, req DeleteRuleRequestObject) (DeleteRuleResponseObject, error) {
	if err := s.Peers.DeleteRule(ctx, actor(ctx), portal.RuleID(req.Id)); err != nil {
		return nil, err
	}
	return DeleteRule204Response{}, nil
}

func resourceInput(in *ResourceInput) peers.ResourceInput {
	out := peers.ResourceInput{Name: in.Name, Prefixes: in.Prefixes, Transport: portal.Transport(in.Transport)}
	for _, p := range or(in.Ports) {
		out.Ports = append(out.Ports, portal.PortRange{First: uint16(p.First), Last: uint16(p.Last)}) // the contract bounds both
	}
	return out
}

func resourceJSON(r portal.Resource) Resource {
	out := Resource{Id: string(r.ID), Name: r.Name, Prefixes: texts(r.Prefixes), Transport: ResourceTransport(r.Transport), Ports: []PortRange{}}
	for _, p := range r.Ports {
		out.Ports = append(out.Ports, PortRange{First: int(p.First), Last: int(p.Last)})
	}
	return out
}

func ruleInput(in *RuleInput) peers.RuleInput {
	return peers.RuleInput{
		Name: in.Name, Reason: in.Reason, Action: portal.Action(in.Action), Groups: idsFrom[portal.GroupID](in.Groups),
		Resources: idsFrom[portal.ResourceID](in.Resources),
	}
}

func ruleJSON(r portal.Rule) Rule {
	return Rule{
		Id: string(r.ID), Name: r.Name, Reason: r.Reason, Action: RuleAction(r.Action), Groups: ids(r.Groups), Resources: ids(r.Resources),
	}
}
