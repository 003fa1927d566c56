package netnstest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// OpenVPN is a stock openvpn client in a namespace.
type OpenVPN struct {
	NS     *NS
	Config string // the whole file
	Args   []string

	cmd   *exec.Cmd
	log   Lines
	ended chan struct{}
}

// Start runs the client, until the test ends.
func (c *OpenVPN) Start(t testing.TB) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "client.ovpn")
	if err := os.WriteFile(file, []byte(c.Config), 0o600); err != nil {
		t.Fatal(err)
	}
	c.cmd = exec.Command("openvpn", append([]string{"--config", file}, c.Args...)...)
	c.cmd.Stdout, c.cmd.Stderr = &c.log, &c.log
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.ended = make(chan struct{})
	if err := c.NS.Do(c.cmd.Start); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			Skip(t, "needs openvpn")
		}
		t.Fatal(err)
	}
	go func() {
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	t.Cleanup(func() {
		c.Stop()
		if t.Failed() {
			t.Log("openvpn client:\n" + c.log.Text())
		}
	})
}

// Stop ends the client as a person would, and returns when it has ended.
func (c *OpenVPN) Stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-c.ended:
	case <-time.After(10 * time.Second):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
}

// Says waits until the client's log has the text, and returns the log.
func (c *OpenVPN) Says(t testing.TB, text string) string {
	t.Helper()
	log, ok := c.log.Wait(text, c.ended, 60*time.Second)
	if !ok {
		t.Fatalf("the openvpn client did not say %q:\n%s", text, log)
	}
	return log
}

// Log is all that the client has said.
func (c *OpenVPN) Log() string { return c.log.Text() }

// Forget empties the log, to wait for something to be said again.
func (c *OpenVPN) Forget() { c.log.reset() }

// Connected is what openvpn says when a session is up.
const Connected = "Initialization Sequence Completed"

// Lines is text, as programs write it, that can be waited for.
type Lines struct {
	mu   sync.Mutex
	b    strings.Builder
	more chan struct{}
}

// Write adds to the text.
func (l *Lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.more != nil {
		close(l.more)
		l.more = nil
	}
	return l.b.Write(b)
}

func (l *Lines) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// Text is all of it.
func (l *Lines) Text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Wait waits until the text is in it, or ended is closed, and returns all of it.
func (l *Lines) Wait(text string, ended <-chan struct{}, within time.Duration) (string, bool) {
	deadline := time.After(within)
	for {
		l.mu.Lock()
		all := l.b.String()
		if l.more == nil {
			l.more = make(chan struct{})
		}
		more := l.more
		l.mu.Unlock()
		if strings.Contains(all, text) {
			return all, true
		}
		select {
		case <-more:
		case <-ended:
			all := l.Text()
			return all, strings.Contains(all, text)
		case <-deadline:
			return all, false
		}
	}
}
