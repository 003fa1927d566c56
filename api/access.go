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

	byToken bool // a token that was made for it needs no fresh second factor

	// service is what a program needs where action is about one's own things, of which it has none; "" for never.
	service auth.Action
}

// accessTable has a line for each operation of the contract: Handler refuses to start without. A line names the least that is asked;
// whose things an operation may touch is decided by auth and peers, which know them.
var accessTable = map[string]access{
	"getSignIn":          {enter: anybody, action: ""},
	"beginPasskeySignIn": {enter: anybody, action: ""},
	"passkeySignIn":      {enter: anybody, action: ""},
	"localSignIn":        {enter: anybody, action: ""},

	"getSession":     {enter: anyStage, action: auth.OwnRead},
	"signOut":        {enter: anyStage, action: auth.OwnSecurity},
	"verifyTotp":     {enter: anyStage, action: auth.OwnSecurity},
	"verifyRecovery": {enter: anyStage, action: auth.OwnSecurity},
	"beginTotp":      {enter: anyStage, action: auth.OwnSecurity},
	"confirmTotp":    {enter: anyStage, action: auth.OwnSecurity},

	"getSessionWays":     {enter: anyStage, action: auth.OwnSecurity},
	"beginVerifyPasskey": {enter: anyStage, action: auth.OwnSecurity},
	"verifyPasskey":      {enter: anyStage, action: auth.OwnSecurity},
	"beginPasskey":       {enter: anyStage, action: auth.OwnSecurity},
	"confirmPasskey":     {enter: anyStage, action: auth.OwnSecurity},

	"listSessions":     {enter: withCookie, action: auth.OwnSecurity},
	"endOtherSessions": {enter: withCookie, action: auth.OwnSecurity},
	"endSession":       {enter: withCookie, action: auth.OwnSecurity},
	"getFactors":       {enter: withCookie, action: auth.OwnSecurity},
	"renameFactor":     {enter: withCookie, action: auth.OwnSecurity},
	"removeFactor":     {enter: withCookie, action: auth.OwnSecurity},
	"newRecoveryCodes": {enter: withCookie, action: auth.OwnSecurity},
	"listTokens":       {enter: withCookie, action: auth.OwnSecurity},
	"createToken":      {enter: withCookie, action: auth.OwnSecurity},
	"deleteToken":      {enter: withCookie, action: auth.OwnSecurity},

	"listDevices":      {enter: ready, action: auth.OwnRead, service: auth.DevicesRead},
	"createDevice":     {enter: ready, action: auth.OwnDevices},
	"getDevice":        {enter: ready, action: auth.OwnRead, service: auth.DevicesRead},
	"updateDevice":     {enter: ready, action: auth.OwnDevices, service: auth.DevicesWrite},
	"revokeDevice":     {enter: ready, action: auth.OwnDevices, service: auth.DevicesWrite},
	"replaceDeviceKey": {enter: ready, action: auth.OwnDevices},
	"getDeviceConfig":  {enter: ready, action: auth.OwnRead, service: auth.DevicesRead},

	"listAuthorities":   {enter: ready, action: auth.SettingsRead},
	"rotateAuthority":   {enter: ready, action: auth.SettingsWrite},
	"finishRotation":    {enter: ready, action: auth.SettingsWrite},
	"getRevocationList": {enter: anybody, action: ""},

	"createOpenVPNDevice":      {enter: ready, action: auth.OwnDevices},
	"replaceDeviceCertificate": {enter: ready, action: auth.OwnDevices},
	"getDeviceOpenVPN":         {enter: ready, action: auth.OwnRead},

	"noteDeviceFile": {enter: ready, action: auth.OwnDevices},
	"approveDevice":  {enter: ready, action: auth.DevicesWrite},
	"refuseDevice":   {enter: ready, action: auth.DevicesWrite},
	"setDeviceLevel": {enter: ready, action: auth.DevicesWrite},
	"suspendDevice":  {enter: ready, action: auth.DevicesWrite},
	"resumeDevice":   {enter: ready, action: auth.DevicesWrite},
	"renewGrants":    {enter: ready, action: auth.OwnDevices},

	"tellDeviceFacts":  {enter: ready, action: auth.PostureReport},
	"getDevicePosture": {enter: ready, action: auth.OwnRead, service: auth.PostureRead},

	"getPosture":             {enter: ready, action: auth.PostureRead},
	"setPostureTimes":        {enter: ready, action: auth.PostureWrite},
	"createPostureCheck":     {enter: ready, action: auth.PostureWrite},
	"updatePostureCheck":     {enter: ready, action: auth.PostureWrite},
	"deletePostureCheck":     {enter: ready, action: auth.PostureWrite},
	"listPostureDevices":     {enter: ready, action: auth.PostureRead},
	"createPostureException": {enter: ready, action: auth.PostureWrite},
	"deletePostureException": {enter: ready, action: auth.PostureWrite},

	"listAccessRequests": {enter: ready, action: auth.OwnRead},
	"listRequestable":    {enter: ready, action: auth.OwnRequests},
	"askForAccess":       {enter: ready, action: auth.OwnRequests},
	"endAccess":          {enter: ready, action: auth.OwnRequests},
	"approveAccess":      {enter: ready, action: auth.OwnApprovals},
	"refuseAccess":       {enter: ready, action: auth.OwnApprovals},

	"listProfiles":  {enter: ready, action: auth.OwnRead, service: auth.ProfilesRead},
	"getProfile":    {enter: ready, action: auth.OwnRead, service: auth.ProfilesRead},
	"createProfile": {enter: ready, action: auth.ProfilesWrite},
	"updateProfile": {enter: ready, action: auth.ProfilesWrite},
	"deleteProfile": {enter: ready, action: auth.ProfilesWrite},

	"listGroups":     {enter: ready, action: auth.GroupsRead},
	"createGroup":    {enter: ready, action: auth.GroupsWrite},
	"getGroup":       {enter: ready, action: auth.GroupsRead},
	"renameGroup":    {enter: ready, action: auth.GroupsWrite},
	"deleteGroup":    {enter: ready, action: auth.GroupsWrite},
	"addGroupMember": {enter: ready, action: auth.GroupsWrite},

	"removeGroupMember": {enter: ready, action: auth.GroupsWrite},
	"listGroupMembers":  {enter: ready, action: auth.PeopleRead},

	"listResources":  {enter: ready, action: auth.AccessRead},
	"createResource": {enter: ready, action: auth.AccessWrite},
	"updateResource": {enter: ready, action: auth.AccessWrite},
	"deleteResource": {enter: ready, action: auth.AccessWrite},
	"listRules":      {enter: ready, action: auth.AccessRead},
	"createRule":     {enter: ready, action: auth.AccessWrite},
	"updateRule":     {enter: ready, action: auth.AccessWrite},
	"deleteRule":     {enter: ready, action: auth.AccessWrite},

	"explainReachability": {enter: ready, action: auth.OwnRead, service: auth.AccessRead},
	"listPolicyTests":     {enter: ready, action: auth.AccessRead},
	"createPolicyTest":    {enter: ready, action: auth.AccessWrite},
	"updatePolicyTest":    {enter: ready, action: auth.AccessWrite},
	"deletePolicyTest":    {enter: ready, action: auth.AccessWrite},
	"previewPolicy":       {enter: ready, action: auth.AccessRead},
	"exportPolicy":        {enter: ready, action: auth.AccessRead},
	"diffPolicy":          {enter: ready, action: auth.AccessRead},
	"applyPolicy":         {enter: ready, action: auth.AccessWrite, byToken: true},

	"listPeople":     {enter: ready, action: auth.PeopleRead},
	"getPerson":      {enter: ready, action: auth.PeopleRead},
	"setPersonLevel": {enter: ready, action: auth.DevicesWrite},
	"suspendPerson":  {enter: ready, action: auth.PeopleWrite},
	"resumePerson":   {enter: ready, action: auth.PeopleWrite},
	"setRole":        {enter: ready, action: auth.PeopleRoles},
	"resetFactors":   {enter: ready, action: auth.PeopleFactors},

	"listPersonSessions": {enter: ready, action: auth.PeopleRead},
	"endPersonSessions":  {enter: ready, action: auth.PeopleWrite},
	"endPersonSession":   {enter: ready, action: auth.PeopleWrite},
	"listPersonTokens":   {enter: ready, action: auth.PeopleRead},
	"endPersonTokens":    {enter: ready, action: auth.PeopleWrite},
	"endPersonToken":     {enter: ready, action: auth.PeopleWrite},
	"listRoles":          {enter: ready, action: auth.PeopleRead},
	"listServiceTokens":  {enter: ready, action: auth.TokensRead},
	"createServiceToken": {enter: ready, action: auth.TokensWrite},
	"deleteServiceToken": {enter: ready, action: auth.TokensWrite},
	"getScim":            {enter: ready, action: auth.SettingsRead},
	"createScimToken":    {enter: ready, action: auth.SettingsWrite},
	"revokeScimToken":    {enter: ready, action: auth.SettingsWrite},
	"listAuditSinks":     {enter: ready, action: auth.AuditRead},

	"getPersonFactors":   {enter: ready, action: auth.PeopleRead},
	"listFactorPolicies": {enter: ready, action: auth.SettingsRead},
	"setFactorPolicy":    {enter: ready, action: auth.SettingsWrite},
	"deleteFactorPolicy": {enter: ready, action: auth.SettingsWrite},

	"listIdentities": {enter: withCookie, action: auth.OwnSecurity},
	"linkIdentity":   {enter: withCookie, action: auth.OwnSecurity},
	"unlinkIdentity": {enter: withCookie, action: auth.OwnSecurity},

	"listPersonIdentities": {enter: ready, action: auth.PeopleRead},
	"unlinkPersonIdentity": {enter: ready, action: auth.PeopleWrite},

	"listIdentityProviders":   {enter: ready, action: auth.SettingsRead},
	"createIdentityProvider":  {enter: ready, action: auth.SettingsWrite},
	"updateIdentityProvider":  {enter: ready, action: auth.SettingsWrite},
	"deleteIdentityProvider":  {enter: ready, action: auth.SettingsWrite},
	"testIdentityProvider":    {enter: ready, action: auth.SettingsWrite},
	"getIdentityProviderTest": {enter: ready, action: auth.SettingsRead},

	"listPops":       {enter: ready, action: auth.GatewaysRead},
	"createPop":      {enter: ready, action: auth.GatewaysWrite},
	"updatePop":      {enter: ready, action: auth.GatewaysWrite},
	"deletePop":      {enter: ready, action: auth.GatewaysWrite},
	"listGateways":   {enter: ready, action: auth.GatewaysRead},
	"getGateway":     {enter: ready, action: auth.GatewaysRead},
	"createGateway":  {enter: ready, action: auth.GatewaysWrite},
	"newEnrolment":   {enter: ready, action: auth.GatewaysWrite},
	"drainGateway":   {enter: ready, action: auth.GatewaysWrite},
	"undrainGateway": {enter: ready, action: auth.GatewaysWrite},
	"retireGateway":  {enter: ready, action: auth.GatewaysWrite},

	"getWaiting":   {enter: ready, action: auth.OwnRead},
	"getOverview":  {enter: ready, action: auth.OverviewRead},
	"streamEvents": {enter: ready, action: auth.OwnRead},
	"listAudit":    {enter: ready, action: auth.AuditRead},
	"verifyAudit":  {enter: ready, action: auth.AuditRead},
	"exportAudit":  {enter: ready, action: auth.AuditExport},
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
	program := w.Service.ID != ""
	if (w.Token.ID != "" || program) && need.enter != ready {
		return errSessionOnly
	}
	if need.enter != anyStage {
		if err := w.RequireReady(); err != nil {
			return err
		}
	}
	by := w.Actor()
	if w.Token.Policy && need.byToken {
		by.FactorAt = s.now() // shown when the token was made, for this
	}
	if by.User == "" && !program {
		return portal.ErrSignedOut // an actor without a person would count as the system
	}
	if program && need.service != "" {
		return auth.Allow(by, need.service, s.now())
	}
	return auth.Allow(by, need.action, s.now())
}
