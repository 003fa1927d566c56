package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// scene is a world.T outside of a test: what must not fail ends the run, and what was made is taken away.
type scene struct {
	ctx      context.Context //nolint:containedctx // it stands for a test's
	out      io.Writer
	cleanups []func()
	failed   bool
	dirs     []string
}

func newScene(ctx context.Context, out io.Writer) *scene { return &scene{ctx: ctx, out: out} }

// fatal carries what Fatalf said up to try.
type fatal struct{ error }

// try runs fn and returns what Fatalf said.
func (s *scene) try(fn func()) (err error) {
	defer func() {
		cause := recover()
		if f, ok := cause.(fatal); ok {
			err = f.error
		} else if cause != nil {
			panic(cause)
		}
	}()
	fn()
	return nil
}

func (s *scene) Helper() {}

func (s *scene) Fatalf(format string, args ...any) {
	s.failed = true
	panic(fatal{fmt.Errorf(format, args...)})
}

func (s *scene) Logf(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }
func (s *scene) Cleanup(fn func())               { s.cleanups = append(s.cleanups, fn) }
func (s *scene) Context() context.Context        { return s.ctx }
func (s *scene) Failed() bool                    { return s.failed }

func (s *scene) TempDir() string {
	dir, err := os.MkdirTemp("", "sallyport-bench-")
	if err != nil {
		s.Fatalf("%w", err)
	}
	s.dirs = append(s.dirs, dir)
	return dir
}

func (s *scene) close() error {
	for _, fn := range slices.Backward(s.cleanups) {
		fn()
	}
	var errs []error
	for _, dir := range s.dirs {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
