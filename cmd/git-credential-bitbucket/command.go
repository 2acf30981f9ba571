package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// A row is one command for people.
type row struct {
	name    string
	args    string // after the name in its usage line
	short   string
	long    string
	example string
	exits   []exitStatus // that it can end with, besides exitDone and exitUsage
	build   func(p *process, c *cobra.Command)
}

// rows lists the commands in the order in which help shows them.
func rows() []row {
	return []row{
		setupRow, storeRow, statusRow, forgetRow, defaultRow, routeRow, installRow, uninstallRow, versionRow,
	}
}

// commandNames are the words that are commands and not operations of a later git.
var commandNames = []string{
	"setup", "store", "status", "forget", "default", "route", "install", "uninstall", "version", "help", "completion",
}

func isCommand(word string) bool {
	for _, name := range commandNames {
		if word == name {
			return true
		}
	}
	return false
}

// failure is an error with the exit status that it means and the line that is shown.
type failure struct {
	status exitStatus
	text   string
}

func (f *failure) Error() string { return f.text }

func fail(status exitStatus, format string, args ...any) error {
	return &failure{status, fmt.Sprintf(format, args...)}
}

// command runs one of the commands for people.
func (p *process) command() exitStatus {
	root := p.tree()
	root.SetArgs(p.args)
	if len(p.args) == 0 {
		fmt.Fprint(p.stderr, root.UsageString())
		return exitUsage
	}
	if slices.ContainsFunc(p.args, holdsToken) {
		p.say(asError, "a token is never an argument, since others see those; type: git-credential-bitbucket store --token-stdin, and give it the token on standard input")
		return exitUsage
	}
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return exitDone
	}
	return p.failed(err)
}

// holdsToken reports whether an argument is a token, or has one behind its first "=".
func holdsToken(argument string) bool {
	_, value, _ := strings.Cut(argument, "=")
	for _, text := range []string{argument, value} {
		found, err := bitbucket.Clean(secret.New(text))
		if err == nil && bitbucket.KindOf(found.Token) != bitbucket.UnknownKind {
			return true
		}
	}
	return false
}

// failed says the error and returns its status. What is no failure of ours comes from
// the command framework: wrong usage.
func (p *process) failed(err error) exitStatus {
	var known *failure
	if !errors.As(err, &known) {
		p.say(asError, "%s; type: git-credential-bitbucket help", oneLine(err.Error()))
		return exitUsage
	}
	if known.text != "" {
		p.say(asError, "%s", known.text)
	}
	return known.status
}

// backendFailure is what a backend's error means for a command.
func (p *process) backendFailure(err error, account store.Account) error {
	var known *failure
	var records *store.RecordError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &records):
		return fail(exitUnusable, "%s", recordTrouble(err))
	}
	return fail(exitUnusable, "%s", p.whyUnusable(err, account))
}

func (p *process) tree() *cobra.Command {
	root := &cobra.Command{
		Use:           "git-credential-bitbucket",
		Short:         "Give git the token for Bitbucket Cloud, from the system's keyring",
		SilenceErrors: true,
		SilenceUsage:  true,
		Long: `Give git the token for Bitbucket Cloud, from the system's keyring.

git itself calls: git-credential-bitbucket [--account NAME] [--token-command CMD] get|store|erase
A person starts with: git-credential-bitbucket setup`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("there is no command %q", args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	for _, r := range rows() {
		c := &cobra.Command{Use: strings.TrimSpace(r.name + " " + r.args), Short: r.short, Long: r.longText(), Example: r.example, Args: cobra.NoArgs}
		r.build(p, c)
		root.AddCommand(c)
	}
	return root
}

// longText is the long help with its exit statuses.
func (r row) longText() string {
	text := r.long
	if text == "" {
		text = r.short + "."
	}
	text += "\n\nExit status:\n  0  done\n"
	meanings := map[exitStatus]string{
		exitFailed:       "failed",
		exitNoCredential: "no usable credential",
		exitUnusable:     "the keyring, or the token's source, cannot be used",
		exitInterrupted:  "interrupted",
	}
	for _, status := range append([]exitStatus{exitUsage}, r.exits...) {
		meaning := meanings[status]
		if status == exitUsage {
			meaning = "wrong usage"
		}
		text += fmt.Sprintf("  %d  %s\n", status, meaning)
	}
	return strings.TrimSuffix(text, "\n")
}
