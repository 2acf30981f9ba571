package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// previousLife is how long the token before a rotation is kept, to be put back.
const previousLife = 7 * day

// previous is the file of what is known of those tokens. Nothing but rotate and who
// cleans up reads it.
func (p *process) previous() *store.Accounts { return store.OpenPrevious(p.configDir()) }

// previousKey is the key under which an account's previous token is kept, in the backend
// that its record names.
func previousKey(name string) string { return name + "#previous" }

// asideKey is the key under which, in the same backend, the token in use stands by while
// a rollback has the two change places.
func asideKey(name string) string { return name + "#aside" }

// stale reports whether a previous token has had its time. A record that was only
// announced has none.
func (p *process) stale(old store.Account) bool {
	return p.now().Sub(old.Replaced) >= previousLife
}

// recordOf is what is known of the token that account present holds: the record that has its
// fingerprint, or else present's without what is another token's.
func recordOf(token secret.Secret, present, old store.Account) store.Account {
	fingerprint := token.Fingerprint()
	for _, known := range []store.Account{present, old} {
		if known.Fingerprint == fingerprint {
			known.Email = cmp.Or(known.Email, present.Email)
			known.Username = cmp.Or(known.Username, present.Username)
			return known
		}
	}
	present.Expires, present.Certain, present.Guessed, present.Scopes = time.Time{}, false, false, ""
	if kind := bitbucket.KindOf(token); kind != bitbucket.UnknownKind {
		present.Kind = string(kind)
	}
	return present
}

// keepPrevious keeps a token to be put back, as old says it, for the time that begins at
// old.Replaced. Only for the sole writer.
func (p *process) keepPrevious(ctx context.Context, old store.Account, token secret.Secret) (store.Account, error) {
	old.SetAside = time.Time{}
	return p.file(ctx, p.previous(), previousKey(old.Name), old, token)
}

// movePrevious lets the previous token follow the account to its backend. Only for the
// sole writer.
func (p *process) movePrevious(ctx context.Context, a store.Account) {
	old, found, err := recorded(p.previous(), a.Name)
	if err != nil || !found || p.stale(old) || old.Backend == a.Backend && a.Backend != store.BackendFile {
		return
	}
	token, err := store.NewVault(p.backend).Get(ctx, old.Backend, previousKey(a.Name))
	if err == nil {
		p.clearAside(ctx, old)
		moved := recordOf(token, a, old)
		moved.Backend, moved.Replaced = a.Backend, old.Replaced
		_, err = p.keepPrevious(ctx, moved, token)
	}
	if err != nil {
		p.say(asWarning, "the token before the last rotation stays in %s: %s", backendName(old.Backend), oneLine(err.Error()))
	}
}

// clearAside removes what a rollback put aside. If it fails, so does the next that is done
// to the previous token, and is told; dropPrevious tries again.
func (p *process) clearAside(ctx context.Context, old store.Account) {
	_ = store.NewVault(p.backend).Delete(ctx, old.Backend, asideKey(old.Name))
}

// dropPrevious removes an account's previous token and its record, and what a killed
// rollback left. Present is the account. Only for the sole writer.
func (p *process) dropPrevious(ctx context.Context, old, present store.Account) {
	backends := slices.DeleteFunc([]string{old.Backend, old.Also}, func(backend string) bool { return backend == "" })
	for _, key := range []string{previousKey(old.Name), asideKey(old.Name)} {
		if left := p.clear(ctx, store.NewVault(p.backend), key, backends); left != "" {
			return
		}
	}
	// If it fails, the next one looks for a token that is not there.
	_ = p.previous().Update(func(book *store.Book) error { book.Remove(old.Name); return nil })
	if old.Fingerprint != present.Fingerprint {
		p.observations().Forget(old.Fingerprint)
	}
}

// dropStalePrevious removes the previous tokens that have had their time.
func (p *process) dropStalePrevious(ctx context.Context) {
	if len(p.stalePrevious()) == 0 {
		return
	}
	done, err := p.soleWriter()
	if err != nil {
		return // the other one sees to it, or the next
	}
	defer done()
	p.sweepPrevious(ctx)
}

// sweepPrevious is dropStalePrevious for the sole writer.
func (p *process) sweepPrevious(ctx context.Context) {
	for _, old := range p.stalePrevious() {
		present, _, err := recorded(p.accounts(), old.Name)
		if err == nil {
			p.dropPrevious(ctx, old, present)
		}
	}
}

// stalePrevious lists the previous tokens that are to be removed: past their time, or of
// an account that is gone.
func (p *process) stalePrevious() []store.Account {
	snapshot, err := p.previous().Read()
	if err != nil {
		return nil
	}
	book, err := snapshot.Book()
	if err != nil {
		return nil
	}
	accounts, err := p.accounts().Read()
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(book.Accounts, func(old store.Account) bool {
		_, found, err := accounts.Account(old.Name)
		return err != nil || found && !p.stale(old)
	})
}
