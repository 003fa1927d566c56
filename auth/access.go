package auth

import (
	"cmp"
	"time"

	"github.com/sallyport/sallyport/portal"
)

// Action is a right as routes name it. The table of role × action is portal's, since peers asks it too.
type Action = portal.Right

// The actions.
const (
	OwnRead       = portal.OwnRead
	OwnDevices    = portal.OwnDevices
	OwnSecurity   = portal.OwnSecurity
	OwnRequests   = portal.OwnRequests
	OwnApprovals  = portal.OwnApprovals
	OverviewRead  = portal.OverviewRead
	PeopleRead    = portal.PeopleRead
	PeopleWrite   = portal.PeopleWrite
	PeopleFactors = portal.PeopleFactors
	StaffWrite    = portal.StaffWrite
	PeopleRoles   = portal.PeopleRoles
	GroupsRead    = portal.GroupsRead
	GroupsWrite   = portal.GroupsWrite
	DevicesRead   = portal.DevicesRead
	DevicesWrite  = portal.DevicesWrite
	DevicesKeys   = portal.DevicesKeys
	ProfilesRead  = portal.ProfilesRead
	ProfilesWrite = portal.ProfilesWrite
	AccessRead    = portal.AccessRead
	AccessProbe   = portal.AccessProbe
	AccessWrite   = portal.AccessWrite
	PostureRead   = portal.PostureRead
	PostureWrite  = portal.PostureWrite
	PostureReport = portal.PostureReport
	GatewaysRead  = portal.GatewaysRead
	GatewaysWrite = portal.GatewaysWrite
	AuditRead     = portal.AuditRead
	AuditExport   = portal.AuditExport
	SettingsRead  = portal.SettingsRead
	SettingsWrite = portal.SettingsWrite
	TokensRead    = portal.TokensRead
	TokensWrite   = portal.TokensWrite
)

// StepUpAge is how long after a second factor was shown a session may do what needs a fresh one, where Limits.StepUp says nothing else.
const StepUpAge = 10 * time.Minute

// Actions returns every action of the table, sorted.
func Actions() []Action { return portal.Rights() }

// Can reports whether a role may do a. An unknown role or action may not.
func Can(role portal.Role, a Action) bool { return role.May(a) }

// NeedsStepUp reports whether a asks for a fresh second factor.
func NeedsStepUp(a Action) bool { return a.NeedsFresh() }

// Allow is the whole decision for one action: nil, portal.ErrForbidden, or portal.ErrStepUp where the role would do and the second
// factor is too old. The system may do everything.
func Allow(by portal.Actor, a Action, now time.Time) error {
	if by.IsSystem() {
		return nil
	}
	if !by.May(a) {
		return portal.ErrForbidden
	}
	if by.Service != "" && !a.ForServices() {
		return portal.ErrForbidden
	}
	if NeedsStepUp(a) && by.Service == "" {
		return RequireFresh(by, now)
	}
	return nil
}

// RequireFresh returns portal.ErrStepUp unless the actor showed a second factor within FreshFor of its own. A token never did.
func RequireFresh(by portal.Actor, now time.Time) error {
	if by.IsSystem() {
		return nil
	}
	if by.FactorAt.IsZero() || now.Sub(by.FactorAt) > cmp.Or(by.FreshFor, StepUpAge) {
		return portal.ErrStepUp
	}
	return nil
}
