package portal

import "slices"

// Role is what a person may do: the rights that the table in this file gives it. A person has one.
type Role string

// The roles.
const (
	RoleOwner        Role = "owner"         // everything
	RoleAdmin        Role = "admin"         // everything but the portal's own settings and what concerns owners
	RoleNetworkAdmin Role = "network_admin" // gateways, points of presence, profiles, resources, rules
	RoleHelpDesk     Role = "help_desk"     // plain users and their devices
	RoleAuditor      Role = "auditor"       // sees everything, changes nothing
	RoleUser         Role = "user"          // only what is their own
)

// Right is something that a role may or may not do. Every route of the API names exactly one.
type Right string

// The rights. Own* concern only the acting person's things: the others are other people's and then "not found".
const (
	OwnRead       Right = "own.read"       // me, my devices, what I may use
	OwnDevices    Right = "own.devices"    // add, rename, renew and revoke my devices
	OwnSecurity   Right = "own.security"   // my factors, sessions and tokens; auth itself asks for a fresh factor where one is due
	OwnRequests   Right = "own.requests"   // ask for access for a while, withdraw and end it
	OwnApprovals  Right = "own.approvals"  // decide on what others ask for, where a resource names one as approver
	OverviewRead  Right = "overview.read"  // counts, health, live state of everything
	PeopleRead    Right = "people.read"    // people, their devices and sessions
	PeopleWrite   Right = "people.write"   // suspend, resume, sign out everywhere; plain users, unless StaffWrite is there too
	PeopleFactors Right = "people.factors" // reset second factors; plain users, unless StaffWrite is there too
	StaffWrite    Right = "staff.write"    // do to accounts with rights over others, and to their devices, what one may do to plain users
	PeopleRoles   Right = "people.roles"   // change a role; none above one's own, neither before nor after
	GroupsRead    Right = "groups.read"
	GroupsWrite   Right = "groups.write"
	DevicesRead   Right = "devices.read"  // everybody's
	DevicesWrite  Right = "devices.write" // rename, suspend, resume and revoke other people's
	DevicesKeys   Right = "devices.keys"  // add a device for somebody else, replace the key of theirs
	ProfilesRead  Right = "profiles.read"
	ProfilesWrite Right = "profiles.write"
	AccessRead    Right = "access.read" // resources and rules
	AccessWrite   Right = "access.write"
	AccessProbe   Right = "access.probe"   // let a gateway try a destination
	PostureRead   Right = "posture.read"   // checks, exceptions, and the state of everybody's devices
	PostureWrite  Right = "posture.write"  // change what is asked of devices
	PostureReport Right = "posture.report" // tell facts about devices: for management systems
	GatewaysRead  Right = "gateways.read"  // gateways, points of presence and pools
	GatewaysWrite Right = "gateways.write"
	AuditRead     Right = "audit.read" // see, follow and verify
	AuditExport   Right = "audit.export"
	SettingsRead  Right = "settings.read"
	SettingsWrite Right = "settings.write" // providers and what else could make somebody an owner
	TokensRead    Right = "tokens.read"    // tokens of programs
	TokensWrite   Right = "tokens.write"   // make and end tokens of programs; of roles with no more rights than one's own
)

// roleSet is a set of roles, a bit each.
type roleSet uint8

// The columns of the table.
const (
	o roleSet = 1 << iota
	a
	n
	h
	r
	u
)

var columns = []struct {
	role Role
	bit  roleSet
}{{RoleOwner, o}, {RoleAdmin, a}, {RoleNetworkAdmin, n}, {RoleHelpDesk, h}, {RoleAuditor, r}, {RoleUser, u}}

// rights is who may do what: one line a right, with every role that has it, and whether the second factor must be fresh. There is no
// order among roles that would give one a right that is not written here. What is not in the table nobody may do.
var rights = map[Right]struct {
	roles roleSet
	fresh bool
}{
	OwnRead:       {o | a | n | h | r | u, false},
	OwnDevices:    {o | a | n | h | r | u, false},
	OwnSecurity:   {o | a | n | h | r | u, false},
	OwnRequests:   {o | a | n | h | r | u, false},
	OwnApprovals:  {o | a | n | h | r | u, true},
	OverviewRead:  {o | a | n | h | r, false},
	PeopleRead:    {o | a | h | r, false},
	PeopleWrite:   {o | a | h, true},
	PeopleFactors: {o | a | h, true},
	StaffWrite:    {o | a, true},
	PeopleRoles:   {o | a, true},
	GroupsRead:    {o | a | n | h | r, false},
	GroupsWrite:   {o | a, true},
	DevicesRead:   {o | a | n | h | r, false},
	DevicesWrite:  {o | a | h, true},
	DevicesKeys:   {o | a, true},
	ProfilesRead:  {o | a | n | h | r, false},
	ProfilesWrite: {o | a | n, true},
	AccessRead:    {o | a | n | h | r, false},
	AccessWrite:   {o | a | n, true},
	AccessProbe:   {o | a | n | h, false},
	PostureRead:   {o | a | n | h | r, false},
	PostureWrite:  {o | a, true},
	PostureReport: {o | a, true},
	GatewaysRead:  {o | a | n | h | r, false},
	GatewaysWrite: {o | a | n, true},
	AuditRead:     {o | a | r, false},
	AuditExport:   {o | a | r, false},
	SettingsRead:  {o | a | r, false},
	SettingsWrite: {o, true},
	TokensRead:    {o | a | r, false},
	TokensWrite:   {o | a, true},
}

// ErrAboveOwn refuses to touch an account with rights that the actor lacks, or to give such a role.
var ErrAboveOwn = &Error{Kind: Forbidden, Code: "role_above_own", Msg: "This account or role has rights that yours may not touch."}

// Roles returns every role, the one with most rights first.
func Roles() []Role {
	all := make([]Role, len(columns))
	for i, c := range columns {
		all[i] = c.role
	}
	return all
}

// StaffRoles returns the roles with rights over what is not their own.
func StaffRoles() []Role {
	return slices.DeleteFunc(Roles(), func(r Role) bool { return r == RoleUser })
}

// Rights returns every right of the table, sorted.
func Rights() []Right {
	all := make([]Right, 0, len(rights))
	for x := range rights {
		all = append(all, x)
	}
	slices.Sort(all)
	return all
}

// NeedsFresh reports whether x asks for a fresh second factor.
func (x Right) NeedsFresh() bool { return rights[x].fresh }

// bit returns the role's column, 0 for one that does not exist.
func (r Role) bit() roleSet {
	for _, c := range columns {
		if c.role == r {
			return c.bit
		}
	}
	return 0
}

// Known reports whether there is such a role.
func (r Role) Known() bool { return r.bit() != 0 }

// May reports whether the role has a right. An unknown role has none.
func (r Role) May(x Right) bool { return rights[x].roles&r.bit() != 0 }

// ForServices reports whether a program's token may have the right. What is somebody's own it can't have, since it is nobody; and nothing by which
// it could get itself, or somebody, more than it was given: accounts, roles, the keys of other people's devices, settings, tokens.
func (x Right) ForServices() bool { return rights[x].roles != 0 && !slices.Contains(notForServices, x) }

var notForServices = []Right{
	OwnRead, OwnDevices, OwnSecurity, OwnRequests, OwnApprovals, PeopleWrite, PeopleFactors, StaffWrite, PeopleRoles, DevicesKeys, SettingsWrite, TokensWrite,
}

// May reports whether the actor's role allows x, and the token's scopes where there is one; the system may do everything. Whether the second factor is fresh enough is auth.Allow's
// to say, and whose things they are the caller's.
func (a Actor) May(x Right) bool { return a.system || a.Role.May(x) && a.Scopes.Allow(x) }

// Covers reports whether the role has every right that the other one has. Each covers itself; network admin and help desk do not cover
// one another.
func (r Role) Covers(other Role) bool {
	if !r.Known() || !other.Known() {
		return false
	}
	for x := range rights {
		if other.May(x) && !r.May(x) {
			return false
		}
	}
	return true
}

// MayTouch returns nil when somebody of this role may act on an account of the other one, as far as that depends on roles: on plain users,
// and with StaffWrite on whom it covers. Else it returns ErrAboveOwn.
func (r Role) MayTouch(other Role) error {
	if r.Covers(other) && (other == RoleUser || r.May(StaffWrite)) {
		return nil
	}
	return ErrAboveOwn
}
