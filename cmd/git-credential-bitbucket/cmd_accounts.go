package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

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
	return fail(exitFailed, "there is no account %q: there are %s; type: git-credential-bitbucket status", oneLine(name), listed(names))
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
	var served string
	err = p.changeBook(func(b *store.Book) error {
		for _, r := range b.Routes {
			if bitbucket.EqualASCII(r.Workspace, workspace) {
				served = r.Account
			}
		}
		if !b.Unroute(workspace) {
			return fail(exitFailed, "workspace %s has no route; type: git-credential-bitbucket route --list", workspace)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.record(wasUnrouted, served, "route --remove", workspace)
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
