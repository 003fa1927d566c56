package peers

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Prober asks a gateway to try a destination; *feed.Hub is one.
type Prober interface {
	Probe(ctx context.Context, gateway portal.GatewayID, p portal.Probe) (portal.ProbeResult, error)
}

// ReachQuery asks whether and why somebody reaches something.
type ReachQuery struct {
	Person    portal.UserID   // "": the owner of Device, or the actor
	Device    portal.DeviceID // "": the person's device that was connected last
	To        string          // an address or a DNS name
	Transport portal.Transport
	Port      uint16    // TCP and UDP
	At        time.Time // zero: now
	Probe     bool      // a gateway tries it too
}

// ReachRule is a rule that concerns the person and the destination.
type ReachRule struct {
	portal.Match
	Name, Reason string
	ResourceName string
}

// Reach is the answer.
type Reach struct {
	portal.Explanation
	Person   portal.User
	Device   *DeviceView  // nil: the person has none
	Devices  []DeviceView // all of the person's
	To       netip.Addr   // invalid: a name
	Name     string
	At       time.Time
	Rules    []ReachRule // of the step on rules, in its order
	Resource string      // name of the first resource that the destination belongs to, for those who may see resources
	Probe    *portal.ProbeResult
	ProbeErr *portal.Error // why there is no probe
}

// ErrProbeLater refuses to try a destination for another time than now.
var ErrProbeLater = &portal.Error{Kind: portal.Conflict, Code: "probe_not_now", Msg: "Only the present can be probed."}

func (q ReachQuery) question() (portal.Question, error) {
	var c check
	out := portal.Question{
		Transport: oneOf(&c, "/transport", q.Transport, portal.AnyTransport, portal.TCP, portal.UDP, portal.ICMP), Port: q.Port, At: q.At,
	}
	to := strings.TrimSuffix(strings.TrimSpace(q.To), ".")
	if a, err := netip.ParseAddr(to); err == nil && a.Zone() == "" {
		out.To = a.Unmap()
	} else if name := strings.ToLower(to); isDomain(name) {
		out.Name = name
	} else {
		c.wrong("/to", "malformed", "Neither an address nor a name such as git.corp.example.com.")
	}
	hasPort := q.Transport == portal.TCP || q.Transport == portal.UDP
	switch {
	case hasPort && q.Port == 0:
		c.wrong("/port", "required", "TCP and UDP need a port.")
	case !hasPort && q.Port != 0:
		c.wrong("/port", "not_allowed", "Only TCP and UDP have ports.")
	}
	if q.Probe && q.Transport != portal.TCP && q.Transport != portal.ICMP {
		c.wrong("/probe", "not_allowed", "Only TCP and ICMP can be probed.")
	}
	return out, c.err()
}

// Explain walks the way from a device to a destination. People may ask about their own devices; about others' only who may see devices and
// access. Rules that do not concern the person are never in the answer. With Probe, the device's gateway tries the destination too, for those
// with the right to; that is audited.
func (s *Service) Explain(ctx context.Context, by portal.Actor, q ReachQuery) (out Reach, err error) {
	question, err := q.question()
	if err != nil {
		return Reach{}, err
	}
	if q.Probe && !by.May(portal.AccessProbe) {
		return Reach{}, portal.ErrForbidden
	}
	var gateway portal.GatewayID
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if question.At.IsZero() {
			question.At = tx.Now
		}
		if q.Probe && question.At.Sub(tx.Now).Abs() > time.Minute {
			return ErrProbeLater
		}
		if err := out.who(tx, by, q); err != nil {
			return err
		}
		facts, err := s.facts(tx, &out, question)
		if err != nil {
			return err
		}
		out.Explanation, out.At, out.To, out.Name = portal.Explain(facts), question.At, question.To, question.Name
		out.nameRules(facts.Policy, by)
		gateway = facts.Gateway.Gateway.ID
		return nil
	})
	if err != nil || !q.Probe {
		return out, err
	}
	return out, s.probe(ctx, by, gateway, question, &out)
}

// who finds the person and the device, among those that the actor may ask about.
func (r *Reach) who(tx *store.Tx, by portal.Actor, q ReachQuery) error {
	person := q.Person
	if q.Device != "" {
		d, err := tx.Device(q.Device)
		if err != nil {
			return err
		}
		if person != "" && person != d.User {
			return portal.ErrNotFound
		}
		person = d.User
	}
	if person == "" {
		person = by.User
	}
	if person != by.User && !(by.May(portal.DevicesRead) && by.May(portal.AccessRead)) {
		return portal.ErrNotFound
	}
	var err error
	if r.Person, err = tx.User(person); err != nil {
		return err
	}
	if r.Devices, err = viewDevices(tx, store.DeviceFilter{Users: []portal.UserID{person}, Limit: maxLimit}); err != nil {
		return err
	}
	i := slices.IndexFunc(r.Devices, func(d DeviceView) bool { return d.ID == q.Device })
	if q.Device == "" && len(r.Devices) > 0 {
		i = 0
		for j, d := range r.Devices {
			if d.Live.Handshake.After(r.Devices[i].Live.Handshake) {
				i = j
			}
		}
	}
	if i >= 0 {
		r.Device = &r.Devices[i]
	}
	return nil
}

func (s *Service) facts(tx *store.Tx, r *Reach, q portal.Question) (portal.ReachFacts, error) {
	groups, err := tx.GroupIDs(r.Person.ID)
	if err != nil {
		return portal.ReachFacts{}, err
	}
	pools, err := tx.Pools()
	if err != nil {
		return portal.ReachFacts{}, err
	}
	policy, err := readPolicy(tx, pools)
	if err != nil {
		return portal.ReachFacts{}, err
	}
	q.User, q.Groups = r.Person.ID, groups
	f := portal.ReachFacts{User: r.Person, Groups: groups, Policy: policy, Quarantine: s.Quarantine, Filtering: s.Filtering, Question: q}
	for _, p := range pools {
		a := p.At(portal.PoolGateway)
		f.Self = append(f.Self, a.V4, a.V6)
	}
	if r.Device == nil {
		return f, nil
	}
	f.Device, f.Grant, f.Live = &r.Device.Device, r.Device.Grant, r.Device.Live
	if f.Profile, err = tx.Profile(r.Device.Profile); err != nil {
		return f, err
	}
	if err := s.place(tx, &f); err != nil {
		return f, err
	}
	f.Target, err = target(tx, q)
	return f, err
}

// readPolicy reads every resource and rule.
func readPolicy(tx *store.Tx, pools []portal.Pool) (p portal.Policy, err error) {
	for _, x := range pools {
		p.Pools = append(p.Pools, x.V4, x.V6)
	}
	if p.Resources, err = tx.Resources(); err != nil {
		return p, err
	}
	p.Rules, err = tx.Rules()
	return p, err
}

// place finds the PoP and the gateway that carry the device's packets: where it is connected, else where its file points.
func (s *Service) place(tx *store.Tx, f *portal.ReachFacts) error {
	pl, err := readPlaces(tx)
	if err != nil {
		return err
	}
	pop := f.Device.PoP
	find := func(fits func(portal.Gateway) bool) {
		if i := slices.IndexFunc(pl.gateways, fits); i >= 0 && f.Gateway.Gateway.ID == "" {
			f.Gateway.Gateway, pop = pl.gateways[i], pl.gateways[i].PoP
		}
	}
	if f.Live.Connected(f.Question.At) {
		find(func(g portal.Gateway) bool { return g.ID == f.Live.Gateway && g.State != portal.GatewayRetired })
	}
	find(func(g portal.Gateway) bool { return g.PoP == pop && takesClients(g) && pl.seen(g) })
	find(func(g portal.Gateway) bool { return g.PoP == pop && takesClients(g) })
	if i := slices.IndexFunc(pl.pops, func(p portal.PoP) bool { return p.ID == pop }); i >= 0 {
		f.PoP = pl.pops[i]
	}
	f.Gateway.Connected = pl.seen(f.Gateway.Gateway)
	if s.Streams != nil {
		if st := s.Streams.Status(f.Gateway.Gateway.ID); st.Connected {
			f.Gateway.Connected, f.Gateway.Behind, f.Gateway.Gateway.Applied = true, st.Behind, st.Applied
		}
	}
	return nil
}

// target says which device has the destination's address.
func target(tx *store.Tx, q portal.Question) (*portal.TargetDevice, error) {
	if !q.To.IsValid() {
		return nil, nil
	}
	found, err := tx.Devices(store.DeviceFilter{Text: q.To.String(), Limit: 20})
	if err != nil {
		return nil, err
	}
	for _, d := range found {
		if d.Addr.V4 != q.To && d.Addr.V6 != q.To {
			continue
		}
		p, err := tx.Profile(d.Profile)
		if err != nil {
			return nil, err
		}
		groups, err := tx.GroupIDs(d.User)
		if err != nil {
			return nil, err
		}
		t := &portal.TargetDevice{Device: d.ID}
		if e, ok := entryOf(d.Device, d.Grant, d.OwnerState == portal.UserActive, p, groups, ""); ok {
			t.Level = e.LevelAt(q.At)
		}
		return t, nil
	}
	return nil, nil
}

// nameRules puts names where the explanation has ids.
func (r *Reach) nameRules(p portal.Policy, by portal.Actor) {
	rules := map[portal.RuleID]portal.Rule{}
	for _, x := range p.Rules {
		rules[x.ID] = x
	}
	for i := range r.Steps {
		step := &r.Steps[i]
		if id, ok := step.Args["rule"]; ok {
			step.Args["rule"], step.Args["reason"] = rules[portal.RuleID(id)].Name, rules[portal.RuleID(id)].Reason
		}
		for _, m := range step.Rules {
			x := ReachRule{Match: m, Name: rules[m.Rule].Name, Reason: rules[m.Rule].Reason}
			if j := slices.IndexFunc(p.Resources, func(res portal.Resource) bool { return res.ID == m.Resource }); j >= 0 {
				x.ResourceName = p.Resources[j].Name
			}
			r.Rules = append(r.Rules, x)
		}
	}
	if !by.May(portal.AccessRead) {
		return
	}
	for _, res := range p.Resources {
		if slices.ContainsFunc(res.Prefixes, func(x netip.Prefix) bool { return r.To.IsValid() && x.Contains(r.To) }) {
			r.Resource = res.Name
			return
		}
	}
}

// probe lets the gateway try it. That it was tried stands in the trail, whatever came of it.
func (s *Service) probe(ctx context.Context, by portal.Actor, gateway portal.GatewayID, q portal.Question, out *Reach) error {
	fail := func(err error) error {
		var shown *portal.Error
		if errors.As(err, &shown) {
			out.ProbeErr = shown
			return nil
		}
		return err
	}
	switch {
	case !q.To.IsValid():
		return fail(errProbeName)
	case gateway == "" || s.Prober == nil:
		return fail(feed.ErrNoStream)
	}
	err := s.Store.Tx(ctx, func(tx *store.Tx) error {
		return tx.Audit(by, "reachability.probe", "gateway:"+string(gateway), map[string]any{"to": q.To.String(), "transport": q.Transport, "port": q.Port})
	})
	if err != nil {
		return err
	}
	r, err := s.Prober.Probe(ctx, gateway, portal.Probe{To: q.To, Transport: q.Transport, Port: q.Port})
	if err != nil {
		return fail(err)
	}
	out.Probe = &r
	return nil
}

var errProbeName = &portal.Error{Kind: portal.Invalid, Code: "probe_needs_address", Msg: "A probe needs an address, not a name."}
