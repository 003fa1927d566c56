package api_test

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/portal"
)

// wanted says who may do what, written down a second time so that a slip in the table of the code shows. "any": no session needed; "stage":
// also a session that has yet to show its second factor; "cookie": everybody, but no token; else a letter for each role that may: (o)wner,
// (a)dmin, (n)etwork admin, (h)elp desk, audito(r), (u)ser. "!" at the end: with a fresh second factor only.
var wanted = map[string]string{
	"getSignIn": "any", "getSession": "stage", "signOut": "stage", "verifyTotp": "stage", "verifyRecovery": "stage", "beginTotp": "stage", "confirmTotp": "stage",
	"listSessions": "cookie", "endSession": "cookie", "getFactors": "cookie", "newRecoveryCodes": "cookie", "listTokens": "cookie", "createToken": "cookie",
	"deleteToken":      "cookie",
	"getPersonFactors": "oahr", "listFactorPolicies": "oar", "setFactorPolicy": "o!", "deleteFactorPolicy": "o!",
	"beginPasskeySignIn": "any", "passkeySignIn": "any", "localSignIn": "any", "getSessionWays": "stage", "beginVerifyPasskey": "stage", "verifyPasskey": "stage",
	"beginPasskey": "stage", "confirmPasskey": "stage", "renameFactor": "cookie", "removeFactor": "cookie",
	"listDevices": "oanhru", "createDevice": "oanhru", "getDevice": "oanhru", "updateDevice": "oanhru", "revokeDevice": "oanhru", "replaceDeviceKey": "oanhru",
	"listAuthorities": "oar", "rotateAuthority": "o!", "finishRotation": "o!", "getRevocationList": "any",
	"createOpenVPNDevice": "oanhru", "replaceDeviceCertificate": "oanhru", "getDeviceOpenVPN": "oanhru",
	"getDeviceConfig": "oanhru", "noteDeviceFile": "oanhru", "approveDevice": "oah!", "refuseDevice": "oah!", "suspendDevice": "oah!", "setDeviceLevel": "oah!", "resumeDevice": "oah!", "renewGrants": "oanhru",
	"listProfiles": "oanhru", "getProfile": "oanhru", "createProfile": "oan!", "updateProfile": "oan!", "deleteProfile": "oan!",
	"tellDeviceFacts": "oa!", "getDevicePosture": "oanhru", "getPosture": "oanhr", "setPostureTimes": "oa!", "createPostureCheck": "oa!", "updatePostureCheck": "oa!",
	"deletePostureCheck": "oa!", "listPostureDevices": "oanhr", "createPostureException": "oa!", "deletePostureException": "oa!",
	"listAccessRequests": "oanhru", "listRequestable": "oanhru", "askForAccess": "oanhru", "endAccess": "oanhru", "approveAccess": "oanhru!", "refuseAccess": "oanhru!",
	"createGroup": "oa!", "getGroup": "oanhr", "renameGroup": "oa!", "deleteGroup": "oa!", "addGroupMember": "oa!", "removeGroupMember": "oa!",
	"listGroupMembers": "oahr", "listPersonSessions": "oahr", "endPersonSessions": "oah!", "endPersonSession": "oah!", "listPersonTokens": "oahr", "endPersonTokens": "oah!", "endPersonToken": "oah!",
	"listRoles": "oahr", "listServiceTokens": "oar", "createServiceToken": "oa!", "deleteServiceToken": "oa!",
	"getScim": "oar", "createScimToken": "o!", "revokeScimToken": "o!", "listAuditSinks": "oar", "endOtherSessions": "cookie",
	"listGroups": "oanhr", "listResources": "oanhr", "createResource": "oan!", "updateResource": "oan!", "deleteResource": "oan!",
	"listRules": "oanhr", "createRule": "oan!", "updateRule": "oan!", "deleteRule": "oan!",
	"explainReachability": "oanhru", "listPolicyTests": "oanhr", "createPolicyTest": "oan!", "updatePolicyTest": "oan!", "deletePolicyTest": "oan!",
	"previewPolicy": "oanhr", "exportPolicy": "oanhr", "diffPolicy": "oanhr", "applyPolicy": "oan!",
	"listPeople": "oahr", "getPerson": "oahr", "suspendPerson": "oah!", "setPersonLevel": "oah!", "resumePerson": "oah!", "setRole": "oa!", "resetFactors": "oah!",
	"listPersonIdentities": "oahr", "unlinkPersonIdentity": "oah!",
	"listIdentities": "cookie", "linkIdentity": "cookie", "unlinkIdentity": "cookie",
	"listIdentityProviders": "oar", "createIdentityProvider": "o!", "updateIdentityProvider": "o!", "deleteIdentityProvider": "o!",
	"testIdentityProvider": "o!", "getIdentityProviderTest": "oar",
	"listPops": "oanhr", "createPop": "oan!", "updatePop": "oan!", "deletePop": "oan!",
	"listGateways": "oanhr", "getGateway": "oanhr", "createGateway": "oan!", "newEnrolment": "oan!", "drainGateway": "oan!", "undrainGateway": "oan!",
	"retireGateway": "oan!", "getOverview": "oanhr", "getWaiting": "oanhru", "streamEvents": "oanhru", "listAudit": "oar", "verifyAudit": "oar", "exportAudit": "oar",
}

// forServices are the operations that a program may do whose token has every scope that it can have, of the role of an admin.
var forServices = strings.Fields(`
	listDevices getDevice updateDevice revokeDevice getDeviceConfig approveDevice refuseDevice suspendDevice setDeviceLevel resumeDevice setPersonLevel
	tellDeviceFacts getDevicePosture getPosture setPostureTimes createPostureCheck updatePostureCheck deletePostureCheck listPostureDevices
	createPostureException deletePostureException
	listProfiles getProfile createProfile updateProfile deleteProfile
	listGroups createGroup getGroup renameGroup deleteGroup addGroupMember removeGroupMember listGroupMembers
	listResources createResource updateResource deleteResource listRules createRule updateRule deleteRule
	explainReachability listPolicyTests createPolicyTest updatePolicyTest deletePolicyTest previewPolicy exportPolicy diffPolicy applyPolicy
	listPeople getPerson listPersonSessions listPersonTokens listPersonIdentities getPersonFactors listRoles listFactorPolicies getScim listServiceTokens
	listIdentityProviders getIdentityProviderTest listAuthorities
	listPops createPop updatePop deletePop listGateways getGateway createGateway newEnrolment drainGateway undrainGateway retireGateway
	getOverview listAudit verifyAudit exportAudit listAuditSinks`)

// refusals are the codes that only the gate gives when the factor is fresh.
var refusals = map[string]bool{
	"signed_out": true, "factor_enrolment_required": true, "factor_verification_required": true, "forbidden": true, "step_up_required": true,
	"session_required": true,
}

// caller is a kind of visitor, and what the gate says to it for each kind of route ("" for: let in).
type caller struct {
	name string
	v    *visitor
	want func(need string, fresh bool) string
}

func TestEveryRouteLetsInWhomTheTableLets(t *testing.T) {
	w := newWorld(t)
	w.ready("verifying") // enrolled; signs in again below and stops before the second factor
	program := w.visitor()
	var made struct{ Secret string }
	w.ready("program").want(http.StatusCreated, "POST", "/tokens", map[string]any{"name": "script"}).into(t, &made)
	program.token = made.Secret
	w.keep(made.Secret)
	robot := w.visitor()
	w.ready("maker", "admins").want(http.StatusCreated, "POST", "/service-tokens", map[string]any{
		"name": "robot", "role": "admin", "scopes": auth.ServiceScopes(portal.RoleAdmin),
	}).into(t, &made)
	robot.token = made.Secret
	w.keep(made.Secret)
	stale := w.ready("stale", "admins")
	w.pass(11 * time.Minute)
	chief := w.ready("chief", "owners")
	callers := []caller{
		{"nobody", w.visitor(), only("any", "signed_out")},
		{"stale admin", stale, role("a", false)},
		{"enrolling", w.signedIn("enrolling"), only("any stage", "factor_enrolment_required")},
		{"verifying", w.signedIn("verifying"), only("any stage", "factor_verification_required")},
		{"user", w.ready("ada"), role("u", true)},
		{"admin", w.ready("boss", "admins"), role("a", true)},
		{"owner", chief, role("o", true)},
		{"network admin", w.readyAs(portal.RoleNetworkAdmin), role("n", true)},
		{"help desk", w.readyAs(portal.RoleHelpDesk), role("h", true)},
		{"auditor", w.readyAs(portal.RoleAuditor), role("r", true)},
		{"program", program, token},
	}
	for _, id := range forServices {
		if wanted[id] == "" {
			t.Errorf("%s is no operation", id)
		}
	}
	for _, op := range operations(t) {
		need, ok := wanted[op.id]
		if !ok {
			t.Errorf("%s is not in the test's table", op.id)
			continue
		}
		base, fresh := strings.CutSuffix(need, "!")
		service := "forbidden"
		switch {
		case slices.Contains(forServices, op.id), base == "any":
			service = ""
		case base == "stage", base == "cookie":
			service = "session_required"
		}
		if got := robot.gateCode(op); got != service {
			t.Errorf("%s as a service: got %q, want %q", op.id, got, service)
		}
		for _, c := range callers {
			if op.id == "signOut" || (op.id == "beginTotp" || op.id == "beginPasskey") && c.name != "enrolling" || (op.id == "removeFactor" || op.id == "unlinkIdentity") && c.name == "stale admin" {
				continue // signing out would end the other tries; a second factor is auth's to refuse, with the same codes
			}
			got := c.v.gateCode(op)
			if want := c.want(base, fresh); got != want {
				t.Errorf("%s as %s: got %q, want %q", op.id, c.name, got, want)
			}
		}
	}
}

func only(kinds, otherwise string) func(string, bool) string {
	return func(need string, _ bool) string {
		if strings.Contains(kinds, need) {
			return ""
		}
		return otherwise
	}
}

func role(letter string, isFresh bool) func(string, bool) string {
	return func(need string, fresh bool) string {
		switch {
		case need == "any" || need == "stage" || need == "cookie":
			return ""
		case !strings.Contains(need, letter):
			return "forbidden"
		case fresh && !isFresh:
			return "step_up_required"
		}
		return ""
	}
}

func token(need string, fresh bool) string {
	switch {
	case need == "any":
		return ""
	case need == "stage" || need == "cookie":
		return "session_required"
	case !strings.Contains(need, "u"):
		return "forbidden"
	case fresh:
		return "step_up_required"
	}
	return ""
}

// readyAs is somebody with a role that was given in the portal, before their sign-in.
func (w *world) readyAs(role portal.Role) *visitor {
	w.t.Helper()
	name := string(role)
	w.signedIn(name)
	users, err := w.Auth.People(w.t.Context(), portal.System, name, "", 10)
	if err != nil || len(users) != 1 {
		w.t.Fatalf("%d people for %s: %v", len(users), name, err)
	}
	if err := w.Auth.SetRole(w.t.Context(), portal.System, users[0].ID, role); err != nil {
		w.t.Fatal(err)
	}
	return w.ready(name)
}

// nobody is an id that nothing has.
const nobody = "01890000-0000-7000-8000-000000000000"

type operation struct{ id, method, path string }

func operations(t *testing.T) []operation {
	t.Helper()
	doc := must(openapi3.NewLoader().LoadFromData(must(os.ReadFile("openapi.yaml"))))
	var all []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, operation{op.OperationID, method, strings.NewReplacer("{id}", nobody, "{person}", nobody).Replace(path)})
		}
	}
	return all
}

// gateCode sends a request without anything in it and returns the code with which the gate refused it, "" when it came through the gate.
func (v *visitor) gateCode(op operation) string {
	v.w.t.Helper()
	if op.id == "streamEvents" {
		ctx, cancel := context.WithCancel(v.w.t.Context())
		defer cancel()
		resp, err := v.http.Do(v.request(op.method, op.path, nil).WithContext(ctx))
		if err != nil {
			v.w.t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return ""
		}
	}
	a := v.send(op.method, op.path, nil)
	code := a.code()
	if refusals[code] && (op.id != "renewGrants" && op.id != "createToken" && op.id != "newRecoveryCodes" || code != "step_up_required") {
		return code
	}
	return ""
}
