package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

var forgetRow = row{
	name:  "forget",
	args:  "NAME [--routes-to OTHER] | --all",
	short: "Remove an account and its token from this machine",
	long: `Remove an account and its token from this machine.

Workspaces that are routed to it go to the account of --routes-to; without that you are
asked on a terminal, and elsewhere their routes are dropped, and named.

The token itself stays valid until you revoke it: an API token at
` + bitbucket.TokenPage + `, an access token in the settings of its
repository, project or workspace, what you granted with login at
` + grantsPage + `.`,
	example: "  git-credential-bitbucket forget work\n  git-credential-bitbucket forget work --routes-to home",
	exits:   []exitStatus{exitFailed, exitUnusable, exitInterrupted},
	build: func(p *process, c *cobra.Command) {
		all := c.Flags().Bool("all", false, "every account")
		routesTo := c.Flags().String("routes-to", "", "send its workspaces to the account `NAME`")
		c.Args = cobra.MaximumNArgs(1)
		c.ValidArgsFunction = p.completeAccounts
		c.RunE = func(c *cobra.Command, args []string) error {
			if *all == (len(args) == 1) {
				return errors.New("forget takes an account's name, or --all")
			}
			switch given := c.Flags().Changed("routes-to"); {
			case *all && given:
				return errors.New("only one of --all and --routes-to can be given")
			case given && *routesTo == "": // a script's variable that is not set
				return errors.New("--routes-to wants an account's name")
			}
			return p.forget(c.Context(), args, *routesTo)
		}
	},
}

// forget removes the named account, or all where none is named. The token goes first:
// a record without its token can be forgotten again, a token without its record would
// stay unseen. The routes of a single one move to heir, or where that is "" to whom a
// person says.
func (p *process) forget(ctx context.Context, names []string, heir string) error {
	book, err := p.book()
	if err != nil {
		return err
	}
	if len(names) > 0 {
		if heir, err = p.heir(book, names[0], heir); err != nil {
			return err
		}
	}
	if len(book.Accounts) > 0 { // or else no folder is made for a lock
		done, err := p.soleWriter()
		if err != nil {
			return err
		}
		defer done()
		if book, err = p.book(); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		names = book.Names()
	}
	if len(names) == 0 {
		p.say("", "nothing is stored")
	}
	for _, name := range names {
		account := book.Account(name)
		if account == nil {
			return p.unknownAccount(name, book.Names())
		}
		if heir != "" && book.Account(heir) == nil {
			return p.unknownAccount(heir, book.Names())
		}
		if err := p.forgetOne(ctx, *account, heir); err != nil {
			return err
		}
	}
	if len(book.Accounts) > 0 {
		p.sweepPrevious(ctx)
		p.tidy()
		p.sayNoDefault()
	}
	return nil
}

// sayNoDefault says that none of several accounts serves where nothing else chooses.
func (p *process) sayNoDefault() {
	book, err := p.book()
	if err != nil || len(book.Accounts) < 2 || slices.ContainsFunc(book.Accounts, func(a store.Account) bool { return a.Default }) {
		return
	}
	p.say(asNote, "no account is the default now, of %s; type: git-credential-bitbucket default NAME", listed(book.Names()))
}

func (p *process) forgetOne(ctx context.Context, a store.Account, heir string) error {
	vault := store.NewVault(p.backend)
	if a.Grant != "" {
		done, err := p.soleRenewer(a.Name)
		if err != nil {
			return err
		}
		defer done()
		present, found, err := recorded(p.accounts(), a.Name)
		if err != nil {
			return p.backendFailure(err, a)
		}
		if found {
			a = present // it may have been renewed
		}
	}
	old, hadOld, err := recorded(p.previous(), a.Name)
	if err != nil {
		return p.backendFailure(err, a)
	}
	if hadOld {
		p.dropPrevious(ctx, old, a)
	}
	if err := vault.Delete(ctx, a.Backend, oauthKey(a.Name)); err != nil && !errors.Is(err, store.ErrNotFound) {
		return p.backendFailure(err, a)
	}
	if err := vault.Delete(ctx, a.Backend, a.Name); err != nil && !errors.Is(err, store.ErrNotFound) {
		return p.backendFailure(err, a)
	}
	if a.Also != "" {
		p.clear(ctx, vault, a.Name, []string{a.Also})
		p.dropState(ctx, a.Name, a.Also)
	}
	routed, others, err := p.removeAccount(a.Name, heir)
	if err != nil {
		return err
	}
	p.observations().Forget(a.Fingerprint)
	if a.Grant != "" {
		p.observations().Forget(renewalKey(a.Name))
	}
	p.recordRoutes(a.Name, routed, heir)
	p.record(wasForgotten, a.Name, "forget", a.Hint)
	defer p.sayRoutes(routed, heir, others)
	if a.Fingerprint == "" {
		p.say("", "forgot account %s, whose token was never stored to the end", a.Name)
		return nil
	}
	if a.Grant != "" {
		before := ""
		if old.Hint != "" {
			before = fmt.Sprintf("; the token %s before it stays valid until you revoke it %s", oneLine(old.Hint), madeWhere(old))
		}
		p.say("", "forgot account %s; the token %s stays valid until its end, %s; %s%s", a.Name, a.Hint, p.moment(a.Expires), revokeGrant(a), before)
		return nil
	}
	if old.Hint != "" && old.Fingerprint != a.Fingerprint {
		p.say("", "forgot account %s; the token %s, and %s before it, stay valid until you revoke them %s", a.Name, a.Hint, oneLine(old.Hint), madeWhere(a))
		return nil
	}
	p.say("", "forgot account %s; the token %s stays valid until you revoke it %s", a.Name, a.Hint, madeWhere(a))
	return nil
}

// madeWhere is where the account's token is made and revoked.
func madeWhere(a store.Account) string {
	switch {
	case a.Grant == store.GrantClientCredentials:
		return "among the OAuth consumers in its workspace's settings"
	case a.Grant == store.GrantJWT:
		return "among the installed apps in its workspace's settings"
	case a.Grant != "":
		return "at " + grantsPage
	case a.Kind == string(bitbucket.APIToken):
		return "at " + bitbucket.TokenPage
	}
	return "in the settings of its repository, project or workspace"
}
