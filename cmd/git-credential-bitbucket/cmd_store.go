package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

var storeRow = row{
	name:  "store",
	short: "Store a token once, or amend what is known of it",
	long: `Store a token once: asked for on the terminal, or read from standard input with --token-stdin.

Bitbucket is asked about the token first, as verify does: one that it refuses is not
stored, unless with --no-verify. That it cannot be asked is no hindrance.

Without a token, but with --email, --username or --expires, what is known of the
stored token is amended; with --backend the stored token is moved there, or locked anew
with the passphrase that is set. On a terminal Enter leaves the token as it is. A token
that is replaced is not kept, as rotate keeps it. Called by git, with a request on standard
input and no flag but --account and --token-command, it takes git's word that a
credential worked.`,
	example: `  git-credential-bitbucket store
  git-credential-bitbucket store --account work --expires 90d
  printf %s "$TOKEN" | git-credential-bitbucket store --token-stdin --backend file
  git-credential-bitbucket store --backend keyring`,
	exits: []exitStatus{exitFailed, exitNoCredential, exitUnusable, exitInterrupted},
	build: func(p *process, c *cobra.Command) {
		flags := &storeFlags{}
		flags.add(c)
		c.RunE = func(c *cobra.Command, _ []string) error {
			return p.storeToken(c.Context(), flags)
		}
	},
}

// storeFlags are what a person says of a token.
type storeFlags struct {
	account, email, username, expires, backend string
	tokenStdin, noVerify                       bool
}

func (f *storeFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.account, "account", "", "the account's `NAME` (default \"default\")")
	flags.StringVar(&f.email, "email", "", "the Atlassian account's `E-MAIL`; only REST calls need it")
	flags.StringVar(&f.username, "username", "", "the Bitbucket `USERNAME`, to recognise https://USERNAME@bitbucket.org/ addresses")
	flags.StringVar(&f.expires, "expires", "", "`WHEN` the token expires: 2027-01-31, 90d, 12w")
	flags.StringVar(&f.backend, "backend", "", "`WHERE` to keep it: keyring, file, pass, keyctl")
	flags.BoolVar(&f.noVerify, "no-verify", false, "store the token without asking Bitbucket about it")
	flags.BoolVar(&f.tokenStdin, "token-stdin", false, "read the token from standard input, and ask nothing")
}

// amends reports whether something besides the token is said.
func (f *storeFlags) amends() bool { return f.email != "" || f.username != "" || f.expires != "" }

// storeToken is the person's store.
func (p *process) storeToken(ctx context.Context, f *storeFlags) error {
	before, err := p.checkStore(f)
	if err != nil {
		return err
	}
	asked, err := p.askToken(ctx, f, before)
	if err != nil {
		return err
	}
	_, err = p.carry(ctx, asked, "store")
	return err
}

// carry does what the answers say, and returns the account as it is then. by is the
// command, for the history.
func (p *process) carry(ctx context.Context, asked *answers, by string) (store.Account, error) {
	switch a := asked.account; {
	case !asked.token.Token.IsZero():
		return p.keepToken(ctx, asked, by)
	case a.Fingerprint == "":
		return a, fail(exitUsage, "there is no token in account %s to amend; type: %s", a.Name, storeCommand(a))
	case a.Grant != "" && asked.flags.expires != "":
		return a, fail(exitUsage, "the token of account %s is by OAuth, and Bitbucket says when it ends; type the command without --expires", a.Name)
	case asked.flags.backend != "":
		return p.move(ctx, asked, by)
	default:
		return a, p.amend(a, by)
	}
}

// keepToken stores the token that was given, and returns the account as it is kept.
func (p *process) keepToken(ctx context.Context, asked *answers, by string) (store.Account, error) {
	p.remarkToken(asked)
	alive := false
	if !asked.flags.noVerify {
		var err error
		if asked.account, alive, err = p.approve(ctx, asked.account, asked.token.Token, false); err != nil {
			return asked.account, err
		}
	}
	kept, err := p.keep(ctx, asked.account, asked.token.Token, by)
	if err != nil {
		return kept, p.backendFailure(err, asked.account)
	}
	if !alive {
		// The person vouches for it: what was held against it counts no more.
		p.observations().Forget(kept.Fingerprint)
	}
	p.saidStored(kept, asked.flags.backend != "" || asked.before.Backend != "")
	p.dropStalePrevious(ctx)
	return kept, nil
}

// move keeps the stored token where --backend says, locked as the environment says.
func (p *process) move(ctx context.Context, asked *answers, by string) (store.Account, error) {
	before, a := asked.before, asked.account
	token, err := store.NewVault(p.backend).Get(ctx, before.Backend, a.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return a, fail(exitUnusable, "the token of account %s is no longer in %s; type: %s", a.Name, backendName(before.Backend), againCommand(before))
	case err != nil:
		return a, p.backendFailure(err, before)
	case token.Fingerprint() != before.Fingerprint:
		return a, fail(exitUnusable, "what %s holds is not the token that was stored as account %s; type: %s", backendName(before.Backend), a.Name, againCommand(before))
	}
	kept, err := p.keep(ctx, a, token, by)
	if err != nil {
		return kept, p.backendFailure(err, a)
	}
	done := fmt.Sprintf("moved the token %s of account %s to %s", kept.Hint, kept.Name, backendName(kept.Backend))
	if kept.Backend == before.Backend {
		done = fmt.Sprintf("kept the token %s of account %s in %s", kept.Hint, kept.Name, backendName(kept.Backend))
	}
	if kept.Backend == store.BackendFile && p.fileProtection(kept.Name) == protectedByPassphrase {
		done += ", locked with your passphrase"
	}
	p.say("", "%s; %s", done, known(kept))
	if kept.Backend == store.BackendFile {
		p.sayFileLock(kept.Name)
	}
	return kept, nil
}

// checkStore refuses flags that make no sense before anybody is asked for a token, and
// returns the account as it is.
func (p *process) checkStore(f *storeFlags) (store.Account, error) {
	if f.account == "" {
		f.account = p.env("BITBUCKET_ACCOUNT")
	}
	if f.account == "" {
		f.account = helper.DefaultAccount
	}
	if err := store.ValidName(f.account); err != nil {
		return store.Account{}, fail(exitUsage, "%s", oneLine(err.Error()))
	}
	if f.backend != "" {
		if err := checkBackend(f.backend); err != nil {
			return store.Account{}, fail(exitUsage, "%s", oneLine(err.Error()))
		}
	}
	if f.email != "" && !plausibleEmail(f.email) {
		return store.Account{}, fail(exitUsage, "the value of --email is no e-mail address; give it as alice@example.com")
	}
	if f.expires != "" {
		if _, err := parseExpiry(f.expires, bitbucket.UnknownKind, p.now()); err != nil {
			return store.Account{}, fail(exitUsage, "%s", err)
		}
	}
	snapshot, err := p.accounts().Read()
	if err != nil {
		return store.Account{}, p.backendFailure(err, store.Account{})
	}
	before, _, err := snapshot.Account(f.account)
	if err != nil {
		return before, p.backendFailure(err, before)
	}
	before.Name = f.account
	return before, nil
}

func plausibleEmail(text string) bool {
	name, domain, ok := strings.Cut(text, "@")
	return ok && name != "" && strings.Contains(domain, ".") && !strings.ContainsAny(text, " <>\"") && oneLine(text) == text
}

// amend changes what is known of a stored token.
func (p *process) amend(a store.Account, by string) error {
	err := p.accounts().Update(func(book *store.Book) error {
		present := book.Account(a.Name)
		if present == nil || present.Fingerprint != a.Fingerprint {
			return errors.New("the token was replaced meanwhile")
		}
		present.Email, present.Username, present.Expires, present.Guessed = a.Email, a.Username, a.Expires, a.Guessed
		return nil
	})
	if err != nil {
		return fail(exitFailed, "account %s was not amended: %s; type the command again", a.Name, oneLine(err.Error()))
	}
	p.record(wasAmended, a.Name, by, "")
	p.say("", "amended account %s: %s", a.Name, known(a))
	return nil
}

// remarkToken says what was odd about the token that was given.
func (p *process) remarkToken(a *answers) {
	if len(a.token.Fixes) > 0 {
		p.say(asNote, "took %s off the token", fixes(a.token.Fixes))
	}
	if a.confirmed {
		return
	}
	if bitbucket.KindOf(a.token.Token) == bitbucket.UnknownKind {
		p.say(asNote, "the token has no beginning that tells its kind: taken for an %s", a.kind)
	}
	if bitbucket.ChecksumOf(a.token.Token) == bitbucket.BadChecksum {
		p.say(asWarning, "the token looks cut off or mistyped: its checksum does not fit; if git is refused, copy it again from %s", bitbucket.TokenPage)
	}
}

// saidStored says what was kept and where, and how well a file is locked.
func (p *process) saidStored(a store.Account, chosen bool) {
	where := backendName(a.Backend)
	if !chosen {
		where += " (the best that there is here)"
	}
	p.say("", "stored the %s %s as account %s in %s; %s", bitbucket.Kind(a.Kind), a.Hint, a.Name, where, until(a))
	if a.Backend == store.BackendFile {
		p.sayFileLock(a.Name)
	}
	if source := p.ambient(nil).Name(); source != "" {
		p.say(asNote, "%s is set and wins over stored accounts; unset it, or set BITBUCKET_ACCOUNT=%s", source, a.Name)
	}
}

// known is all that a person said of a token.
func known(a store.Account) string {
	text := until(a)
	if a.Username != "" {
		text = "username " + a.Username + ", " + text
	}
	if a.Email != "" {
		text = "e-mail " + a.Email + ", " + text
	}
	return text
}

func until(a store.Account) string {
	switch {
	case a.Expires.IsZero():
		return "expiry unknown"
	case a.Guessed:
		return "expires on " + date(a.Expires) + ", a guess"
	}
	return "expires on " + date(a.Expires)
}
