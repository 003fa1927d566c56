package auth

import (
	"slices"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Action is something that a role may or may not do. Every route of the API names exactly one.
type Action string

// The actions. Own* concern only the acting person's things: the others are other people's and then "not found".
const (
	OwnRead       Action = "own.read"       // me, my devices, what I may use
	OwnDevices    Action = "own.devices"    // add, rename, renew and revoke my devices
	OwnSecurity   Action = "own.security"   // my factors, sessions and tokens; auth itself asks for a fresh factor where one is due
	OverviewRead  Action = "overview.read"  // counts, health, live state of everything
	PeopleRead    Action = "people.read"    // people, their devices and sessions
	PeopleWrite   Action = "people.write"   // suspend, resume, sign out everywhere
	PeopleFactors Action = "people.factors" // reset second factors
	PeopleRoles   Action = "people.roles"   // change a role
	GroupsRead    Action = "groups.read"
	GroupsWrite   Action = "groups.write"
	DevicesRead   Action = "devices.read" // everybody's
	DevicesWrite  Action = "devices.write"
	ProfilesRead  Action = "profiles.read"
	ProfilesWrite Action = "profiles.write"
	AccessRead    Action = "access.read" // resources and rules
	AccessWrite   Action = "access.write"
	GatewaysRead  Action = "gateways.read" // gateways and PoPs
	GatewaysWrite Action = "gateways.write"
	AuditRead     Action = "audit.read"
	SettingsRead  Action = "settings.read"
	SettingsWrite Action = "settings.write"
)

// grant is one line of the table: the least role that may do it, and whether its second factor must be fresh.
type grant struct {
	least  portal.Role
	stepUp bool
}

// table is who may do what. What is not in it nobody may do.
var table = map[Action]grant{
	OwnRead:       {portal.RoleUser, false},
	OwnDevices:    {portal.RoleUser, false},
	OwnSecurity:   {portal.RoleUser, false},
	OverviewRead:  {portal.RoleAdmin, false},
	PeopleRead:    {portal.RoleAdmin, false},
	PeopleWrite:   {portal.RoleAdmin, true},
	PeopleFactors: {portal.RoleAdmin, true},
	PeopleRoles:   {portal.RoleOwner, true},
	GroupsRead:    {portal.RoleAdmin, false},
	GroupsWrite:   {portal.RoleAdmin, true},
	DevicesRead:   {portal.RoleAdmin, false},
	DevicesWrite:  {portal.RoleAdmin, true},
	ProfilesRead:  {portal.RoleAdmin, false},
	ProfilesWrite: {portal.RoleAdmin, true},
	AccessRead:    {portal.RoleAdmin, false},
	AccessWrite:   {portal.RoleAdmin, true},
	GatewaysRead:  {portal.RoleAdmin, false},
	GatewaysWrite: {portal.RoleAdmin, true},
	AuditRead:     {portal.RoleAdmin, false},
	SettingsRead:  {portal.RoleAdmin, false},
	SettingsWrite: {portal.RoleOwner, true},
}

// StepUpAge is how long after a second factor was shown a session may do what needs a fresh one.
const StepUpAge = 10 * time.Minute

// Actions returns every action of the table, sorted.
func Actions() []Action {
	all := make([]Action, 0, len(table))
	for a := range table {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// Can reports whether a role may do a. An unknown role or action may not.
func Can(role portal.Role, a Action) bool {
	g, ok := table[a]
	return ok && rank(role) > 0 && rank(role) >= rank(g.least)
}

// NeedsStepUp reports whether a asks for a fresh second factor.
func NeedsStepUp(a Action) bool { return table[a].stepUp }

// Allow is the whole decision for one action: nil, portal.ErrForbidden, or portal.ErrStepUp where the role would do and the second
// factor is too old. The system may do everything.
func Allow(by portal.Actor, a Action, now time.Time) error {
	if by.IsSystem() {
		return nil
	}
	if !Can(by.Role, a) {
		return portal.ErrForbidden
	}
	if NeedsStepUp(a) {
		return RequireFresh(by, now)
	}
	return nil
}

// RequireFresh returns portal.ErrStepUp unless the actor showed a second factor within StepUpAge. A token never did.
func RequireFresh(by portal.Actor, now time.Time) error {
	if by.IsSystem() {
		return nil
	}
	if by.FactorAt.IsZero() || now.Sub(by.FactorAt) > StepUpAge {
		return portal.ErrStepUp
	}
	return nil
}

// rank orders the roles; 0 is none at all.
func rank(r portal.Role) int {
	switch r {
	case portal.RoleUser:
		return 1
	case portal.RoleAdmin:
		return 2
	case portal.RoleOwner:
		return 3
	}
	return 0
}
