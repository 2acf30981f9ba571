package main

import (
	"context"
	"errors"
	"fmt"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// keep stores the token as account a's and records it. The token goes to its backend
// first, so that a record never names one that is not there; until that is done the
// old one stands. An empty a.Backend is the account's present one, else the one that
// the environment names, else the best that there is here. by is the command, for the
// history.
func (p *process) keep(ctx context.Context, a store.Account, token secret.Secret, by string) (store.Account, error) {
	if p.configDir() == "" {
		return a, fmt.Errorf("there is no home directory to keep accounts in; set HOME")
	}
	records := p.accounts()
	snapshot, err := records.Read()
	if err != nil {
		return a, err
	}
	before, replaces, err := snapshot.Account(a.Name)
	if err != nil {
		return a, err
	}
	if a.Backend == "" {
		if a.Backend, err = p.chooseBackend(ctx, before.Backend); err != nil {
			return a, err
		}
	}
	vault := store.NewVault(p.backend)
	if err := vault.Put(ctx, a.Backend, a.Name, token); err != nil {
		return a, err
	}
	a.Fingerprint, a.Hint = token.Fingerprint(), token.Hint()
	err = records.Update(func(book *store.Book) error {
		if present := book.Account(a.Name); present != nil {
			a.Default = present.Default
		}
		book.Put(a)
		return nil
	})
	if err != nil {
		return a, err
	}
	if replaces && before.Backend != "" && before.Backend != a.Backend {
		if err := vault.Delete(ctx, before.Backend, a.Name); err != nil && !errors.Is(err, store.ErrNotFound) {
			p.say(asWarning, "the old token could not be removed from %s: %s", backendName(before.Backend), oneLine(err.Error()))
		}
	}
	seen := p.observations()
	seen.Forget(before.Fingerprint)
	seen.Forget(a.Fingerprint)
	what := "stored"
	if before.Fingerprint != "" {
		what = "replaced"
	}
	p.record(what, a.Name, by, a.Hint+" in "+a.Backend)
	return a, nil
}

// chooseBackend returns the present one, else the one that the environment names,
// else the best that there is.
func (p *process) chooseBackend(ctx context.Context, present string) (string, error) {
	if present != "" {
		return present, nil
	}
	if named := p.env("BITBUCKET_CREDENTIAL_BACKEND"); named != "" {
		return named, checkBackend(named)
	}
	choice, err := store.Choose(ctx, p.backendConfig())
	return choice.Backend, err
}

func checkBackend(name string) error {
	switch name {
	case store.BackendKeyring, store.BackendFile, store.BackendPass, store.BackendKeyctl:
		return nil
	}
	return fmt.Errorf("there is no backend %q: it is keyring, file, pass or keyctl", name)
}

// record adds a line to the history. One that cannot be written is lost.
func (p *process) record(what, account, by, detail string) {
	_ = p.history().Append(store.Entry{At: p.now(), What: what, Account: account, By: by, Detail: detail})
}
