package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

var rotateRow = row{
	name:  "rotate",
	short: "Put a new token in the old one's place, or go back to the old one",
	long: `Put a new token in the place of an account's old one: on a terminal it opens the page
where tokens are made and says which scopes to tick, then asks for the token; with
--token-stdin it reads the token and asks nothing. The new token is checked with Bitbucket
before it takes the old one's place.

The old token is kept beside it for 7 days. Until then --rollback has the two change
places, and so does a second one. Revoke the old one at Bitbucket when all works.`,
	example: `  git-credential-bitbucket rotate
  printf %s "$TOKEN" | git-credential-bitbucket rotate --account work --expires 90d --token-stdin
  git-credential-bitbucket rotate --rollback`,
	exits: []exitStatus{exitFailed, exitNoCredential, exitUnusable, exitUnreachable, exitInterrupted},
	build: func(p *process, c *cobra.Command) {
		f := &rotateFlags{}
		flags := c.Flags()
		flags.StringVar(&f.account, "account", "", "the account's `NAME` (default: the only or the default one)")
		flags.StringVar(&f.email, "email", "", "the Atlassian account's `E-MAIL`; only REST calls need it")
		flags.StringVar(&f.expires, "expires", "", "`WHEN` the new token expires: 2027-01-31, 90d, 12w")
		flags.BoolVar(&f.tokenStdin, "token-stdin", false, "read the token from standard input, and ask nothing")
		flags.BoolVar(&f.noBrowser, "no-browser", false, "open no page in a browser")
		flags.BoolVar(&f.noVerify, "no-verify", false, "do not ask Bitbucket whether the token works")
		flags.BoolVar(&f.rollback, "rollback", false, "put the token before this one back")
		c.MarkFlagsMutuallyExclusive("rollback", "token-stdin")
		c.MarkFlagsMutuallyExclusive("rollback", "expires")
		c.MarkFlagsMutuallyExclusive("rollback", "email")
		c.RunE = func(c *cobra.Command, _ []string) error { return p.rotate(c.Context(), f) }
	},
}

// rotateFlags are store's that rotate has as well, and its own.
type rotateFlags struct {
	storeFlags
	noBrowser, rollback bool
}

func (p *process) rotate(ctx context.Context, f *rotateFlags) error {
	command := "rotate"
	if f.rollback {
		command += " --rollback"
	}
	before, err := p.chooseAccount(f.account, command)
	if err != nil {
		return err
	}
	f.account = before.Name
	if before.Grant != "" {
		return fail(exitFailed, "the token of account %s is by OAuth and is not rotated by hand; to log in anew, type: %s", before.Name, loginCommand(before))
	}
	if _, err := p.checkStore(&f.storeFlags); err != nil {
		return err
	}
	if f.rollback {
		return p.rollBack(ctx, f)
	}
	// What cannot be read could not be kept, and is said before anybody makes a token.
	was, err := p.holds(ctx, before.Name)
	if err != nil {
		return err
	}
	asked, err := p.askRotation(ctx, f, was)
	if err != nil {
		return err
	}
	p.remarkToken(asked)
	account := asked.account
	if !f.noVerify {
		if account, _, err = p.approve(ctx, account, asked.token.Token, true); err != nil {
			return err
		}
	}
	kept, old, err := p.exchange(ctx, was, account, asked.token.Token)
	if err != nil {
		return err
	}
	if f.noVerify {
		// The person vouches for it: what was held against it counts no more.
		p.observations().Forget(kept.Fingerprint)
	}
	revoke := ""
	if old.Name != "" {
		revoke = "; revoke it " + madeWhere(old) + " once all works"
	}
	p.saidSwapped("rotated", "the old one", kept, old, revoke)
	p.dropStalePrevious(ctx)
	return nil
}

func (p *process) rollBack(ctx context.Context, f *rotateFlags) error {
	done, err := p.soleWriter()
	if err != nil {
		return err
	}
	planned, err := p.planBack(ctx, f.account)
	done()
	if err != nil {
		return err
	}
	account := recordOf(planned.back, planned.present, planned.old)
	if !f.noVerify {
		if account, _, err = p.approve(ctx, account, planned.back, false); err != nil {
			return err
		}
	}
	kept, old, err := p.goBack(ctx, planned, account)
	if err != nil {
		return err
	}
	p.saidSwapped("restored", "the other one", kept, old, "")
	p.dropStalePrevious(ctx)
	return nil
}

// chooseAccount is the account that the flag or BITBUCKET_ACCOUNT names, or the only or
// default one. By is the command.
func (p *process) chooseAccount(flag, by string) (store.Account, error) {
	named := flag
	if named == "" {
		named = p.env("BITBUCKET_ACCOUNT")
	}
	if named != "" {
		if err := store.ValidName(named); err != nil {
			return store.Account{}, fail(exitUsage, "%s", oneLine(err.Error()))
		}
	}
	snapshot, err := p.accounts().Read()
	if err != nil {
		return store.Account{}, p.backendFailure(err, store.Account{})
	}
	account, _, err := snapshot.Which(store.Query{Named: named})
	var unknown *store.UnknownAccountError
	var ambiguous *store.AmbiguousError
	switch {
	case errors.As(err, &unknown):
		return account, p.unknownAccount(unknown.Name, unknown.Names)
	case errors.Is(err, store.ErrNoAccounts):
		return account, fail(exitFailed, "no token is stored; type: git-credential-bitbucket store")
	case errors.As(err, &ambiguous):
		return account, fail(exitNoCredential, "no account is chosen among %s; type: git-credential-bitbucket %s --account NAME", listed(ambiguous.Names), by)
	case err != nil:
		return account, p.backendFailure(err, account)
	}
	if source := p.ambient(nil).Name(); source != "" && named == "" {
		p.say(asNote, "%s is set and wins over stored accounts: git will not see what becomes of account %s; unset it, or set BITBUCKET_ACCOUNT=%[2]s", source, account.Name)
	}
	return account, nil
}

// askRotation takes the new token from where the flags say. It changes nothing.
func (p *process) askRotation(ctx context.Context, f *rotateFlags, was held) (*answers, error) {
	asked := &answers{flags: &f.storeFlags, before: was.present, now: p.now(), rotates: true}
	// After a killed rotate the token that it had come to is typed again.
	if was.token.Fingerprint() == was.present.Fingerprint {
		asked.inUse = was.present.Fingerprint
	}
	if f.tokenStdin {
		return asked, asked.fromStdin(p)
	}
	t, err := openTerminal()
	if err != nil {
		return nil, fail(exitUsage, "there is no terminal to ask for the token; type: %s --token-stdin, and give it the token on standard input", rotateCommand(was.present))
	}
	defer t.Close()
	api := was.present.Kind == string(bitbucket.APIToken)
	where, scopes := "an access token in the settings of the repository, project or workspace of the old one", "repository (read, write)"
	if api {
		where, scopes = "an API token with scopes, for the app Bitbucket, at "+bitbucket.TokenPage, "read:repository:bitbucket, write:repository:bitbucket, read:user:bitbucket"
	}
	if was.present.Scopes != "" {
		scopes = oneLine(strings.ReplaceAll(was.present.Scopes, ",", ", ")) + ", as the old token had them"
	}
	t.print("Make %s\n  and tick the scopes %s\n", where, scopes)
	if api && !f.noBrowser && p.openBrowser(ctx, bitbucket.TokenPage) {
		t.print("  the page is being opened in your browser\n")
	}
	return asked, asked.fromTerminal(t)
}

// saidSwapped says which token took whose place, and how to go back. An old one without
// a name was lost.
func (p *process) saidSwapped(what, other string, kept, old store.Account, then string) {
	swap := kept.Hint
	if old.Name != "" {
		swap = oneLine(old.Hint) + " → " + swap
		then = fmt.Sprintf("; %s is kept until %s: %s --rollback", other, date(old.Replaced.Add(previousLife)), rotateCommand(kept)) + then
	}
	p.say("", "%s account %s: %s in %s; %s%s", what, kept.Name, swap, backendName(kept.Backend), until(kept), then)
	if kept.Backend == store.BackendFile {
		p.sayFileLock(kept.Name)
	}
}
