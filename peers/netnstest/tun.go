package netnstest

import (
	"fmt"
	"os"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TUN makes a packet device in the namespace and brings it up, until the test ends. What is written to it comes in from the interface;
// what is routed out of the interface can be read, one packet a time.
func (ns *NS) TUN(t testing.TB, name string) *os.File {
	t.Helper()
	var f *os.File
	ns.Must(t, func() (err error) { f, err = openTUN(name); return err })
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func openTUN(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return nil, fmt.Errorf("make TUN device %s: %w", name, err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), netlink.LinkSetUp(link)
}
