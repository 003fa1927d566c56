package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // rules name time zones, and a small image has none
)

// Version is set when the program is built.
var Version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "sallyport-gateway:", err)
		os.Exit(1)
	}
}

// run is the program: it works until ctx ends, which is not an error.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	raw, err := readRaw(args, getenv, stderr)
	if err != nil {
		return err
	}
	cfg, err := raw.config()
	if err != nil {
		return err
	}
	switch {
	case raw.version:
		_, err = fmt.Fprintln(stdout, "sallyport-gateway", Version)
		return err
	case raw.check:
		_, err = fmt.Fprintln(stdout, "The configuration is good.")
		return err
	case raw.cleanup:
		return cleanup(ctx, cfg, stdout)
	case raw.command == "enrol":
		return enrolOnly(ctx, cfg, stdout)
	}
	return serve(ctx, cfg, stderr)
}
