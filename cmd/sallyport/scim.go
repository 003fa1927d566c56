package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/auth/scim"
	"github.com/sallyport/sallyport/portal"
	"github.com/sallyport/sallyport/portal/store"
)

type scimCmd struct {
	Token struct {
		New    newSCIMTokenCmd    `cmd:"" help:"Make a token for a directory and print it, once."`
		List   listSCIMTokensCmd  `cmd:"" help:"Show the tokens and when they were last used."`
		Revoke revokeSCIMTokenCmd `cmd:"" help:"End a token. What it wrote stays."`
	} `cmd:"" help:"The tokens that directories use to keep people and groups here."`
}

type newSCIMTokenCmd struct {
	configFlags
	Name    string `required:"" help:"What to call it, for example the directory's name."`
	Issuer  string `required:"" help:"The issuer of the OpenID provider that the directory's people sign in with, exactly as in the configuration."`
	Subject string `default:"externalId" enum:"externalId,userName" help:"The SCIM attribute that is the subject of their ID tokens: externalId or userName."`
	Days    int    `default:"365" help:"How long it lives."`
}

// Run makes a token.
func (c newSCIMTokenCmd) Run(e env) error {
	return c.withSCIM(e, func(ctx context.Context, s *scim.Service) error {
		life := time.Duration(c.Days) * 24 * time.Hour
		made, secret, err := s.CreateToken(ctx, systemActor, c.Name, c.Issuer, portal.SCIMSubject(c.Subject), life)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(e.out, "%s\n\nThis is token %s. It is shown only now, and ends on %s.\nThe directory's address for it is the portal's with %s behind it.\n",
			secret.Reveal(), made.ID, made.ExpiresAt.Format(time.DateOnly), scim.Path)
		return err
	})
}

type listSCIMTokensCmd struct{ configFlags }

// Run lists tokens.
func (c listSCIMTokensCmd) Run(e env) error {
	return c.withSCIM(e, func(ctx context.Context, s *scim.Service) error {
		tokens, err := s.Tokens(ctx, systemActor)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "ID\tNAME\tISSUER\tSUBJECT\tENDS\tLAST USED") // Flush tells
		for _, t := range tokens {
			used := "never"
			if !t.UsedAt.IsZero() {
				used = t.UsedAt.Format(time.RFC3339)
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Issuer, t.Subject, t.ExpiresAt.Format(time.DateOnly), used)
		}
		return w.Flush()
	})
}

type revokeSCIMTokenCmd struct {
	configFlags
	ID string `arg:"" help:"As the list shows it."`
}

// Run ends a token.
func (c revokeSCIMTokenCmd) Run(e env) error {
	return c.withSCIM(e, func(ctx context.Context, s *scim.Service) error {
		if err := s.RevokeToken(ctx, systemActor, portal.SCIMTokenID(c.ID)); err != nil {
			return err
		}
		_, err := fmt.Fprintln(e.out, "The token has ended.")
		return err
	})
}

func (c configFlags) withSCIM(e env, fn func(ctx context.Context, s *scim.Service) error) error {
	return c.withDatabase(e, nil, func(db *store.Store) error { return fn(e.ctx, &scim.Service{Store: db}) })
}
