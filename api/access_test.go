package api_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// wanted says who may do what, written down a second time so that a slip in the table of the code shows. "any": no session needed; "stage":
// also a session that has yet to show its second factor; then the roles. "!" at the end: with a fresh second factor only; "cookie": no token.
var wanted = map[string]string{
	"getSignIn": "any", "getSession": "stage", "signOut": "stage", "verifyTotp": "stage", "verifyRecovery": "stage", "beginTotp": "stage", "confirmTotp": "stage",
	"listSessions": "cookie", "endSession": "cookie", "getFactors": "cookie", "newRecoveryCodes": "cookie", "listTokens": "cookie", "createToken": "cookie",
	"deleteToken": "cookie",
	"listDevices": "user", "createDevice": "user", "getDevice": "user", "updateDevice": "user", "revokeDevice": "user", "replaceDeviceKey": "user",
	"getDeviceConfig": "user", "suspendDevice": "admin!", "resumeDevice": "admin!", "renewGrants": "user",
	"listProfiles": "user", "getProfile": "user", "createProfile": "admin!", "updateProfile": "admin!", "deleteProfile": "admin!",
	"listGroups": "admin", "listResources": "admin", "createResource": "admin!", "updateResource": "admin!", "deleteResource": "admin!",
	"listRules": "admin", "createRule": "admin!", "updateRule": "admin!", "deleteRule": "admin!",
	"listPeople": "admin", "getPerson": "admin", "suspendPerson": "admin!", "resumePerson": "admin!", "setRole": "owner!", "resetFactors": "admin!",
	"listPops": "admin", "createPop": "admin!", "updatePop": "admin!", "deletePop": "admin!",
	"listGateways": "admin", "getGateway": "admin", "createGateway": "admin!", "newEnrolment": "admin!", "drainGateway": "admin!", "undrainGateway": "admin!",
	"retireGateway": "admin!", "getOverview": "admin", "streamEvents": "user", "listAudit": "admin",
}

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
	stale := w.ready("stale", "admins")
	w.pass(11 * time.Minute)
	callers := []caller{
		{"nobody", w.visitor(), only("any", "signed_out")},
		{"stale admin", stale, role(2, false)},
		{"enrolling", w.signedIn("enrolling"), only("any stage", "factor_enrolment_required")},
		{"verifying", w.signedIn("verifying"), only("any stage", "factor_verification_required")},
		{"user", w.ready("ada"), role(1, true)},
		{"admin", w.ready("boss", "admins"), role(2, true)},
		{"owner", w.ready("chief", "owners"), role(3, true)},
		{"program", program, token},
	}
	for _, op := range operations(t) {
		need, ok := wanted[op.id]
		if !ok {
			t.Errorf("%s is not in the test's table", op.id)
			continue
		}
		base, fresh := strings.CutSuffix(need, "!")
		for _, c := range callers {
			if op.id == "signOut" || op.id == "beginTotp" && c.name != "enrolling" {
				continue // signing out would end the other tries; a second app is auth's to refuse, with the same codes
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

func role(rank int, isFresh bool) func(string, bool) string {
	ranks := map[string]int{"any": 0, "stage": 0, "cookie": 1, "user": 1, "admin": 2, "owner": 3}
	return func(need string, fresh bool) string {
		switch {
		case rank < ranks[need]:
			return "forbidden"
		case fresh && !isFresh:
			return "step_up_required"
		}
		return ""
	}
}

func token(need string, _ bool) string {
	switch need {
	case "stage", "cookie":
		return "session_required"
	case "admin", "owner":
		return "forbidden"
	}
	return ""
}

type operation struct{ id, method, path string }

func operations(t *testing.T) []operation {
	t.Helper()
	doc := must(openapi3.NewLoader().LoadFromData(must(os.ReadFile("openapi.yaml"))))
	var all []operation
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, operation{op.OperationID, method, strings.ReplaceAll(path, "{id}", "01890000-0000-7000-8000-000000000000")})
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
