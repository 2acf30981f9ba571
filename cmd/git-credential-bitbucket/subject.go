package main

import (
	"context"
	"errors"
	"strings"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// A subject is the token that a command is about: an account's, or an ambient source's.
type subject struct {
	account store.Account // zero for an ambient source
	source  string        // the ambient source's name; "" for an account
	token   secret.Secret
	kind    bitbucket.Kind
	email   string // for REST
}

// emailVariable is the e-mail that REST wants with an ambient API token.
const emailVariable = "BITBUCKET_EMAIL"

// String names the subject's token for people.
func (s subject) String() string {
	return theToken(helper.Notice{Account: s.account, Source: s.source})
}

// login is how REST is shown the token.
func (s subject) login() bitbucket.Login {
	return bitbucket.Login{Kind: s.kind, Email: s.email, Token: s.token}
}

// whereabouts is a repository, as far as it helps to choose an account.
type whereabouts struct {
	repository bitbucket.Repository // zero: none
	username   string               // that its address names
}

// choose returns the subject that serves there, as a get would choose it: named is
// --account, "" where it was not given. A token that is set aside is returned as well.
func (p *process) choose(ctx context.Context, named string, at whereabouts) (subject, error) {
	line := p.helperLine(ctx)
	for _, other := range []string{line.account, p.env("BITBUCKET_ACCOUNT")} {
		if named == "" {
			named = other
		}
	}
	if named == "" {
		if source := p.ambient(line.tokenCommand); source.Name() != "" {
			return p.ambientSubject(ctx, source)
		}
	}
	if named != "" && store.ValidName(named) != nil {
		return subject{}, fail(exitUsage, "%s", store.ValidName(named))
	}
	snapshot, err := p.accounts().Read()
	if err != nil {
		return subject{}, p.backendFailure(err, store.Account{})
	}
	account, _, err := snapshot.Which(store.Query{Named: named, Workspace: at.repository.Workspace, Username: at.username})
	if err != nil {
		return subject{}, p.notChosen(err, at)
	}
	return p.storedSubject(ctx, account)
}

func (p *process) notChosen(err error, at whereabouts) error {
	var unknown *store.UnknownAccountError
	var ambiguous *store.AmbiguousError
	switch {
	case errors.Is(err, store.ErrNoAccounts):
		return fail(exitNoCredential, "no token is stored for %s; type: git-credential-bitbucket store", bitbucket.Host)
	case errors.As(err, &unknown):
		return p.unknownAccount(unknown.Name, unknown.Names)
	case errors.As(err, &ambiguous):
		return fail(exitNoCredential, "no account is chosen among %s; type the command with --account NAME", listed(ambiguous.Names))
	}
	return p.backendFailure(err, store.Account{})
}

func (p *process) ambientSubject(ctx context.Context, source helper.Ambient) (subject, error) {
	token, err := source.Token(ctx)
	if err != nil {
		return subject{}, fail(exitUnusable, "%s", p.whyUnusable(err, store.Account{}))
	}
	s := subject{source: source.Name(), token: token.Token, kind: token.Kind, email: p.env(emailVariable)}
	if s.email == "" && strings.Contains(token.User, "@") {
		s.email = token.User
	}
	return s, nil
}

// storedSubject reads the account's token from its backend.
func (p *process) storedSubject(ctx context.Context, a store.Account) (subject, error) {
	if a.Fingerprint == "" {
		return subject{}, fail(exitNoCredential, "account %s holds no token; type: %s", a.Name, againCommand(a))
	}
	token, err := store.NewVault(p.backend).Get(ctx, a.Backend, a.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return subject{}, fail(exitUnusable, "the token of account %s is no longer in %s; type: %s", a.Name, backendName(a.Backend), againCommand(a))
	case err != nil:
		return subject{}, p.backendFailure(err, a)
	case bitbucket.Printable(token) != nil:
		return subject{}, fail(exitUnusable, "%s", p.whyUnusable(bitbucket.ErrBrokenToken, a))
	}
	a, token, err = p.upToDate(ctx, a, token)
	return newSubject(a, token), err
}

// newSubject is the token as account a's.
func newSubject(a store.Account, token secret.Secret) subject {
	s := subject{account: a, token: token, kind: bitbucket.KindOf(token), email: a.Email}
	if s.kind == bitbucket.UnknownKind {
		s.kind = bitbucket.Kind(a.Kind)
	}
	return s
}
