package openvpn

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/peers/gateway"
)

// process is an openvpn that runs: started by this agent, or by one before it. Pid and Start together name a process for good.
type process struct {
	Pid   int    `json:"pid"`
	Start uint64 `json:"start"`  // field 22 of /proc/PID/stat
	Sum   string `json:"config"` // SHA-256 of its configuration

	adopted bool
	why     error         // it ended with, once it has; nil when adopted
	output  *tail         // nil when adopted
	ended   chan struct{} // closed when it has ended; nil when adopted
}

func (s *Server) processPath(t Transport) string { return filepath.Join(s.Dir, t.Name+".process") }

func sumOf(config string) string {
	sum := sha256.Sum256([]byte(config))
	return hex.EncodeToString(sum[:])
}

// running is the process that an earlier agent has left for the transport, nil for none.
func (s *Server) running(t Transport) *process {
	b, err := os.ReadFile(s.processPath(t))
	if err != nil {
		return nil
	}
	p := &process{adopted: true}
	if json.Unmarshal(b, p) != nil || !p.alive() {
		return nil
	}
	return p
}

// process is one that runs with config: the one that is there, or a new one.
func (s *Server) process(ctx context.Context, t Transport, config string) (*process, error) {
	if p := s.running(t); p != nil {
		if p.Sum == sumOf(config) {
			s.Log.InfoContext(ctx, "take over the openvpn that runs", "transport", t.Name, "pid", p.Pid)
			return p, nil
		}
		p.stop(ctx)
	}
	return s.start(ctx, t, config)
}

func (s *Server) start(ctx context.Context, t Transport, config string) (*process, error) {
	flushRoutes(t.Interface)
	if err := s.forgetKept(t); err != nil {
		return nil, err
	}
	p := &process{Sum: sumOf(config), output: &tail{}, ended: make(chan struct{})}
	cmd := exec.Command(s.program(), "--config", "stdin")
	cmd.Dir, cmd.Env = s.Dir, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(config), p.output, p.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what ends the agent does not end the sessions
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start openvpn: %w", err)
	}
	go func() {
		p.why = cmd.Wait()
		close(p.ended)
	}()
	p.Pid = cmd.Process.Pid
	p.Start, _ = startOf(p.Pid) // 0 when it has ended already, which the caller will see
	b, err := json.Marshal(p)
	if err == nil {
		err = gateway.WriteFile(s.processPath(t), b)
	}
	if err != nil {
		p.stop(ctx)
		return nil, err
	}
	s.Log.InfoContext(ctx, "openvpn started", "transport", t.Name, "port", t.Port, "pid", p.Pid)
	return p, nil
}

func (s *Server) program() string {
	if s.Program != "" {
		return s.Program
	}
	return "openvpn"
}

// alive reports whether it runs, and is not another one of the same number.
func (p *process) alive() bool {
	if p.ended != nil {
		select {
		case <-p.ended:
			return false
		default:
			return true
		}
	}
	start, ok := startOf(p.Pid)
	return ok && start == p.Start
}

// startOf is when a process started, in ticks since the machine did; false when there is none.
func startOf(pid int) (uint64, bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	at := bytes.LastIndexByte(b, ')') // the name may hold anything
	fields := strings.Fields(string(b[at+1:]))
	if at < 0 || len(fields) < 20 || fields[0] == "Z" {
		return 0, false
	}
	n, err := strconv.ParseUint(fields[19], 10, 64)
	return n, err == nil
}

// stopWithin is how long openvpn may take to tell its clients that it goes.
const stopWithin = 5 * time.Second

// stop ends it, and returns when it has ended. Its clients are told to connect again.
func (p *process) stop(ctx context.Context) {
	if !p.alive() {
		return
	}
	_ = syscall.Kill(p.Pid, syscall.SIGTERM) // if it has ended meanwhile, good
	if p.gone(ctx, stopWithin) {
		return
	}
	_ = syscall.Kill(p.Pid, syscall.SIGKILL)
	p.gone(context.WithoutCancel(ctx), stopWithin)
}

// gone waits for the end.
func (p *process) gone(ctx context.Context, within time.Duration) bool {
	end := time.After(within)
	for p.alive() {
		select {
		case <-p.ended:
			return true
		case <-time.After(20 * time.Millisecond): // an adopted process is not our child, and cannot be waited for
		case <-end:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// problem is why it ended, by its own words.
func (p *process) problem() error {
	if p.output == nil {
		return errors.New("openvpn has ended")
	}
	return fmt.Errorf("openvpn has ended (%w): %s", cmp.Or(p.why, errors.New("by itself")), p.output.last())
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if over := len(t.b) - 4096; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(b), nil
}

// last is the last lines that say what went wrong.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.b)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}
