package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"git-credential-bitbucket/bitbucket"
)

var headerRow = row{
	name:  "header",
	short: "Print the Authorization header for REST, for curl -H @-",
	long: `Print the one line "Authorization: …" with which Bitbucket's REST takes the stored
token, for a program that reads it from standard input. It holds the token: let it go
nowhere else.`,
	example: `  git-credential-bitbucket header | curl -H @- https://api.bitbucket.org/2.0/user`,
	exits:   []exitStatus{exitFailed, exitNoCredential, exitUnusable},
	build: func(p *process, c *cobra.Command) {
		account := c.Flags().String("account", "", "the account `NAME`; else the one that serves here")
		c.RunE = func(c *cobra.Command, _ []string) error { return p.header(c.Context(), *account) }
	},
}

func (p *process) header(ctx context.Context, account string) error {
	at, err := p.at(ctx, "")
	if err != nil {
		return err
	}
	s, err := p.choose(ctx, account, at)
	if err != nil {
		return err
	}
	value, err := s.login().Header()
	if err != nil {
		return p.notSent(err, s)
	}
	if term.IsTerminal(int(p.stdout.Fd())) {
		p.say(asWarning, "the line below holds the token; type: git-credential-bitbucket header | curl -H @- https://%s/2.0/user", bitbucket.RESTHost)
	}
	if _, err := fmt.Fprintf(p.stdout, "Authorization: %s\n", value.Reveal()); err != nil {
		return fail(exitFailed, "the line could not be written: %v", cause(err))
	}
	return nil
}
