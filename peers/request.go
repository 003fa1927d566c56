package peers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// Bounds of requests for temporary access.
const (
	maxOpenRequests = 10 // of one person
	shownRequests   = 200
	leastAccess     = 10 * time.Minute
	mostAccess      = 30 * 24 * time.Hour
	requestOpenFor  = 7 * 24 * time.Hour // then it expires
	requestKeptFor  = 365 * 24 * time.Hour
)

// What callers of requests may see.
var (
	ErrRequestTwice = &portal.Error{Kind: portal.Conflict, Code: "request_open", Msg: "You have asked for this already, and nobody has decided yet."}
	ErrManyRequests = &portal.Error{Kind: portal.Exhausted, Code: "requests_full", Msg: "You have ten requests that nobody has decided yet. Withdraw one first."}
	ErrDecided      = &portal.Error{Kind: portal.Conflict, Code: "request_decided", Msg: "This request was decided, withdrawn or has expired."}
	ErrOwnRequest   = &portal.Error{Kind: portal.Forbidden, Code: "own_request", Msg: "Nobody decides on their own request."}
	ErrAskerGone    = &portal.Error{Kind: portal.Conflict, Code: "asker_not_active", Msg: "The account of the person who asks is not active."}
)

// RequestInput is a request as typed.
type RequestInput struct {
	Resource portal.ResourceID
	Reason   string
	For      time.Duration // whole seconds, 10 minutes to 30 days
}

// RequestView is a request with names, and what the actor may do with it.
type RequestView struct {
	portal.AccessRequest
	UserName, ResourceName, DeciderName string
	MayDecide, MayEnd                   bool
}

// RequestScope says which requests to list.
type RequestScope string

// The scopes.
const (
	RequestsMine   RequestScope = "mine"   // the actor's own
	RequestsDecide RequestScope = "decide" // open ones that the actor may decide on
	RequestsRun    RequestScope = "run"    // access of others that runs and that the actor may end
	RequestsAll    RequestScope = "all"    // needs portal.AccessRead
)

// Requestable returns the resources that people may ask for, by name.
func (s *Service) Requestable(ctx context.Context, by portal.Actor) (all []portal.Resource, err error) {
	if !by.May(portal.OwnRequests) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err = tx.Resources()
		all = slices.DeleteFunc(all, func(r portal.Resource) bool { return !r.Requestable })
		return err
	})
	return all, err
}

// Requests lists requests, newest first, at most 200.
func (s *Service) Requests(ctx context.Context, by portal.Actor, scope RequestScope) (views []RequestView, err error) {
	if !by.May(portal.OwnRequests) || by.User == "" && scope == RequestsMine {
		return nil, portal.ErrForbidden
	}
	f := store.RequestFilter{Limit: shownRequests}
	switch {
	case scope == RequestsMine:
		f.User = by.User
	case scope == RequestsDecide:
		f.State, f.Limit = portal.RequestOpen, 0
	case scope == RequestsRun:
		f.State, f.Limit = portal.RequestApproved, 0
	case !by.May(portal.AccessRead):
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		all, err := tx.AccessRequests(f)
		if err != nil {
			return err
		}
		views, err = viewRequests(tx, by, all)
		keep := map[RequestScope]func(RequestView) bool{
			RequestsDecide: func(v RequestView) bool { return v.MayDecide },
			RequestsRun: func(v RequestView) bool {
				return v.MayEnd && v.State == portal.RequestApproved && v.User != by.User
			},
		}[scope]
		if keep != nil {
			views = slices.DeleteFunc(views, func(v RequestView) bool { return !keep(v) })
			views = views[:min(len(views), shownRequests)]
		}
		return err
	})
	return views, err
}

// AskForAccess asks for a resource. The person's approvers hear of it. Errors: portal.ErrNotFound for a resource that is not there or that
// nobody may ask for, ErrRequestTwice, ErrManyRequests.
func (s *Service) AskForAccess(ctx context.Context, by portal.Actor, in RequestInput) (view RequestView, err error) {
	if !by.May(portal.OwnRequests) || by.User == "" {
		return view, portal.ErrForbidden
	}
	var c check
	reason := c.text("/reason", in.Reason, maxDescription)
	if reason == "" && len(c.fields) == 0 {
		c.wrong("/reason", "required", "Say what you need it for.")
	}
	c.seconds("/seconds", in.For, leastAccess, mostAccess)
	if err := c.err(); err != nil {
		return view, err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockFeed(); err != nil { // requests change under it
			return err
		}
		res, err := tx.Resource(in.Resource)
		if err != nil {
			return err
		}
		if !res.Requestable {
			return portal.ErrNotFound
		}
		n, err := tx.CountRequests(by.User, portal.RequestOpen)
		if err != nil {
			return err
		}
		if n >= maxOpenRequests {
			return ErrManyRequests
		}
		r := portal.AccessRequest{
			ID: portal.NewID[portal.RequestID](tx.Now), User: by.User, Resource: res.ID, Reason: reason, For: in.For, State: portal.RequestOpen, CreatedAt: tx.Now,
		}
		if err := tx.CreateAccessRequest(r); errors.Is(err, portal.ErrDuplicate) {
			return ErrRequestTwice
		} else if err != nil {
			return err
		}
		view, err = s.noteRequest(tx, by, r, "access_request.create")
		return err
	})
	return view, err
}

// ApproveRequest makes a rule for the one person and the one resource that ends by itself, at gateways also without a portal. It is for the
// resource's approvers, never for who asks; a policy test that would fail keeps it from happening.
func (s *Service) ApproveRequest(ctx context.Context, by portal.Actor, id portal.RequestID, note string) (RequestView, error) {
	return s.decide(ctx, by, id, note, func(p *policy, r *portal.AccessRequest, res portal.Resource) (string, error) {
		asker, err := p.tx.User(r.User)
		if err != nil && !errors.Is(err, portal.ErrNotFound) {
			return "", err
		}
		if err != nil || asker.State != portal.UserActive {
			return "", ErrAskerGone
		}
		r.State, r.Until = portal.RequestApproved, p.tx.Now.Add(r.For).Truncate(time.Second)
		r.Rule = portal.NewID[portal.RuleID](p.tx.Now)
		return "access_request.approve", p.guarded(func(p *policy) error { return allowFor(p, by, *r, asker, res) })
	})
}

// RefuseRequest ends a request without access.
func (s *Service) RefuseRequest(ctx context.Context, by portal.Actor, id portal.RequestID, note string) (RequestView, error) {
	return s.decide(ctx, by, id, note, func(_ *policy, r *portal.AccessRequest, _ portal.Resource) (string, error) {
		r.State = portal.RequestRefused
		return "access_request.refuse", nil
	})
}

// decide lets one approver change an open request, once.
func (s *Service) decide(ctx context.Context, by portal.Actor, id portal.RequestID, note string,
	change func(p *policy, r *portal.AccessRequest, res portal.Resource) (action string, err error),
) (view RequestView, err error) {
	if !by.May(portal.OwnApprovals) {
		return view, portal.ErrForbidden
	}
	var c check
	note = c.text("/note", note, maxDescription)
	if err := c.err(); err != nil {
		return view, err
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		r, err := tx.AccessRequest(id)
		if err != nil {
			return err
		}
		res, err := tx.Resource(r.Resource)
		if err != nil {
			return err
		}
		groups, err := tx.GroupIDs(by.User)
		may := decides(by, groups, res)
		switch {
		case err != nil:
			return err
		case r.User == by.User:
			return ErrOwnRequest
		case !may && !by.May(portal.AccessRead):
			return portal.ErrNotFound
		case !may:
			return portal.ErrForbidden
		case r.State != portal.RequestOpen:
			return ErrDecided
		}
		r.DecidedBy, r.DecidedAt, r.Note = by.User, tx.Now, note
		action, err := change(p, &r, res)
		if err != nil {
			return err
		}
		if err := tx.UpdateAccessRequest(r); err != nil {
			return err
		}
		view, err = s.noteRequest(tx, by, r, action)
		return err
	})
	return view, err
}

// EndRequest withdraws an open request, which only who asked does, or ends access before its time: who asked, the approvers, and people who
// may write rules.
func (s *Service) EndRequest(ctx context.Context, by portal.Actor, id portal.RequestID) (view RequestView, err error) {
	if !by.May(portal.OwnRequests) {
		return view, portal.ErrForbidden
	}
	err = s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		r, err := tx.AccessRequest(id)
		if err != nil {
			return err
		}
		views, err := viewRequests(tx, by, []portal.AccessRequest{r})
		switch {
		case err != nil:
			return err
		case r.User != by.User && !views[0].MayDecide && !views[0].MayEnd && !by.May(portal.AccessRead):
			return portal.ErrNotFound
		case r.StateAt(tx.Now) != portal.RequestOpen && r.StateAt(tx.Now) != portal.RequestApproved:
			return ErrDecided
		case !views[0].MayEnd:
			return portal.ErrForbidden
		}
		if r.State == portal.RequestOpen {
			r.State = portal.RequestWithdrawn
			if err := tx.UpdateAccessRequest(r); err != nil {
				return err
			}
			view, err = s.noteRequest(tx, by, r, "access_request.withdraw")
			return err
		}
		if err := dropRule(p, by, r); err != nil { // which ends the request
			return err
		}
		if r, err = tx.AccessRequest(id); err != nil {
			return err
		}
		view, err = s.noteRequest(tx, by, r, "access_request.end")
		return err
	})
	return view, err
}

// endRequests removes the rules of access that is over, and lets requests expire that nobody decided on. Gateways have ended the access by
// themselves long before.
func (s *Service) endRequests(ctx context.Context) error {
	var due bool
	err := s.Store.View(ctx, func(tx *store.Tx) (err error) {
		due, err = tx.RequestsDue(tx.Now.Add(-requestOpenFor), tx.Now.Add(-requestKeptFor))
		return err
	})
	if err != nil || !due {
		return err
	}
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		over, err := tx.AccessRequests(store.RequestFilter{Ended: tx.Now, Limit: batch})
		if err != nil {
			return err
		}
		for _, r := range over {
			if err := dropRule(p, portal.System, r); err != nil {
				return err
			}
		}
		return tx.SweepRequests(tx.Now.Add(-requestOpenFor), tx.Now.Add(-requestKeptFor))
	})
}

// allowFor adds the rule that an approved request stands for.
func allowFor(p *policy, by portal.Actor, r portal.AccessRequest, asker portal.User, res portal.Resource) error {
	name := fmt.Sprintf("Temporary: %s – %s", asker.Name, res.Name)
	mark := " " + string(r.ID[len(r.ID)-8:])
	if most := maxName - len([]rune(mark)); len([]rune(name)) > most {
		name = string([]rune(name)[:most])
	}
	return p.createRule(by, portal.Rule{
		ID: r.Rule, Name: name + mark, Reason: r.Reason, Action: portal.Allow, People: []portal.UserID{r.User}, Resources: []portal.ResourceID{r.Resource},
		Conditions: portal.Conditions{ValidFrom: r.DecidedAt.Truncate(time.Second), ValidUntil: r.Until}, CreatedAt: p.tx.Now,
	})
}

// dropRule removes the rule of a request, which may be gone already.
func dropRule(p *policy, by portal.Actor, r portal.AccessRequest) error {
	rule, err := p.tx.Rule(r.Rule)
	if errors.Is(err, portal.ErrNotFound) {
		return p.tx.EndRequestOfRule(r.Rule)
	}
	if err != nil {
		return err
	}
	return p.deleteRule(by, rule)
}

// decides reports whether the actor, who is in groups, is among a resource's approvers: the group that it names, else those who may write rules.
func decides(by portal.Actor, groups []portal.GroupID, res portal.Resource) bool {
	switch res.Approvers {
	case "":
		return by.May(portal.AccessWrite)
	case portal.Everyone:
		return true
	default:
		return slices.Contains(groups, res.Approvers)
	}
}

// noteRequest writes the audit event of a change, which tells those whom it concerns, and returns the view.
func (s *Service) noteRequest(tx *store.Tx, by portal.Actor, r portal.AccessRequest, action string) (RequestView, error) {
	views, err := viewRequests(tx, by, []portal.AccessRequest{r})
	if err != nil {
		return RequestView{}, err
	}
	v := views[0]
	detail := map[string]any{"owner": r.User, "name": v.ResourceName, "person": v.UserName, "resource": r.Resource, "reason": r.Reason, "seconds": int(r.For / time.Second)}
	if !r.Until.IsZero() {
		detail["until"], detail["rule"] = r.Until, r.Rule
	}
	if r.Note != "" {
		detail["note"] = r.Note
	}
	return v, tx.Audit(by, action, "access_request:"+string(r.ID), detail)
}

func viewRequests(tx *store.Tx, by portal.Actor, all []portal.AccessRequest) ([]RequestView, error) {
	var people []portal.UserID
	for _, r := range all {
		people = append(people, r.User, r.DecidedBy)
	}
	names, err := tx.UserNames(people)
	if err != nil {
		return nil, err
	}
	resources := map[portal.ResourceID]portal.Resource{}
	groups, err := tx.GroupIDs(by.User)
	if err != nil {
		return nil, err
	}
	views := make([]RequestView, len(all))
	for i, r := range all {
		res, known := resources[r.Resource]
		if !known {
			if res, err = tx.Resource(r.Resource); err != nil {
				return nil, err
			}
			resources[res.ID] = res
		}
		r.State = r.StateAt(tx.Now)
		mine, judges := r.User == by.User, decides(by, groups, res)
		views[i] = RequestView{
			AccessRequest: r, UserName: names[r.User], ResourceName: res.Name, DeciderName: names[r.DecidedBy],
			MayDecide: r.State == portal.RequestOpen && judges && !mine,
			MayEnd: r.State == portal.RequestOpen && mine ||
				r.State == portal.RequestApproved && (mine || judges || by.May(portal.AccessWrite)),
		}
	}
	return views, nil
}
