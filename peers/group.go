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
	Members   int
	Sources   map[portal.GroupSource]int // how many each has put into it
	Directory string                     // issuer of the directory that keeps it, "" for none
}

// Renameable reports whether the name is ours to change: a directory or claims would bring the old one back.
func (v GroupView) Renameable() bool {
	return v.ID != portal.Everyone && v.Directory == "" && v.Sources[portal.SourceClaim] == 0 && v.Sources[portal.SourceSCIM] == 0
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
		slices.SortStableFunc(groups, func(a, b portal.Group) int {
			switch {
			case a.ID == portal.Everyone && b.ID != portal.Everyone:
				return -1
			case b.ID == portal.Everyone && a.ID != portal.Everyone:
				return 1
			}
			return 0
		})
		views, err = viewGroups(tx, groups, members, nil)
		return err
	})
	return views, err
}

// GroupPage returns a page of the groups in the order of Groups. after is the id of the last one of the page before; search, when not "", must
// occur in the name. It returns portal.ErrNotFound when the group named by after is gone.
func (s *Service) GroupPage(ctx context.Context, by portal.Actor, search string, after portal.GroupID, limit int) (views []GroupView, err error) {
	if !by.May(portal.GroupsRead) {
		return nil, portal.ErrForbidden
	}
	var c check
	search = c.text("q", search, 100)
	if err := c.err(); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		groups, err := tx.GroupPage(search, after, min(max(limit, 1), maxLimit+1))
		if err != nil {
			return err
		}
		ids := make([]portal.GroupID, len(groups))
		for i, g := range groups {
			ids[i] = g.ID
		}
		members, err := tx.CountMembersOf(ids)
		if err != nil {
			return err
		}
		views, err = viewGroups(tx, groups, members, ids)
		return err
	})
	return views, err
}

// viewGroups adds to groups where their members come from; ids are theirs, or nil for all.
func viewGroups(tx *store.Tx, groups []portal.Group, members map[portal.GroupID]int, ids []portal.GroupID) ([]GroupView, error) {
	sources, err := tx.GroupSources(ids)
	if err != nil {
		return nil, err
	}
	kept, err := tx.GroupDirectories(ids)
	if err != nil {
		return nil, err
	}
	views := make([]GroupView, len(groups))
	for i, g := range groups {
		views[i] = GroupView{g, members[g.ID], sources[g.ID], kept[g.ID]}
	}
	return views, nil
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

// RenameGroup gives a group another name. It returns ErrGroupKept for one whose name is not ours, or portal.ErrDuplicate.
func (s *Service) RenameGroup(ctx context.Context, by portal.Actor, id portal.GroupID, name string) error {
	return s.managing(ctx, by, portal.GroupsWrite, func(p *policy) error {
		var c check
		name = c.name("/name", name)
		if err := c.err(); err != nil {
			return err
		}
		v, _, err := viewGroup(p.tx, id)
		switch {
		case err != nil:
			return err
		case !v.Renameable():
			return ErrGroupKept
		case v.Name == name:
			return nil
		}
		if err := p.tx.RenameGroup(id, name); err != nil {
			return err
		}
		return p.tx.Audit(by, "group.rename", groupTarget(id), store.Changed{Now: map[string]any{"name": name}, Before: map[string]any{"name": v.Name}})
	})
}

// DeleteGroup removes a group and its memberships. While something names it, it returns ErrInUse with what does in Fields; ErrGroupKept while
// a directory keeps it.
func (s *Service) DeleteGroup(ctx context.Context, by portal.Actor, id portal.GroupID) error {
	var members []portal.UserID
	err := s.managing(ctx, by, portal.GroupsWrite, func(p *policy) error {
		v, uses, err := viewGroup(p.tx, id)
		switch {
		case err != nil:
			return err
		case len(uses) > 0 || id == portal.Everyone:
			return inUse(uses)
		case v.Directory != "":
			return ErrGroupKept
		}
		if members, err = p.tx.MembersWithDevices(id); err != nil {
			return err
		}
		if err := p.tx.DeleteGroup(id); err != nil {
			return err
		}
		return p.tx.Audit(by, "group.delete", groupTarget(id), map[string]any{"name": v.Name, "members": v.Members})
	})
	if err != nil {
		return err
	}
	return s.forgetGroup(ctx, members)
}

// forgetGroup takes a group that is gone out of the signatures of those who were in it. No rule is for it any more, so nothing depends on when: it is
// done a part at a time, so that who revokes a device does not wait for it.
func (s *Service) forgetGroup(ctx context.Context, members []portal.UserID) error {
	ctx = context.WithoutCancel(ctx) // half of it would be right and stay in the log for ever
	for part := range slices.Chunk(members, batch) {
		err := s.inTx(ctx, func(tx *store.Tx) error { return s.PeopleChanged(tx, portal.System, part) })
		if err != nil {
			return err
		}
	}
	return nil
}

// inUse is ErrInUse that says by what.
func inUse(uses []portal.GroupUse) error {
	e := *ErrInUse
	for _, u := range uses {
		e.Fields = append(e.Fields, portal.Field{Path: "/" + string(u.Kind) + "/" + u.ID, Code: string(u.Kind), Msg: u.Name})
	}
	return &e
}

// Group returns one group and what names it. It returns portal.ErrNotFound.
func (s *Service) Group(ctx context.Context, by portal.Actor, id portal.GroupID) (v GroupView, uses []portal.GroupUse, err error) {
	if !by.May(portal.GroupsRead) {
		return v, nil, portal.ErrForbidden
	}
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		v, uses, err = viewGroup(tx, id)
		return err
	})
	return v, uses, err
}

func viewGroup(tx *store.Tx, id portal.GroupID) (v GroupView, uses []portal.GroupUse, err error) {
	if v.Group, err = tx.Group(id); err != nil {
		return v, nil, err
	}
	sources, err := tx.GroupSources([]portal.GroupID{id})
	if err != nil {
		return v, nil, err
	}
	v.Sources = sources[id]
	if v.Members, err = tx.CountMembers(id); err != nil {
		return v, nil, err
	}
	kept, err := tx.GroupDirectories([]portal.GroupID{id})
	if err != nil {
		return v, nil, err
	}
	v.Directory = kept[id]
	uses, err = tx.GroupUses(id)
	return v, uses, err
}

// Members returns a page of a group's members, and who says of each that they are one. after is the id of the last one of the page before.
// It returns portal.ErrNotFound. Everyone has no memberships.
func (s *Service) Members(ctx context.Context, by portal.Actor, id portal.GroupID, search string, after portal.UserID, limit int) (members []portal.GroupMember, err error) {
	if !by.May(portal.GroupsRead) || !by.May(portal.PeopleRead) {
		return nil, portal.ErrForbidden
	}
	var c check
	search = c.text("q", search, 100)
	if err := c.err(); err != nil {
		return nil, err
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if _, err := tx.Group(id); err != nil {
			return err
		}
		members, err = tx.Members(id, search, after, min(max(limit, 1), maxLimit+1))
		return err
	})
	return members, err
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
