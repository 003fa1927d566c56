package peers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
	"github.com/sallyport/sallyport/portal/store"
)

// judgedAtOnce is how many devices are judged in one transaction: nobody waits long for the feed lock.
const judgedAtOnce = 200

// errLevelChanges says that a device gets another level, which needs the feed lock.
var errLevelChanges = errors.New("the level changes")

// judging keeps what policy says of devices, and holds them at the level that follows.
type judging struct {
	tx   *store.Tx
	p    *policy // nil: not under the feed lock; a level that changes is errLevelChanges
	plan *posture.Plan
	by   portal.Actor
}

func (j judging) devices(ids []portal.DeviceID) error {
	if len(ids) == 0 {
		return nil
	}
	states, err := j.tx.PostureStates(ids) // first: it locks
	if err != nil {
		return err
	}
	devices, err := j.tx.Devices(store.DeviceFilter{IDs: ids})
	if err != nil {
		return err
	}
	facts, err := j.tx.DeviceFacts(ids)
	if err != nil {
		return err
	}
	results, err := j.tx.CheckResults(ids)
	if err != nil {
		return err
	}
	var moved []portal.DeviceID
	for _, d := range devices {
		v := j.plan.Judge(subject(d, facts[d.ID], results[d.ID], j.tx.Now), j.tx.Now)
		if err := j.keep(d.ID, v, states[d.ID], results[d.ID]); err != nil {
			return err
		}
		changed, err := j.hold(d, v)
		if err != nil {
			return err
		}
		if changed {
			moved = append(moved, d.ID)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return j.p.devices(store.DeviceFilter{IDs: moved})
}

func subject(d store.DeviceRecord, facts []posture.Fact, results []store.CheckResult, now time.Time) posture.Subject {
	s := posture.Subject{Device: d.ID, User: d.User, Platform: d.Platform, Created: d.CreatedAt, Facts: posture.Choose(facts, now), Failing: map[posture.CheckID]time.Time{}}
	for _, r := range results {
		if !r.Since.IsZero() {
			s.Failing[r.Check] = r.Since
		}
	}
	return s
}

// keep writes a verdict where it differs from the last one.
func (j judging) keep(id portal.DeviceID, v posture.Verdict, old store.PostureState, had []store.CheckResult) error {
	now := notPassed(id, v)
	if !slices.Equal(now, had) {
		if err := j.tx.SaveCheckResults(id, now); err != nil {
			return err
		}
	}
	state := store.PostureState{Device: id, Effect: v.Effect, Would: v.Would, Since: old.Since, JudgedAt: j.tx.Now, Next: v.Next}
	if v.Effect != old.Effect || old.Since.IsZero() {
		state.Since = j.tx.Now
	}
	if v.Effect != old.Effect || !slices.Equal(effective(now), effective(had)) {
		if err := j.tx.AddPastVerdict(id, store.PastVerdict{At: j.tx.Now, Effect: v.Effect, Failing: failing(v, posture.Warn)}); err != nil {
			return err
		}
	}
	return j.tx.SavePosture(state)
}

// notPassed is what is kept of a verdict, in the order of the ids of the checks.
func notPassed(id portal.DeviceID, v posture.Verdict) (results []store.CheckResult) {
	for _, r := range v.Results {
		if r.Outcome != posture.Passes {
			results = append(results, store.CheckResult{
				Device: id, Check: r.Check.ID, Outcome: r.Outcome, Reason: r.Reason, Seen: cut(r.Seen, posture.MaxText), Severity: r.Severity, Since: r.Since, Until: r.Until,
			})
		}
	}
	slices.SortFunc(results, func(a, b store.CheckResult) int { return strings.Compare(string(a.Check), string(b.Check)) })
	return results
}

// effective is which checks do what.
func effective(results []store.CheckResult) (all []store.CheckResult) {
	for _, r := range results {
		if r.Severity != "" {
			all = append(all, store.CheckResult{Check: r.Check, Severity: r.Severity})
		}
	}
	return all
}

// failing is the names of the checks that do something, no less than least.
func failing(v posture.Verdict, least posture.Severity) (names []string) {
	for _, r := range v.Results {
		if r.Severity != "" && !least.Level().Below(r.Severity.Level()) {
			names = append(names, r.Check.Name)
		}
	}
	return names
}

// hold puts the device at the level of the verdict, and reports whether that was another one, or for another reason.
func (j judging) hold(d store.DeviceRecord, v posture.Verdict) (changed bool, err error) {
	var old *portal.Hold
	for i, h := range d.Grant.Holds {
		if h.Source == portal.HoldByPosture && h.Device == d.ID {
			old = &d.Grant.Holds[i]
		}
	}
	want := portal.Hold{Source: portal.HoldByPosture, Device: d.ID, Level: v.Level(), CreatedAt: j.tx.Now}
	if want.Level == portal.LevelFull {
		if old == nil {
			return false, nil
		}
		if j.p == nil {
			return false, errLevelChanges
		}
		if err := j.tx.DropHold(want.Source, "", d.ID); err != nil {
			return false, err
		}
		return true, j.tx.Audit(j.by, "level.lift", deviceTarget(d.ID), store.Changed{Now: want, Before: old})
	}
	want.Reason = cut(strings.Join(failing(v, posture.Risk), ", "), maxDescription)
	if old != nil && old.Level == want.Level && old.Reason == want.Reason {
		return false, nil
	}
	if j.p == nil {
		return false, errLevelChanges
	}
	if err := j.tx.SetHold(want); err != nil {
		return false, err
	}
	return true, j.tx.Audit(j.by, "level.hold", deviceTarget(d.ID), store.Changed{Now: want, Before: old})
}

// cut shortens s to at most most bytes, between characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// judgeNew judges a device that was just added, when anything is asked of it.
func judgeNew(p *policy, by portal.Actor, id portal.DeviceID) error {
	asked, err := p.tx.HasPostureChecks()
	if err != nil || !asked {
		return err
	}
	policy, err := p.tx.PosturePolicy()
	if err != nil {
		return err
	}
	return judging{tx: p.tx, p: p, plan: policy.Plan(), by: by}.devices([]portal.DeviceID{id})
}

// JudgeEvery is how often devices are judged whose verdict may have changed by the passing of time, or by a change of policy.
const JudgeEvery = 5 * time.Second

// Judge runs until ctx ends: every JudgeEvery it judges the devices that are due. What fails is logged and tried again.
func (s *Service) Judge(ctx context.Context) error {
	tick := time.NewTicker(JudgeEvery)
	defer tick.Stop()
	for {
		if err := s.JudgeDue(ctx); err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "judge devices", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// JudgeDue judges the devices that are due, some in each transaction. It costs what is due, not what exists.
func (s *Service) JudgeDue(ctx context.Context) error {
	for {
		var due []portal.DeviceID
		err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
			due, err = tx.PostureDue(1)
			return err
		})
		if err != nil || len(due) == 0 {
			return err
		}
		err = s.Store.Tx(ctx, func(tx *store.Tx) error {
			p, err := lockPolicy(tx)
			if err != nil {
				return err
			}
			policy, err := tx.PosturePolicy()
			if err != nil {
				return err
			}
			if due, err = tx.PostureDue(judgedAtOnce); err != nil {
				return err
			}
			return judging{tx: tx, p: p, plan: policy.Plan(), by: portal.System}.devices(due)
		})
		if err != nil {
			return err
		}
	}
}
