package api

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/peers/feed"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// watchPoll is how often the audit trail is looked at without a hint: on PostgreSQL a hint can be lost with its connection.
const watchPoll = 10 * time.Second

// Run turns what happens into notices for those who follow events, until ctx ends, which is not an error. Everything that a person did
// is in the audit trail, of whichever portal; what gateways see comes from the hub of this one.
func (s *Server) Run(ctx context.Context) error {
	s.init()
	w := &watcher{Server: s, owners: map[portal.DeviceID]portal.UserID{}, connected: map[portal.GatewayID]bool{}}
	hint, stopHint := s.Store.Changes()
	defer stopHint()
	live, stopLive := s.Live.Subscribe()
	defer stopLive()
	poll, pause := time.NewTicker(watchPoll), time.NewTimer(0)
	defer poll.Stop()
	defer pause.Stop()
	due := false // somebody has committed and nobody has looked yet
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hint:
			if due = true; w.looked.Add(watchPause).After(time.Now()) {
				continue // the timer is running
			}
			pause.Reset(0)
		case <-poll.C:
			due = true
			pause.Reset(0)
		case <-pause.C:
			if due || !w.started {
				due = !w.catchUp(ctx)
				if pause.Reset(watchPause); due {
					pause.Reset(watchRetry)
				}
			}
		case e, ok := <-live:
			if !ok {
				live = nil
				continue
			}
			w.heard(ctx, e)
		}
	}
}

// watchPause is the least time between two looks at the audit trail, however many commits there are: people do not see the difference,
// and a thousand devices a second cost forty looks.
const watchPause = 25 * time.Millisecond

// watchRetry is how long to leave a database alone that did not answer.
const watchRetry = time.Second

// watcher is the state of Run.
type watcher struct {
	*Server
	seq       uint64 // of the newest audit event that was told of
	started   bool
	looked    time.Time
	owners    map[portal.DeviceID]portal.UserID // looked up before
	connected map[portal.GatewayID]bool
}

// auditSteps are how many audit events are read, and then how many where that was not all of the news. Who is further behind tells
// everybody to look at all.
var auditSteps = []int{20, 200}

// news reads the newest audit events, newest first.
func (w *watcher) news(ctx context.Context) (events []portal.AuditEvent, err error) {
	for _, n := range auditSteps {
		err := w.Store.View(ctx, func(tx *store.Tx) (err error) {
			events, err = tx.AuditPage(0, n)
			return err
		})
		if err != nil || !w.started || len(events) < n || events[n-1].Seq <= w.seq+1 {
			return events, err
		}
	}
	return events, nil
}

// catchUp tells of what is new and reports whether the database answered.
func (w *watcher) catchUp(ctx context.Context) bool {
	w.looked = time.Now()
	events, err := w.news(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.Log.WarnContext(ctx, "read audit trail for events", "err", err)
		}
		return false
	}
	if len(events) == 0 {
		w.started = true
		return true
	}
	seen, newest := w.seq, events[0].Seq
	w.seq = newest
	if !w.started {
		w.started = true
		return true
	}
	if oldest := events[len(events)-1].Seq; oldest > seen+1 {
		w.broker.resetAll()
		return true
	}
	for _, e := range slices.Backward(events) {
		if e.Seq > seen {
			w.tellAudit(ctx, e)
		}
	}
	return true
}

// tellAudit turns one audit event into notices.
func (w *watcher) tellAudit(ctx context.Context, e portal.AuditEvent) {
	kind, id, _ := strings.Cut(e.Target, ":")
	actor := portal.UserID("")
	if who, user, ok := strings.Cut(e.Actor, ":"); ok && who == "user" {
		actor = portal.UserID(user)
	}
	w.broker.tell(notice{Kind: kindAudit}, audience{right: portal.AuditRead})
	switch kind {
	case "device":
		owner := w.ownerIn(ctx, e, portal.DeviceID(id))
		w.broker.tell(notice{kindDevice, id}, audience{user: owner, everyone: owner == "", right: portal.DevicesRead})
	case "user":
		w.broker.tell(notice{kindPerson, id}, audience{user: portal.UserID(id), right: portal.PeopleRead})
		w.broker.tell(notice{Kind: kindDevice}, audience{user: portal.UserID(id), right: portal.DevicesRead}) // the account's state and groups decide about its tunnels
	case "session", "factor", "token":
		w.broker.tell(notice{Kind: kindSession}, audience{user: actor, right: portal.PeopleRead})
	case "access_request":
		w.tellRequest(ctx, portal.RequestID(id))
	case "gateway", "pop":
		w.broker.tell(notice{kindGateway, id}, audience{right: portal.GatewaysRead})
		w.broker.tell(notice{Kind: kindProfile}, audience{everyone: true}) // its regions
	case "profile", "pool":
		w.broker.tell(notice{kindProfile, id}, audience{everyone: true})
	case "rule", "resource", "group":
		w.broker.tell(notice{kindRule, id}, audience{right: portal.AccessRead})
	}
}

// tellRequest tells who asks, who decides, and who may see all access.
func (w *watcher) tellRequest(ctx context.Context, id portal.RequestID) {
	note := notice{kindRequest, string(id)}
	here := w.broker.users()
	told := []portal.UserID{}
	err := w.Store.View(ctx, func(tx *store.Tx) error {
		r, err := tx.AccessRequest(id)
		if err != nil {
			return err
		}
		told = append(told, r.User)
		res, err := tx.Resource(r.Resource)
		if err != nil || res.Approvers == "" {
			return err
		}
		groups, err := tx.GroupIDsOf(here)
		for user, in := range groups {
			if slices.Contains(in, res.Approvers) {
				told = append(told, user)
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, portal.ErrNotFound) && ctx.Err() == nil {
		w.Log.WarnContext(ctx, "find whom a request concerns", "err", err)
	}
	w.broker.tell(note, audience{right: portal.AccessRead})
	for _, user := range told {
		w.broker.tell(note, audience{user: user})
	}
}

// ownerIn returns the owner that a device's audit event names: a revoked device has no row to ask.
func (w *watcher) ownerIn(ctx context.Context, e portal.AuditEvent, id portal.DeviceID) portal.UserID {
	var detail struct {
		Owner portal.UserID `json:"owner"`
	}
	if err := json.Unmarshal([]byte(e.Detail), &detail); err == nil && detail.Owner != "" {
		return detail.Owner
	}
	return w.ownerOf(ctx, id)
}

// heard turns what the hub tells into notices.
func (w *watcher) heard(ctx context.Context, e feed.Event) {
	switch e.Kind {
	case feed.EventGateway:
		w.broker.tell(notice{kindGateway, string(e.Gateway)}, audience{right: portal.GatewaysRead})
		up := e.Gateway != "" && w.Live.Status(e.Gateway).Connected
		if e.Gateway == "" || w.connected[e.Gateway] != up {
			w.connected[e.Gateway] = up
			w.broker.tell(notice{Kind: kindProfile}, audience{everyone: true})
		}
	case feed.EventDevices:
		if len(e.Devices) == 0 || len(e.Devices) > maxWaiting {
			w.broker.tell(notice{Kind: kindDevice}, audience{everyone: true})
			return
		}
		for _, id := range e.Devices {
			w.broker.tell(notice{kindDevice, string(id)}, audience{user: w.ownerOf(ctx, id), right: portal.DevicesRead})
		}
	}
}

// maxOwners bounds what the watcher remembers; the most that a pool of the usual size holds.
const maxOwners = 1 << 16

// ownerOf returns whose device it is or was, "" when that is not known.
func (w *watcher) ownerOf(ctx context.Context, id portal.DeviceID) portal.UserID {
	if owner, ok := w.owners[id]; ok {
		return owner
	}
	var owner portal.UserID
	err := w.Store.View(ctx, func(tx *store.Tx) error {
		d, err := tx.Device(id)
		owner = d.User
		return err
	})
	if err != nil {
		if !errors.Is(err, portal.ErrNotFound) && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "find a device's owner for events", "err", err)
		}
		return ""
	}
	if len(w.owners) >= maxOwners {
		clear(w.owners)
	}
	w.owners[id] = owner
	return owner
}
