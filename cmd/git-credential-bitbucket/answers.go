package main

import (
	"errors"
	"io"
	"strings"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// answers is what a person said in flags, on the terminal and by the token itself.
type answers struct {
	flags   *storeFlags
	before  store.Account
	now     time.Time
	token   bitbucket.Cleaned
	kind    bitbucket.Kind
	account store.Account
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
		if a.flags.amends() || a.keeps() {
			return a.describe(a.flags.email, a.flags.expires)
		}
		return fail(exitUsage, "there is no terminal to ask for the token; type: git-credential-bitbucket store --token-stdin, and give it the token on standard input")
	}
	defer t.Close()
	prompt := "Bitbucket API token (it is not shown): "
	if a.keeps() {
		prompt = "Bitbucket API token (it is not shown; Enter keeps the present one): "
	} else {
		t.print("Make an API token with scopes at %s\n", bitbucket.TokenPage)
	}
	token, err := t.askSecret(prompt)
	switch {
	case err != nil:
		return stopped(err)
	case token.IsZero() && a.keeps():
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
		if expires, err = t.ask("Expires on [" + a.assumed() + "]: "); err != nil {
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

// keeps reports whether the flags make sense for the token that is stored.
func (a *answers) keeps() bool {
	return a.before.Fingerprint != "" && (a.flags.amends() || a.flags.backend != "")
}

// stopped is what the end of the terminal's input means.
func stopped(err error) error {
	if errors.Is(err, io.EOF) {
		return fail(exitInterrupted, "interrupted; nothing was changed")
	}
	return err
}

// assumed is the expiry that is assumed where nobody gives one, for people.
func (a *answers) assumed() string {
	if a.account.Expires.IsZero() {
		return "unknown"
	}
	return date(a.account.Expires)
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
	a.assume()
	return nil
}

// assume fills in what the token tells. A new one takes nothing over from the old one
// but who it belongs to and where it is kept; of the old one all stays known.
func (a *answers) assume() {
	a.account = a.before
	a.account.SetAside = time.Time{}
	if a.token.Token.Fingerprint() == a.before.Fingerprint {
		a.kind = bitbucket.Kind(a.before.Kind)
	} else {
		a.account.Kind, a.account.Created = string(a.kind), a.now
		a.account.Expires, a.account.Certain, a.account.Guessed = time.Time{}, false, false
	}
	if a.kind == bitbucket.APIToken && a.account.Expires.IsZero() {
		a.account.Expires, a.account.Guessed = a.account.Created.AddDate(1, 0, 0), true
	}
}

// describe fills in what was said.
func (a *answers) describe(email, expires string) error {
	if a.token.Token.IsZero() {
		a.account = a.before
	}
	if a.flags.backend != "" {
		a.account.Backend = a.flags.backend
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
