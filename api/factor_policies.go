package api

import (
	"context"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// ListFactorPolicies lists what groups ask of second factors.
func (s *Server) ListFactorPolicies(ctx context.Context, _ ListFactorPoliciesRequestObject) (ListFactorPoliciesResponseObject, error) {
	all, err := s.Auth.FactorPolicies(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := ListFactorPolicies200JSONResponse{Items: make([]GroupFactorPolicy, len(all)), Standard: policyJSON(portal.DefaultFactorPolicy())}
	for i, p := range all {
		out.Items[i].Policy, out.Items[i].ChangedAt = policyJSON(p.Policy), p.ChangedAt
		out.Items[i].Group.Id, out.Items[i].Group.Name = string(p.Group.ID), p.Group.Name
	}
	return out, nil
}

// SetFactorPolicy sets what one asks.
func (s *Server) SetFactorPolicy(ctx context.Context, req SetFactorPolicyRequestObject) (SetFactorPolicyResponseObject, error) {
	in := req.Body
	if !slices.Contains(in.Accepted, FactorKind(portal.FactorPasskey)) {
		return nil, portal.InvalidFields(portal.Field{Path: "/accepted", Code: "passkey_missing", Msg: "Passkeys are always accepted."})
	}
	p := portal.FactorPolicy{
		Required: in.Required, TOTP: slices.Contains(in.Accepted, FactorKind(portal.FactorTOTP)), Recovery: slices.Contains(in.Accepted, FactorKind(portal.FactorRecovery)),
		Grace: time.Duration(in.GraceDays) * day, PasskeyAlone: time.Duration(in.PasskeyDays) * day,
	}
	if err := s.Auth.SetFactorPolicy(ctx, actor(ctx), portal.GroupID(req.Id), p); err != nil {
		return nil, err
	}
	return SetFactorPolicy204Response{}, nil
}

// DeleteFactorPolicy lets one ask nothing of its own.
func (s *Server) DeleteFactorPolicy(ctx context.Context, req DeleteFactorPolicyRequestObject) (DeleteFactorPolicyResponseObject, error) {
	if err := s.Auth.DeleteFactorPolicy(ctx, actor(ctx), portal.GroupID(req.Id)); err != nil {
		return nil, err
	}
	return DeleteFactorPolicy204Response{}, nil
}

const day = 24 * time.Hour

func policyJSON(p portal.FactorPolicy) FactorPolicy {
	out := FactorPolicy{Required: p.Required, GraceDays: int(p.Grace / day), PasskeyDays: int(p.PasskeyAlone / day)}
	for _, k := range []portal.FactorKind{portal.FactorPasskey, portal.FactorTOTP, portal.FactorRecovery} {
		if p.Accepts(k) {
			out.Accepted = append(out.Accepted, FactorKind(k))
		}
	}
	return out
}
