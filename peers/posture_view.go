package peers

import (
	"context"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/posture"
	"github.com/sallyport/sallyport/portal/store"
)

// DevicePosture is the state of a device, and all that is known of it.
type DevicePosture struct {
	Verdict posture.Verdict // as policy says now
	Since   time.Time       // since when its effect is this one; zero: it was not judged yet
	Facts   []posture.Fact  // every one that is kept, of every source
	History []store.PastVerdict
}

// Posture returns the state of a device. Its owner sees all but the checks that only report. It returns portal.ErrNotFound for a device
// that is not there or that the actor may not see.
func (s *Service) Posture(ctx context.Context, by portal.Actor, id portal.DeviceID) (view DevicePosture, err error) {
	all := by.May(portal.PostureRead)
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		d, err := tx.Device(id)
		if err != nil {
			return err
		}
		if d.User != by.User && !all {
			return portal.ErrNotFound
		}
		ids := []portal.DeviceID{id}
		policy, err := tx.ShownPosturePolicy()
		if err != nil {
			return err
		}
		facts, err := tx.DeviceFacts(ids)
		if err != nil {
			return err
		}
		results, err := tx.CheckResults(ids)
		if err != nil {
			return err
		}
		states, err := tx.ShownPosture(ids)
		if err != nil {
			return err
		}
		view.Facts, view.Since = facts[id], states[id].Since
		view.Verdict = policy.Plan().Judge(subject(d, facts[id], results[id], tx.Now), tx.Now)
		if !all {
			view.Verdict.Results = slices.DeleteFunc(view.Verdict.Results, func(r posture.Result) bool { return r.Check.ReportOnly })
		}
		view.History, err = tx.PastVerdicts(id)
		return err
	})
	return view, err
}

// PostureOverview is what is asked of devices, and how they stand.
type PostureOverview struct {
	Checks     []CheckView
	Exceptions []ExceptionView
	Times      PostureTimes
	Devices    map[posture.Severity]int // by the effect of their verdict
}

// CheckView is a check and how devices stand with it.
type CheckView struct {
	posture.Check
	Counts store.CheckCounts
}

// ExceptionView is an exception with the names of what it is about.
type ExceptionView struct {
	posture.Exception
	CheckName string
	Name      string // of the person, or of the device
	OwnerName string // of the device
}

// PosturePolicy returns the overview. It needs portal.PostureRead.
func (s *Service) PosturePolicy(ctx context.Context, by portal.Actor) (view PostureOverview, err error) {
	if !by.May(portal.PostureRead) {
		return view, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		policy, err := tx.ShownPosturePolicy()
		if err != nil {
			return err
		}
		counts, err := tx.CheckCounts()
		if err != nil {
			return err
		}
		view.Times = PostureTimes{Settle: policy.Settle, Silence: policy.Silence}
		names := map[posture.CheckID]string{}
		for _, c := range policy.Checks {
			view.Checks = append(view.Checks, CheckView{c, counts[c.ID]})
			names[c.ID] = c.Name
		}
		for _, e := range policy.Exceptions {
			one := ExceptionView{Exception: e, CheckName: names[e.Check]}
			if err := one.name(tx); err != nil {
				return err
			}
			view.Exceptions = append(view.Exceptions, one)
		}
		view.Devices, err = tx.PostureCounts()
		return err
	})
	return view, err
}

func (e *ExceptionView) name(tx *store.Tx) error {
	if e.Device == "" {
		u, err := tx.User(e.User)
		e.Name = u.Name
		return err
	}
	d, err := tx.Device(e.Device)
	e.Name, e.OwnerName = d.Name, d.OwnerName
	return err
}

// NotPassing is a device that does not pass a check.
type NotPassing struct {
	store.CheckResult
	Name      string
	Platform  portal.Platform
	Owner     portal.UserID
	OwnerName string
}

// NotPassing returns a page of devices that do not pass a check, and what to ask for the next one with: "" on the last.
func (s *Service) NotPassing(ctx context.Context, by portal.Actor, id posture.CheckID, after string, limit int) (page []NotPassing, next string, err error) {
	if !by.May(portal.PostureRead) {
		return nil, "", portal.ErrForbidden
	}
	if limit < 1 || limit > maxLimit {
		limit = defaultLimit
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := tx.PostureCheck(id); err != nil {
			return err
		}
		results, err := tx.NotPassing(id, portal.DeviceID(after), limit+1)
		if err != nil {
			return err
		}
		if len(results) > limit {
			results = results[:limit]
			next = string(results[limit-1].Device)
		}
		ids := make([]portal.DeviceID, len(results))
		for i, r := range results {
			ids[i] = r.Device
		}
		devices, err := tx.Devices(store.DeviceFilter{IDs: ids})
		if err != nil {
			return err
		}
		for i, d := range devices { // both in the order of the ids
			page = append(page, NotPassing{CheckResult: results[i], Name: d.Name, Platform: d.Platform, Owner: d.User, OwnerName: d.OwnerName})
		}
		return nil
	})
	return page, next, err
}
