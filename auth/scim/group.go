package scim

import (
	"maps"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/portal"
)

// groupChange is what a request does to a group. Members are named one by one, so that a change costs what it names.
type groupChange struct {
	name       *string // nil: stays
	externalID *string
	replaced   bool                   // members are those of delta that are true, and nobody else
	delta      map[portal.UserID]bool // true: is a member from now on; false: is none
}

// newGroup reads a Group that a directory sends as a whole. A PUT that does not speak of members leaves them: whoever sends a rename
// does not mean that everybody goes.
func newGroup(body any) (groupChange, error) {
	in, err := fields(body)
	if err != nil {
		return groupChange{}, err
	}
	if !hasSchema(in["schemas"], groupURN) {
		return groupChange{}, bad(invalidSyntax, "schemas must name %s.", groupURN)
	}
	g := groupChange{delta: map[portal.UserID]bool{}}
	if err := g.setName(in["displayname"]); err != nil {
		return groupChange{}, err
	}
	if err := g.setExternalID(in["externalid"]); err != nil {
		return groupChange{}, err
	}
	if members, there := in["members"]; there {
		return g, g.members(step{kind: "replace", value: members})
	}
	return g, nil
}

func (g *groupChange) setName(v any) error {
	at := groupSchema.sub("displayName")
	s, err := conformOne(at, v)
	if err != nil {
		return err
	}
	name, _ := s.(string)
	if name = strings.TrimSpace(name); oneLine(name, 256) != name || name == "" {
		return bad(invalidValue, "displayName must be 1 to 256 printable characters.")
	}
	g.name = &name
	return nil
}

func (g *groupChange) setExternalID(v any) error {
	s, err := conformOne(groupSchema.sub("externalId"), v)
	if err != nil {
		return err
	}
	id, _ := s.(string)
	g.externalID = &id
	return nil
}

// patchGroup turns the operations of a PATCH into one change.
func patchGroup(ops []operation) (groupChange, error) {
	all, err := steps(groupSchema, ops)
	if err != nil {
		return groupChange{}, err
	}
	g := groupChange{delta: map[portal.UserID]bool{}}
	for _, s := range all {
		switch s.at.top.name {
		case "displayName":
			if s.kind == "remove" {
				return groupChange{}, bad(mutability, "displayName is required.")
			}
			err = g.setName(s.value)
		case "externalId":
			if s.kind == "remove" {
				s.value = nil
			}
			err = g.setExternalID(s.value)
		case "members":
			err = g.members(s)
		}
		if err != nil {
			return groupChange{}, err
		}
	}
	return g, nil
}

// members does one operation on the members.
func (g *groupChange) members(s step) error {
	if s.at.which != nil {
		return g.chosen(s)
	}
	if s.at.sub != nil {
		return bad(invalidPath, "Members are added and removed as a whole.")
	}
	if s.kind == "remove" && s.value == nil || s.kind == "replace" {
		g.replaced = true
		clear(g.delta)
	}
	ids, err := memberIDs(s.value)
	if err != nil {
		return err
	}
	for _, id := range ids {
		g.delta[id] = s.kind != "remove"
	}
	return nil
}

// chosen is members[value eq "ID"]: who is meant is in the path.
func (g *groupChange) chosen(s step) error {
	ids, ok := namedIDs(s.at.which)
	if !ok || s.at.sub != nil || s.kind == "replace" {
		return bad(invalidPath, `Members are chosen by members[value eq "ID"], to add or remove them.`)
	}
	for _, id := range ids {
		if !plainID(id) {
			return bad(invalidValue, "%q is not the id of a user.", clip(id))
		}
		g.delta[portal.UserID(id)] = s.kind == "add"
	}
	return nil
}

// namedIDs are the ids in value eq "ID" or value eq "ID"…; false for another filter.
func namedIDs(e expr) ([]string, bool) {
	switch e := e.(type) {
	case either:
		a, ok := namedIDs(e.a)
		b, ok2 := namedIDs(e.b)
		return append(a, b...), ok && ok2
	case compare:
		id, ok := e.value.(string)
		return []string{id}, ok && e.op == "eq" && e.at.top.name == "value"
	}
	return nil, false
}

// memberIDs reads a list of members, or one: objects with a value, or bare ids.
func memberIDs(v any) ([]portal.UserID, error) {
	var ids []portal.UserID
	for _, item := range list(v) {
		id, ok := item.(string)
		if !ok {
			in, err := fields(item)
			if err != nil {
				return nil, bad(invalidValue, "A member is an object with a value.")
			}
			id, _ = in["value"].(string)
			if kind, said := in["type"].(string); said && kind != "" && !strings.EqualFold(kind, "User") {
				return nil, bad(invalidValue, "Members are users; groups in groups are not supported.")
			}
		}
		if !plainID(id) {
			return nil, bad(invalidValue, "%q is not the id of a user.", clip(id))
		}
		ids = append(ids, portal.UserID(id))
	}
	return ids, nil
}

// split returns those to add and those to remove, sorted. have is who is a member now, and matters only when all are replaced.
func (g *groupChange) split(have []portal.UserID) (add, remove []portal.UserID) {
	for _, id := range slices.Sorted(maps.Keys(g.delta)) {
		switch {
		case g.delta[id]:
			add = append(add, id)
		case !g.replaced:
			remove = append(remove, id)
		}
	}
	if !g.replaced {
		return add, remove
	}
	for _, id := range have {
		if !g.delta[id] {
			remove = append(remove, id)
		}
	}
	known := make(map[portal.UserID]bool, len(have))
	for _, id := range have {
		known[id] = true
	}
	return slices.DeleteFunc(add, func(id portal.UserID) bool { return known[id] }), remove
}

// member is one of a group in an answer.
type member struct {
	Value   string `json:"value"`
	Ref     string `json:"$ref"`
	Type    string `json:"type"`
	Display string `json:"display,omitempty"`
}

// groupResource is a group as the directory sees it. members is nil where they were not asked for.
func (s *Service) groupResource(g portal.SCIMGroup, members []portal.SCIMMember) object {
	o := object{
		"schemas": []any{groupURN}, "id": string(g.ID), "displayName": g.Name,
		"meta": s.meta("Group", string(g.ID), g.Version, g.KeptSince, g.ChangedAt),
	}
	keep(o, "externalId", g.ExternalID)
	if len(members) > 0 {
		all := make([]member, len(members))
		for i, m := range members {
			all[i] = member{string(m.User), s.location("User", string(m.User)), "User", m.Name}
		}
		o["members"] = all
	}
	return o
}
