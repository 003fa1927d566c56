package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/portal"
)

func TestAManagementSystemTellsFactsAndADeviceIsBlockedAndBack(t *testing.T) {
	w := newWorld(t)
	admin, mina, jun := w.ready("boss", "admins"), w.ready("mina"), w.ready("jun")
	p := w.place(admin)
	var made struct{ Device struct{ ID string } }
	mina.want(http.StatusCreated, "POST", "/devices", map[string]any{"name": "Laptop", "platform": "macos", "profile": p.profile, "publicKey": must(portal.NewPrivateKey()).Public().String()}).into(t, &made)
	facts, shown := "/devices/"+made.Device.ID+"/facts", "/devices/"+made.Device.ID+"/posture"

	var bad wrong
	admin.want(http.StatusBadRequest, "POST", "/posture/checks", map[string]any{"name": "Version", "rule": "macOS >= Sonoma", "severity": "block"}).into(t, &bad)
	if got := bad.fields(); !slices.Equal(got, []string{"/rule malformed"}) {
		t.Errorf("the rule is refused with %v", got)
	}
	var check struct{ ID, Rule string }
	in := map[string]any{"name": "Version", "rule": "macOS ≥ 14.6", "severity": "block", "help": "Install the update."}
	admin.want(http.StatusCreated, "POST", "/posture/checks", in).into(t, &check)
	if check.Rule != "macOS >= 14.6" {
		t.Errorf("the rule reads %q", check.Rule)
	}
	admin.want(http.StatusConflict, "POST", "/posture/checks", in)

	var token struct{ Secret string }
	admin.want(http.StatusCreated, "POST", "/service-tokens", map[string]any{"name": "mdm", "role": "admin", "scopes": []string{"posture.report"}}).into(t, &token)
	w.keep(token.Secret)
	mdm := w.visitor()
	mdm.token = token.Secret
	mdm.want(http.StatusForbidden, "GET", "/posture", nil)
	mina.want(http.StatusForbidden, "PUT", facts, map[string]any{"facts": []any{}})
	for body, want := range map[string]string{
		`{"facts":[{"name":"os_version","value":14}]}`:                                   "/facts/0/value wrong_type",
		`{"facts":[{"name":"os_version"}]}`:                                              "/facts/0/value required",
		`{"facts":[{"name":"os_version","value":{"a":[1]}}]}`:                            "/facts/0/value wrong_type",
		`{"facts":[{"name":"os_version","value":"14","expiresAt":"2020-01-01T00:00Z"}]}`: "/facts/0/expiresAt malformed",
		`{"facts":[{"value":"14"}]}`:                                                     "/facts/0/name required",
		`{"facts":[{"name":"a","value":1e99}]}`:                                          "/facts/0/value wrong_type",
		`{"facts":{}}`:                                                                   "/facts wrong_type",
		`{"facts":[],"more":1}`:                                                          "/more unknown_field",
	} {
		var bad wrong
		mdm.want(http.StatusBadRequest, "PUT", facts, json.RawMessage(body)).into(t, &bad)
		if got := bad.fields(); !slices.Contains(got, want) {
			t.Errorf("%s is refused with %v, want %s", body, got, want)
		}
	}
	tell := func(version string) (level string) {
		t.Helper()
		var told struct {
			Level   string
			Ignored []string
		}
		mdm.want(http.StatusOK, "PUT", facts, map[string]any{"facts": []any{
			map[string]any{"name": "os_version", "value": version, "detail": "from the inventory"}, map[string]any{"name": "tpm", "unknown": "not asked"},
		}}).into(t, &told)
		if !slices.Equal(told.Ignored, []string{"tpm"}) {
			t.Errorf("ignored are %v", told.Ignored)
		}
		return told.Level
	}
	if got := tell("14.5"); got != "quarantine" {
		t.Errorf("an old version leaves %q", got)
	}
	var device struct {
		Status string
		Grant  struct{ Level string }
	}
	mina.want(http.StatusOK, "GET", "/devices/"+made.Device.ID, nil).into(t, &device)
	if device.Status != "held" || device.Grant.Level != "quarantine" {
		t.Errorf("the device is %+v", device)
	}
	a := mina.want(http.StatusOK, "GET", shown, nil)
	for _, part := range []string{`"help":"Install the update."`, `"outcome":"fails"`, `"seen":"14.5"`, `"by":"mdm"`, `"why":"from the inventory"`, `"failing":["Version"]`} {
		if !strings.Contains(a.body, part) {
			t.Errorf("its owner does not see %s in %s", part, a.body)
		}
	}
	jun.want(http.StatusNotFound, "GET", shown, nil)
	jun.want(http.StatusForbidden, "GET", "/posture", nil)
	if b := admin.want(http.StatusOK, "GET", "/posture/checks/"+check.ID+"/devices", nil).body; !strings.Contains(b, `"name":"Laptop"`) {
		t.Errorf("who fails the check: %s", b)
	}
	if got := tell("14.6.1"); got != "full" {
		t.Errorf("a new version leaves %q", got)
	}
	trail := admin.want(http.StatusOK, "GET", "/audit?limit=50", nil).body
	for _, part := range []string{`"posture.check_create"`, `"level.hold"`, `"level.lift"`, `"actorName":"mdm"`} {
		if !strings.Contains(trail, part) {
			t.Errorf("the trail has no %s", part)
		}
	}
}
