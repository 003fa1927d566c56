package world

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// resolvconf is what wg-quick calls for "DNS =" lines. The real one would change the machine; this one writes the namespace's
// resolv.conf and keeps what it got.
const resolvconf = `#!/bin/sh
set -eu
case "$1" in
  -a) cat >"$SALLYPORT_RESOLV_GOT"; cat "$SALLYPORT_RESOLV_GOT" >"$SALLYPORT_RESOLV" ;;
  -d) echo "# nothing" >"$SALLYPORT_RESOLV" ;;
esac
`

// Tunnel is a file that wg-quick has brought up.
type Tunnel struct {
	File string
	Name string // of the interface
	n    *Namespace
	env  []string
}

// Up brings a file up with the stock wg-quick inside a namespace, on wireguard-go.
func (w *World) Up(n *Namespace, file string) *Tunnel {
	w.t.Helper()
	bin := filepath.Join(w.Dir, "bin-"+n.Name)
	check(w.t, os.MkdirAll(bin, 0o755))
	check(w.t, os.WriteFile(filepath.Join(bin, "resolvconf"), []byte(resolvconf), 0o755))
	tun := &Tunnel{File: file, Name: strings.TrimSuffix(filepath.Base(file), ".conf"), n: n, env: append(os.Environ(),
		"PATH="+bin+":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"SALLYPORT_RESOLV="+n.resolvConf(), "SALLYPORT_RESOLV_GOT="+n.resolvGot(),
		"WG_QUICK_USERSPACE_IMPLEMENTATION="+w.Program("wireguard-go"),
		"WG_SUDO=1", "LOG_LEVEL=error",
	)}
	out, err := tun.wgQuick("up")
	if err != nil {
		w.t.Fatalf("wg-quick up %s: %v\n%s", file, err, out)
	}
	w.t.Cleanup(func() { _, _ = tun.wgQuick("down") })
	// The kernel takes a moment before it uses a new IPv6 address, and a connection that begins in it has another source for all its life.
	if err := Await(5*time.Second, func() (bool, error) {
		return n.Run(w.t, "ip", "-6", "-o", "addr", "show", "dev", tun.Name, "tentative") == "", nil
	}); err != nil {
		w.t.Fatalf("addresses of %s stay tentative: %v", tun.Name, err)
	}
	return tun
}

// Down takes the tunnel down.
func (tun *Tunnel) Down(t T) {
	t.Helper()
	if out, err := tun.wgQuick("down"); err != nil {
		t.Fatalf("wg-quick down: %v\n%s", err, out)
	}
}

func (tun *Tunnel) wgQuick(verb string) (string, error) {
	cmd := tun.n.Command(context.Background(), "wg-quick", verb, tun.File)
	cmd.Env = tun.env
	return output(cmd)
}

// Resolv is what wg-quick gave to resolvconf: the file's DNS servers and search domains.
func (tun *Tunnel) Resolv(t T) string {
	t.Helper()
	b, err := os.ReadFile(tun.n.resolvGot())
	check(t, err)
	return string(b)
}
