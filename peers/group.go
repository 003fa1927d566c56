package peers

import (
	"context"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// GroupView is a group with the number of its members; of Everyone it is 0, since that is not a matter of membership.
type GroupView struct {
	portal.Group
	Members int
}

// Groups returns every group: Everyone first, then by name.
func (s *Service) Groups(ctx context.Context, by portal.Actor) (views []GroupView, err error) {
	if !by.May(portal.GroupsRead) {
		return nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		groups, members, err := tx.Groups()
		if err != nil {
			return err
		}
		views = make([]GroupView, len(groups))
		for i, g := range groups {
			views[i] = GroupView{g, members[g.ID]}
		}
		slices.SortStableFunc(views, func(a, b GroupView) int {
			switch {
			case a.ID == portal.Everyone && b.ID != portal.Everyone:
				return -1
			case b.ID == portal.Everyone && a.ID != portal.Everyone:
				return 1
			}
			return 0
		})
		return nil
	})
	return views, err
}

// CreateGroup adds a local group. It returns portal.ErrDuplicate when the name is taken.
func (s *Service) CreateGroup(ctx context.Context, by portal.Actor, name string) (g portal.Group, err error) {
	err = s.managing(ctx, by, portal.GroupsWrite, func(p *policy) error {
		var c check
		g = portal.Group{ID: portal.NewID[portal.GroupID](p.tx.Now), Name: c.name("/name", name), CreatedAt: p.tx.Now}
		if err := c.err(); err != nil {
			return err
		}
		if err := p.tx.CreateGroup(g); err != nil {
			return err
		}
		return p.tx.Audit(by, "group.create", groupTarget(g.ID), map[string]any{"name": g.Name})
	})
	return g, err
}

// DeleteGroup removes a group and its memberships. It returns ErrInUse while a rule or profile names the group.
func (s *Service) DeleteGroup(ctx context.Context, by portal.Actor, id portal.GroupID) error {
	return s.managing(ctx, by, portal.GroupsWrite, func(p *policy) error {
		g, err := p.tx.Group(id)
		if err != nil {
			return err
		}
		if err := groupUnused(p.tx, id); err != nil {
			return err
		}
		if err := p.tx.DeleteGroup(id); err != nil {
			return err
		}
		return p.tx.Audit(by, "group.delete", groupTarget(id), map[string]any{"name": g.Name})
	})
}

func groupUnused(tx *store.Tx, id portal.GroupID) error {
	if id == portal.Everyone {
		return ErrInUse
	}
	used, err := tx.GroupInUse(id)
	if err != nil {
		return err
	}
	if used {
		return ErrInUse
	}
	profiles, err := tx.Profiles()
	if err != nil {
		return err
	}
	if slices.ContainsFunc(profiles, func(p portal.Profile) bool { return slices.Contains(p.Groups, id) }) {
		return ErrInUse
	}
	return nil
}

// SetMember gives or takes a local membership, and compiles the person's entries again.
func (s *Service) SetMember(ctx context.Context, by portal.Actor, group portal.GroupID, user portal.UserID, member bool) error {
	if !by.May(portal.GroupsWrite) {
		return portal.ErrForbidden
	}
	return s.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.HoldUser(user); err != nil {
			return err
		}
		p, err := lockPolicy(tx)
		if err != nil {
			return err
		}
		g, err := tx.Group(group)
		if err != nil {
			return err
		}
		if group == portal.Everyone {
			return portal.ErrForbidden
		}
		written, moved := false, false
		err = p.guarded(func(p *policy) error {
			if written, moved, err = tx.SetMember(group, user, member); err != nil || !moved {
				return err
			}
			return p.devices(ofUser(user))
		})
		if err != nil || !written {
			return err
		}
		return tx.Audit(by, "group.member", groupTarget(group), map[string]any{"name": g.Name, "user": user, "member": member})
	})
}

func groupTarget(id portal.GroupID) string { return "group:" + string(id) }
