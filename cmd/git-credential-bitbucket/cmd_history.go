package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/store"
)

// A deed is what a command did to an account, as the history names it.
type deed string

const (
	wasStored    deed = "stored"
	wasLoggedIn  deed = "logged in"
	wasReplaced  deed = "replaced"
	wasRotated   deed = "rotated"
	wasRestored  deed = "restored"
	wasMoved     deed = "moved"
	wasAmended   deed = "amended"
	wasSetAside  deed = "set aside"
	wasTakenUp   deed = "in use again"
	wasRouted    deed = "routed"
	wasUnrouted  deed = "unrouted"
	wasForgotten deed = "forgotten"
	wasMigrated  deed = "migrated"

	wasForced     deed = "renewed by force"
	wasNotRenewed deed = "not renewed"
)

// deeds tells what each stands for, in the order of a token's life.
var deeds = []struct {
	deed
	meaning string
}{
	{wasStored, "a first token was stored"},
	{wasLoggedIn, "a token came by OAuth, and is renewed by itself from then on"},
	{wasReplaced, "another token was stored, and the old one is gone"},
	{wasRotated, "another token took the place of the old one, which is kept for a week"},
	{wasRestored, "the old token was put back"},
	{wasMoved, "the token was moved to another backend, or locked anew"},
	{wasAmended, "what is known of the token was changed"},
	{wasSetAside, "a person rejected the token, or Bitbucket in a check"},
	{wasTakenUp, "a check found the token alive that was set aside"},
	{wasForced, "another OAuth token came for one that Bitbucket refused before its end"},
	{wasNotRenewed, "Bitbucket gave no other OAuth token, for the first time since the last"},
	{wasRouted, "a workspace was sent to the account"},
	{wasUnrouted, "a workspace was sent to the account, and is no more"},
	{wasForgotten, "the account was removed with its token"},
	{wasMigrated, "a secret was taken out of the place that is named"},
}

var historyRow = row{
	name:    "history",
	short:   "Show what was done to the accounts, when and by which command",
	long:    historyHelp(),
	example: "  git-credential-bitbucket history --account work",
	exits:   []exitStatus{exitFailed},
	build: func(p *process, c *cobra.Command) {
		asJSON := c.Flags().Bool("json", false, "print JSON: an array")
		only := c.Flags().String("account", "", "of the account `NAME` alone, which may be forgotten by now")
		c.RunE = func(*cobra.Command, []string) error { return p.showHistory(*only, *asJSON) }
	},
}

func historyHelp() string {
	var text strings.Builder
	text.WriteString("Show what was done to the accounts, a line each, oldest first: when, what, to which\naccount, by which command. No line holds a token. Above 256 KiB the older half is\ndropped.\n\n")
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, d := range deeds {
		fmt.Fprintf(columns, "  %s\t%s\n", d.deed, d.meaning)
	}
	_ = columns.Flush()
	return strings.TrimSuffix(text.String(), "\n")
}

func (p *process) showHistory(only string, asJSON bool) error {
	all, err := p.history().Read()
	if err != nil {
		return fail(exitFailed, "the history cannot be read: %s; mend or remove that file", oneLine(err.Error()))
	}
	shown := []store.Entry{}
	for _, e := range all {
		// Whoever may edit the file is not the one before the terminal.
		e = store.Entry{At: e.At, What: oneLine(e.What), Account: oneLine(e.Account), By: oneLine(e.By), Detail: oneLine(e.Detail)}
		if only == "" || e.Account == only {
			shown = append(shown, e)
		}
	}
	if asJSON {
		out := json.NewEncoder(p.stdout)
		out.SetIndent("", "  ")
		return written(out.Encode(shown))
	}
	if len(shown) == 0 {
		_, err := fmt.Fprintln(p.stdout, "nothing is recorded")
		return written(err)
	}
	var out strings.Builder
	for _, e := range shown {
		fmt.Fprintf(&out, "%s %s", e.At.Local().Format(time.RFC3339), e.What)
		for _, field := range []struct{ before, text string }{{" ", e.Account}, {" by ", e.By}, {": ", e.Detail}} {
			if field.text != "" {
				out.WriteString(field.before + field.text)
			}
		}
		out.WriteByte('\n')
	}
	_, err = fmt.Fprint(p.stdout, out.String())
	return written(err)
}
