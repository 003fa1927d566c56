package gateway

import (
	"maps"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// present is what holds at this moment of what the portal wants: rules whose conditions on time are not met lead nowhere. The data path
// is told only of this; the state and the disk keep what the portal said.
type present struct {
	rules map[portal.RuleID]portal.CompiledRule // every rule of the state, as it holds
	timed map[portal.RuleID]portal.CompiledRule // those with conditions on time, as the portal said them
	own   map[portal.RuleID]portal.CompiledRule // the agent's own
	looked,
	next time.Time // when time was last looked at, and when it has to be again; zero: never
}

// reset makes it what all says at now.
func (p *present) reset(all, own map[portal.RuleID]portal.CompiledRule, now time.Time) {
	p.rules, p.timed, p.own = make(map[portal.RuleID]portal.CompiledRule, len(all)+len(own)), map[portal.RuleID]portal.CompiledRule{}, own
	maps.Copy(p.rules, own)
	p.looked, p.next = now, time.Time{}
	for _, r := range all {
		p.put(r, now)
	}
}

// follow takes the changes over and turns them into changes of what holds.
func (p *present) follow(changes []portal.RuleDelta, now time.Time) {
	for i, c := range changes {
		if c.Old != nil {
			held := p.rules[c.Old.ID]
			changes[i].Old = &held
			delete(p.rules, c.Old.ID)
			delete(p.timed, c.Old.ID)
		}
		if c.New != nil {
			holds := p.put(*c.New, now)
			changes[i].New = &holds
		}
	}
}

func (p *present) put(r portal.CompiledRule, now time.Time) portal.CompiledRule {
	holds := r
	if !r.Conditions.IsZero() {
		p.timed[r.ID] = r
		holds = r.At(now)
		p.wakeAt(r.Conditions.NextTime(now))
	}
	p.rules[r.ID] = holds
	return holds
}

// turn looks at the clock and returns the rules that hold another way than before. It looks again at all of them when their time has come,
// and when the clock was set.
func (p *present) turn(now time.Time) (changed []portal.RuleDelta) {
	if at, timed := p.wakes(now); !timed || now.Before(at) {
		return nil
	}
	p.looked, p.next = now, time.Time{}
	for id, r := range p.timed {
		was, is := p.rules[id], r.At(now)
		p.wakeAt(r.Conditions.NextTime(now))
		if (was.Destinations == nil) == (is.Destinations == nil) {
			continue
		}
		p.rules[id] = is
		changed = append(changed, portal.RuleDelta{Old: &was, New: &is})
	}
	return changed
}

// wakes is when rules have to be looked at again: at once after the clock was set back. ok is false where none has conditions on time.
func (p *present) wakes(now time.Time) (at time.Time, ok bool) {
	switch soon := p.looked.Add(longestWait); {
	case now.Before(p.looked):
		at = now
	case p.next.IsZero() || soon.Before(p.next):
		at = soon
	default:
		at = p.next
	}
	return at, len(p.timed) > 0
}

func (p *present) wakeAt(t time.Time) {
	if !t.IsZero() && (p.next.IsZero() || t.Before(p.next)) {
		p.next = t
	}
}

// want is what the data path should be, but for how entries stand.
func (a *Agent) want() portal.Desired {
	d := a.state.Desired
	d.Rules, d.Signatures = a.present.rules, a.standings.sigs
	return d
}

// tick is what the clock alone changes: entries whose end has come, and rules whose time begins or ends. Idled are those of the entries that
// were silent for too long.
func (a *Agent) tick(now time.Time) (d portal.Delta, idled []portal.Live) {
	d, idled = a.due(now)
	d.Rules = a.present.turn(now)
	return d, idled
}
