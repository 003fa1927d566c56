package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

type list[T any] struct{ Items []T }

func TestAProgramActsAsItselfAndWithinItsScopes(t *testing.T) {
	w := newWorld(t)
	boss, chief := w.ready("boss", "admins"), w.ready("chief", "owners")
	for name, in := range map[string]map[string]any{
		"no scope":         {"name": "x", "role": "admin", "scopes": []string{}},
		"own things":       {"name": "x", "role": "admin", "scopes": []string{"own.read"}},
		"accounts":         {"name": "x", "role": "admin", "scopes": []string{"people.write"}},
		"tokens":           {"name": "x", "role": "owner", "scopes": []string{"tokens.write"}},
		"beyond its role":  {"name": "x", "role": "help_desk", "scopes": []string{"gateways.write"}},
		"role of nothing":  {"name": "x", "role": "user", "scopes": []string{"groups.read"}},
		"unknown role":     {"name": "x", "role": "root", "scopes": []string{"groups.read"}},
		"name of spaces":   {"name": "  ", "role": "admin", "scopes": []string{"groups.read"}},
		"longer than ever": {"name": "x", "role": "admin", "scopes": []string{"groups.read"}, "days": 366},
	} {
		if a := chief.send("POST", "/service-tokens", in); a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a := boss.want(http.StatusForbidden, "POST", "/service-tokens", map[string]any{"name": "x", "role": "owner", "scopes": []string{"groups.read"}}); a.code() != "role_above_own" {
		t.Errorf("an admin makes one of an owner: %s", a.code())
	}
	var made struct {
		Token  struct{ ID string }
		Secret string
	}
	in := map[string]any{"name": "ansible", "role": "network_admin", "scopes": []string{"gateways.read", "gateways.write", "audit.read"}}
	if a := boss.send("POST", "/service-tokens", in); a.status != http.StatusBadRequest {
		t.Errorf("a network admin has no audit.read: %d %s", a.status, a.body)
	}
	in["scopes"] = []string{"gateways.read", "gateways.write"}
	boss.want(http.StatusCreated, "POST", "/service-tokens", in).into(t, &made)
	w.keep(made.Secret)
	if a := boss.want(http.StatusConflict, "POST", "/service-tokens", in); a.code() != "token_name_taken" {
		t.Errorf("the same name again: %s", a.code())
	}

	robot := w.visitor()
	robot.token = made.Secret
	if !strings.HasPrefix(made.Secret, "sp_svc_") || len(made.Secret) != len("sp_svc_")+43+6 {
		t.Errorf("the secret has another form: %d characters", len(made.Secret))
	}
	robot.want(http.StatusOK, "GET", "/gateways", nil)
	var pop struct{ ID string }
	robot.want(http.StatusCreated, "POST", "/pops", map[string]any{"name": "Seoul", "networks": []string{"10.20.0.0/16"}}).into(t, &pop) // asks people for a fresh factor
	robot.want(http.StatusForbidden, "GET", "/people", nil)
	robot.want(http.StatusForbidden, "GET", "/devices?scope=all", nil)
	robot.want(http.StatusForbidden, "GET", "/service-tokens", nil)
	if a := chief.want(http.StatusOK, "GET", "/audit?actor=service:"+made.Token.ID, nil); !strings.Contains(a.body, `"action":"pop.create"`) || !strings.Contains(a.body, `"actorName":"ansible"`) {
		t.Errorf("what it did is not its own in the trail: %s", a.body)
	}

	var all list[struct {
		ID, Name, UsedAt string
		MadeBy           struct{ Name string }
	}]
	boss.want(http.StatusOK, "GET", "/service-tokens", nil).into(t, &all)
	if len(all.Items) != 1 || all.Items[0].UsedAt == "" || all.Items[0].MadeBy.Name != "Person boss" {
		t.Errorf("got %+v", all.Items)
	}
	for _, broken := range []string{made.Secret[:len(made.Secret)-1] + "A", "sp_svc_", "sp_" + made.Secret[len("sp_svc_"):]} {
		if broken == made.Secret {
			continue
		}
		robot.token = broken
		robot.want(http.StatusUnauthorized, "GET", "/gateways", nil)
	}
	robot.token = made.Secret
	boss.want(http.StatusNoContent, "DELETE", "/service-tokens/"+made.Token.ID, nil)
	boss.want(http.StatusNotFound, "DELETE", "/service-tokens/"+made.Token.ID, nil)
	robot.want(http.StatusUnauthorized, "GET", "/gateways", nil)

	in["days"] = 1
	boss.want(http.StatusCreated, "POST", "/service-tokens", in).into(t, &made)
	w.keep(made.Secret)
	robot.token = made.Secret
	robot.want(http.StatusOK, "GET", "/gateways", nil)
	w.pass(24 * time.Hour)
	robot.want(http.StatusUnauthorized, "GET", "/gateways", nil)
	boss.signIn("boss", "admins") // the session has ended too
	boss.stepUp()
	boss.want(http.StatusCreated, "POST", "/service-tokens", in).into(t, &made) // one that has ended does not hold the name
	w.keep(made.Secret)
}
