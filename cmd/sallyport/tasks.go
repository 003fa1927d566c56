package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// task keeps running until its context ends, which is not an error.
type task struct {
	name string
	run  func(ctx context.Context) error
}

// shutdownDeadline is how long tasks have to end after they were told to. Requests that are in flight finish within it.
const shutdownDeadline = 15 * time.Second

// runTasks runs all tasks until one fails or ctx ends, then ends the others. It returns the first error, or one that names the tasks that
// did not end in time; those are left behind, since the process ends next.
func runTasks(ctx context.Context, log *slog.Logger, deadline time.Duration, tasks ...task) error {
	group, ctx := errgroup.WithContext(ctx)
	var mu sync.Mutex
	running := map[string]bool{}
	for _, t := range tasks {
		running[t.name] = true
	}
	for _, t := range tasks {
		group.Go(func() error {
			err := t.run(ctx)
			mu.Lock()
			delete(running, t.name)
			mu.Unlock()
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			if ctx.Err() == nil {
				return fmt.Errorf("%s: ended by itself", t.name)
			}
			return nil
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- group.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	log.InfoContext(ctx, "shutting down", "deadline", deadline)
	select {
	case err := <-ended:
		return err
	case <-time.After(deadline):
		mu.Lock()
		defer mu.Unlock()
		names := make([]string, 0, len(running))
		for name := range running {
			names = append(names, name)
		}
		return fmt.Errorf("did not end within %s: %s", deadline, strings.Join(names, ", "))
	}
}

// serveHTTP is the task of a server on a listener that is open already. When ctx ends it takes no more requests and finishes those that
// it has.
func serveHTTP(name string, srv *http.Server, l net.Listener) task {
	return task{name, func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() {
			if srv.TLSConfig != nil {
				failed <- srv.ServeTLS(l, "", "")
			} else {
				failed <- srv.Serve(l)
			}
		}()
		select {
		case err := <-failed:
			return err
		case <-ctx.Done():
		}
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownDeadline-time.Second)
		defer cancel()
		if err := srv.Shutdown(stop); err != nil {
			return errors.Join(fmt.Errorf("requests in flight did not finish: %w", err), srv.Close())
		}
		return nil
	}}
}

// newServer has the deadlines that every server needs. Streams of events lift theirs.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
