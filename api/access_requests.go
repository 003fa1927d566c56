package api

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// ListAccessRequests lists requests for temporary access.
func (s *Server) ListAccessRequests(ctx context.Context, req ListAccessRequestsRequestObject) (ListAccessRequestsResponseObject, error) {
	scope := peers.RequestsMine
	if req.Params.Scope != nil {
		scope = peers.RequestScope(*req.Params.Scope)
	}
	all, err := s.Peers.Requests(ctx, actor(ctx), scope)
	if err != nil {
		return nil, err
	}
	out := ListAccessRequests200JSONResponse{Items: make([]AccessRequest, len(all))}
	for i, r := range all {
		out.Items[i] = accessRequestJSON(r)
	}
	return out, nil
}

// ListRequestable lists what people may ask for.
func (s *Server) ListRequestable(ctx context.Context, _ ListRequestableRequestObject) (ListRequestableResponseObject, error) {
	all, err := s.Peers.Requestable(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	var out ListRequestable200JSONResponse
	out.Items = empty(out.Items)
	for _, r := range all {
		one := add(&out.Items)
		one.Id, one.Name = string(r.ID), r.Name
	}
	return out, nil
}

// AskForAccess asks for a resource.
func (s *Server) AskForAccess(ctx context.Context, req AskForAccessRequestObject) (AskForAccessResponseObject, error) {
	r, err := s.Peers.AskForAccess(ctx, actor(ctx), peers.RequestInput{
		Resource: portal.ResourceID(req.Body.Resource), Reason: req.Body.Reason, For: time.Duration(req.Body.Seconds) * time.Second,
	})
	if err != nil {
		return nil, err
	}
	return AskForAccess201JSONResponse(accessRequestJSON(r)), nil
}

// ApproveAccess gives what was asked for.
func (s *Server) ApproveAccess(ctx context.Context, req ApproveAccessRequestObject) (ApproveAccessResponseObject, error) {
	r, err := s.Peers.ApproveRequest(ctx, actor(ctx), portal.RequestID(req.Id), or(req.Body.Note))
	if err != nil {
		return nil, err
	}
	return ApproveAccess200JSONResponse{AccessRequestResponseJSONResponse(accessRequestJSON(r))}, nil
}

// RefuseAccess refuses it.
func (s *Server) RefuseAccess(ctx context.Context, req RefuseAccessRequestObject) (RefuseAccessResponseObject, error) {
	r, err := s.Peers.RefuseRequest(ctx, actor(ctx), portal.RequestID(req.Id), or(req.Body.Note))
	if err != nil {
		return nil, err
	}
	return RefuseAccess200JSONResponse{AccessRequestResponseJSONResponse(accessRequestJSON(r))}, nil
}

// EndAccess withdraws a request, or ends access before its time.
func (s *Server) EndAccess(ctx context.Context, req EndAccessRequestObject) (EndAccessResponseObject, error) {
	r, err := s.Peers.EndRequest(ctx, actor(ctx), portal.RequestID(req.Id))
	if err != nil {
		return nil, err
	}
	return EndAccess200JSONResponse{AccessRequestResponseJSONResponse(accessRequestJSON(r))}, nil
}

func accessRequestJSON(r peers.RequestView) AccessRequest {
	out := AccessRequest{
		Id: string(r.ID), Person: PersonRef{Id: string(r.User), Name: r.UserName}, Reason: r.Reason, Seconds: seconds(r.For),
		State: AccessRequestState(r.State), CreatedAt: r.CreatedAt, Note: text(r.Note), DecidedAt: moment(r.DecidedAt), Until: moment(r.Until),
		MayDecide: r.MayDecide, MayEnd: r.MayEnd,
	}
	out.Resource.Id, out.Resource.Name = string(r.Resource), r.ResourceName
	if r.DecidedBy != "" {
		out.DecidedBy = &PersonRef{Id: string(r.DecidedBy), Name: r.DeciderName}
	}
	return out
}
