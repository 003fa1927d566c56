package peers

import (
	"context"

	"github.com/sallyport/sallyport/portal"
)

// GroupView is a group with the number of its members; of Everyone it is the number of active people.
type GroupView struct {
	portal.Group
	Members int
}

// Groups returns every group: Everyone first, then by name.
func (s *Service) Groups(ctx context.Context, by portal.Actor) ([]GroupView, error) {
	return nil, errSoon
}

// CreateGroup adds a local group.
func (s *Service) CreateGroup(ctx context.Context, by portal.Actor, name string) (portal.Group, error) {
	return portal.Group{}, errSoon
}

// DeleteGroup returns ErrInUse while a rule or profile names the group.
func (s *Service) DeleteGroup(ctx context.Context, by portal.Actor, id portal.GroupID) error {
	return errSoon
}

// SetMember gives or takes a local membership, and compiles the person's entries again.
func (s *Service) SetMember(ctx context.Context, by portal.Actor, group portal.GroupID, user portal.UserID, member bool) error {
	return errSoon
}
