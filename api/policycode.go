package api

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// ListPolicyTests lists the policy tests with what they find.
func (s *Server) ListPolicyTests(ctx context.Context, _ ListPolicyTestsRequestObject) (ListPolicyTestsResponseObject, error) {
	all, err := s.Peers.PolicyTests(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := ListPolicyTests200JSONResponse{Items: make([]PolicyTest, len(all))}
	for i, t := range all {
		out.Items[i] = policyTestJSON(t)
	}
	return out, nil
}

// CreatePolicyTest adds a policy test.
func (s *Server) CreatePolicyTest(ctx context.Context, req CreatePolicyTestRequestObject) (CreatePolicyTestResponseObject, error) {
	t, err := s.Peers.CreatePolicyTest(ctx, actor(ctx), policyTestInput(req.Body))
	if err != nil {
		return nil, err
	}
	return CreatePolicyTest201JSONResponse{PolicyTestResponseJSONResponse(policyTestJSON(t))}, nil
}

// UpdatePolicyTest replaces a policy test.
func (s *Server) UpdatePolicyTest(ctx context.Context, req UpdatePolicyTestRequestObject) (UpdatePolicyTestResponseObject, error) {
	t, err := s.Peers.UpdatePolicyTest(ctx, actor(ctx), portal.PolicyTestID(req.Id), policyTestInput(req.Body))
	if err != nil {
		return nil, err
	}
	return UpdatePolicyTest200JSONResponse{PolicyTestResponseJSONResponse(policyTestJSON(t))}, nil
}

// DeletePolicyTest removes a policy test.
func (s *Server) DeletePolicyTest(ctx context.Context, req DeletePolicyTestRequestObject) (DeletePolicyTestResponseObject, error) {
	if err := s.Peers.DeletePolicyTest(ctx, actor(ctx), portal.PolicyTestID(req.Id)); err != nil {
		return nil, err
	}
	return DeletePolicyTest204Response{}, nil
}

func policyTestInput(in *PolicyTestInput) peers.PolicyTestInput {
	return peers.PolicyTestInput{
		Name: in.Name, Reason: or(in.Reason), Group: portal.GroupID(or(in.Group)), Person: portal.UserID(or(in.Person)),
		Resource: portal.ResourceID(or(in.Resource)), To: or(in.To), Transport: portal.Transport(or(in.Transport)), Port: uint16(or(in.Port)),
		Expect: portal.Expectation(in.Expect),
	}
}

func policyTestJSON(t peers.PolicyTestView) PolicyTest {
	out := PolicyTest{
		Id: string(t.ID), Name: t.Name, Reason: t.Reason, Expect: PolicyTestExpect(t.Expect), Group: some(string(t.Group)), Person: some(string(t.Person)),
		Resource: some(string(t.Resource)), Transport: some(string(t.Transport)),
		Result: PolicyTestResult{Passes: t.Result.Passes, Cut: &t.Result.Cut, Unrouted: &t.Result.Unrouted, Person: some(t.Result.Person), Rule: some(t.Result.Rule)},
	}
	if t.To.IsValid() {
		out.To = some(t.To.String())
	}
	if t.Port > 0 {
		port := int(t.Port)
		out.Port = &port
	}
	if t.Result.Flow != nil {
		f := flowJSON(*t.Result.Flow)
		out.Result.Flow = &f
	}
	return out
}

// some is nil for nothing.
func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func flowJSON(p portal.Point) PolicyFlow {
	out := PolicyFlow{To: p.To.String(), Transport: string(p.Transport)}
	if p.Port > 0 {
		port := int(p.Port)
		out.Port = &port
	}
	return out
}

// PreviewPolicy says what a change would do.
func (s *Server) PreviewPolicy(ctx context.Context, req PreviewPolicyRequestObject) (PreviewPolicyResponseObject, error) {
	in, err := proposed(req.Body)
	if err != nil {
		return nil, err
	}
	p, err := s.Peers.PreviewChange(ctx, actor(ctx), in)
	if err != nil {
		return nil, err
	}
	out := PreviewPolicy200JSONResponse{
		Gain: affectedJSON(p.Gain), Lose: affectedJSON(p.Lose), Partial: p.Partial, RoutesAdded: texts(p.RoutesAdded),
		RoutesRemoved: texts(p.RoutesRemoved), Files: p.Files, Tests: []string{},
	}
	var refused *portal.Error
	if errors.As(p.Tests, &refused) {
		for _, f := range refused.Fields {
			out.Tests = append(out.Tests, f.Msg)
		}
	}
	return out, nil
}

func proposed(in *PolicyChange) (peers.ProposedChange, error) {
	out := peers.ProposedChange{Delete: or(in.Delete), Limit: or(in.Examples)}
	given := 0
	if in.Rule != nil || or(in.Delete) {
		given++
		out.RuleID = portal.RuleID(or(in.Id))
	}
	if in.Rule != nil {
		r := ruleInput(in.Rule)
		out.Rule = &r
	}
	if in.Resource != nil {
		given++
		r := resourceInput(in.Resource)
		out.Resource, out.ResourceID = &r, portal.ResourceID(or(in.Id))
	}
	if in.Profile != nil {
		given++
		p := profileInput(in.Profile)
		out.Profile, out.ProfileID = &p, portal.ProfileID(or(in.Id))
	}
	if in.Member != nil {
		given++
		out.Member = &peers.ProposedMember{Group: portal.GroupID(in.Member.Group), User: portal.UserID(in.Member.Person), Member: in.Member.Member}
	}
	if given != 1 || or(in.Delete) && or(in.Id) == "" {
		return out, portal.InvalidFields(portal.Field{Path: "", Code: "not_allowed", Msg: "Give exactly one of rule, resource, profile and member."})
	}
	return out, nil
}

func affectedJSON(a peers.Affected) PolicyAffected {
	out := PolicyAffected{People: a.People, Devices: a.Devices, Connected: a.Connected}
	out.Examples = make([]struct {
		Flow     *PolicyFlow `json:"flow,omitempty"`
		Id       string      `json:"id"`
		Name     string      `json:"name"`
		Resource *string     `json:"resource,omitempty"`
		Rule     *string     `json:"rule,omitempty"`
	}, len(a.Examples))
	for i, x := range a.Examples {
		e := &out.Examples[i]
		e.Id, e.Name, e.Resource, e.Rule = string(x.ID), x.Name, some(x.Resource), some(x.Rule)
		if x.Flow != (portal.Point{}) {
			f := flowJSON(x.Flow)
			e.Flow = &f
		}
	}
	return out
}

// ExportPolicy returns the whole policy as a file.
func (s *Server) ExportPolicy(ctx context.Context, _ ExportPolicyRequestObject) (ExportPolicyResponseObject, error) {
	text, err := s.Peers.ExportPolicy(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	return ExportPolicy200JSONResponse{Document: string(text)}, nil
}

// DiffPolicy says what a file would change.
func (s *Server) DiffPolicy(ctx context.Context, req DiffPolicyRequestObject) (DiffPolicyResponseObject, error) {
	changes, err := s.Peers.DiffPolicy(ctx, actor(ctx), []byte(req.Body.Document), or(req.Body.Prune))
	if err != nil {
		return nil, err
	}
	return DiffPolicy200JSONResponse{PolicyDiffResponseJSONResponse(policyDiffJSON(changes, false))}, nil
}

// ApplyPolicy makes the policy what a file says.
func (s *Server) ApplyPolicy(ctx context.Context, req ApplyPolicyRequestObject) (ApplyPolicyResponseObject, error) {
	changes, err := s.Peers.ApplyPolicy(ctx, actor(ctx), []byte(req.Body.Document), or(req.Body.Prune))
	if err != nil {
		return nil, err
	}
	return ApplyPolicy200JSONResponse{PolicyDiffResponseJSONResponse(policyDiffJSON(changes, true))}, nil
}

func policyDiffJSON(changes []peers.PolicyChange, applied bool) PolicyDiff {
	out := PolicyDiff{Applied: applied}
	out.Changes = make([]struct {
		Action PolicyDiffChangesAction `json:"action"`
		After  *string                 `json:"after,omitempty"`
		Before *string                 `json:"before,omitempty"`
		Kind   PolicyDiffChangesKind   `json:"kind"`
		Name   string                  `json:"name"`
	}, len(changes))
	for i, c := range changes {
		x := &out.Changes[i]
		x.Action, x.Kind, x.Name, x.Before, x.After = PolicyDiffChangesAction(c.Action), PolicyDiffChangesKind(c.Kind), c.Name, some(c.Before), some(c.After)
	}
	return out
}
