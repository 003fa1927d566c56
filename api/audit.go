package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/auth/trail"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

func (s *Server) trail() *trail.Service { return &trail.Service{Store: s.Store, Now: s.Now} }

// auditFilter is a filter as a query gives it.
func auditFilter(who, action, target, q *string, from, until *time.Time) store.AuditFilter {
	return store.AuditFilter{Actor: or(who), Action: or(action), Target: or(target), Text: or(q), From: or(from), Until: or(until)}
}

// ListAudit is the audit trail, newest first.
func (s *Server) ListAudit(ctx context.Context, req ListAuditRequestObject) (ListAuditResponseObject, error) {
	before, err := decodeSequence(auditCursor, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	p, n := req.Params, limit(req.Params.Limit)
	events, err := s.trail().Search(ctx, actor(ctx), auditFilter(p.Actor, p.Action, p.Target, p.Q, p.From, p.Until), before, n)
	if err != nil {
		return nil, err
	}
	out := ListAudit200JSONResponse{Items: make([]AuditEvent, len(events))}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		names := actorNames{tx: tx, known: map[string]string{}}
		for i, e := range events {
			out.Items[i] = auditJSON(e, names.of(e.Actor))
		}
		return nil
	})
	if len(events) == n && events[n-1].Seq > 1 {
		out.Next = encodeCursor(auditCursor, strconv.FormatUint(events[n-1].Seq, 10))
	}
	return out, err
}

// ExportAudit writes the trail as a file.
func (s *Server) ExportAudit(ctx context.Context, req ExportAuditRequestObject) (ExportAuditResponseObject, error) {
	p := req.Params
	file, err := s.trail().Export(ctx, actor(ctx), auditFilter(p.Actor, p.Action, p.Target, p.Q, p.From, p.Until), trail.Format(p.Format))
	if err != nil {
		return nil, err
	}
	return &auditFile{ctx: ctx, file: file, csv: p.Format == ExportAuditParamsFormatCsv, name: "audit-" + s.now().Format("20060102T150405Z")}, nil
}

type auditFile struct {
	ctx  context.Context //nolint:containedctx // the generated interface hands the writer over without one
	file *trail.Export
	csv  bool
	name string
}

// VisitExportAuditResponse writes for as long as the client reads. A file that can't be finished ends the connection, so that nobody takes it
// for whole.
func (f *auditFile) VisitExportAuditResponse(w http.ResponseWriter) error {
	h := w.Header()
	name, kind := f.name+".jsonl", "application/jsonl"
	if f.csv {
		name, kind = f.name+".csv", "text/csv; charset=utf-8; header=present"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.WriteHeader(http.StatusOK)
	if err := f.file.WriteTo(f.ctx, patient{w, http.NewResponseController(w)}); err != nil {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// patient gives each write a deadline of its own: a long file may take its time, and who does not read is gone.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeDeadline)) // not every writer has one
	return p.ResponseWriter.Write(b)
}

// VerifyAudit proves the chain.
func (s *Server) VerifyAudit(ctx context.Context, req VerifyAuditRequestObject) (VerifyAuditResponseObject, error) {
	var anchor trail.Anchor
	if text := or(req.Body.Anchor); text != "" {
		var err error
		if anchor, err = trail.ParseAnchor(text); err != nil {
			return nil, portal.InvalidFields(portal.Field{Path: "/anchor", Code: "malformed", Msg: "This is not an anchor."})
		}
	}
	report, err := s.trail().Verify(ctx, actor(ctx), anchor)
	if err != nil {
		return nil, err
	}
	out := VerifyAudit200JSONResponse{Whole: report.Whole(), Good: int64(report.Good), AnchorLost: report.AnchorLost}
	if report.Broken > 0 {
		broken := int64(report.Broken)
		out.Broken = &broken
	}
	if report.Head.Seq > 0 {
		out.Head = text(report.Head.String())
	}
	return out, nil
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

// ListAuditSinks tells how far each receiver of the trail has got.
func (s *Server) ListAuditSinks(ctx context.Context, _ ListAuditSinksRequestObject) (ListAuditSinksResponseObject, error) {
	sinks, err := s.trail().Sinks(ctx, actor(ctx), s.Sinks)
	if err != nil {
		return nil, err
	}
	out := ListAuditSinks200JSONResponse{Head: int64(sinks.Head), Items: []AuditSink{}}
	for _, one := range sinks.All {
		out.Items = append(out.Items, AuditSink{
			Name: one.Name, Seq: int64(one.Seq), Lag: int64(one.Lag), BehindSince: moment(one.BehindSince), SentAt: moment(one.SentAt),
			Problem: text(one.Problem), Configured: one.Configured,
		})
	}
	return out, nil
}

// actorNames finds the names behind "user:ID", "service:ID", "scim:ID" and "gateway:ID". Who is gone keeps the id.
type actorNames struct {
	tx    *store.Tx
	known map[string]string
}

// person is the name of a person, "" for one who is gone.
func (n actorNames) person(id portal.UserID) string {
	if name := n.of("user:" + string(id)); name != "user:"+string(id) {
		return name
	}
	return ""
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
	case "service":
		if t, err := n.tx.ServiceToken(portal.ServiceTokenID(id)); err == nil {
			name = t.Name
		}
	case "scim":
		all, _ := n.tx.SCIMTokens() // a few
		if i := slices.IndexFunc(all, func(t portal.SCIMToken) bool { return string(t.ID) == id }); i >= 0 {
			name = all[i].Name
		}
	case "gateway":
		if g, err := n.tx.Gateway(portal.GatewayID(id)); err == nil {
			name = g.Name
		}
	}
	n.known[actor] = name
	return name
}
