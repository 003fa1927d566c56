package api

import (
	"context"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
)

// TellDeviceFacts takes what a management system knows of a device.
func (s *Server) TellDeviceFacts(ctx context.Context, req TellDeviceFactsRequestObject) (TellDeviceFactsResponseObject, error) {
	told, err := s.Peers.TellFacts(ctx, actor(ctx), portal.DeviceID(req.Id), factInputs(req.Body.Facts))
	if err != nil {
		return nil, err
	}
	out := TellDeviceFacts200JSONResponse{Ignored: told.Ignored, Level: Level(told.Level)}
	if out.Ignored == nil {
		out.Ignored = []string{}
	}
	if told.Revision > 0 {
		out.Revision = newOf(out.Revision)
		*out.Revision = int64(told.Revision)
	}
	return out, nil
}

func factInputs(in []FactInput) []peers.FactInput {
	out := make([]peers.FactInput, len(in))
	for i, f := range in {
		out[i] = peers.FactInput{Name: f.Name, Unknown: or(f.Unknown), Detail: or(f.Detail), Value: f.Value, Expires: or(f.ExpiresAt)}
	}
	return out
}

// GetDevicePosture returns the state of a device.
func (s *Server) GetDevicePosture(ctx context.Context, req GetDevicePostureRequestObject) (GetDevicePostureResponseObject, error) {
	view, err := s.Peers.Posture(ctx, actor(ctx), portal.DeviceID(req.Id))
	if err != nil {
		return nil, err
	}
	v := view.Verdict
	out := GetDevicePosture200JSONResponse{Level: Level(v.Level()), Effect: severity(v.Effect), Since: moment(view.Since), Next: moment(v.Next)}
	out.Checks, out.Facts, out.History = empty(out.Checks), empty(out.Facts), empty(out.History)
	for _, r := range v.Results {
		one := add(&out.Checks)
		one.Id, one.Name, one.Rule, one.Fact, one.Help = string(r.Check.ID), r.Check.Name, r.Check.Rule.String(), r.Check.Rule.Fact, r.Check.Help
		one.Severity, one.Does, one.ReportOnly = Severity(r.Check.Severity), severity(r.Severity), r.Check.ReportOnly
		one.Outcome, one.Seen, one.Since, one.Until = CheckOutcome(r.Outcome), r.Seen, moment(r.Since), moment(r.Until)
		if r.Reason != "" {
			one.Reason = newOf(one.Reason)
			*one.Reason = CheckReason(r.Reason)
		}
	}
	for _, f := range view.Facts {
		one := add(&out.Facts)
		one.Name, one.Known, one.Value, one.Why, one.By = f.Name, f.Known(), f.Value.String(), f.Why, f.By
		one.Source, one.At, one.ExpiresAt = DevicePostureFactsSource(f.Source), f.At, moment(f.Expires)
	}
	for _, h := range view.History {
		one := add(&out.History)
		one.At, one.Effect, one.Failing = h.At, severity(h.Effect), append([]string{}, h.Failing...)
	}
	return out, nil
}

// severity is nil for none, which the contract leaves out.
func severity(s posture.Severity) *Severity {
	if s == "" {
		return nil
	}
	out := Severity(s)
	return &out
}
