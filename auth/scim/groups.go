package scim

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

// createGroup makes a group, or begins to keep one of this name that claims or an administrator made.
func (s *Service) createGroup(ctx context.Context, c caller, in groupChange) (made portal.SCIMGroup, err error) {
	err = s.write(ctx, c, func(tx *store.Tx) error {
		g, isNew, err := ensureGroup(tx, *in.name)
		if err != nil {
			return err
		}
		kept := portal.SCIMGroup{Group: g, Issuer: c.token.Issuer, Made: isNew, Version: 1, KeptSince: tx.Now, ChangedAt: tx.Now, ExternalID: deref(in.externalID)}
		err = tx.CreateSCIMGroup(kept)
		if errors.Is(err, portal.ErrDuplicate) {
			return conflict("There is a group of this name.")
		}
		if err != nil {
			return err
		}
		added, _, err := s.setMembers(tx, c, g.ID, in)
		if err != nil {
			return err
		}
		made = kept
		return tx.Audit(c.by, "scim.group.create", "group:"+string(g.ID), map[string]any{
			"name": g.Name, "issuer": c.token.Issuer, "existed": !isNew, "members": len(added), "added": some100(added),
		})
	})
	return made, err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func ensureGroup(tx *store.Tx, name string) (g portal.Group, isNew bool, err error) {
	g, err = tx.GroupByName(name)
	switch {
	case err == nil && g.ID == portal.Everyone:
		return portal.Group{}, false, conflict("There is a group of this name.")
	case err == nil || !errors.Is(err, portal.ErrNotFound):
		return g, false, err
	}
	g = portal.Group{ID: portal.NewID[portal.GroupID](tx.Now), Name: name, CreatedAt: tx.Now}
	return g, true, tx.CreateGroup(g)
}

// changeGroup does what in says, in the transaction in which the people concerned get what follows from it.
func (s *Service) changeGroup(ctx context.Context, c caller, id portal.GroupID, in groupChange) (after portal.SCIMGroup, err error) {
	err = s.write(ctx, c, func(tx *store.Tx) error {
		g, err := tx.LockSCIMGroup(c.token.Issuer, id)
		if err != nil {
			return err
		}
		if err := c.fresh(g.Version); err != nil {
			return err
		}
		detail := map[string]any{}
		if in.name != nil && *in.name != g.Name {
			if err := renameGroup(tx, id, *in.name); err != nil {
				return err
			}
			detail["from"], detail["to"] = g.Name, *in.name
			g.Name = *in.name
		}
		if in.externalID != nil && *in.externalID != g.ExternalID {
			g.ExternalID = *in.externalID
			detail["externalId"] = g.ExternalID
		}
		added, removed, err := s.setMembers(tx, c, id, in)
		if err != nil {
			return err
		}
		if len(added)+len(removed) > 0 {
			detail["added"], detail["removed"] = some100(added), some100(removed)
			detail["members_added"], detail["members_removed"] = len(added), len(removed)
		}
		after = g
		if len(detail) == 0 {
			return nil
		}
		after.Version++
		after.ChangedAt = tx.Now
		if err := tx.UpdateSCIMGroup(after); err != nil {
			return err
		}
		return tx.Audit(c.by, "scim.group.update", "group:"+string(id), detail)
	})
	return after, err
}

func renameGroup(tx *store.Tx, id portal.GroupID, name string) error {
	other, err := tx.GroupByName(name)
	switch {
	case err == nil && other.ID != id:
		return conflict("There is a group of this name.")
	case err != nil && !errors.Is(err, portal.ErrNotFound):
		return err
	}
	return tx.RenameGroup(id, name)
}

// some100 bounds what the trail keeps of a change; the number of all stands beside it.
func some100(ids []portal.UserID) []portal.UserID { return ids[:min(len(ids), 100)] }

// setMembers gives and takes this directory's memberships, and no other source's, and returns whose changed.
func (s *Service) setMembers(tx *store.Tx, c caller, id portal.GroupID, in groupChange) (added, removed []portal.UserID, err error) {
	var have []portal.UserID
	if in.replaced {
		if have, err = tx.MembersBySource(id, portal.SourceSCIM); err != nil {
			return nil, nil, err
		}
	}
	add, remove := in.split(have)
	there, err := tx.HoldSCIMUsers(c.token.Issuer, add)
	if err != nil {
		return nil, nil, err
	}
	if i := slices.IndexFunc(add, func(id portal.UserID) bool { return !there[id] }); i >= 0 {
		return nil, nil, bad(invalidValue, "There is no user %q.", clip(string(add[i])))
	}
	if added, err = tx.AddMembers(id, portal.SourceSCIM, add); err != nil {
		return nil, nil, err
	}
	if removed, err = tx.RemoveMembers(id, portal.SourceSCIM, remove); err != nil {
		return nil, nil, err
	}
	if len(added)+len(removed) == 0 {
		return nil, nil, nil
	}
	return added, removed, s.Tunnels.PeopleChanged(tx, c.by, slices.Concat(added, removed))
}

// deleteGroup takes the memberships that the directory gave. The group itself goes when the directory made it and nobody else uses it.
func (s *Service) deleteGroup(ctx context.Context, c caller, id portal.GroupID) error {
	return s.write(ctx, c, func(tx *store.Tx) error {
		g, err := tx.LockSCIMGroup(c.token.Issuer, id)
		if err != nil {
			return err
		}
		if err := c.fresh(g.Version); err != nil {
			return err
		}
		_, removed, err := s.setMembers(tx, c, id, groupChange{replaced: true})
		if err != nil {
			return err
		}
		if err := tx.DeleteSCIMGroup(id); err != nil {
			return err
		}
		gone, err := s.dropUnused(tx, g)
		if err != nil {
			return err
		}
		return tx.Audit(c.by, "scim.group.delete", "group:"+string(id), map[string]any{
			"name": g.Name, "members_removed": len(removed), "removed": some100(removed), "group_removed": gone,
		})
	})
}

func (s *Service) dropUnused(tx *store.Tx, g portal.SCIMGroup) (gone bool, err error) {
	unused, err := s.Tunnels.GroupUnused(tx, g.ID)
	if err != nil || !unused || !g.Made {
		return false, err
	}
	others, err := tx.HasMembers(g.ID)
	if err != nil || others {
		return false, err
	}
	return true, tx.DeleteGroup(g.ID)
}

// readGroup returns a group that the directory keeps, with its members where they are asked for.
func (s *Service) readGroup(ctx context.Context, c caller, id portal.GroupID, withMembers bool) (g portal.SCIMGroup, members []portal.SCIMMember, err error) {
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if g, err = tx.SCIMGroup(c.token.Issuer, id); err != nil || !withMembers {
			return err
		}
		members, err = tx.SCIMMembers(id, nil)
		return err
	})
	return g, members, err
}

// listGroups finds groups. A filter may ask for members by their ids; then only those memberships are read.
func (s *Service) listGroups(ctx context.Context, c caller, p page) (total int, found []object, err error) {
	asked, err := membersAsked(p.where)
	if err != nil {
		return 0, nil, err
	}
	q := store.SCIMGroupQuery{Issuer: c.token.Issuer}
	for name, into := range map[string]*string{"id": (*string)(&q.Group), "externalId": &q.ExternalID, "members": (*string)(&q.Member)} {
		*into, _ = required(p.where, name)
	}
	if q.Group != "" && !plainID(string(q.Group)) || q.Member != "" && !plainID(string(q.Member)) {
		return 0, nil, nil
	}
	err = s.Store.View(ctx, func(tx *store.Tx) error {
		if p.where == nil {
			if total, err = tx.CountSCIMGroups(q); err != nil || p.count == 0 {
				return err
			}
			groups, err := tx.SCIMGroups(q, "", p.start-1, p.count)
			if err != nil {
				return err
			}
			found, err = s.showGroups(tx, groups, p.shape)
			return err
		}
		total, found, err = s.scanGroups(tx, q, p, asked)
		return err
	})
	return total, found, err
}

func (s *Service) scanGroups(tx *store.Tx, q store.SCIMGroupQuery, p page, asked []portal.UserID) (total int, found []object, err error) {
	var after portal.GroupID
	var show []portal.SCIMGroup
	for {
		groups, err := tx.SCIMGroups(q, after, 0, scanBatch)
		if err != nil {
			return 0, nil, err
		}
		for _, g := range groups {
			ok, err := s.groupMatches(tx, g, p.where, asked)
			if err != nil {
				return 0, nil, err
			}
			if !ok {
				continue
			}
			if total++; total >= p.start && len(show) < p.count {
				show = append(show, g)
			}
		}
		if len(groups) < scanBatch {
			found, err = s.showGroups(tx, show, p.shape)
			return total, found, err
		}
		after = groups[len(groups)-1].ID
	}
}

func (s *Service) groupMatches(tx *store.Tx, g portal.SCIMGroup, where expr, asked []portal.UserID) (bool, error) {
	o := s.groupResource(g, nil)
	if len(asked) > 0 {
		members, err := tx.SCIMMembers(g.ID, asked)
		if err != nil {
			return false, err
		}
		var in []any
		for _, m := range members {
			in = append(in, object{"value": string(m.User)})
		}
		keep(o, "members", in)
	}
	return where.matches(o), nil
}

func (s *Service) showGroups(tx *store.Tx, groups []portal.SCIMGroup, as shape) ([]object, error) {
	found := make([]object, len(groups))
	for i, g := range groups {
		var members []portal.SCIMMember
		if as.wants("members") {
			var err error
			if members, err = tx.SCIMMembers(g.ID, nil); err != nil {
				return nil, err
			}
		}
		found[i] = as.of(s.groupResource(g, members))
	}
	return found, nil
}

// membersAsked are the ids that a filter compares members with. Nothing but equality is answered: the rest would read every membership.
func membersAsked(e expr) (ids []portal.UserID, err error) {
	refuse := bad(invalidFilter, "Of members only value eq and ne can be asked.")
	switch e := e.(type) {
	case both:
		return membersOfBoth(e.a, e.b)
	case either:
		return membersOfBoth(e.a, e.b)
	case not:
		return membersAsked(e.e)
	case present:
		if e.at.top.name == "members" {
			return nil, refuse
		}
	case some:
		named, ok := namedIDs(e.e)
		if !ok {
			return nil, refuse
		}
		for _, id := range named {
			ids = append(ids, portal.UserID(id))
		}
	case compare:
		if e.at.top.name != "members" {
			return nil, nil
		}
		id, ok := e.value.(string)
		if !ok || e.op != "eq" && e.op != "ne" || e.at.sub == nil || e.at.sub.name != "value" {
			return nil, refuse
		}
		return []portal.UserID{portal.UserID(id)}, nil
	}
	return ids, nil
}

func membersOfBoth(a, b expr) ([]portal.UserID, error) {
	left, err := membersAsked(a)
	if err != nil {
		return nil, err
	}
	right, err := membersAsked(b)
	return append(left, right...), err
}
