//go:build linux

package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/portal"
)

// System tries destinations from this machine.
type System struct{}

// echoes are sent one after the other, with this much time for each.
const (
	echoes    = 3
	echoAfter = time.Second
	pollEvery = 100 * time.Millisecond // how soon the end of a context is noticed
)

// Try makes one attempt. An address of this machine is not behind it.
func (System) Try(ctx context.Context, p portal.Probe) portal.ProbeResult {
	if own(p.To) {
		return portal.ProbeResult{Outcome: portal.ProbeOutside}
	}
	start := time.Now()
	var r portal.ProbeResult
	if p.Transport == portal.ICMP {
		r = echo(ctx, p.To)
	} else {
		r = connect(ctx, netip.AddrPortFrom(p.To, p.Port))
	}
	r.Took = time.Since(start)
	return r
}

func own(a netip.Addr) bool {
	all, err := net.InterfaceAddrs()
	return err != nil || slices.ContainsFunc(all, func(x net.Addr) bool {
		p, err := netip.ParsePrefix(x.String())
		return err == nil && p.Addr().Unmap() == a
	})
}

func family(a netip.Addr) int {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

func sockaddr(to netip.AddrPort) unix.Sockaddr {
	if to.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16()}
}

// connect makes a connection and resets it. The kernel's figures of the socket say how many segments there were.
func connect(ctx context.Context, to netip.AddrPort) portal.ProbeResult {
	fd, err := unix.Socket(family(to.Addr()), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
	if err != nil {
		return portal.ProbeResult{Outcome: portal.ProbeUnable}
	}
	defer unix.Close(fd)
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}) // nothing of it stays behind
	err = unix.Connect(fd, sockaddr(to))
	if errors.Is(err, unix.EINPROGRESS) {
		err = await(ctx, fd, unix.POLLOUT, noEnd)
		if err == nil {
			err = pending(fd)
		}
	}
	r := portal.ProbeResult{Outcome: outcome(err)}
	if info, infoErr := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO); infoErr == nil {
		r.Sent, r.Received = int(info.Segs_out), int(info.Segs_in)
	}
	if r.Outcome == portal.ProbeAnswered || r.Outcome == portal.ProbeRefused {
		r.Sent, r.Received = max(r.Sent, 1), max(r.Received, 1) // a socket that was refused has forgotten them
	}
	return r
}

func pending(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return err
}

func outcome(err error) portal.ProbeOutcome {
	switch {
	case err == nil:
		return portal.ProbeAnswered
	case errors.Is(err, unix.ECONNREFUSED), errors.Is(err, unix.ECONNRESET):
		return portal.ProbeRefused
	case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH), errors.Is(err, unix.ENETDOWN), errors.Is(err, unix.EHOSTDOWN),
		errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return portal.ProbeUnreachable
	}
	return portal.ProbeSilent
}

// noEnd leaves the end to the context.
var noEnd time.Time

// await waits until fd is ready, until the time until, or until ctx ends.
func await(ctx context.Context, fd int, events int16, until time.Time) error {
	for {
		if ctx.Err() != nil || !until.IsZero() && !time.Now().Before(until) {
			return os.ErrDeadlineExceeded
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := unix.Poll(fds, int(pollEvery/time.Millisecond))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			return nil
		}
	}
}

// echo sends pings until one is answered.
func echo(ctx context.Context, to netip.Addr) portal.ProbeResult {
	fd, raw, err := echoSocket(to)
	if err != nil {
		return portal.ProbeResult{Outcome: portal.ProbeUnable}
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, sockaddr(netip.AddrPortFrom(to, 0))); err != nil {
		return portal.ProbeResult{Outcome: outcome(err)}
	}
	id := uint16(rand.Uint32())
	r := portal.ProbeResult{Outcome: portal.ProbeSilent}
	for seq := range uint16(echoes) {
		if _, err := unix.Write(fd, request(to, id, seq)); err != nil {
			r.Outcome = outcome(err)
			return r
		}
		r.Sent++
		err := answered(ctx, fd, raw && to.Is4(), replyKind(to), id, !raw, time.Now().Add(echoAfter))
		switch {
		case err == nil:
			r.Received++
			r.Outcome = portal.ProbeAnswered
			return r
		case errors.Is(err, os.ErrDeadlineExceeded):
		default:
			r.Outcome = outcome(err)
			return r
		}
		if ctx.Err() != nil {
			break
		}
	}
	return r
}

// echoSocket prefers the kind that needs no rights.
func echoSocket(to netip.Addr) (fd int, raw bool, err error) {
	proto := unix.IPPROTO_ICMP
	if to.Is6() {
		proto = unix.IPPROTO_ICMPV6
	}
	const flags = unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC
	if fd, err = unix.Socket(family(to), unix.SOCK_DGRAM|flags, proto); err == nil {
		return fd, false, nil
	}
	fd, err = unix.Socket(family(to), unix.SOCK_RAW|flags, proto)
	return fd, true, err
}

// request is an echo request (RFC 792, RFC 4443). The kernel fills in the checksum of ICMPv6, and of what goes through a datagram socket.
func request(to netip.Addr, id, seq uint16) []byte {
	b := make([]byte, 8)
	b[0] = 8
	if to.Is6() {
		b[0] = 128
	}
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], seq)
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	return b
}

func replyKind(to netip.Addr) byte {
	if to.Is6() {
		return 129
	}
	return 0
}

// answered waits for an echo reply. Raw IPv4 sockets hand over the IP header too; a datagram socket gets only answers to its own identifier.
func answered(ctx context.Context, fd int, header bool, kind byte, id uint16, anyID bool, until time.Time) error {
	buf := make([]byte, 1500)
	for {
		if err := await(ctx, fd, unix.POLLIN, until); err != nil {
			return err
		}
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		b := buf[:n]
		if header && len(b) >= 20 {
			b = b[min(len(b), int(b[0]&15)*4):]
		}
		if len(b) >= 8 && b[0] == kind && (anyID || binary.BigEndian.Uint16(b[4:]) == id) {
			return nil
		}
	}
}
