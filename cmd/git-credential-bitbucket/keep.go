package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// writerLimit is how long a command waits for another that stores or forgets.
const writerLimit = 5 * time.Second

// soleWriter keeps the commands apart that change tokens together with their records,
// so that none acts on what another is about to change.
func (p *process) soleWriter() (done func(), err error) {
	done, err = p.accounts().Exclusive(writerLimit)
	switch {
	case errors.Is(err, store.ErrBusy):
		return nil, fail(exitFailed, "another git-credential-bitbucket is storing or forgetting; type the command again")
	case err != nil:
		return nil, fail(exitUnusable, "%s", recordTrouble(err))
	}
	return done, nil
}

// keep stores the token as account a's and records it. An empty a.Backend is the
// account's present one, else the one that the environment names, else the best that
// there is here. by is the command, for the history.
func (p *process) keep(ctx context.Context, a store.Account, token secret.Secret, by string) (store.Account, error) {
	done, err := p.soleKeeper()
	if err != nil {
		return a, err
	}
	defer done()
	return p.keepAlone(ctx, a, token, by)
}

// soleKeeper is soleWriter for who is to store: there must be where to.
func (p *process) soleKeeper() (done func(), err error) {
	if p.configDir() == "" {
		return nil, fmt.Errorf("there is no home directory to keep accounts in; set HOME")
	}
	return p.soleWriter()
}

// keepAlone is keep for the sole writer, who may have looked first which names are taken.
func (p *process) keepAlone(ctx context.Context, a store.Account, token secret.Secret, by string) (store.Account, error) {
	before, replaces, err := recorded(p.accounts(), a.Name)
	if err == nil && before.Grant != "" {
		var free func()
		if free, err = p.soleRenewer(a.Name); err != nil {
			return a, err
		}
		defer free()
		before, replaces, err = recorded(p.accounts(), a.Name)
	}
	if err != nil {
		return a, err
	}
	if a.Backend == "" {
		if a.Backend, err = p.chooseBackend(ctx, before.Backend); err != nil {
			return a, err
		}
	}
	renewed, same := before.Grant != "", token.Fingerprint() == before.Fingerprint
	switch {
	case renewed && !same && token.Fingerprint() == a.Fingerprint:
		return a, errMeanwhile(a.Name) // it was the account's when the command began
	case renewed:
		if a, err = p.carryGrant(ctx, a, before, same); err != nil {
			return a, err
		}
	}
	if a, err = p.file(ctx, p.accounts(), a.Name, a, token); err != nil {
		return a, err
	}
	if replaces && !(renewed && same) { // a login that was cut off may have left one
		p.dropState(ctx, a.Name, a.Backend)
	}
	what := wasStored
	switch before.Fingerprint {
	case "":
	case a.Fingerprint:
		what = wasMoved
		p.movePrevious(ctx, a)
	default:
		what = wasReplaced
		p.observations().Forget(before.Fingerprint)
	}
	p.record(what, a.Name, by, a.Hint+" in "+a.Backend)
	return a, nil
}

// recorded is the account's record in that file, and whether there is one.
func recorded(records *store.Accounts, name string) (store.Account, bool, error) {
	snapshot, err := records.Read()
	if err != nil {
		return store.Account{}, false, err
	}
	return snapshot.Account(name)
}

// file puts the token into a.Backend under that key, and a into the records. They learn
// first where a token may be from now on, so that forget finds it whatever happens; that
// it is there they learn when it is, and until then the old one stands. Only for the
// sole writer.
func (p *process) file(ctx context.Context, records *store.Accounts, key string, a store.Account, token secret.Secret) (store.Account, error) {
	before, replaces, err := recorded(records, a.Name)
	if err != nil {
		return a, err
	}
	vault := store.NewVault(p.backend)
	if err := announce(records, a); err != nil {
		return a, fail(exitUnusable, "%s", recordTrouble(err))
	}
	if err := vault.Put(ctx, a.Backend, key, token); err != nil {
		retract(records, a, before, replaces)
		return a, err
	}
	a.Fingerprint, a.Hint, a.Also = token.Fingerprint(), token.Hint(), ""
	var stale []string
	for _, backend := range []string{before.Backend, before.Also} {
		if backend != "" && backend != a.Backend {
			stale, a.Also = append(stale, backend), backend
		}
	}
	err = records.Update(func(book *store.Book) error {
		if present := book.Account(a.Name); present != nil {
			a.Default = present.Default
		}
		book.Put(a)
		return nil
	})
	if err != nil {
		return a, fail(exitUnusable, "%s", recordTrouble(err))
	}
	if len(stale) > 0 {
		a.Also = p.clear(ctx, vault, key, stale)
		if key == a.Name && (before.Grant != "" || a.Also == "") { // one refusal of the backend is told once
			a.Also = cmp.Or(p.dropState(ctx, a.Name, stale...), a.Also)
		}
		// If it fails, forget looks for a token that is not there.
		_ = records.Update(func(book *store.Book) error {
			if present := book.Account(a.Name); present != nil {
				present.Also = a.Also
			}
			return nil
		})
	}
	return a, nil
}

// announce records that the backend may hold a token of the account: as a record
// without a fingerprint, which stands for none, or beside the backend of the old one.
func announce(records *store.Accounts, a store.Account) error {
	return records.Update(func(book *store.Book) error {
		present := book.Account(a.Name)
		switch {
		case present == nil:
			book.Put(store.Account{Name: a.Name, Kind: a.Kind, Backend: a.Backend, Created: a.Created})
		case present.Backend != a.Backend:
			present.Also = a.Backend
		}
		return nil
	})
}

// retract takes back what announce recorded. If it fails, forget looks for a token that
// is not there.
func retract(records *store.Accounts, a, before store.Account, replaces bool) {
	_ = records.Update(func(book *store.Book) error {
		present := book.Account(a.Name)
		switch {
		case present == nil:
		case !replaces && present.Fingerprint == "":
			book.Remove(a.Name)
		case replaces:
			present.Also = before.Also
		}
		return nil
	})
}

// clear removes the tokens of that key from those backends, and returns one that still
// may hold one.
func (p *process) clear(ctx context.Context, vault *store.Vault, key string, backends []string) (left string) {
	for _, backend := range backends {
		if err := vault.Delete(ctx, backend, key); err != nil && !errors.Is(err, store.ErrNotFound) {
			left = backend
			p.say(asWarning, "the old token could not be removed from %s: %s", backendName(backend), oneLine(err.Error()))
		}
	}
	return left
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
func (p *process) record(what deed, account, by, detail string) {
	_ = p.history().Append(store.Entry{At: p.now(), What: string(what), Account: account, By: by, Detail: detail})
}
