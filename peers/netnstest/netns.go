package netnstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const insideEnv = "NETNSTEST_INSIDE"

// Main is for TestMain: it runs the tests in a network and mount namespace of their own when it may, else where it is.
//
//	func TestMain(m *testing.M) { netnstest.Main(m) }
func Main(m *testing.M) {
	if slices.Contains(os.Args, "-test.fuzzworker") {
		os.Exit(m.Run()) // its parent is inside already
	}
	if os.Getenv(insideEnv) != "" {
		runtime.LockOSThread() // Do must not borrow the first thread: it cannot end, and /proc/self shows its namespace
		if err := prepare(); err != nil {
			fmt.Fprintln(os.Stderr, "netnstest:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	}
	if os.Getuid() != 0 {
		os.Exit(m.Run())
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...) //nolint:gosec // ourselves
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // Pdeathsig follows the thread
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case errors.Is(err, syscall.EPERM):
		os.Exit(m.Run()) // root without the right to make namespaces: Need tells
	case err != nil:
		fmt.Fprintln(os.Stderr, "netnstest:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// prepare gives the new namespaces a loopback interface and a folder of their own for WireGuard's control sockets, which are found by
// interface name and would otherwise meet those of other processes.
func prepare() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := os.MkdirAll("/var/run/wireguard", 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", "/var/run/wireguard", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mount a folder for control sockets: %w", err)
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount /sys: %w", err)
	}
	return loopbackUp()
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// Need skips the test when it cannot have namespaces of its own. With CI=true that is a failure.
func Need(t testing.TB) {
	t.Helper()
	if os.Getenv(insideEnv) != "" {
		return
	}
	Skip(t, "needs root, for network namespaces")
}

// Skip skips the test for a reason, unless CI=true, where it fails.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("would be skipped, and this is CI: " + reason)
	}
	t.Skip(reason)
}

// NS is a network namespace.
type NS struct {
	Name string // for messages
	fd   *os.File
}

// New makes a namespace with a loopback interface, for as long as the test runs.
func New(t testing.TB, name string) *NS {
	t.Helper()
	Need(t)
	made := make(chan error, 1)
	ns := &NS{Name: name}
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread belongs to the new namespace and ends with this goroutine
		made <- func() (err error) {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("unshare: %w", err)
			}
			if ns.fd, err = os.Open("/proc/thread-self/ns/net"); err != nil {
				return err
			}
			return loopbackUp()
		}()
	}()
	if err := <-made; err != nil {
		t.Fatalf("make namespace %s: %v", name, err)
	}
	t.Cleanup(func() { _ = ns.fd.Close() })
	return ns
}

// Here is the namespace that the test itself runs in.
func Here(t testing.TB) *NS {
	t.Helper()
	Need(t)
	fd, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fd.Close() })
	return &NS{Name: "here", fd: fd}
}

// Do runs f inside. Sockets, files and processes that f makes stay there; goroutines that f starts do not.
func (ns *NS) Do(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread ends with this goroutine
		if err := unix.Setns(int(ns.fd.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter namespace %s: %w", ns.Name, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// Must is Do that ends the test on an error.
func (ns *NS) Must(t testing.TB, f func() error) {
	t.Helper()
	if err := ns.Do(f); err != nil {
		t.Fatalf("in namespace %s: %v", ns.Name, err)
	}
}

// Dial opens a connection from inside to an address (not a name).
func (ns *NS) Dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	err = ns.Do(func() error {
		var d net.Dialer
		c, err = d.DialContext(ctx, network, address)
		return err
	})
	return c, err
}

// Listen listens inside, until the test ends.
func (ns *NS) Listen(t testing.TB, address string) net.Listener {
	t.Helper()
	var l net.Listener
	ns.Must(t, func() (err error) { l, err = net.Listen("tcp", address); return err })
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// ListenUDP listens inside, until the test ends.
func (ns *NS) ListenUDP(t testing.TB, address string) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	ns.Must(t, func() error {
		a, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		c, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
		return err
	})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Run runs a program inside and returns what it wrote.
func (ns *NS) Run(ctx context.Context, name string, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := ns.Do(cmd.Run); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(out.String()))
	}
	return out.String(), nil
}

// MustRun is Run that ends the test on an error.
func (ns *NS) MustRun(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := ns.Run(t.Context(), name, args...)
	if err != nil {
		t.Fatalf("in namespace %s: %v", ns.Name, err)
	}
	return out
}

// End is one end of a cable.
type End struct {
	NS        *NS
	Interface string
	Addresses []string // with prefix length
}

// Cable connects two namespaces with a pair of virtual Ethernet interfaces.
func Cable(t testing.TB, a, b End) {
	t.Helper()
	a.NS.Must(t, func() error {
		return netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: netlink.LinkAttrs{Name: a.Interface}, PeerName: b.Interface, PeerNamespace: netlink.NsFd(int(b.NS.fd.Fd())),
		})
	})
	for _, e := range []End{a, b} {
		e.NS.Must(t, func() error { return configure(e) })
	}
	t.Cleanup(func() {
		_ = a.NS.Do(func() error {
			link, err := netlink.LinkByName(a.Interface)
			if err != nil {
				return err
			}
			return netlink.LinkDel(link)
		})
	})
}

func configure(e End) error {
	link, err := netlink.LinkByName(e.Interface)
	if err != nil {
		return err
	}
	for _, text := range e.Addresses {
		addr, err := netlink.ParseAddr(text)
		if err != nil {
			return err
		}
		if addr.IP.To4() == nil {
			addr.Flags = unix.IFA_F_NODAD // usable at once
		}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("add %s: %w", text, err)
		}
	}
	return netlink.LinkSetUp(link)
}
