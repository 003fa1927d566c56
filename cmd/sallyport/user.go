package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"github.com/sallyport/sallyport/auth"
	"github.com/sallyport/sallyport/peers"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

type userCmd struct {
	Add          addUserCmd      `cmd:"" help:"Make a local account, for when no identity provider answers. Its password is asked for, or read from standard input."`
	List         listUsersCmd    `cmd:"" help:"Show the local accounts."`
	SetPassword  setPasswordCmd  `cmd:"" help:"Give a local account another password, and end its sessions."`
	ResetFactors resetFactorsCmd `cmd:"" help:"Forget somebody's second factors, so that the next sign-in sets up new ones. For anybody, not only local accounts."`
	Disable      disableUserCmd  `cmd:"" help:"Suspend somebody: sessions, tokens and tunnels end at once."`
	Enable       enableUserCmd   `cmd:"" help:"Undo disable."`
}

type addUserCmd struct {
	configFlags
	Username string `arg:"" help:"To sign in with: a-z, digits, dots, dashes and underscores."`
	Name     string `help:"To show. Without it, the username."`
	Role     string `default:"owner" enum:"owner,admin,network_admin,help_desk,auditor,user" help:"owner, admin, network_admin, help_desk, auditor or user."`
}

// Run makes an account.
func (c addUserCmd) Run(e env) error {
	return c.withAuth(e, func(ctx context.Context, s *auth.Service) error {
		password, err := newPassword(e)
		if err != nil {
			return err
		}
		_, err = s.AddLocal(ctx, systemActor, auth.NewLocal{Username: c.Username, Name: c.Name, Role: portal.Role(c.Role), Password: password})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.out, "%s can sign in now, and sets up a second factor the first time. Do that before you need the account.\n", strings.ToLower(c.Username))
		if err == nil && !s.LocalAccounts {
			_, err = fmt.Fprintln(e.out, "Local accounts are off in this configuration: set local_accounts to true and restart the portal.")
		}
		return err
	})
}

type listUsersCmd struct{ configFlags }

// Run lists accounts.
func (c listUsersCmd) Run(e env) error {
	return c.withAuth(e, func(ctx context.Context, s *auth.Service) error {
		all, err := s.Locals(ctx, systemActor)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "USERNAME\tNAME\tROLE\tSTATE\tSECOND FACTORS\tLAST SIGN-IN\tID") // Flush tells
		for _, a := range all {
			last, factors := "never", "none"
			if !a.Person.LastSignIn.IsZero() {
				last = a.Person.LastSignIn.Format(time.RFC3339)
			}
			if len(a.Factors) > 0 {
				kinds := make([]string, len(a.Factors))
				for i, f := range a.Factors {
					kinds[i] = string(f.Kind)
				}
				factors = strings.Join(kinds, ", ")
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.Username, a.Person.Name, a.Person.Role, a.Person.State, factors, last, a.User)
		}
		return w.Flush()
	})
}

type setPasswordCmd struct {
	configFlags
	Username string `arg:"" help:"As the list shows it."`
}

// Run replaces a password.
func (c setPasswordCmd) Run(e env) error {
	return c.withAuth(e, func(ctx context.Context, s *auth.Service) error {
		if _, err := s.PersonNamed(ctx, systemActor, c.Username); err != nil {
			return err
		}
		password, err := newPassword(e)
		if err != nil {
			return err
		}
		if err := s.SetLocalPassword(ctx, systemActor, c.Username, password); err != nil {
			return err
		}
		_, err = fmt.Fprintln(e.out, "The password is changed. Sessions and tokens of the account have ended.")
		return err
	})
}

// person is an argument that says whom.
type person struct {
	Who string `arg:"" help:"A local account's name, or anybody's id as the list of people shows it."`
}

func (p person) do(s *auth.Service, e env, fn func(ctx context.Context, by portal.Actor, id portal.UserID) error, done string) error {
	user, err := s.PersonNamed(e.ctx, systemActor, p.Who)
	if err != nil {
		return err
	}
	if err := fn(e.ctx, systemActor, user.ID); err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.out, "%s: %s\n", user.Name, done)
	return err
}

type resetFactorsCmd struct {
	configFlags
	person
}

// Run resets factors.
func (c resetFactorsCmd) Run(e env) error {
	return c.withAuth(e, func(_ context.Context, s *auth.Service) error {
		return c.do(s, e, s.ResetFactors, "second factors and recovery codes are gone, sessions and tokens have ended. The next sign-in sets up a new factor.")
	})
}

type disableUserCmd struct {
	configFlags
	person
}

// Run suspends.
func (c disableUserCmd) Run(e env) error {
	return c.withAuth(e, func(_ context.Context, s *auth.Service) error {
		return c.do(s, e, s.Suspend, "suspended. Sessions, tokens and tunnels have ended.")
	})
}

type enableUserCmd struct {
	configFlags
	person
}

// Run resumes.
func (c enableUserCmd) Run(e env) error {
	return c.withAuth(e, func(_ context.Context, s *auth.Service) error {
		return c.do(s, e, s.Resume, "may sign in again.")
	})
}

// withAuth asks no identity provider.
func (c configFlags) withAuth(e env, fn func(ctx context.Context, s *auth.Service) error) error {
	var local bool
	settings := func(p *parser, raw rawConfig) { local = p.yes("local_accounts", raw.LocalAccounts, false) }
	return c.withDatabase(e, settings, func(db *store.Store) error {
		return fn(e.ctx, &auth.Service{Store: db, Tunnels: &peers.Service{Store: db}, LocalAccounts: local})
	})
}

// newPassword asks for a password twice without showing it, or reads the first line of standard input where that is no terminal. It is no
// argument: others on the machine could read that, and the shell remembers it.
func newPassword(e env) (portal.Secret, error) {
	in, ok := e.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		line, err := bufio.NewReader(io.LimitReader(e.in, 4096)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return portal.Secret{}, fmt.Errorf("read password: %w", err)
		}
		return portal.NewSecretText(strings.TrimRight(line, "\r\n")), nil
	}
	var typed [2][]byte
	for i, prompt := range []string{"Password (at least 14 characters): ", "Once more: "} {
		_, _ = fmt.Fprint(e.err, prompt)
		line, err := term.ReadPassword(int(in.Fd()))
		_, _ = fmt.Fprintln(e.err)
		if err != nil {
			return portal.Secret{}, fmt.Errorf("read password: %w", err)
		}
		typed[i] = line
	}
	if string(typed[0]) != string(typed[1]) {
		return portal.Secret{}, errors.New("the two are not the same")
	}
	return portal.NewSecretText(string(typed[0])), nil
}
