package world

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// worlds counts the worlds of this process, which may live side by side.
var worlds atomic.Int64

// T is what the world needs of a test or of a benchmark program.
type T interface {
	Helper()
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
	TempDir() string
	Context() context.Context
	Failed() bool
}

// Namespace is a network namespace with a resolv.conf and a WireGuard socket folder of its own.
type Namespace struct {
	Name string // short: "client"
	full string // as ip netns knows it
	dir  string // holds resolv.conf and the folder that stands in for /run/wireguard
}

// enter runs a command inside: ip netns exec gives it the network, its resolv.conf and a mount namespace of its own; in that, the folder of
// WireGuard's control sockets is replaced, since sockets there are named for interfaces and would be shared otherwise.
const enter = `mkdir -p /run/wireguard && mount --bind "$0" /run/wireguard && exec "$@"`

func newNamespace(t T, number int64, name string) *Namespace {
	t.Helper()
	n := &Namespace{Name: name, full: fmt.Sprintf("sp%d-%d-%s", os.Getpid(), number, name)}
	n.dir = filepath.Join(t.TempDir(), "ns-"+name)
	check(t, os.MkdirAll(filepath.Join(n.dir, "wireguard"), 0o700))
	etc := filepath.Join("/etc/netns", n.full)
	check(t, os.MkdirAll(etc, 0o755))
	check(t, os.WriteFile(n.resolvConf(), []byte("# nothing yet\n"), 0o644))
	run(t, "ip", "netns", "add", n.full)
	t.Cleanup(func() {
		remove(n.full)
	})
	n.Run(t, "sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
	n.Run(t, "ip", "link", "set", "lo", "up")
	return n
}

func (n *Namespace) resolvConf() string { return filepath.Join("/etc/netns", n.full, "resolv.conf") }

// resolvGot is what resolvconf was given. It is not beside resolv.conf: ip netns exec mounts all that is there over /etc.
func (n *Namespace) resolvGot() string { return filepath.Join(n.dir, "resolvconf.got") }

// Command is a command inside the namespace. Its process ends with the test process, however that happens.
func (n *Namespace) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	inside := append([]string{"netns", "exec", n.full, "sh", "-c", enter, filepath.Join(n.dir, "wireguard"), name}, args...)
	return exec.CommandContext(ctx, "ip", inside...)
}

// Run runs a command inside to its end and returns what it printed.
func (n *Namespace) Run(t T, name string, args ...string) string {
	t.Helper()
	out, err := output(n.Command(context.Background(), name, args...))
	if err != nil {
		t.Fatalf("in %s: %s %s: %v\n%s", n.Name, name, strings.Join(args, " "), err, out)
	}
	return out
}

// output runs cmd and returns what it printed. Not by a pipe: daemons that cmd leaves behind would keep it open.
func output(cmd *exec.Cmd) (string, error) {
	f, err := os.CreateTemp("", "world-")
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return "", err
	}
	cmd.Stdout, cmd.Stderr = f, f
	failed := cmd.Run()
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	b, err := io.ReadAll(f)
	return string(b), errors.Join(failed, err)
}

// Do runs fn on a thread that is inside the namespace. Sockets that fn opens stay inside for their lives; goroutines that it starts do not.
func (n *Namespace) Do(fn func() error) error {
	done := make(chan error, 1)
	go func() { done <- n.inside(fn) }()
	return <-done
}

func (n *Namespace) inside(fn func() error) error {
	runtime.LockOSThread()
	home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("enter namespace %s: %w", n.Name, err)
	}
	defer unix.Close(home)
	fd, err := unix.Open(filepath.Join("/run/netns", n.full), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("enter namespace %s: %w", n.Name, err)
	}
	defer unix.Close(fd)
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter namespace %s: %w", n.Name, err)
	}
	failed := fn()
	if err := unix.Setns(home, unix.CLONE_NEWNET); err != nil {
		return errors.Join(failed, fmt.Errorf("leave namespace %s: %w", n.Name, err)) // the thread stays locked, so nobody else gets it
	}
	runtime.UnlockOSThread()
	return failed
}

// Dial connects from inside to a literal address and port.
func (n *Namespace) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var c net.Conn
	err := n.Do(func() (err error) {
		c, err = (&net.Dialer{}).DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Listen listens inside.
func (n *Namespace) Listen(network, address string) (net.Listener, error) {
	var l net.Listener
	err := n.Do(func() (err error) {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}

// SweepLeftovers removes namespaces of test processes that are gone.
func SweepLeftovers() {
	found, _ := filepath.Glob("/run/netns/sp*-*")
	for _, path := range found {
		name := filepath.Base(path)
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, "sp"), "-")
		if n, err := strconv.Atoi(pid); err != nil || alive(n) {
			continue
		}
		remove(name)
	}
}

// remove ends what runs in a namespace, since that would keep it, and removes it.
func remove(full string) {
	pids, _ := exec.Command("ip", "netns", "pids", full).Output()
	for _, field := range strings.Fields(string(pids)) {
		if pid, err := strconv.Atoi(field); err == nil && pid != os.Getpid() {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	_ = exec.Command("ip", "netns", "del", full).Run()
	_ = os.RemoveAll(filepath.Join("/etc/netns", full))
}

func alive(pid int) bool { return unix.Kill(pid, 0) == nil }

func run(t T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func check(t T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}
