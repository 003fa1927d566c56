package api

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func itoa(n int) string { return strconv.Itoa(n) }

// GetOverview is everything in a few numbers.
func (s *Server) GetOverview(ctx context.Context, _ GetOverviewRequestObject) (GetOverviewResponseObject, error) {
	devices, err := s.Peers.CountDevices(ctx)
	if err != nil {
		return nil, err
	}
	gateways, err := s.Gateways.Gateways(ctx)
	if err != nil {
		return nil, err
	}
	out := GetOverview200JSONResponse{Devices: devices.Devices, Connected: devices.Connected, Gateways: len(gateways)}
	for _, g := range gateways {
		if g.Connected {
			out.GatewaysOnline++
		}
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		head, _, err := tx.Revision()
		if err != nil {
			return err
		}
		out.Revision = int64(head)
		out.People, err = tx.CountUsers()
		return err
	})
	if m := s.Live.Metrics(); m.ClickP99 > 0 {
		p50, p99 := milliseconds(m.ClickP50), milliseconds(m.ClickP99)
		out.PushP50Ms, out.PushP99Ms = &p50, &p99
	}
	return out, err
}

// ListAudit is the audit trail, newest first.
func (s *Server) ListAudit(ctx context.Context, req ListAuditRequestObject) (ListAuditResponseObject, error) {
	before, err := decodeSequence(auditCursor, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	n := limit(req.Params.Limit)
	out := ListAudit200JSONResponse{Items: []AuditEvent{}}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		events, err := tx.AuditPage(before, n)
		if err != nil {
			return err
		}
		names := actorNames{tx: tx, known: map[string]string{}}
		for _, e := range events {
			out.Items = append(out.Items, auditJSON(e, names.of(e.Actor)))
		}
		if len(events) == n && events[n-1].Seq > 1 {
			out.Next = encodeCursor(auditCursor, strconv.FormatUint(events[n-1].Seq, 10))
		}
		return nil
	})
	return out, err
}

func auditJSON(e portal.AuditEvent, name string) AuditEvent {
	out := AuditEvent{
		Seq: int64(e.Seq), At: e.At, Actor: e.Actor, ActorName: name, Action: e.Action, Target: e.Target, Address: text(e.Addr), RequestId: text(e.RequestID),
		Detail: map[string]any{},
	}
	if err := json.Unmarshal([]byte(e.Detail), &out.Detail); err != nil {
		out.Detail = map[string]any{"unreadable": true} // the chain's check tells whether somebody has changed it
	}
	return out
}

// actorNames finds the names behind "user:ID" and "gateway:ID". Who is gone keeps the id.
type actorNames struct {
	tx    *store.Tx
	known map[string]string
}

func (n actorNames) of(actor string) string {
	if name, ok := n.known[actor]; ok {
		return name
	}
	name := actor
	kind, id, _ := strings.Cut(actor, ":")
	switch kind {
	case "user":
		if u, err := n.tx.User(portal.UserID(id)); err == nil {
			name = u.Name
		}
	case "gateway":
		if g, err := n.tx.Gateway(portal.GatewayID(id)); err == nil {
			name = g.Name
		}
	}
	n.known[actor] = name
	return name
}
