package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var quietLog = slog.New(slog.DiscardHandler)

func waits(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func TestATaskThatFailsEndsTheOthers(t *testing.T) {
	boom := errors.New("boom")
	err := runTasks(t.Context(), quietLog, time.Minute, task{"a", waits}, task{"b", func(context.Context) error { return boom }})
	if !errors.Is(err, boom) || !strings.HasPrefix(err.Error(), "b: ") {
		t.Errorf("got %v", err)
	}
}

func TestATaskThatEndsByItselfIsAMistake(t *testing.T) {
	err := runTasks(t.Context(), quietLog, time.Minute, task{"a", waits}, task{"b", func(context.Context) error { return nil }})
	if err == nil || err.Error() != "b: ended by itself" {
		t.Errorf("got %v", err)
	}
}

func TestShutdownNamesWhoDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		stuck := make(chan struct{})
		time.AfterFunc(time.Hour, cancel)
		start := time.Now()
		err := runTasks(ctx, quietLog, 15*time.Second, task{"a", waits}, task{"stuck", func(context.Context) error { <-stuck; return nil }})
		if err == nil || err.Error() != "did not end within 15s: stuck" || time.Since(start) != time.Hour+15*time.Second {
			t.Errorf("after %s: %v", time.Since(start), err)
		}
		close(stuck)
	})
}

// A request in flight finishes; a new one is refused; the server ends without an error.
func TestShutdownFinishesWhatIsInFlight(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started, release := make(chan struct{}), make(chan struct{})
	srv := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first ")
		_ = http.NewResponseController(w).Flush()
		close(started)
		<-release
		_, _ = io.WriteString(w, "last\n")
	}), quietLog)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- runTasks(ctx, quietLog, time.Minute, serveHTTP("web", srv, l)) }()
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		line, _ := bufio.NewReader(resp.Body).ReadString('\n')
		answer <- line
	}()
	<-started
	stop()
	for { // until the listener is closed
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		c.Close()
	}
	close(release)
	if got := <-answer; got != "first last\n" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
