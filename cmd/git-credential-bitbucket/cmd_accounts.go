package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

var forgetRow = row{
	name:  "forget",
	args:  "NAME | --all",
	short: "Remove an account and its token from this machine",
	long: `Remove an account, its token and its routes from this machine.

The token itself stays valid until you revoke it: an API token at
` + bitbucket.TokenPage + `, an access token in the settings of its
repository, project or workspace, what you granted with login at
` + grantsPage + `.`,
	example: "  git-credential-bitbucket forget work",
	exits:   []exitStatus{exitFailed, exitUnusable},
	build: func(p *process, c *cobra.Command) {
		all := c.Flags().Bool("all", false, "every account")
		c.Args = cobra.MaximumNArgs(1)
		c.ValidArgsFunction = p.completeAccounts
		c.RunE = func(c *cobra.Command, args []string) error {
			if *all == (len(args) == 1) {
				return errors.New("forget takes an account's name, or --all")
			}
			return p.forget(c.Context(), args)
		}
	},
}

// forget removes the named account, or all where none is named. The token goes first:
// a record without its token can be forgotten again, a token without its record would
// stay unseen.
func (p *process) forget(ctx context.Context, names []string) error {
	book, err := p.book()
	if err != nil {
		return err
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
		if err := p.forgetOne(ctx, *account); err != nil {
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
	p.say(asNote, "no account is the default now, of %s; type: git-credential-bitbucket default NAME", strings.Join(book.Names(), ", "))
}

func (p *process) forgetOne(ctx context.Context, a store.Account) error {
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
	if err := p.accounts().Update(func(b *store.Book) error { b.Remove(a.Name); return nil }); err != nil {
		return fail(exitFailed, "%s", recordTrouble(err))
	}
	p.observations().Forget(a.Fingerprint)
	if a.Grant != "" {
		p.observations().Forget(renewalKey(a.Name))
	}
	p.record(wasForgotten, a.Name, "forget", a.Hint)
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

// book reads every account, and turns what goes wrong into a failure.
func (p *process) book() (store.Book, error) {
	snapshot, err := p.accounts().Read()
	if err != nil {
		return store.Book{}, p.backendFailure(err, store.Account{})
	}
	book, err := snapshot.Book()
	if err != nil {
		return store.Book{}, p.backendFailure(err, store.Account{})
	}
	return book, nil
}

func (p *process) unknownAccount(name string, names []string) error {
	if len(names) == 0 {
		return fail(exitFailed, "there is no account %q, nor any other; type: %s", oneLine(name), p.beginCommand(store.Account{}))
	}
	return fail(exitFailed, "there is no account %q: there are %s; type: git-credential-bitbucket status", oneLine(name), strings.Join(names, ", "))
}

var defaultRow = row{
	name:    "default",
	args:    "NAME",
	short:   "Choose the account that serves where nothing else chooses",
	example: "  git-credential-bitbucket default work",
	exits:   []exitStatus{exitFailed, exitUnusable},
	build: func(p *process, c *cobra.Command) {
		c.Args = cobra.ExactArgs(1)
		c.ValidArgsFunction = p.completeAccounts
		c.RunE = func(_ *cobra.Command, args []string) error {
			if err := p.changeBook(func(b *store.Book) error { return b.SetDefault(args[0]) }); err != nil {
				return err
			}
			p.say("", "account %s is the default", args[0])
			return nil
		}
	},
}

// changeBook updates the accounts and turns what goes wrong into a failure.
func (p *process) changeBook(change func(*store.Book) error) error {
	err := p.accounts().Update(change)
	var unknown *store.UnknownAccountError
	var known *failure
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.As(err, &unknown):
		return p.unknownAccount(unknown.Name, unknown.Names)
	}
	return fail(exitUnusable, "%s", recordTrouble(err))
}

var routeRow = row{
	name:  "route",
	args:  "WORKSPACE NAME | --list | --remove WORKSPACE",
	short: "Send a workspace's repositories to an account",
	example: `  git-credential-bitbucket route acme work
  git-credential-bitbucket route --list`,
	exits: []exitStatus{exitFailed, exitUnusable},
	build: func(p *process, c *cobra.Command) {
		list := c.Flags().Bool("list", false, "print every route, a line each")
		remove := c.Flags().String("remove", "", "drop the route of `WORKSPACE`")
		c.Args = cobra.MaximumNArgs(2)
		c.RunE = func(_ *cobra.Command, args []string) error {
			switch {
			case *list && *remove == "" && len(args) == 0:
				return p.listRoutes()
			case *remove != "" && !*list && len(args) == 0:
				return p.unroute(*remove)
			case !*list && *remove == "" && len(args) == 2:
				return p.route(args[0], args[1])
			}
			return errors.New("route takes a workspace and an account's name, or --list, or --remove WORKSPACE")
		}
	},
}

func (p *process) listRoutes() error {
	book, err := p.book()
	if err != nil {
		return err
	}
	for _, r := range book.Routes {
		fmt.Fprintf(p.stdout, "%s %s\n", r.Workspace, r.Account)
	}
	return nil
}

func (p *process) route(workspace, name string) error {
	workspace, err := workspaceName(workspace)
	if err != nil {
		return err
	}
	if err := p.changeBook(func(b *store.Book) error { return b.Route(workspace, name) }); err != nil {
		return err
	}
	p.record(wasRouted, name, "route", workspace)
	p.say("", "workspace %s is served by account %s", workspace, name)
	return nil
}

func (p *process) unroute(workspace string) error {
	workspace, err := workspaceName(workspace)
	if err != nil {
		return err
	}
	err = p.changeBook(func(b *store.Book) error {
		if !b.Unroute(workspace) {
			return fail(exitFailed, "workspace %s has no route; type: git-credential-bitbucket route --list", workspace)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.say("", "workspace %s has no route of its own any more", workspace)
	return nil
}

// workspaceName returns a workspace's name as the routes have it.
func workspaceName(text string) (string, error) {
	name := helper.Request{Path: text}.Workspace()
	if name == "" || strings.Contains(text, "/") {
		return "", fail(exitUsage, "%q is no workspace: give the part of the address behind https://bitbucket.org/", oneLine(text))
	}
	return name, nil
}

// completeAccounts offers the accounts' names to the shell.
func (p *process) completeAccounts(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	snapshot, err := p.accounts().Read()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	book, err := snapshot.Book()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return book.Names(), cobra.ShellCompDirectiveNoFileComp
}
