package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/portal"
)

type reachability struct {
	Reachable, Allowed bool
	Level              string
	Stop               *int
	Steps              []struct {
		Kind, State, Code string
		Args              map[string]string
		Rules             []struct{ Name, Reason, Action, Resource, Miss string }
	}
	Probe        *struct{ Outcome string }
	ProbeProblem string
}

// stop is where it stops, "" when it does not.
func (r reachability) stop() string {
	if r.Stop == nil {
		return ""
	}
	return r.Steps[*r.Stop].Code
}

func (v *visitor) reaches(to, transport string, port int, more ...map[string]any) (r reachability) {
	v.w.t.Helper()
	body := map[string]any{"to": to, "transport": transport}
	if port > 0 {
		body["port"] = port
	}
	for _, m := range more {
		for k, x := range m {
			body[k] = x
		}
	}
	v.want(http.StatusOK, "POST", "/reachability", body).into(v.w.t, &r)
	return r
}

func TestReachabilityNamesThePlaceWhereItStops(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("root", "owners")
	p := w.place(admin)
	w.Peers.Quarantine = []portal.Destination{}
	rule := func(name, action string, port int, groups ...string) {
		var res struct{ ID string }
		admin.want(http.StatusCreated, "POST", "/resources", map[string]any{
			"name": name + " place", "prefixes": []string{"10.20.0.0/24"}, "transport": "tcp", "ports": []map[string]int{{"first": port, "last": port}},
		}).into(t, &res)
		admin.want(http.StatusCreated, "POST", "/rules", map[string]any{
			"name": name, "reason": "because of " + name, "action": action, "groups": groups, "resources": []string{res.ID},
		})
	}
	rule("web", "allow", 80, "everyone")
	rule("lab", "allow", 81, "everyone")
	rule("no lab", "deny", 81, "everyone")
	worker := w.ready("worker")
	if got := worker.reaches("10.20.0.5", "tcp", 80).stop(); got != "no_device" {
		t.Errorf("without a device it stops at %q", got)
	}
	device, _ := worker.device(p, "laptop")
	ok := worker.reaches("10.20.0.5", "tcp", 80)
	if !ok.Reachable || !ok.Allowed || ok.Level != "full" {
		t.Errorf("what a rule allows: %+v", ok)
	}
	for _, c := range []struct {
		to, transport string
		port          int
		stop          string
	}{
		{"10.20.0.5", "tcp", 81, "denied"}, {"10.20.0.5", "tcp", 82, "nearly"}, {"10.20.9.9", "tcp", 80, "no_rule"}, {"203.0.113.1", "tcp", 80, "not_routed"},
	} {
		r := worker.reaches(c.to, c.transport, c.port)
		if r.stop() != c.stop || r.Reachable || r.Allowed {
			t.Errorf("%s %s/%d stops at %q, want %q: %+v", c.to, c.transport, c.port, r.stop(), c.stop, r)
		}
	}
	late := worker.reaches("10.20.0.5", "tcp", 80, map[string]any{"at": w.now().Add(30 * 24 * time.Hour).Format(time.RFC3339)})
	if late.stop() != "grant_ended" || late.Level != "quarantine" || late.Allowed {
		t.Errorf("after the grant: %+v", late)
	}
	admin.want(http.StatusOK, "POST", "/devices/"+device+"/suspend", nil)
	if r := worker.reaches("10.20.0.5", "tcp", 80); r.stop() != "device_suspended" || r.Allowed || r.Level != "" {
		t.Errorf("a suspended device: %+v", r)
	}
}

func TestNobodyLearnsOfOthersThroughReachability(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("root", "owners")
	p := w.place(admin)
	worker, other := w.ready("worker"), w.ready("other", "finance")
	mine, _ := worker.device(p, "mine")
	theirs, _ := other.device(p, "theirs")
	var res struct{ ID string }
	admin.want(http.StatusCreated, "POST", "/resources", map[string]any{"name": "vault", "prefixes": []string{"10.20.0.7"}, "transport": "any"}).into(t, &res)
	var groups struct{ Items []struct{ ID, Name string } }
	admin.want(http.StatusOK, "GET", "/groups", nil).into(t, &groups)
	for _, g := range groups.Items {
		if g.Name == "finance" {
			admin.want(http.StatusCreated, "POST", "/rules", map[string]any{
				"name": "secret rule", "reason": "secret reason", "action": "allow", "groups": []string{g.ID}, "resources": []string{res.ID},
			})
		}
	}
	ask := func(m map[string]any) map[string]any {
		m["to"], m["transport"] = "10.20.0.7", "icmp"
		return m
	}
	for _, body := range []map[string]any{ask(map[string]any{"device": theirs}), ask(map[string]any{"person": other.id}), ask(map[string]any{"device": "nobody"})} {
		worker.want(http.StatusNotFound, "POST", "/reachability", body)
	}
	a := worker.want(http.StatusOK, "POST", "/reachability", ask(map[string]any{"device": mine}))
	if strings.Contains(a.body, "secret") || strings.Contains(a.body, "vault") {
		t.Errorf("a worker learns of others' rules: %s", a.body)
	}
	worker.want(http.StatusForbidden, "POST", "/reachability", ask(map[string]any{"probe": true}))
	if r := admin.reaches("10.20.0.7", "icmp", 0, map[string]any{"device": theirs}); !r.Allowed || r.Steps[5].Rules[0].Name != "secret rule" {
		t.Errorf("an admin asks about another's device: %+v", r)
	}
	for _, wrong := range []map[string]any{
		{"to": "10.20.0.7", "transport": "tcp"},
		{"to": "10.20.0.7", "transport": "icmp", "port": 7},
		{"to": "not a name", "transport": "icmp"},
		{"to": "10.20.0.7", "transport": "udp", "port": 7, "probe": true},
		{"to": "fe80::1%eth0", "transport": "icmp"},
	} {
		admin.want(http.StatusBadRequest, "POST", "/reachability", wrong)
	}
}

type prober struct{ asked chan portal.Probe }

func (p prober) Probe(_ context.Context, _ portal.GatewayID, ask portal.Probe) (portal.ProbeResult, error) {
	p.asked <- ask
	return portal.ProbeResult{Outcome: portal.ProbeRefused, Sent: 1, Received: 1}, nil
}

func TestAProbeIsAudited(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("root", "owners")
	p := w.place(admin)
	admin.device(p, "laptop")
	asked := make(chan portal.Probe, 1)
	w.Peers.Prober = prober{asked}
	r := admin.reaches("10.20.0.7", "tcp", 22, map[string]any{"probe": true})
	if r.Probe == nil || r.Probe.Outcome != "refused" || r.Allowed {
		t.Errorf("the gateway's answer stands beside policy's: %+v", r)
	}
	if a := <-asked; a.To.String() != "10.20.0.7" || a.Port != 22 {
		t.Errorf("it was asked for %+v", a)
	}
	if a := admin.want(http.StatusOK, "GET", "/audit?q=reachability.probe", nil); !strings.Contains(a.body, "10.20.0.7") {
		t.Errorf("the trail does not say what was probed: %s", a.body)
	}
	if r := admin.reaches("git.corp.example", "tcp", 22, map[string]any{"probe": true}); r.ProbeProblem != "probe_needs_address" {
		t.Errorf("a name can't be probed: %+v", r)
	}
	admin.want(http.StatusConflict, "POST", "/reachability", map[string]any{
		"to": "10.20.0.7", "transport": "icmp", "probe": true, "at": w.now().Add(time.Hour).Format(time.RFC3339),
	})
}

func TestAPolicyFileTravelsWithATokenThatWasMadeForIt(t *testing.T) {
	w := newWorld(t)
	admin := w.ready("root", "owners")
	w.place(admin)
	var out struct{ Document string }
	admin.want(http.StatusOK, "GET", "/policy/document", nil).into(t, &out)
	file := map[string]any{"document": out.Document + "resources:\n  - {name: Wiki, prefixes: [10.20.1.1], transport: tcp, ports: ['443']}\n"}
	program := func(more map[string]any) *visitor {
		var made struct{ Secret string }
		body := map[string]any{"name": "ci"}
		for k, v := range more {
			body[k] = v
		}
		admin.want(http.StatusCreated, "POST", "/tokens", body).into(t, &made)
		w.keep(made.Secret)
		v := w.visitor()
		v.token = made.Secret
		return v
	}
	plain, forPolicy := program(nil), program(map[string]any{"policy": true})
	w.pass(time.Hour)
	if a := plain.want(http.StatusForbidden, "POST", "/policy/apply", file); a.code() != "step_up_required" {
		t.Errorf("a token that was not made for it: %s", a.body)
	}
	for _, c := range []struct{ path, want string }{
		{"/policy/diff", `"action":"create"`}, {"/policy/apply", `"applied":true`}, {"/policy/diff", `"changes":[]`}, {"/policy/apply", `"changes":[]`},
	} {
		if a := forPolicy.want(http.StatusOK, "POST", c.path, file); !strings.Contains(a.body, c.want) {
			t.Errorf("%s answers %s, want %s", c.path, a.body, c.want)
		}
	}
	if a := forPolicy.want(http.StatusForbidden, "POST", "/resources", map[string]any{"name": "x", "prefixes": []string{"10.0.0.1"}, "transport": "any"}); a.code() != "step_up_required" {
		t.Errorf("it does more than it was made for: %s", a.body)
	}
	file["document"] = out.Document + "resources:\n  - {name: Wiki, prefixes: [10.20.1.1/24], transport: tcp}\n"
	if a := forPolicy.want(http.StatusBadRequest, "POST", "/policy/apply", file); !strings.Contains(a.body, "/resources/0/prefixes/0") || !strings.Contains(a.body, "Line ") {
		t.Errorf("a mistake has no line: %s", a.body)
	}
	worker := w.ready("worker")
	if a := worker.want(http.StatusForbidden, "POST", "/policy/preview", map[string]any{"delete": true, "id": "x"}); a.code() != "forbidden" {
		t.Errorf("a worker looks at previews: %s", a.body)
	}
	admin.want(http.StatusBadRequest, "POST", "/policy/preview", map[string]any{})
	admin.want(http.StatusNotFound, "POST", "/policy/preview", map[string]any{"delete": true, "id": "nobody"})
}
