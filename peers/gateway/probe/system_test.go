//go:build linux

package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/portal"
)

func TestConnectSaysWhatItFound(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		to := l.Addr().(*net.TCPAddr).AddrPort()
		if r := connect(t.Context(), to); r.Outcome != portal.ProbeAnswered || r.Sent < 2 || r.Received < 1 {
			t.Errorf("to a listener at %s: %+v", to, r)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if r := connect(t.Context(), to); r.Outcome != portal.ProbeRefused || r.Received < 1 {
			t.Errorf("to a closed port at %s: %+v", to, r)
		}
	}
}

func TestEchoIsAnswered(t *testing.T) {
	for _, to := range []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()} {
		fd, _, err := echoSocket(to)
		if err == nil {
			_ = unix.Close(fd)
		}
		want := portal.ProbeAnswered
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			want = portal.ProbeUnable // this machine lets only root
		}
		if r := echo(t.Context(), to); r.Outcome != want {
			t.Errorf("echo to %s: %+v, want %s", to, r, want)
		}
	}
}

func TestNobodyProbesTheGatewayItself(t *testing.T) {
	for _, a := range []string{"127.0.0.1", "::1"} {
		for _, kind := range []portal.Transport{portal.TCP, portal.ICMP} {
			r := System{}.Try(t.Context(), portal.Probe{To: netip.MustParseAddr(a), Transport: kind, Port: 22})
			if r.Outcome != portal.ProbeOutside {
				t.Errorf("%s to %s: %s, want %s", kind, a, r.Outcome, portal.ProbeOutside)
			}
		}
	}
}

func TestAProbeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := await(ctx, fd, unix.POLLIN, noEnd); outcome(err) != portal.ProbeSilent {
		t.Errorf("it ended with %v", err)
	}
}
