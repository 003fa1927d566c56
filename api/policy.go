package api

import (
	"context"
	"time"

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
	out := peers.ResourceInput{
		Name: in.Name, Prefixes: or(in.Prefixes), Transport: portal.Transport(in.Transport), Tags: or(in.Tags),
		Requestable: or(in.Requestable), Approvers: portal.GroupID(or(in.Approvers)),
	}
	for _, p := range or(in.Ports) {
		out.Ports = append(out.Ports, portal.PortRange{First: uint16(p.First), Last: uint16(p.Last)}) // the contract bounds both
	}
	return out
}

func resourceJSON(r portal.Resource) Resource {
	out := Resource{
		Id: string(r.ID), Name: r.Name, Prefixes: texts(r.Prefixes), Transport: ResourceTransport(r.Transport), Ports: []PortRange{},
		Tags: ids(r.Tags), Requestable: r.Requestable, Approvers: text(r.Approvers),
	}
	for _, p := range r.Ports {
		out.Ports = append(out.Ports, PortRange{First: int(p.First), Last: int(p.Last)})
	}
	return out
}

func ruleInput(in *RuleInput) peers.RuleInput {
	return peers.RuleInput{
		Name: in.Name, Reason: in.Reason, Action: portal.Action(in.Action), Groups: idsFrom[portal.GroupID](or(in.Groups)),
		People: idsFrom[portal.UserID](or(in.People)), Resources: idsFrom[portal.ResourceID](or(in.Resources)), Tags: or(in.Tags),
		Conditions: conditionsInput(or(in.Conditions)),
	}
}

func conditionsInput(in Conditions) peers.ConditionsInput {
	out := peers.ConditionsInput{
		ValidFrom: or(in.ValidFrom), ValidUntil: or(in.ValidUntil), Sources: or(in.Sources), Countries: or(in.Countries),
		Factor: time.Duration(or(in.FactorSeconds)) * time.Second, Level: portal.Level(or(in.Level)),
	}
	for _, w := range or(in.Windows) {
		window := peers.WindowInput{Start: w.Start, End: w.End, Zone: w.Zone}
		for _, d := range or(w.Days) {
			window.Days = append(window.Days, portal.Weekday(d))
		}
		out.Windows = append(out.Windows, window)
	}
	return out
}

func ruleJSON(r peers.RuleView) Rule {
	out := Rule{
		Id: string(r.ID), Name: r.Name, Reason: r.Reason, Action: RuleAction(r.Action), Groups: ids(r.Groups), People: make([]PersonRef, len(r.People)),
		Resources: ids(r.Resources), Tags: ids(r.Tags), Conditions: conditionsJSON(r.Conditions),
	}
	for i, id := range r.People {
		out.People[i] = PersonRef{Id: string(id), Name: r.Names[id]}
	}
	return out
}

func conditionsJSON(c portal.Conditions) Conditions {
	out := Conditions{ValidFrom: moment(c.ValidFrom), ValidUntil: moment(c.ValidUntil)}
	if len(c.Sources) > 0 {
		out.Sources = newOf(out.Sources)
		for _, p := range c.Sources {
			*out.Sources = append(*out.Sources, p.String())
		}
	}
	if len(c.Countries) > 0 {
		out.Countries = &c.Countries
	}
	if c.Factor > 0 {
		seconds := int(c.Factor / time.Second)
		out.FactorSeconds = &seconds
	}
	if c.Level != "" {
		level := ConditionsLevel(c.Level)
		out.Level = &level
	}
	if len(c.Windows) == 0 {
		return out
	}
	windows := make([]TimeWindow, len(c.Windows))
	for i, w := range c.Windows {
		windows[i] = TimeWindow{Start: w.Start.String(), End: w.End.String(), Zone: w.Zone}
		if len(w.Days) > 0 {
			days := make([]Weekday, len(w.Days))
			for j, d := range w.Days {
				days[j] = Weekday(d)
			}
			windows[i].Days = &days
		}
	}
	out.Windows = &windows
	return out
}
