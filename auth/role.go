package auth

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// maxHolders bounds how many people of one role are listed.
const maxHolders = 200

// RoleHolders is a role and who has it.
type RoleHolders struct {
	Role   portal.Role
	People int
	Some   []store.RoleHolder // up to 200, oldest first; of plain users none
}

// RoleHolders returns every role, the one with most rights first, and who has it.
func (s *Service) RoleHolders(ctx context.Context, by portal.Actor) ([]RoleHolders, error) {
	if err := Allow(by, PeopleRead, s.now()); err != nil {
		return nil, err
	}
	roles := portal.Roles()
	all := make([]RoleHolders, len(roles))
	err := s.Store.View(ctx, func(tx *store.Tx) error {
		counts, err := tx.CountByRole()
		if err != nil {
			return err
		}
		for i, role := range roles {
			all[i] = RoleHolders{Role: role, People: counts[role]}
			if role == portal.RoleUser {
				continue
			}
			if all[i].Some, err = tx.RoleHolders(role, maxHolders); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	return all, nil
}
