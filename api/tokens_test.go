package api_test

import (
	"net/http"
	"slices"
	"testing"
)

func TestTokenOverHTTPDoesOnlyWhatItsScopesSay(t *testing.T) {
	w := newWorld(t)
	ada := w.ready("ada")
	var offered struct{ Scopes []string }
	ada.want(http.StatusOK, "GET", "/tokens", nil).into(t, &offered)
	if want := []string{"own.devices", "own.read", "own.requests"}; !slices.Equal(offered.Scopes, want) {
		t.Errorf("offered %v, want %v", offered.Scopes, want)
	}
	for _, wrong := range [][]string{{}, {"people.read"}, {"own.security"}, {"Own.Read"}, {"own.read", "own.read"}} {
		if a := ada.send("POST", "/tokens", map[string]any{"name": "script", "scopes": wrong}); a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest {
			t.Errorf("%v: %d %s", wrong, a.status, a.body)
		}
	}
	var made struct {
		Token  struct{ Scopes []string }
		Secret string
	}
	ada.want(http.StatusCreated, "POST", "/tokens", map[string]any{"name": "script", "scopes": []string{"own.read"}}).into(t, &made)
	if !slices.Equal(made.Token.Scopes, []string{"own.read"}) {
		t.Errorf("made with %v", made.Token.Scopes)
	}
	script := w.visitor()
	script.token = made.Secret
	script.want(http.StatusOK, "GET", "/devices", nil)
	if a := script.want(http.StatusForbidden, "POST", "/grants/renew", nil); a.code() != "forbidden" {
		t.Errorf("got %s", a.code())
	}
	script.want(http.StatusForbidden, "GET", "/people", nil)
	script.want(http.StatusForbidden, "GET", "/tokens", nil)
}

// What a token for policy files may do beside them is what its scopes say, and of other writes nothing.
func TestPolicyTokenKeepsToItsScopes(t *testing.T) {
	w := newWorld(t)
	boss := w.ready("boss", "admins")
	var made struct {
		Token  struct{ Scopes []string }
		Secret string
	}
	boss.want(http.StatusCreated, "POST", "/tokens", map[string]any{"name": "ci", "policy": true, "scopes": []string{"access.read"}}).into(t, &made)
	if want := []string{"access.read", "access.write"}; !slices.Equal(made.Token.Scopes, want) {
		t.Errorf("made with %v, want %v", made.Token.Scopes, want)
	}
	ci := w.visitor()
	ci.token = made.Secret
	ci.want(http.StatusOK, "GET", "/rules", nil)
	ci.want(http.StatusForbidden, "GET", "/people", nil)
	if a := ci.want(http.StatusForbidden, "DELETE", "/rules/x", nil); a.code() != "step_up_required" {
		t.Errorf("got %s", a.code())
	}
}
