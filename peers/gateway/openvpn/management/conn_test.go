package management

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

// talk is a connection and the other end of it, which plays openvpn.
func talk(t *testing.T) (*Conn, net.Conn, *bufio.Reader) {
	t.Helper()
	here, there := net.Pipe()
	c := NewConn(here)
	t.Cleanup(func() { c.Close(); there.Close() })
	return c, there, bufio.NewReader(there)
}

// hear reads lines of commands that openvpn is given.
func hear(t *testing.T, r *bufio.Reader, n int) string {
	t.Helper()
	var all strings.Builder
	for range n {
		l, err := r.ReadString('\n')
		if err != nil {
			t.Error(err)
			break
		}
		all.WriteString(l)
	}
	return all.String()
}

func TestAnswersFindTheirCommandsBetweenMessages(t *testing.T) {
	c, openvpn, r := talk(t)
	var tasks sync.WaitGroup
	tasks.Go(func() {
		hear(t, r, 1)
		fmt.Fprint(openvpn, ">HOLD:wait\nSUCCESS: pid=7\n")
		if got, want := hear(t, r, 3), "client-auth 4 2\npush \"route 10.0.0.0 255.0.0.0\"\nEND\n"; got != want {
			t.Errorf("openvpn heard %q, want %q", got, want)
		}
		fmt.Fprint(openvpn, ">BYTECOUNT_CLI:1,2,3\nSUCCESS: client-auth command succeeded\n")
		if got, want := hear(t, r, 1), `client-deny 4 2 "unknown" "Get \"a\" new file."`+"\n"; got != want {
			t.Errorf("openvpn heard %q, want %q", got, want)
		}
		fmt.Fprint(openvpn, "ERROR: client-deny command failed\n")
		hear(t, r, 1)
		fmt.Fprint(openvpn, "TITLE\tx\nCLIENT_LIST\ty\nEND\n")
	})
	ctx := t.Context()
	if got, err := c.Do(ctx, "pid"); err != nil || got != "pid=7" {
		t.Errorf("pid: %q, %v", got, err)
	}
	if err := c.Allow(ctx, 4, 2, []string{`push "route 10.0.0.0 255.0.0.0"`}); err != nil {
		t.Error(err)
	}
	if err := c.Deny(ctx, 4, 2, "unknown", `Get "a" new file.`); !errors.Is(err, ErrRefused) {
		t.Errorf("deny: %v, want ErrRefused", err)
	}
	if lines, err := c.List(ctx, "status", "3"); err != nil || len(lines) != 2 {
		t.Errorf("status: %q, %v", lines, err)
	}
	tasks.Wait()
	for _, want := range []Message{Hold{"wait"}, ByteCount{1, 2, 3}} {
		if got, err := c.Next(ctx); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestNoArgumentBecomesAnotherCommand(t *testing.T) {
	c, _, _ := talk(t)
	ctx := t.Context()
	for name, err := range map[string]error{
		"a reason with an end of line":  c.Kill(ctx, 1, "HALT,x\nsignal SIGTERM"),
		"a log text with one":           c.Deny(ctx, 1, 2, "x\rsignal SIGTERM", "y"),
		"a line of configuration":       c.Allow(ctx, 1, 2, []string{"push x\nsignal SIGTERM"}),
		"the end of the configuration":  c.Allow(ctx, 1, 2, []string{"END"}),
		"a line longer than the buffer": c.Allow(ctx, 1, 2, []string{strings.Repeat("x", maxCommand+1)}),
	} {
		if !errors.Is(err, ErrArgument) {
			t.Errorf("%s: %v, want ErrArgument", name, err)
		}
	}
}

func TestWhatWasSaidBeforeTheEndIsHeard(t *testing.T) {
	c, openvpn, _ := talk(t)
	fmt.Fprint(openvpn, ">FATAL:cannot bind\n")
	openvpn.Close()
	if m, err := c.Next(t.Context()); err != nil || m != (Fatal{"cannot bind"}) {
		t.Errorf("got %v, %v", m, err)
	}
	if m, err := c.Next(t.Context()); err == nil {
		t.Errorf("got %v after the end", m)
	}
	if _, err := c.Do(t.Context(), "pid"); err == nil {
		t.Error("a command after the end was answered")
	}
}

func TestSlowReaderLosesLogLinesAndOldCountsOnly(t *testing.T) {
	c, openvpn, _ := talk(t)
	const lines = maxLogs + 10
	for i := range lines {
		fmt.Fprintf(openvpn, ">LOG:1,I,line %d\n>BYTECOUNT_CLI:7,%d,0\n", i, i)
	}
	fmt.Fprint(openvpn, ">CLIENT:ESTABLISHED,7\n>CLIENT:ENV,END\n")
	openvpn.Close()
	<-c.ended
	logs, clients, count := 0, 0, ByteCount{}
	for {
		m, err := c.Next(t.Context())
		if err != nil {
			break
		}
		switch m := m.(type) {
		case Log:
			logs++
		case Client:
			clients++
		case ByteCount:
			if count != (ByteCount{}) {
				t.Error("an old count is told")
			}
			count = m
		default:
		}
	}
	if logs != maxLogs+1 || clients != 1 || count != (ByteCount{7, lines - 1, 0}) {
		t.Errorf("%d log lines, %d clients, count %v", logs, clients, count)
	}
}

func TestUnaskedAnswersEndTheConnection(t *testing.T) {
	c, openvpn, _ := talk(t)
	go func() {
		for range 2000 {
			if _, err := fmt.Fprint(openvpn, "SUCCESS: nobody asked\n"); err != nil {
				return
			}
		}
	}()
	if m, err := c.Next(t.Context()); !errors.Is(err, ErrProtocol) {
		t.Errorf("got %v, %v, want ErrProtocol", m, err)
	}
}
