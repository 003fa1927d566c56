package api

import (
	"context"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// ExplainReachability says why somebody reaches something, or does not.
func (s *Server) ExplainReachability(ctx context.Context, req ExplainReachabilityRequestObject) (ExplainReachabilityResponseObject, error) {
	in := req.Body
	r, err := s.Peers.Explain(ctx, actor(ctx), peers.ReachQuery{
		Person: portal.UserID(or(in.Person)), Device: portal.DeviceID(or(in.Device)), To: in.To, Transport: portal.Transport(in.Transport),
		Port: uint16(or(in.Port)), At: or(in.At), Probe: or(in.Probe), // the contract bounds the port
	})
	if err != nil {
		return nil, err
	}
	return ExplainReachability200JSONResponse(s.reachabilityJSON(r)), nil
}

func (s *Server) reachabilityJSON(r peers.Reach) Reachability {
	out := Reachability{
		Reachable: r.Reachable, Allowed: r.Allowed, Person: ReachabilityParty{Id: string(r.Person.ID), Name: r.Person.Name}, To: r.Name, At: r.At,
		Devices: []ReachabilityParty{}, Steps: []ReachabilityStep{},
	}
	if r.To.IsValid() {
		out.To = r.To.String()
	}
	if r.Level != "" {
		out.Level = (*ReachabilityLevel)(&r.Level)
	}
	if r.Stop >= 0 {
		out.Stop = &r.Stop
	}
	if r.Resource != "" {
		out.Resource = &r.Resource
	}
	party := func(d peers.DeviceView) ReachabilityParty {
		connected := d.Live.Connected(s.now())
		return ReachabilityParty{Id: string(d.ID), Name: d.Name, Connected: &connected}
	}
	for _, d := range r.Devices {
		out.Devices = append(out.Devices, party(d))
	}
	if r.Device != nil {
		p := party(*r.Device)
		out.Device = &p
	}
	for _, x := range r.Steps {
		step := ReachabilityStep{Kind: ReachabilityStepKind(x.Kind), State: ReachabilityStepState(x.State), Code: x.Code, Args: x.Args}
		if x.Kind == portal.StepRules {
			rules := make([]ReachabilityRule, len(r.Rules))
			for i, rule := range r.Rules {
				rules[i] = ReachabilityRule{
					Id: string(rule.Rule), Name: rule.Name, Reason: rule.Reason, Action: ReachabilityRuleAction(rule.Action), Resource: rule.ResourceName,
				}
				if rule.Miss != portal.MissNone {
					rules[i].Miss = (*string)(&r.Rules[i].Miss)
				}
			}
			step.Rules = &rules
		}
		out.Steps = append(out.Steps, step)
	}
	if p := r.Probe; p != nil {
		out.Probe = &ReachabilityProbe{
			Outcome: ReachabilityProbeOutcome(p.Outcome), Sent: p.Sent, Received: p.Received, TookMs: float32(milliseconds(p.Took)),
		}
	}
	if r.ProbeErr != nil {
		out.ProbeProblem = &r.ProbeErr.Code
	}
	return out
}
