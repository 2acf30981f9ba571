package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

var storeRow = row{
	name:  "store",
	short: "Store a token once, or amend what is known of it",
	long: `Store a token once: asked for on the terminal, or read from standard input with --token-stdin.

Without a token, but with --email, --username or --expires, what is known of the
stored token is amended. Called by git, with a request on standard input and no flag
but --account and --token-command, it takes git's word that a credential worked.`,
	example: `  git-credential-bitbucket store
  git-credential-bitbucket store --account work --expires 90d
  printf %s "$TOKEN" | git-credential-bitbucket store --token-stdin --backend file`,
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
	tokenStdin                                 bool
}

func (f *storeFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.account, "account", "", "the account's `NAME` (default \"default\")")
	flags.StringVar(&f.email, "email", "", "the Atlassian account's `E-MAIL`; only REST calls need it")
	flags.StringVar(&f.username, "username", "", "the Bitbucket `USERNAME`, to recognise https://USERNAME@bitbucket.org/ addresses")
	flags.StringVar(&f.expires, "expires", "", "`WHEN` the token expires: 2027-01-31, 90d, 12w")
	flags.StringVar(&f.backend, "backend", "", "`WHERE` to keep it: keyring, file, pass, keyctl")
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
	asked, err := p.askToken(f, before)
	if err != nil {
		return err
	}
	if asked.token.Token.IsZero() {
		return p.amend(asked.account)
	}
	_, err = p.keepToken(ctx, asked, "store")
	return err
}

// askToken takes the token and what is said of it from where the flags say. It changes
// nothing.
func (p *process) askToken(f *storeFlags, before store.Account) (*answers, error) {
	asked := &answers{flags: f, before: before, now: p.now()}
	if f.tokenStdin {
		return asked, asked.fromStdin(p)
	}
	return asked, asked.fromTerminal(p)
}

// keepToken stores the token that was given, and returns the account as it is kept.
func (p *process) keepToken(ctx context.Context, asked *answers, by string) (store.Account, error) {
	p.remarkToken(asked)
	kept, err := p.keep(ctx, asked.account, asked.token.Token, by)
	if err != nil {
		return kept, p.backendFailure(err, asked.account)
	}
	p.saidStored(kept, asked.flags.backend != "" || asked.before.Backend != "")
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

// answers is what a person said in flags, on the terminal and by the token itself.
type answers struct {
	flags   *storeFlags
	before  store.Account
	now     time.Time
	token   bitbucket.Cleaned
	kind    bitbucket.Kind
	account store.Account
}

func (a *answers) fromStdin(p *process) error {
	data, err := io.ReadAll(io.LimitReader(p.stdin, bitbucket.MaxToken+1))
	if err != nil {
		return fail(exitFailed, "the token could not be read: %v", cause(err))
	}
	if err := a.recognise(secret.New(string(data))); err != nil {
		return err
	}
	return a.describe(a.flags.email, a.flags.expires)
}

func (a *answers) fromTerminal(p *process) error {
	t, err := openTerminal()
	if err != nil {
		if a.flags.amends() {
			return a.describe(a.flags.email, a.flags.expires)
		}
		return fail(exitUsage, "there is no terminal to ask for the token; type: git-credential-bitbucket store --token-stdin, and give it the token on standard input")
	}
	defer t.Close()
	amendable := a.flags.amends() && a.before.Fingerprint != ""
	prompt := "Bitbucket API token (it is not shown): "
	if amendable {
		prompt = "Bitbucket API token (it is not shown; Enter keeps the present one): "
	} else {
		t.print("Make an API token with scopes at %s\n", bitbucket.TokenPage)
	}
	token, err := t.askSecret(prompt)
	switch {
	case err != nil:
		return stopped(err)
	case token.IsZero() && amendable:
		return a.describe(a.flags.email, a.flags.expires)
	}
	if err := a.recognise(token); err != nil {
		return err
	}
	t.print("  recognised: %s, %s, %s\n", a.kind, a.token.Token.Hint(), checksumWord(a.token.Token))
	email, expires := a.flags.email, a.flags.expires
	if email == "" && a.kind == bitbucket.APIToken {
		for {
			if email, err = t.ask("E-mail of your Atlassian account (optional, only for REST): "); err != nil {
				return stopped(err)
			}
			if email == "" || plausibleEmail(email) {
				break
			}
			t.print("  that is no e-mail address\n")
		}
	}
	for expires == "" {
		def := a.guess()
		if expires, err = t.ask("Expires on [" + def + "]: "); err != nil {
			return stopped(err)
		}
		if expires == "" {
			break
		}
		if _, err := parseExpiry(expires, a.kind, a.now); err != nil {
			t.print("  %s\n", err)
			expires = ""
		}
	}
	return a.describe(email, expires)
}

// stopped is what the end of the terminal's input means.
func stopped(err error) error {
	if errors.Is(err, io.EOF) {
		return fail(exitInterrupted, "interrupted; nothing was changed")
	}
	return err
}

// guess is the expiry that is assumed where nobody gives one, for people.
func (a *answers) guess() string {
	if a.kind == bitbucket.APIToken {
		return date(a.now.AddDate(1, 0, 0))
	}
	return "unknown"
}

// recognise takes the token out of what was given, or refuses it.
func (a *answers) recognise(pasted secret.Secret) error {
	token, err := bitbucket.Clean(pasted)
	if err != nil {
		return fail(exitUsage, "%s; copy the token again from %s", err, bitbucket.TokenPage)
	}
	a.token, a.kind = token, bitbucket.KindOf(token.Token)
	switch a.kind {
	case bitbucket.AppPassword:
		return fail(exitNoCredential, "this is an app password, and Bitbucket ended those on %s; make an API token with scopes at %s", bitbucket.AppPasswordsEnded, bitbucket.TokenPage)
	case bitbucket.DataCenterToken:
		return fail(exitNoCredential, "this token is of Bitbucket Data Center and is not kept for %s; make an API token with scopes at %s", bitbucket.Host, bitbucket.TokenPage)
	case bitbucket.UnknownKind:
		a.kind = bitbucket.APIToken
	}
	return nil
}

// describe fills in the account from what was said. A new token takes nothing over from
// the old one but who it belongs to and where it is kept.
func (a *answers) describe(email, expires string) error {
	a.account = a.before
	if !a.token.Token.IsZero() {
		a.account.Kind, a.account.Created = string(a.kind), a.now
		a.account.Expires, a.account.Certain, a.account.Guessed, a.account.SetAside = time.Time{}, false, false, time.Time{}
		if a.kind == bitbucket.APIToken && expires == "" {
			a.account.Expires, a.account.Guessed = a.now.AddDate(1, 0, 0), true
		}
		if a.flags.backend != "" {
			a.account.Backend = a.flags.backend
		}
	}
	if expires != "" {
		when, err := parseExpiry(expires, bitbucket.Kind(a.account.Kind), a.now)
		if err != nil {
			return fail(exitUsage, "%s", err)
		}
		a.account.Expires, a.account.Guessed = when, false
	}
	if email == "" && strings.Contains(a.token.User, "@") && plausibleEmail(a.token.User) {
		email = a.token.User
	}
	if email != "" {
		a.account.Email = email
	}
	if a.flags.username != "" {
		a.account.Username = a.flags.username
	}
	return nil
}

// amend changes what is known of a stored token.
func (p *process) amend(a store.Account) error {
	if a.Fingerprint == "" {
		return fail(exitUsage, "there is no token in account %s to amend; type: %s", a.Name, storeCommand(a))
	}
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
	p.record("amended", a.Name, "store", "")
	p.say("", "amended account %s", a.Name)
	return nil
}

// remarkToken says what was odd about the token that was given.
func (p *process) remarkToken(a *answers) {
	if len(a.token.Fixes) > 0 {
		p.say(asNote, "took %s off the token", fixes(a.token.Fixes))
	}
	if bitbucket.KindOf(a.token.Token) == bitbucket.UnknownKind {
		p.say(asNote, "the token has no beginning that tells its kind: taken for an %s", a.kind)
	}
	if bitbucket.ChecksumOf(a.token.Token) == bitbucket.BadChecksum {
		p.say(asWarning, "the token looks cut off or mistyped: its checksum does not fit; if git is refused, copy it again from %s", bitbucket.TokenPage)
	}
}

func checksumWord(token secret.Secret) string {
	switch bitbucket.ChecksumOf(token) {
	case bitbucket.GoodChecksum:
		return "checksum good"
	case bitbucket.BadChecksum:
		return "checksum bad"
	}
	return "no checksum"
}

// saidStored says what was kept and where, and how well a file is locked.
func (p *process) saidStored(a store.Account, chosen bool) {
	until := "expiry unknown"
	if !a.Expires.IsZero() {
		until = "expires on " + date(a.Expires)
		if a.Guessed {
			until += ", a guess"
		}
	}
	where := backendName(a.Backend)
	if !chosen {
		where += " (the best that there is here)"
	}
	p.say("", "stored the %s %s as account %s in %s; %s", bitbucket.Kind(a.Kind), a.Hint, a.Name, where, until)
	if a.Backend == store.BackendFile {
		p.sayFileLock(a.Name)
	}
	if source := p.ambient(nil).Name(); source != "" {
		p.say(asNote, "%s is set and wins over stored accounts; unset it, or set BITBUCKET_ACCOUNT=%s", source, a.Name)
	}
}
