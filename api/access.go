package api

import (
	"context"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// entrance says who is let in to a route at all, before the question of what their role allows.
type entrance int

const (
	anybody    entrance = iota + 1 // no session needed
	anyStage                       // a session, also one that has yet to show its second factor; no token
	withCookie                     // a session that is ready; no token
	ready                          // a session that is ready, or a token
)

// access is what a route asks for.
type access struct {
	enter  entrance
	action auth.Action // "" with anybody
}

// accessTable has a line for each operation of the contract: Handler refuses to start without. A line names the least that is asked;
// whose things an operation may touch is decided by auth and peers, which know them.
var accessTable = map[string]access{
	"getSignIn":          {anybody, ""},
	"beginPasskeySignIn": {anybody, ""},
	"passkeySignIn":      {anybody, ""},
	"localSignIn":        {anybody, ""},

	"getSession":     {anyStage, auth.OwnRead},
	"signOut":        {anyStage, auth.OwnSecurity},
	"verifyTotp":     {anyStage, auth.OwnSecurity},
	"verifyRecovery": {anyStage, auth.OwnSecurity},
	"beginTotp":      {anyStage, auth.OwnSecurity},
	"confirmTotp":    {anyStage, auth.OwnSecurity},

	"getSessionWays":     {anyStage, auth.OwnSecurity},
	"beginVerifyPasskey": {anyStage, auth.OwnSecurity},
	"verifyPasskey":      {anyStage, auth.OwnSecurity},
	"beginPasskey":       {anyStage, auth.OwnSecurity},
	"confirmPasskey":     {anyStage, auth.OwnSecurity},

	"listSessions":     {withCookie, auth.OwnSecurity},
	"endSession":       {withCookie, auth.OwnSecurity},
	"getFactors":       {withCookie, auth.OwnSecurity},
	"renameFactor":     {withCookie, auth.OwnSecurity},
	"removeFactor":     {withCookie, auth.OwnSecurity},
	"newRecoveryCodes": {withCookie, auth.OwnSecurity},
	"listTokens":       {withCookie, auth.OwnSecurity},
	"createToken":      {withCookie, auth.OwnSecurity},
	"deleteToken":      {withCookie, auth.OwnSecurity},

	"listDevices":      {ready, auth.OwnRead},
	"createDevice":     {ready, auth.OwnDevices},
	"getDevice":        {ready, auth.OwnRead},
	"updateDevice":     {ready, auth.OwnDevices},
	"revokeDevice":     {ready, auth.OwnDevices},
	"replaceDeviceKey": {ready, auth.OwnDevices},
	"getDeviceConfig":  {ready, auth.OwnRead},
	"suspendDevice":    {ready, auth.DevicesWrite},
	"resumeDevice":     {ready, auth.DevicesWrite},
	"renewGrants":      {ready, auth.OwnDevices},

	"listProfiles":  {ready, auth.OwnRead},
	"getProfile":    {ready, auth.OwnRead},
	"createProfile": {ready, auth.ProfilesWrite},
	"updateProfile": {ready, auth.ProfilesWrite},
	"deleteProfile": {ready, auth.ProfilesWrite},

	"listGroups":     {ready, auth.GroupsRead},
	"listResources":  {ready, auth.AccessRead},
	"createResource": {ready, auth.AccessWrite},
	"updateResource": {ready, auth.AccessWrite},
	"deleteResource": {ready, auth.AccessWrite},
	"listRules":      {ready, auth.AccessRead},
	"createRule":     {ready, auth.AccessWrite},
	"updateRule":     {ready, auth.AccessWrite},
	"deleteRule":     {ready, auth.AccessWrite},

	"explainReachability": {ready, auth.OwnRead},

	"listPeople":    {ready, auth.PeopleRead},
	"getPerson":     {ready, auth.PeopleRead},
	"suspendPerson": {ready, auth.PeopleWrite},
	"resumePerson":  {ready, auth.PeopleWrite},
	"setRole":       {ready, auth.PeopleRoles},
	"resetFactors":  {ready, auth.PeopleFactors},

	"getPersonFactors":   {ready, auth.PeopleRead},
	"listFactorPolicies": {ready, auth.SettingsRead},
	"setFactorPolicy":    {ready, auth.SettingsWrite},
	"deleteFactorPolicy": {ready, auth.SettingsWrite},

	"listPops":       {ready, auth.GatewaysRead},
	"createPop":      {ready, auth.GatewaysWrite},
	"updatePop":      {ready, auth.GatewaysWrite},
	"deletePop":      {ready, auth.GatewaysWrite},
	"listGateways":   {ready, auth.GatewaysRead},
	"getGateway":     {ready, auth.GatewaysRead},
	"createGateway":  {ready, auth.GatewaysWrite},
	"newEnrolment":   {ready, auth.GatewaysWrite},
	"drainGateway":   {ready, auth.GatewaysWrite},
	"undrainGateway": {ready, auth.GatewaysWrite},
	"retireGateway":  {ready, auth.GatewaysWrite},

	"getOverview":  {ready, auth.OverviewRead},
	"streamEvents": {ready, auth.OwnRead},
	"listAudit":    {ready, auth.AuditRead},
	"verifyAudit":  {ready, auth.AuditRead},
	"exportAudit":  {ready, auth.AuditExport},
}

// gate lets only those through to an operation whom the table lets.
func (s *Server) gate(operation string) (echo.MiddlewareFunc, error) {
	need, ok := accessTable[operation]
	if !ok {
		return nil, fmt.Errorf("operation %s has no line in the table of access", operation)
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if need.enter == anybody {
				c.SetRequest(c.Request().WithContext(context.WithValue(c.Request().Context(), fromKey{}, s.browser(c))))
				return next(c)
			}
			w, err := s.authenticate(c)
			if err != nil {
				return err
			}
			noteWho(c, w)
			if err := need.allows(w, s); err != nil {
				return err
			}
			ctx := context.WithValue(withWho(c.Request().Context(), w), acceptKey{}, c.Request().Header.Get("Accept"))
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}, nil
}

func (need access) allows(w auth.Who, s *Server) error {
	if w.Token.ID != "" && need.enter != ready {
		return errSessionOnly
	}
	if need.enter != anyStage {
		if err := w.RequireReady(); err != nil {
			return err
		}
	}
	by := w.Actor()
	if by.User == "" {
		return portal.ErrSignedOut // an actor without a person would count as the system
	}
	return auth.Allow(by, need.action, s.now())
}
