package peers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
	"github.com/sallyport/sallyport/portal/store"
)

// FactInput is a fact as a management system tells it: a value, or why it is unknown.
type FactInput struct {
	Name    string
	Value   any // as JSON has it; nil: unknown
	Unknown string
	Detail  string
	Expires time.Time // zero: as long as the policy lets a device be silent
}

// Told is what became of facts.
type Told struct {
	Ignored  []string     // names of those that no check reads: they are not kept
	Level    portal.Level // that the device has left by policy
	Revision uint64       // of the change that gateways are told of; 0 when the level is as it was
}

// TellFacts puts facts in the place of all that the same token told of the device before, and judges the device in the same transaction. It
// needs portal.PostureReport. It returns portal.ErrNotFound, or an invalid-input error.
func (s *Service) TellFacts(ctx context.Context, by portal.Actor, id portal.DeviceID, in []FactInput) (told Told, err error) {
	if !by.May(portal.PostureReport) {
		return told, portal.ErrForbidden
	}
	// Most of what is told changes no level, so the feed lock is only taken by what does.
	for _, locked := range []bool{false, true} {
		err = s.Store.Tx(ctx, func(tx *store.Tx) (err error) {
			var p *policy
			if locked {
				if p, err = lockPolicy(tx); err != nil {
					return err
				}
			}
			told, err = tellFacts(tx, p, by, id, in)
			return err
		})
		if !errors.Is(err, errLevelChanges) {
			break
		}
	}
	return told, err
}

func tellFacts(tx *store.Tx, p *policy, by portal.Actor, id portal.DeviceID, in []FactInput) (told Told, err error) {
	policy, err := tx.PosturePolicy()
	if err != nil {
		return told, err
	}
	if err := tx.LockDevice(id); err != nil {
		return told, err
	}
	name := ""
	if by.Service != "" {
		t, err := tx.ServiceToken(by.Service)
		if err != nil {
			return told, err
		}
		name = t.Name
	}
	facts, err := readFacts(in, name, tx.Now)
	if err != nil {
		return told, err
	}
	plan := policy.Plan()
	kept := facts[:0]
	for _, f := range facts {
		if plan.Uses(f.Name) {
			kept = append(kept, f)
		} else {
			told.Ignored = append(told.Ignored, f.Name)
		}
	}
	if err := tx.SetDeviceFacts(id, posture.FromManagement, name, kept); err != nil {
		return told, err
	}
	if err := (judging{tx: tx, p: p, plan: plan, by: by}).devices([]portal.DeviceID{id}); err != nil {
		return told, err
	}
	states, err := tx.ShownPosture([]portal.DeviceID{id})
	told.Level = states[id].Effect.Level()
	if p != nil {
		told.Revision = p.last
	}
	return told, err
}

// readFacts checks facts, with the paths of the API's body.
func readFacts(in []FactInput, by string, now time.Time) ([]posture.Fact, error) {
	var c check
	if len(in) > posture.MaxFacts {
		c.wrong("/facts", "too_many", "At most %d.", posture.MaxFacts)
		return nil, c.err()
	}
	facts, seen := make([]posture.Fact, 0, len(in)), map[string]bool{}
	for i, f := range in {
		path := fmt.Sprintf("/facts/%d", i)
		made := posture.Fact{Name: f.Name, Why: f.Detail, Source: posture.FromManagement, By: by, At: now, Expires: f.Expires.UTC().Truncate(time.Second)}
		if f.Expires.IsZero() {
			made.Expires = time.Time{}
		} else if !made.Expires.After(now) || made.Expires.After(now.Add(posture.MaxSilence)) {
			c.wrong(path+"/expiresAt", "out_of_range", "A time from now on, at most %d days ahead.", posture.MaxSilence/(24*time.Hour))
		}
		if err := posture.CheckName(f.Name); err != nil {
			c.wrong(path+"/name", "malformed", "%s.", err)
		} else if seen[f.Name] {
			c.wrong(path+"/name", "duplicate", "This fact is there already.")
		}
		seen[f.Name] = true
		c.plain(path+"/detail", f.Detail)
		c.plain(path+"/unknown", f.Unknown)
		switch {
		case (f.Value == nil) == (f.Unknown == ""):
			c.wrong(path+"/value", "required", "Give a value, or say in unknown why there is none.")
		case f.Value == nil:
			made.Why = f.Unknown
		default:
			v, err := posture.ValueOf(f.Value)
			if err == nil {
				err = posture.CheckValue(f.Name, v)
			}
			if err != nil {
				c.wrong(path+"/value", "wrong_type", "%s.", err)
			}
			made.Value = v
		}
		facts = append(facts, made)
	}
	return facts, c.err()
}

func (c *check) plain(path, s string) {
	if err := posture.CheckText(s); err != nil {
		c.wrong(path, "not_printable", "%s.", err)
	}
}
