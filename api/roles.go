package api

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// ListRoles tells what each role may do and who has it.
func (s *Server) ListRoles(ctx context.Context, _ ListRolesRequestObject) (ListRolesResponseObject, error) {
	all, err := s.Auth.RoleHolders(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	out := ListRoles200JSONResponse{}
	out.Roles, out.Rights = empty(out.Roles), empty(out.Rights)
	for _, r := range all {
		one := add(&out.Roles)
		one.Role, one.People, one.Holders = Role(r.Role), r.People, empty(one.Holders)
		for _, h := range r.Some {
			holder := add(&one.Holders)
			holder.Id, holder.Name, holder.Email = string(h.ID), h.Name, h.Email
			holder.State, holder.ByClaim = RoleTableRolesHoldersState(h.State), h.Source.ByClaim()
		}
	}
	for _, x := range portal.Rights() {
		one := add(&out.Rights)
		one.Right, one.Fresh, one.Roles = string(x), x.NeedsFresh(), []Role{}
		for _, role := range portal.Roles() {
			if role.May(x) {
				one.Roles = append(one.Roles, Role(role))
			}
		}
	}
	return out, nil
}
