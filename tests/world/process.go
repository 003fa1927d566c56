package world

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running program whose output is kept.
type Process struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{}

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and replaced with each line
	err   error
}

// Start starts cmd and keeps what it prints. It is ended when the test ends, politely at first.
func Start(t T, name string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Name: name, cmd: cmd, done: make(chan struct{}), more: make(chan struct{})}
	r, w, err := os.Pipe()
	check(t, err)
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	w.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(r)
	}()
	go func() {
		err := cmd.Wait()
		<-read
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(p.done)
	}()
	t.Cleanup(func() {
		_ = p.Stop()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, p.story())
		}
	})
	return p
}

func (p *Process) read(r *os.File) {
	defer r.Close()
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			p.mu.Lock()
			p.lines = append(p.lines, strings.TrimRight(line, "\n"))
			close(p.more)
			p.more = make(chan struct{})
			p.mu.Unlock()
		}
		if errors.Is(err, io.EOF) || err != nil {
			return
		}
	}
}

// Lines is all that the program has printed, by line.
func (p *Process) Lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.lines)
}

// Output is all that the program has printed.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// story is the output without one line for each request.
func (p *Process) story() string {
	var told []string
	for _, l := range strings.Split(p.Output(), "\n") {
		if !strings.Contains(l, `msg="http request"`) {
			told = append(told, l)
		}
	}
	return strings.Join(told, "\n")
}

// PID is the process id of the program.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// WaitLine waits for a line that holds text, also one that was printed before, and returns it.
func (p *Process) WaitLine(ctx context.Context, text string) (string, error) {
	for seen := 0; ; {
		p.mu.Lock()
		fresh, more := p.lines[seen:], p.more
		seen = len(p.lines)
		p.mu.Unlock()
		for _, l := range fresh {
			if strings.Contains(l, text) {
				return l, nil
			}
		}
		select {
		case <-more:
		case <-p.done:
			return "", errors.New(p.Name + " ended before it said " + text + ":\n" + p.Output())
		case <-ctx.Done():
			return "", errors.New(p.Name + " did not say " + text + ":\n" + p.Output())
		}
	}
}

// Running reports whether the program has not ended.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Done is closed when the program has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the program as a crash would.
func (p *Process) Kill() { p.end(syscall.SIGKILL, 10*time.Second) }

// Stop asks the program to end, and kills it when it has not after ten seconds. It returns the error of its exit.
func (p *Process) Stop() error {
	if !p.end(syscall.SIGTERM, 10*time.Second) {
		p.Kill()
		return errors.New(p.Name + " did not end within 10 s of SIGTERM")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// end signals the whole process group, because what was started may be a wrapper, and waits.
func (p *Process) end(sig syscall.Signal, limit time.Duration) bool {
	if p.Running() {
		_ = syscall.Kill(-p.PID(), sig)
	}
	select {
	case <-p.done:
		return true
	case <-time.After(limit):
		return false
	}
}
