package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

var migrateRow = row{
	name:  "migrate",
	args:  "[DIR...]",
	short: "Find what else holds secrets for Bitbucket, and move or remove them",
	long: `Find what else on this machine holds secrets for Bitbucket: git's credential files,
.netrc, git's other helpers, an older tool's files, git's configs, shell profiles,
packaging tools' files, the repository you are in, and every file and repository below
the folders that are named. Bitbucket is asked whether each token is alive.

What is alive is stored as an account and then taken out of where it was; what is dead is
taken out. A file is changed only where the secret stands, after a copy of it was made in
which the secrets are hidden, and the change is shown. On a terminal you are asked about each; with
--yes all that is certain is done; else nothing is changed. What is of unknown state, or
stands where a program cannot tell how to take it out, stays and is named.`,
	example: `  git-credential-bitbucket migrate --dry-run ~/src
  git-credential-bitbucket migrate --yes --json ~/src /srv/ci`,
	exits: []exitStatus{exitFailed, exitUnusable, exitUnreachable, exitDue, exitInterrupted},
	build: func(p *process, c *cobra.Command) {
		f := &migrateFlags{}
		flags := c.Flags()
		flags.BoolVar(&f.dryRun, "dry-run", false, "change nothing, and show what would be done")
		flags.BoolVar(&f.yes, "yes", false, "do all that is certain, and ask nothing")
		flags.BoolVar(&f.asJSON, "json", false, "print JSON: an array")
		flags.BoolVar(&f.history, "history", false, "also look through the repositories' histories")
		flags.BoolVar(&f.noVerify, "no-verify", false, "do not ask Bitbucket whether a token is alive")
		flags.StringVar(&f.email, "email", "", "the Atlassian account's `E-MAIL`, for API tokens beside which none stands")
		c.MarkFlagsMutuallyExclusive("dry-run", "yes")
		c.Args = cobra.ArbitraryArgs
		c.RunE = func(c *cobra.Command, args []string) error { return p.migrate(c.Context(), f, args) }
	},
}

type migrateFlags struct {
	dryRun, yes, asJSON, history, noVerify bool
	email                                  string
	folders                                []string // absolute
}

// A migration is one run of migrate.
type migration struct {
	*process
	flags   *migrateFlags
	known   map[string]*looseToken // by fingerprint
	asked   map[string]bool        // items by key that a person has answered
	all     bool                   // a person wants all that is certain
	quit    bool                   // a person wants no more
	shown   []*item                // those that were found first, for the report
	changed int                    // of the findings, how many are gone
	stored  int
	offline bool // something stayed unknown for want of the network
	blind   bool // a history could not be looked through
	status  exitStatus
}

// rounds is how often is looked again after something was done: another helper may give
// one secret after the other.
const rounds = 8

func (p *process) migrate(ctx context.Context, f *migrateFlags, args []string) error {
	if f.email != "" && !plausibleEmail(f.email) {
		return fail(exitUsage, "the value of --email is no e-mail address; give it as alice@example.com")
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err == nil && !info.IsDir() {
			return fail(exitUsage, "%s is no folder", p.shownPath(arg))
		}
		path, absErr := filepath.Abs(arg)
		if err != nil || absErr != nil {
			return fail(exitUsage, "there is no folder %s", p.shownPath(arg))
		}
		f.folders = append(f.folders, path)
	}
	m := &migration{process: p, flags: f, known: map[string]*looseToken{}, asked: map[string]bool{}}
	found, err := m.survey(ctx)
	if err != nil {
		return err
	}
	m.shown = found
	if !f.asJSON {
		if err := written(m.printTable(found)); err != nil {
			return err
		}
	}
	asks := !f.yes && !f.dryRun && hasTerminal() && term.IsTerminal(int(p.stderr.Fd()))
	if len(found) > 0 && (f.yes || asks) {
		if found, err = m.act(ctx, found); err != nil {
			return err
		}
	}
	if f.asJSON {
		if err := written(m.printJSON()); err != nil {
			return err
		}
	}
	return m.conclude(ctx, found, f.yes || asks)
}

// act does what may be done, and looks again until nothing more can be. It returns what
// is left.
func (m *migration) act(ctx context.Context, found []*item) ([]*item, error) {
	for range rounds {
		agreed, err := m.agree(found)
		if err != nil {
			return found, err
		}
		before := m.changed
		m.move(ctx, agreed)
		if m.changed == before {
			break
		}
		if found, err = m.survey(ctx); err != nil {
			return found, err
		}
	}
	return found, nil
}

// conclude says what came of it, as the exit status does.
func (m *migration) conclude(ctx context.Context, left []*item, acted bool) error {
	if m.stored > 0 {
		m.sayNotInstalled(ctx)
		if source := m.ambient(nil).Name(); source != "" {
			m.say(asNote, "%s is set and wins over stored accounts; unset it, or set BITBUCKET_ACCOUNT", source)
		}
	}
	again := "git-credential-bitbucket migrate --yes" + m.shownFolders()
	switch {
	case len(left) == 0 && m.blind:
		m.say("", "%d mended; nothing is left in what was looked through", m.changed)
		return &failure{status: exitFailed}
	case len(left) == 0 && m.changed == 0:
		m.say("", "no secret for Bitbucket is left over")
		return nil
	case len(left) == 0:
		m.say("", "all %s mended; what was done: git-credential-bitbucket history", countOf(m.changed, "finding is", "findings are"))
		return nil
	case !acted && m.flags.dryRun:
		m.say("", "%s; nothing was changed; to mend what is certain: %s", countOf(len(left), "finding", "findings"), again)
		return &failure{status: exitDue}
	case !acted:
		m.say("", "%s; nothing was changed, since there is no terminal to ask on; to mend what is certain: %s", countOf(len(left), "finding", "findings"), again)
		return &failure{status: exitDue}
	}
	if m.changed > 0 && !m.flags.asJSON {
		if err := written(m.printTable(left)); err != nil {
			return err
		}
	}
	status := exitDue
	switch {
	case m.status != exitDone:
		status = m.status
	case m.offline:
		status = exitUnreachable
	}
	m.say("", "%d mended, %d left; to look again: git-credential-bitbucket migrate --dry-run%s", m.changed, len(left), m.shownFolders())
	return &failure{status: status}
}

// shownFolders are the folders as a person types them.
func (m *migration) shownFolders() (words string) {
	for _, folder := range m.flags.folders {
		words += " " + oneLine(shellWord(folder))
	}
	return words
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}
