package peers

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
	"github.com/sallyport/sallyport/portal/store"
)

// ErrPostureFull says that there are as many checks or exceptions as there may be.
var ErrPostureFull = &portal.Error{Kind: portal.Exhausted, Code: "posture_limit", Msg: "There are as many of these as there may be. Remove one first."}

// maxException is how far ahead an exception may end.
const maxException = 366 * 24 * time.Hour

// CheckInput is a check as typed. An update replaces all of it.
type CheckInput struct {
	Name       string
	Rule       string // see posture.Rule
	Platforms  []portal.Platform
	Severity   posture.Severity
	Unknown    posture.Unknown
	Grace      time.Duration
	ReportOnly bool
	Help       string
}

func (in CheckInput) check() (posture.Check, error) {
	var c check
	made := posture.Check{
		Name: c.name("/name", in.Name), Severity: in.Severity, Unknown: in.Unknown, Grace: c.seconds("/graceSeconds", in.Grace, 0, posture.MaxGrace),
		ReportOnly: in.ReportOnly, Help: c.text("/help", in.Help, maxDescription),
	}
	for i, p := range in.Platforms {
		made.Platforms = append(made.Platforms, oneOf(&c, fmt.Sprintf("/platforms/%d", i), p, portal.Windows, portal.MacOS, portal.Linux, portal.IOS, portal.Android, portal.Server, portal.Other))
	}
	slices.Sort(made.Platforms)
	made.Platforms = slices.Compact(made.Platforms)
	rule, err := posture.ParseRule(in.Rule)
	if err != nil {
		c.wrong("/rule", "malformed", "%s.", err)
		return made, c.err()
	}
	made.Rule = rule
	for _, f := range made.Validate() {
		if f.Path != "/graceSeconds" { // said above
			c.fields = append(c.fields, f)
		}
	}
	return made, c.err()
}

// ExceptionInput is an exception as typed.
type ExceptionInput struct {
	Check  posture.CheckID // "": every check
	User   portal.UserID   // one of the two
	Device portal.DeviceID
	Until  time.Time
	Reason string
}

func (in ExceptionInput) exception(tx *store.Tx, by portal.Actor) (posture.Exception, error) {
	var c check
	e := posture.Exception{
		ID: portal.NewID[posture.ExceptionID](tx.Now), Check: in.Check, User: in.User, Device: in.Device, Until: in.Until.UTC().Truncate(time.Second),
		Reason: c.text("/reason", in.Reason, maxDescription), By: by.User, At: tx.Now,
	}
	if e.Reason == "" {
		c.wrong("/reason", "required", "Say why.")
	}
	if !e.Until.After(tx.Now) || e.Until.After(tx.Now.Add(maxException)) {
		c.wrong("/until", "out_of_range", "A time from now on, at most a year ahead.")
	}
	if (in.User == "") == (in.Device == "") {
		c.wrong("/device", "required", "Name a person or a device, one of the two.")
	}
	if err := c.err(); err != nil {
		return e, err
	}
	return e, in.there(tx)
}

// there checks that what the exception names exists.
func (in ExceptionInput) there(tx *store.Tx) error {
	var c check
	look := func(path string, named bool, read func() error) error {
		if !named {
			return nil
		}
		err := read()
		if portal.KindOf(err) == portal.NotFound {
			c.wrong(path, "unknown", "There is no such object.")
			return nil
		}
		return err
	}
	for _, one := range []struct {
		path  string
		named bool
		read  func() error
	}{
		{"/check", in.Check != "", func() error { _, err := tx.PostureCheck(in.Check); return err }},
		{"/user", in.User != "", func() error { _, err := tx.User(in.User); return err }},
		{"/device", in.Device != "", func() error { _, err := tx.Device(in.Device); return err }},
	} {
		if err := look(one.path, one.named, one.read); err != nil {
			return err
		}
	}
	return c.err()
}

// PostureTimes are the waits that hold for all checks.
type PostureTimes struct {
	Settle  time.Duration `json:"settle"`  // until a new device, or one under a new check, must have said something
	Silence time.Duration `json:"silence"` // how long what a device said last is good for, where it has no end of its own
}

// CreateCheck adds a check. It needs portal.PostureWrite. Devices that are asked are judged at once, the first of them in the same transaction.
func (s *Service) CreateCheck(ctx context.Context, by portal.Actor, in CheckInput) (CheckView, error) {
	var made posture.Check
	counts, err := s.changeCheck(ctx, by, func(p *policy) (err error) {
		if made, err = in.check(); err != nil {
			return err
		}
		there, err := p.tx.PostureChecks()
		if err != nil {
			return err
		}
		if len(there) >= posture.MaxChecks {
			return ErrPostureFull
		}
		made.ID, made.ChangedAt = portal.NewID[posture.CheckID](p.tx.Now), p.tx.Now
		if err := p.tx.CreatePostureCheck(made); err != nil {
			return err
		}
		if err := p.tx.JudgeAll(); err != nil {
			return err
		}
		return p.tx.Audit(by, "posture.check_create", checkTarget(made.ID), toldCheck(made))
	})
	return CheckView{made, counts[made.ID]}, err
}

// UpdateCheck replaces a check. Devices have their time to settle again when it asks for another fact.
func (s *Service) UpdateCheck(ctx context.Context, by portal.Actor, id posture.CheckID, in CheckInput) (CheckView, error) {
	var made posture.Check
	counts, err := s.changeCheck(ctx, by, func(p *policy) error {
		old, err := p.tx.PostureCheck(id)
		if err != nil {
			return err
		}
		if made, err = in.check(); err != nil {
			return err
		}
		made.ID, made.ChangedAt = id, old.ChangedAt
		if made.Rule.Fact != old.Rule.Fact || !slices.Equal(made.Platforms, old.Platforms) {
			made.ChangedAt = p.tx.Now
		}
		if err := p.tx.UpdatePostureCheck(made); err != nil {
			return err
		}
		if err := p.tx.JudgeAll(); err != nil {
			return err
		}
		return p.tx.Audit(by, "posture.check_update", checkTarget(id), store.Changed{Now: toldCheck(made), Before: toldCheck(old)})
	})
	return CheckView{made, counts[made.ID]}, err
}

// DeleteCheck removes a check, its exceptions, and the facts that only it read.
func (s *Service) DeleteCheck(ctx context.Context, by portal.Actor, id posture.CheckID) error {
	return s.changePosture(ctx, by, func(p *policy) error {
		old, err := p.tx.PostureCheck(id)
		if err != nil {
			return err
		}
		if err := p.tx.DeletePostureCheck(id); err != nil {
			return err
		}
		if err := p.tx.JudgeAll(); err != nil {
			return err
		}
		return p.tx.Audit(by, "posture.check_delete", checkTarget(id), store.Changed{Now: named(old.Name), Before: toldCheck(old)})
	})
}

// CreateException lets a person or a device be in spite of a check, for a while.
func (s *Service) CreateException(ctx context.Context, by portal.Actor, in ExceptionInput) (made posture.Exception, err error) {
	err = s.changePosture(ctx, by, func(p *policy) error {
		if made, err = in.exception(p.tx, by); err != nil {
			return err
		}
		there, err := p.tx.PostureExceptions()
		if err != nil {
			return err
		}
		if len(there) >= posture.MaxExceptions {
			return ErrPostureFull
		}
		if err := p.tx.CreatePostureException(made); err != nil {
			return err
		}
		if err := p.tx.JudgeDevices(made.User, made.Device); err != nil {
			return err
		}
		return p.tx.Audit(by, "posture.exception_create", exceptionTarget(made), toldException(made))
	})
	return made, err
}

// DeleteException ends an exception before its time.
func (s *Service) DeleteException(ctx context.Context, by portal.Actor, id posture.ExceptionID) error {
	return s.changePosture(ctx, by, func(p *policy) error {
		old, err := p.tx.PostureException(id)
		if err != nil {
			return err
		}
		if err := p.tx.DeletePostureException(id); err != nil {
			return err
		}
		if err := p.tx.JudgeDevices(old.User, old.Device); err != nil {
			return err
		}
		return p.tx.Audit(by, "posture.exception_delete", exceptionTarget(old), store.Changed{Now: map[string]any{"check": old.Check}, Before: toldException(old)})
	})
}

// SetPostureTimes sets the waits that hold for all checks.
func (s *Service) SetPostureTimes(ctx context.Context, by portal.Actor, in PostureTimes) error {
	return s.changePosture(ctx, by, func(p *policy) error {
		var c check
		c.seconds("/settleSeconds", in.Settle, 0, posture.MaxGrace)
		c.seconds("/silenceSeconds", in.Silence, posture.MinSilence, posture.MaxSilence)
		if err := c.err(); err != nil {
			return err
		}
		old, err := p.tx.PosturePolicy()
		if err != nil {
			return err
		}
		before := PostureTimes{Settle: old.Settle, Silence: old.Silence}
		if before == in {
			return nil
		}
		if err := p.tx.SetPostureTimes(in.Settle, in.Silence); err != nil {
			return err
		}
		if err := p.tx.JudgeAll(); err != nil {
			return err
		}
		return p.tx.Audit(by, "posture.times_set", "posture", store.Changed{Now: in.told(), Before: before.told()})
	})
}

func (t PostureTimes) told() map[string]any {
	return map[string]any{"settleSeconds": int64(t.Settle / time.Second), "silenceSeconds": int64(t.Silence / time.Second)}
}

// changeCheck is changePosture, and how devices stand with each check afterwards.
func (s *Service) changeCheck(ctx context.Context, by portal.Actor, fn func(p *policy) error) (map[posture.CheckID]store.CheckCounts, error) {
	err := s.changePosture(ctx, by, fn)
	if err != nil {
		return nil, err
	}
	var counts map[posture.CheckID]store.CheckCounts
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		counts, err = tx.CheckCounts()
		return err
	})
	return counts, err
}

// changePosture runs fn, which makes those devices due whose verdict may change by it, forgets what no check reads any more, and judges the
// first devices that are due. JudgeDue has the rest.
func (s *Service) changePosture(ctx context.Context, by portal.Actor, fn func(p *policy) error) error {
	return s.managing(ctx, by, portal.PostureWrite, func(p *policy) error {
		if err := p.tx.ChangePosture(); err != nil {
			return err
		}
		if err := fn(p); err != nil {
			return err
		}
		if err := p.tx.SweepPostureExceptions(); err != nil {
			return err
		}
		now, err := p.tx.PosturePolicy()
		if err != nil {
			return err
		}
		plan := now.Plan()
		if err := p.tx.KeepFacts(plan.Wants("")); err != nil {
			return err
		}
		due, err := p.tx.PostureDue(judgedAtOnce)
		if err != nil {
			return err
		}
		return judging{tx: p.tx, p: p, plan: plan, by: portal.System}.devices(due)
	})
}

func checkTarget(id posture.CheckID) string { return "posture_check:" + string(id) }

// exceptionTarget is whom the exception is about, where people look for it.
func exceptionTarget(e posture.Exception) string {
	if e.Device != "" {
		return deviceTarget(e.Device)
	}
	return userTarget(e.User)
}

func toldCheck(c posture.Check) map[string]any {
	return map[string]any{
		"name": c.Name, "rule": c.Rule, "platforms": c.Platforms, "severity": c.Severity, "unknown": c.Unknown, "graceSeconds": int64(c.Grace / time.Second),
		"reportOnly": c.ReportOnly, "help": c.Help,
	}
}

func toldException(e posture.Exception) map[string]any {
	return map[string]any{"check": e.Check, "user": e.User, "device": e.Device, "until": e.Until, "reason": e.Reason}
}
