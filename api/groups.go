package api

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
)

// ListGroups lists groups: all of them for who asks plainly, a page for who names one.
func (s *Server) ListGroups(ctx context.Context, req ListGroupsRequestObject) (ListGroupsResponseObject, error) {
	var all []peers.GroupView
	var next string
	var err error
	if p := req.Params; p.Q == nil && p.Cursor == nil && p.Limit == nil {
		all, err = s.Peers.Groups(ctx, actor(ctx))
	} else {
		all, next, err = s.groupPage(ctx, p)
	}
	if err != nil {
		return nil, err
	}
	out := ListGroups200JSONResponse{Items: make([]Group, len(all)), Next: encodeCursor(groupsCursor, next)}
	for i, g := range all {
		sources := []GroupSource{}
		for _, source := range groupSources {
			if g.Sources[source] > 0 {
				sources = append(sources, GroupSource(source))
			}
		}
		out.Items[i] = Group{Id: string(g.ID), Name: g.Name, Members: &all[i].Members, Sources: &sources, Directory: text(g.Directory)}
	}
	return out, nil
}

// groupPage returns a page of groups, and where it ended when there are more.
func (s *Server) groupPage(ctx context.Context, p ListGroupsParams) (page []peers.GroupView, next string, err error) {
	after, err := decodeCursor(groupsCursor, p.Cursor)
	if err != nil {
		return nil, "", err
	}
	n := limit(p.Limit)
	page, err = s.Peers.GroupPage(ctx, actor(ctx), or(p.Q), portal.GroupID(after), n+1)
	switch {
	case errors.Is(err, portal.ErrNotFound):
		return nil, "", badCursor() // the group that ended the page before is gone
	case err != nil:
		return nil, "", err
	case len(page) > n:
		page = page[:n]
		next = string(page[n-1].ID)
	}
	return page, next, nil
}

var groupSources = []portal.GroupSource{portal.SourceClaim, portal.SourceLocal, portal.SourceSCIM}

// CreateGroup makes a local group.
func (s *Server) CreateGroup(ctx context.Context, req CreateGroupRequestObject) (CreateGroupResponseObject, error) {
	g, err := s.Peers.CreateGroup(ctx, actor(ctx), req.Body.Name)
	if err != nil {
		return nil, err
	}
	return CreateGroup201JSONResponse{GroupResponseJSONResponse(groupJSON(peers.GroupView{Group: g}, nil))}, nil
}

// GetGroup describes one group.
func (s *Server) GetGroup(ctx context.Context, req GetGroupRequestObject) (GetGroupResponseObject, error) {
	g, err := s.group(ctx, portal.GroupID(req.Id))
	return GetGroup200JSONResponse{g}, err
}

// RenameGroup renames one.
func (s *Server) RenameGroup(ctx context.Context, req RenameGroupRequestObject) (RenameGroupResponseObject, error) {
	if err := s.Peers.RenameGroup(ctx, actor(ctx), portal.GroupID(req.Id), req.Body.Name); err != nil {
		return nil, err
	}
	g, err := s.group(ctx, portal.GroupID(req.Id))
	return RenameGroup200JSONResponse{g}, err
}

// DeleteGroup removes one that nothing names.
func (s *Server) DeleteGroup(ctx context.Context, req DeleteGroupRequestObject) (DeleteGroupResponseObject, error) {
	if err := s.Peers.DeleteGroup(ctx, actor(ctx), portal.GroupID(req.Id)); err != nil {
		return nil, err
	}
	return DeleteGroup204Response{}, nil
}

// ListGroupMembers lists who is in a group, and who says so.
func (s *Server) ListGroupMembers(ctx context.Context, req ListGroupMembersRequestObject) (ListGroupMembersResponseObject, error) {
	after, err := decodeCursor(membersCursor, req.Params.Cursor)
	if err != nil {
		return nil, err
	}
	n := limit(req.Params.Limit)
	all, err := s.Peers.Members(ctx, actor(ctx), portal.GroupID(req.Id), or(req.Params.Q), portal.UserID(after), n+1)
	if err != nil {
		return nil, err
	}
	var next string
	if len(all) > n {
		all = all[:n]
		next = string(all[n-1].User.ID)
	}
	out := ListGroupMembers200JSONResponse{Items: make([]GroupMember, len(all)), Next: encodeCursor(membersCursor, next)}
	for i, m := range all {
		out.Items[i] = GroupMember{
			Id: string(m.User.ID), Name: m.User.Name, Email: m.User.Email, State: GroupMemberState(m.User.State), Sources: sourcesJSON(m.Sources),
		}
	}
	return out, nil
}

// AddGroupMember gives a local membership.
func (s *Server) AddGroupMember(ctx context.Context, req AddGroupMemberRequestObject) (AddGroupMemberResponseObject, error) {
	if err := s.Peers.SetMember(ctx, actor(ctx), portal.GroupID(req.Id), portal.UserID(req.Person), true); err != nil {
		return nil, err
	}
	return AddGroupMember204Response{}, nil
}

// RemoveGroupMember takes a local membership.
func (s *Server) RemoveGroupMember(ctx context.Context, req RemoveGroupMemberRequestObject) (RemoveGroupMemberResponseObject, error) {
	if err := s.Peers.SetMember(ctx, actor(ctx), portal.GroupID(req.Id), portal.UserID(req.Person), false); err != nil {
		return nil, err
	}
	return RemoveGroupMember204Response{}, nil
}

func (s *Server) group(ctx context.Context, id portal.GroupID) (GroupResponseJSONResponse, error) {
	g, uses, err := s.Peers.Group(ctx, actor(ctx), id)
	if err != nil {
		return GroupResponseJSONResponse{}, err
	}
	return GroupResponseJSONResponse(groupJSON(g, uses)), nil
}

func groupJSON(g peers.GroupView, uses []portal.GroupUse) GroupDetail {
	out := GroupDetail{
		Id: string(g.ID), Name: g.Name, CreatedAt: g.CreatedAt, Members: g.Members, Directory: text(g.Directory), BuiltIn: g.ID == portal.Everyone,
		Renameable: g.Renameable(),
	}
	out.BySource, out.Uses = empty(out.BySource), empty(out.Uses)
	for _, source := range groupSources {
		if n := g.Sources[source]; n > 0 {
			one := add(&out.BySource)
			one.Source, one.Members = GroupSource(source), n
		}
	}
	for _, u := range uses {
		one := add(&out.Uses)
		one.Kind, one.Id, one.Name = GroupDetailUsesKind(u.Kind), u.ID, u.Name
	}
	return out
}

func sourcesJSON(sources []portal.GroupSource) []GroupSource {
	out := make([]GroupSource, 0, len(sources))
	for _, x := range sources {
		if kind := GroupSource(x.Kind()); !slices.Contains(out, kind) { // two providers may say the same
			out = append(out, kind)
		}
	}
	return out
}
