package portal

import (
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// ReachFacts is all that the way from one person's device to one destination depends on.
type ReachFacts struct {
	User    User
	Groups  []GroupID // without Everyone
	Device  *Device   // nil: the person has none
	Grant   Grant
	Live    Live
	Profile Profile // zero without a device
	PoP     PoP     // where the device's packets come out; zero: nowhere
	Gateway GatewayFacts

	Policy     Policy
	Self       []netip.Addr  // the gateways' own addresses inside the tunnel
	Target     *TargetDevice // the destination is a device's address
	Quarantine []Destination // what quarantine reaches
	Filtering  []netip.Addr  // Node.FilteringDNS
	Question   Question      // Level and At are set by Explain
}

// GatewayFacts is what is known of the gateway that carries the device's packets.
type GatewayFacts struct {
	Gateway   Gateway // zero: there is none
	Connected bool    // it holds a stream to a portal
	Behind    bool    // there is a change that it has not applied yet
}

// TargetDevice is a device that somebody wants to reach.
type TargetDevice struct {
	Device DeviceID
	Level  Level // that holds then; "" : it may not connect
}

// StepKind is one stage on the way.
type StepKind string

// The stages, in order.
const (
	StepIdentity StepKind = "identity"
	StepDevice   StepKind = "device"
	StepGrant    StepKind = "grant"
	StepRoute    StepKind = "route"
	StepGateway  StepKind = "gateway"
	StepRules    StepKind = "rules"
	StepNetwork  StepKind = "network"
)

// StepState is how a stage went.
type StepState string

// The states. Only a stop keeps packets from going on.
const (
	StepOK      StepState = "ok"
	StepStop    StepState = "stop"
	StepWarn    StepState = "warn"    // it works, or will, and somebody should look
	StepUnknown StepState = "unknown" // the portal can't tell
)

// Step is one stage on the way. Code is stable and says what holds; Args are what a sentence about it needs.
type Step struct {
	Kind  StepKind
	State StepState
	Code  string
	Args  map[string]string
	Rules []Match // StepRules: every rule that concerns the person and the destination
}

// Explanation is the whole way.
type Explanation struct {
	Steps     []Step
	Reachable bool  // nothing stops it, as far as the portal knows
	Allowed   bool  // what a gateway decides on the first packet, if it gets there
	Level     Level // that holds then; "": there is no tunnel
	Stop      int   // index of the first step that stops, -1: none
}

// Explain walks the way from the device to the destination and says where it stops. Steps behind a stop are judged as if there were none.
func Explain(f ReachFacts) Explanation {
	e := Explanation{Stop: -1}
	q := f.Question
	add := func(kind StepKind, state StepState, code string, args ...string) {
		s := Step{Kind: kind, State: state, Code: code, Args: map[string]string{}}
		for i := 0; i+1 < len(args); i += 2 {
			s.Args[args[i]] = args[i+1]
		}
		if state == StepStop && e.Stop < 0 {
			e.Stop = len(e.Steps)
		}
		e.Steps = append(e.Steps, s)
	}
	f.explainPerson(&e, add, q.At)
	f.explainRoute(add, q)
	f.explainGateway(add, q.At)
	q.Circumstances = f.circumstances(e.Level)
	d := f.explainRules(add, q)
	e.Steps[len(e.Steps)-1].Rules = d.Rules
	e.Allowed = d.Allowed && f.Device != nil && e.Level != ""
	f.explainNetwork(add, q)
	e.Reachable = e.Stop < 0
	return e
}

// circumstances are what a gateway knows of the device at a level; without a device, as if it had one that meets everything.
func (f ReachFacts) circumstances(l Level) Circumstances {
	if f.Device == nil {
		l = LevelFull
	}
	return Circumstances{Level: l, Source: f.Live.Endpoint.Addr(), Country: f.Live.Country, FactorAt: f.Grant.FactorAt}
}

type addStep func(kind StepKind, state StepState, code string, args ...string)

func (f ReachFacts) explainPerson(e *Explanation, add addStep, at time.Time) {
	who := f.User.Name
	if f.User.State != UserActive {
		add(StepIdentity, StepStop, "person_suspended", "person", who)
	} else {
		add(StepIdentity, StepOK, "person_active", "person", who, "groups", strconv.Itoa(len(f.Groups)))
	}
	if f.Device == nil {
		add(StepDevice, StepStop, "no_device", "person", who)
		return
	}
	d := *f.Device
	switch {
	case d.State == DevicePending:
		add(StepDevice, StepStop, "device_pending", "device", d.Name)
	case d.State != DeviceActive:
		add(StepDevice, StepStop, "device_suspended", "device", d.Name)
	case !f.Profile.OpenTo(f.Groups):
		add(StepDevice, StepStop, "profile_closed", "device", d.Name, "profile", f.Profile.Name)
	default:
		add(StepDevice, StepOK, "device_active", "device", d.Name, "profile", f.Profile.Name)
	}
	var hold *Hold
	if f.User.State == UserActive && d.State == DeviceActive && f.Profile.OpenTo(f.Groups) {
		e.Level, hold = f.Grant.At(at)
	}
	if e.Level == LevelNone {
		e.Level = ""
		add(StepGrant, StepStop, "grant_none", hold.args()...)
		return
	}
	until := f.Grant.NotAfter.UTC().Format(time.RFC3339)
	reaches := slices.ContainsFunc(f.Quarantine, func(x Destination) bool { return f.covers(x) })
	switch {
	case e.Level == "":
		add(StepGrant, StepUnknown, "grant_void")
	case e.Level == LevelRestricted:
		add(StepGrant, StepWarn, "grant_restricted", append(hold.args(), "until", until)...)
	case e.Level == LevelFull:
		add(StepGrant, StepOK, "grant_full", "until", until)
	case reaches:
		add(StepGrant, StepWarn, "quarantine_reaches", "until", until)
	case hold != nil:
		add(StepGrant, StepStop, "grant_held", hold.args()...)
	case !at.Before(f.Grant.NotAfter):
		add(StepGrant, StepStop, "grant_ended", "until", until)
	default:
		add(StepGrant, StepStop, "grant_quarantine", "until", until)
	}
}

func (f ReachFacts) explainRoute(add addStep, q Question) {
	switch {
	case f.Device == nil:
		add(StepRoute, StepUnknown, "route_no_device")
	case !q.To.IsValid():
		add(StepRoute, StepUnknown, "route_name", "profile", f.Profile.Name)
	case f.isSelf(q.To):
		add(StepRoute, StepOK, "routed", "profile", f.Profile.Name, "prefix", q.To.String())
	default:
		for _, p := range Routes(f.Profile) {
			if p.Contains(q.To.Unmap()) {
				add(StepRoute, StepOK, "routed", "profile", f.Profile.Name, "prefix", p.String())
				return
			}
		}
		for _, p := range f.Profile.Excluded {
			if p.Contains(q.To.Unmap()) {
				add(StepRoute, StepStop, "route_excluded", "profile", f.Profile.Name, "prefix", p.String(), "to", q.To.String())
				return
			}
		}
		add(StepRoute, StepStop, "not_routed", "profile", f.Profile.Name, "to", q.To.String())
	}
}

func (f ReachFacts) explainGateway(add addStep, at time.Time) {
	g := f.Gateway
	args := []string{"gateway", g.Gateway.Name, "pop", f.PoP.Name, "applied", strconv.FormatUint(g.Gateway.Applied, 10)}
	switch {
	case f.Device == nil:
		add(StepGateway, StepUnknown, "gateway_no_device")
	case f.PoP.ID == "" || !f.Profile.ServedBy(f.PoP.ID):
		add(StepGateway, StepStop, "not_served", "profile", f.Profile.Name)
	case g.Gateway.ID == "":
		add(StepGateway, StepStop, "no_gateway", "pop", f.PoP.Name)
	case !g.Connected:
		add(StepGateway, StepWarn, "gateway_offline", args...)
	case g.Behind:
		add(StepGateway, StepWarn, "gateway_behind", args...)
	case !f.Live.Connected(at):
		add(StepGateway, StepWarn, "tunnel_down", args...)
	default:
		add(StepGateway, StepOK, "tunnel_up", append(args, "since", f.Live.Handshake.UTC().Format(time.RFC3339))...)
	}
}

// explainRules says what a gateway decides on the first packet.
func (f ReachFacts) explainRules(add addStep, q Question) Decision {
	low := !q.Level.HasRules()
	switch {
	case q.To.IsValid() && f.isSelf(q.To):
		d := Decision{Allowed: q.Transport == ICMP && q.Level != ""}
		if q.Transport == ICMP {
			add(StepRules, StepOK, "gateway_pings")
		} else {
			add(StepRules, StepStop, "gateway_itself")
		}
		return d
	case low && q.Level != "" && f.Target == nil && slices.ContainsFunc(f.Quarantine, f.covers):
		add(StepRules, StepOK, "remediation")
		return Decision{Allowed: true}
	}
	d := f.Policy.Decide(q)
	filtered := f.filter(&d, q)
	if f.Target != nil && d.Allowed && !f.Target.Level.HasRules() {
		if f.Target.Level != "" {
			d.Allowed = false
			add(StepRules, StepStop, "target_quarantined")
			return d
		}
	}
	counts := func(a Action) (Match, bool) {
		i := slices.IndexFunc(d.Rules, func(m Match) bool { return m.Miss == MissNone && (m.Action == Allow) == (a == Allow) })
		if i < 0 {
			return Match{}, false
		}
		return d.Rules[i], true
	}
	denied, isDenied := counts(Deny)
	allowed, isAllowed := counts(Allow)
	switch {
	case low:
		add(StepRules, StepStop, "level_no_rules")
	case filtered != "" && !d.Allowed && !isDenied:
		add(StepRules, StepStop, filtered)
	case isDenied:
		add(StepRules, StepStop, "denied", "rule", string(denied.Rule))
	case filtered != "":
		add(StepRules, StepOK, filtered)
	case isAllowed:
		add(StepRules, StepOK, "allowed", "rule", string(allowed.Rule))
	case len(d.Rules) > 0:
		add(StepRules, StepStop, "nearly", "rule", string(d.Rules[0].Rule), "miss", string(d.Rules[0].Miss))
	default:
		add(StepRules, StepStop, "no_rule")
	}
	return d
}

// filter changes what rules say of looking names up where only resolvers that filter may be asked, and returns the code of that, "" where rules
// say it alone.
func (f ReachFacts) filter(d *Decision, q Question) (code string) {
	if q.Level != LevelRestricted || len(f.Filtering) == 0 || q.Transport != TCP && q.Transport != UDP || q.Port != 53 && q.Port != 853 {
		return ""
	}
	if !slices.Contains(f.Filtering, q.To.Unmap()) {
		d.Allowed = false
		return "filtered_dns"
	}
	d.Allowed = !slices.ContainsFunc(d.Rules, func(m Match) bool { return m.Miss == MissNone && m.Action != Allow })
	return "filtering_dns"
}

func (f ReachFacts) explainNetwork(add addStep, q Question) {
	switch {
	case f.PoP.ID == "":
		add(StepNetwork, StepUnknown, "network_no_pop")
	case f.Target != nil && f.Target.Level == "":
		add(StepNetwork, StepStop, "target_gone")
	case f.Target != nil:
		add(StepNetwork, StepOK, "network_device")
	case !q.To.IsValid():
		add(StepNetwork, StepUnknown, "network_name", "pop", f.PoP.Name)
	case f.isSelf(q.To):
		add(StepNetwork, StepOK, "network_gateway", "pop", f.PoP.Name)
	default:
		for _, p := range f.PoP.Networks {
			if p.Contains(q.To.Unmap()) {
				add(StepNetwork, StepOK, "network_behind", "pop", f.PoP.Name, "prefix", p.String())
				return
			}
		}
		add(StepNetwork, StepWarn, "network_elsewhere", "pop", f.PoP.Name, "to", q.To.String())
	}
}

func (f ReachFacts) isSelf(a netip.Addr) bool { return slices.Contains(f.Self, a.Unmap()) }

// covers reports whether the destination of quarantine is the one that is asked for. Ports say nothing of what has none.
func (f ReachFacts) covers(d Destination) bool {
	q := f.Question
	if !q.To.IsValid() || d.Ports != (PortRange{}) && q.Transport != TCP && q.Transport != UDP {
		return false
	}
	return d.Covers(q.To, q.Transport, q.Port)
}
