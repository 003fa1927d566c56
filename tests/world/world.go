package world

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Addresses of the world; doc.go draws them.
const (
	PortalV4    = "198.51.100.2"
	GatewayV4   = "198.51.100.1"
	GatewayV6   = "2001:db8:1::1"
	ClientV4    = "198.51.100.10"
	OfficeV4    = "10.20.0.10"
	OfficeV6    = "fd20::10"
	ForbidV4    = "10.20.0.11"
	ForbidV6    = "fd20::11"
	ElsewhereV4 = "203.0.113.80"
	ElsewhereV6 = "2001:db8:80::80"
	OfficeNetV4 = "10.20.0.0/24"
	OfficeNetV6 = "fd20::/64"
)

// World is the namespaces of doc.go with their links and addresses.
type World struct {
	Net, Client, Portal, Gateway, Office *Namespace
	Root                                 string // of the repository
	Dir                                  string // for files
	t                                    T
}

// New builds the namespaces. They go when the test ends.
func New(t T) *World {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatalf("network namespaces need root")
	}
	SweepLeftovers()
	w := &World{t: t, Root: repository(), Dir: t.TempDir()}
	number := worlds.Add(1)
	for name, n := range map[string]**Namespace{"net": &w.Net, "client": &w.Client, "portal": &w.Portal, "gateway": &w.Gateway, "office": &w.Office} {
		*n = newNamespace(t, number, name)
	}
	w.Net.Run(t, "ip", "link", "add", "br0", "type", "bridge")
	w.Net.Run(t, "ip", "link", "set", "br0", "up")
	w.address(w.Net, "br0", "198.51.100.254/24", "2001:db8:1::fe/64")
	w.address(w.Net, "lo", ElsewhereV4+"/32", ElsewhereV6+"/128")
	w.Net.Run(t, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	w.join(w.Client, ClientV4, "2001:db8:1::10")
	w.join(w.Portal, PortalV4, "2001:db8:1::2")
	w.join(w.Gateway, GatewayV4, GatewayV6)
	run(t, "ip", "link", "add", "inner", "netns", w.Gateway.full, "type", "veth", "peer", "name", "eth0", "netns", w.Office.full)
	w.address(w.Gateway, "inner", "10.20.0.1/24", "fd20::1/64")
	w.address(w.Office, "eth0", OfficeV4+"/24", ForbidV4+"/24", OfficeV6+"/64", ForbidV6+"/64")
	return w
}

// join links a namespace to the bridge and makes the bridge's host its default router.
func (w *World) join(n *Namespace, v4, v6 string) {
	w.t.Helper()
	port := "p-" + n.Name
	run(w.t, "ip", "link", "add", "eth0", "netns", n.full, "type", "veth", "peer", "name", port, "netns", w.Net.full)
	w.Net.Run(w.t, "ip", "link", "set", port, "master", "br0", "up")
	w.address(n, "eth0", v4+"/24", v6+"/64")
	n.Run(w.t, "ip", "route", "add", "default", "via", "198.51.100.254")
	n.Run(w.t, "ip", "-6", "route", "add", "default", "via", "2001:db8:1::fe")
}

func (w *World) address(n *Namespace, link string, prefixes ...string) {
	w.t.Helper()
	n.Run(w.t, "ip", "link", "set", link, "up")
	for _, p := range prefixes {
		args := []string{"addr", "add", p, "dev", link}
		if strings.Contains(p, ":") {
			args = append(args, "nodad")
		}
		n.Run(w.t, "ip", args...)
	}
}

// repository is the folder that holds go.mod.
func repository() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(filepath.Dir(file)))
}

// Program is the path of a program that make build or make tools has made.
func (w *World) Program(name string) string {
	w.t.Helper()
	for _, dir := range []string{"bin", ".cache/bin"} {
		path := filepath.Join(w.Root, dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	w.t.Fatalf("%s is not built: run `make build tools`", name)
	return ""
}

// File writes a file of the world and returns its path.
func (w *World) File(name, text string) string {
	w.t.Helper()
	path := filepath.Join(w.Dir, name)
	check(w.t, os.MkdirAll(filepath.Dir(path), 0o700))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatalf("%v", fmt.Errorf("write %s: %w", name, err))
	}
	return path
}
