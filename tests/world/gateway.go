package world

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/api"
)

// Gateway is `sallyport-gateway` in the gateway's namespace.
type Gateway struct {
	*Process
	w        *World
	command  string // as pasted, with the flags that keep it inside the world
	ID       string
	PoP      string
	StateDir string
	OpenVPN  bool // serve it too
}

// PlaceGateway makes a PoP and a gateway in the portal and does not start its node.
func (w *World) PlaceGateway(admin *Person, name string) *Gateway {
	w.t.Helper()
	var pop api.Pop
	admin.Must(http.MethodPost, "/pops", map[string]any{"name": "PoP " + name, "networks": []string{OfficeNetV4, OfficeNetV6, "0.0.0.0/0", "::/0"}}, &pop)
	var made api.GatewayWithEnrolment
	admin.Must(http.MethodPost, "/gateways", map[string]any{"name": name, "pop": pop.Id, "host": GatewayV4, "port": 51820}, &made)
	return &Gateway{w: w, ID: made.Gateway.Id, PoP: pop.Id, StateDir: filepath.Join(w.Dir, "gateway-"+name), command: made.Enrolment.Command}
}

// Enrol runs the pasted command on the node.
func (g *Gateway) Enrol() {
	g.w.t.Helper()
	if out, err := g.TryEnrol(); err != nil {
		g.w.t.Fatalf("%s: %v\n%s", g.command, err, out)
	}
}

// TryEnrol runs the pasted command on the node and returns what it said.
func (g *Gateway) TryEnrol() (string, error) { return output(g.shell(g.command + g.flags())) }

func (g *Gateway) flags() string {
	flags := " --state-dir " + g.StateDir + " --interface sallyport0"
	if g.OpenVPN {
		flags += " --openvpn"
	}
	return flags
}

// Start starts the agent, also again after Kill or Stop.
func (g *Gateway) Start() {
	g.w.t.Helper()
	if g.OpenVPN && g.Process == nil {
		g.w.t.Cleanup(func() { // openvpn outlives the agent
			if out, err := output(g.shell("sallyport-gateway --cleanup" + g.flags())); err != nil {
				g.w.t.Logf("clean up: %v\n%s", err, out)
			}
		})
	}
	g.Process = Start(g.w.t, "gateway", g.shell("exec sallyport-gateway"+g.flags()))
}

// shell is a line on the node with our programs on its PATH.
func (g *Gateway) shell(line string) *exec.Cmd {
	cmd := g.w.Gateway.Command(context.Background(), "sh", "-c", line)
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(g.w.Program("sallyport-gateway"))+":"+os.Getenv("PATH"))
	return cmd
}

// Online waits until the gateway holds a stream to the portal that is asked, and the portal calls it online. Its row alone is no evidence:
// for a while after a portal was killed it still tells of the report before.
func (g *Gateway) Online(admin *Person, limit time.Duration) {
	g.w.t.Helper()
	admin.Await("gateway "+g.ID+" online", limit, func() (bool, error) {
		var now api.Gateway
		err := admin.Do(context.Background(), http.MethodGet, "/gateways/"+g.ID, nil, &now)
		return err == nil && now.Status == api.GatewayStatusOnline && now.Lag != nil, fmt.Errorf("it is %q: %w (%+v)", now.Status, err, now)
	})
}
