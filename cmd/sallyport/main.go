package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // rules name time zones, and a small image has none

	"github.com/alecthomas/kong"
)

// version is set by the linker.
var version = "dev"

func main() {
	os.Exit(mainCode())
}

// mainCode turns signals into a context and an error into an exit code: 0, 1, 2 where the command line is wrong, or 3 where a policy
// differs from a file.
func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	err := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	var usage *usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &usage):
		fmt.Fprintf(os.Stderr, "sallyport: %v\nTry: sallyport --help\n", err)
		return 2
	}
	fmt.Fprintf(os.Stderr, "sallyport: %v\n", err)
	if errors.Is(err, errDiffers) {
		return 3
	}
	return 1
}

// cli is the command line.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the portal."`
	Migrate migrateCmd `cmd:"" help:"Bring the database to this version's schema. The portal does the same when it starts."`
	Keys    keysCmd    `cmd:"" help:"Make the master key that secrets in the database are sealed with."`
	CA      caCmd      `cmd:"" name:"ca" help:"The certificate authority of OpenVPN: show, rotate, or have it signed by a root of your own."`
	User    userCmd    `cmd:"" help:"Local accounts, for when no identity provider answers; and what an operator does to anybody's account on the server."`
	SCIM    scimCmd    `cmd:"" name:"scim" help:"Let directories keep people and groups here."`
	Audit   auditCmd   `cmd:"" help:"Verify, export or follow up the audit trail."`
	Policy  policyCmd  `cmd:"" help:"Keep resources, rules, profiles and policy tests in a file: export, diff, apply, test."`
	Roles   rolesCmd   `cmd:"" help:"Print which role may do what."`
	Demo    demoCmd    `cmd:"" help:"Try everything in one process, without root: portal, identity provider, gateway and a page behind it."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// env is what a subcommand has of the world.
type env struct {
	ctx    context.Context //nolint:containedctx // kong calls subcommands with what is bound, once
	lookup func(string) (string, bool)
	in     io.Reader
	out    io.Writer
	err    io.Writer
}

// usageError says that the command line is wrong.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// run is the program: tests start it like main does.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) error {
	call, done, err := parse(args, stdout, stderr)
	if done || err != nil {
		return err
	}
	return call.Run(env{ctx, lookup, os.Stdin, stdout, stderr})
}

// helpShown ends parsing after --help, which kong would otherwise do by ending the process.
type helpShown struct{}

func parse(args []string, stdout, stderr io.Writer) (call *kong.Context, done bool, err error) {
	defer func() {
		cause := recover()
		if _, ok := cause.(helpShown); ok {
			done = true
		} else if cause != nil {
			panic(cause)
		}
	}()
	parser, err := kong.New(&cli{}, kong.Name("sallyport"), kong.Writers(stdout, stderr), kong.Exit(func(int) { panic(helpShown{}) }),
		kong.Description("Sallyport gives people remote access with the WireGuard client that they already have."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return nil, false, err
	}
	call, err = parser.Parse(args)
	if err != nil {
		return nil, false, &usageError{err}
	}
	return call, false, nil
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(e env) error {
	_, err := fmt.Fprintln(e.out, "sallyport", version)
	return err
}
