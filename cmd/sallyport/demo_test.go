package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func noEnvironment(string) (string, bool) { return "", false }

// The whole line, from the sign-in button to a tunnel that is dead because it was revoked, on real parts in one process.
func TestTheDemoPlaysItsOwnWorker(t *testing.T) {
	var out, log bytes.Buffer
	if err := run(t.Context(), []string{"demo", "--check", "--data", filepath.Join(t.TempDir(), "demo")}, noEnvironment, &out, &log); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), log.String())
	}
	if strings.Count(out.String(), "ok ") != 12 || !strings.Contains(out.String(), "All of it worked") {
		t.Errorf("got\n%s", out.String())
	}
}

// buffer can be read while the program writes.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *buffer) has(text string) bool { return strings.Contains(b.String(), text) }

// startDemo runs the demo until the test ends and returns when it has said what to do.
func startDemo(t *testing.T, args ...string) (out *buffer, stop func() error) {
	t.Helper()
	out = &buffer{}
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = run(ctx, append([]string{"demo"}, args...), noEnvironment, out, out)
	}()
	stop = func() error {
		cancel()
		<-ended
		return err
	}
	t.Cleanup(func() { _ = stop() })
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !out.has("Ctrl-C ends everything") {
		select {
		case <-ended:
			t.Fatalf("the demo ended: %v\n%s", err, out.String())
		case <-deadline:
			t.Fatalf("the demo says nothing\n%s", out.String())
		case <-tick.C:
		}
	}
	return out, stop
}

func TestTheDemoStartsAgainOnItsState(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	_, stop := startDemo(t, "--data", dir)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"sallyport.db", "master.key", "gateway/wireguard.key", "gateway/credentials.json"} {
		st, err := os.Stat(filepath.Join(dir, file))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", file, st, err)
		}
	}
	before, err := os.ReadFile(filepath.Join(dir, "gateway/credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	out, stop := startDemo(t, "--data", dir)
	after, err := os.ReadFile(filepath.Join(dir, "gateway/credentials.json"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the gateway enrolled again: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
}

func TestAPortThatIsTakenIsSaid(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	err = run(t.Context(), []string{"demo", "--port", port}, noEnvironment, &buffer{}, &buffer{})
	if err == nil || !strings.Contains(err.Error(), "port "+port+" on 127.0.0.1 is in use: choose another one with --port") {
		t.Errorf("got %v", err)
	}
	err = run(t.Context(), []string{"demo", "--host", "0.0.0.0"}, noEnvironment, &buffer{}, &buffer{})
	if err == nil || !strings.Contains(err.Error(), "not an address of this machine") {
		t.Errorf("got %v", err)
	}
}

// RFC 6238, appendix B: the last six of the eight digits.
func TestTOTPCodes(t *testing.T) {
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		got, err := totpCode("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", time.Unix(at, 0))
		if err != nil || got != want {
			t.Errorf("at %d: got %s, want %s (%v)", at, got, want, err)
		}
	}
}
