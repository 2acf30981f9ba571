package main

import (
	"context"
	"errors"
	"time"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// The writes of a rotation, and of a rollback, are in an order in which a kill at any
// instant leaves under the account's key the old token or the new one, and no token is
// overwritten before it stands under another key too. A token whose record is yet to be
// written is answered all the same, without its date; the next rotate, rollback or forget
// takes up what was left.

// held is an account with the token that it holds: the account as it is recorded, which
// after a kill may be of another token.
type held struct {
	present store.Account
	token   secret.Secret
}

// holds reads what the account holds.
func (p *process) holds(ctx context.Context, name string) (held, error) {
	present, _, err := recorded(p.accounts(), name)
	if err != nil {
		return held{}, p.backendFailure(err, present)
	}
	present.Name = name
	if present.Fingerprint == "" {
		return held{}, fail(exitFailed, "account %s holds no token; type: %s", name, storeCommand(present))
	}
	token, err := store.NewVault(p.backend).Get(ctx, present.Backend, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return held{}, fail(exitUnusable, "the token of account %s is no longer in %s; type: %s", name, backendName(present.Backend), storeCommand(present))
	case err != nil:
		return held{}, p.backendFailure(err, present)
	}
	return held{present, token}, nil
}

// tidy removes what killed commands left half written. Only for the sole writer.
func (p *process) tidy() {
	store.SweepFiles(p.backendConfig())
	p.accounts().Sweep()
	p.previous().Sweep()
}

// exchange gives the account another token and keeps the one that it held. It returns
// both as they are recorded then; old has no name where none is kept.
func (p *process) exchange(ctx context.Context, was held, a store.Account, token secret.Secret) (kept, old store.Account, err error) {
	done, err := p.soleWriter()
	if err != nil {
		return a, old, err
	}
	defer done()
	p.tidy()
	now, err := p.holds(ctx, a.Name)
	if err != nil {
		return a, old, err
	}
	if now.present.Fingerprint != was.present.Fingerprint || !now.token.Equal(was.token) {
		return a, old, errMeanwhile(a.Name)
	}
	old, found, err := recorded(p.previous(), a.Name)
	if err != nil {
		return a, old, p.backendFailure(err, a)
	}
	if found {
		p.clearAside(ctx, old)
	}
	// Otherwise a rotate was killed that had come to the new token.
	if !now.token.Equal(token) {
		former := old.Fingerprint
		old = recordOf(now.token, now.present, old)
		old.Backend, old.Replaced = now.present.Backend, p.now()
		if old, err = p.keepPrevious(ctx, old, now.token); err != nil {
			return a, old, p.backendFailure(err, now.present)
		}
		if former != old.Fingerprint {
			p.observations().Forget(former)
		}
	}
	a.Backend = now.present.Backend
	if kept, err = p.file(ctx, p.accounts(), a.Name, a, token); err != nil {
		return kept, old, p.backendFailure(err, now.present)
	}
	p.record(wasRotated, kept.Name, "rotate", now.token.Hint()+" to "+kept.Hint+" in "+kept.Backend)
	return kept, old, nil
}

func errMeanwhile(name string) error {
	return fail(exitFailed, "the token of account %s was replaced meanwhile; type the command again", name)
}

// A change is what a rollback is to do.
type change struct {
	held
	old  store.Account // of the previous token, as it is recorded
	back secret.Secret // the token to be put back
	keep secret.Secret // the one to be kept in its place; zero if that is lost
}

// half reports whether a rollback was killed that had put the old token in its place, and
// no more.
func (c change) half() bool { return c.back.Equal(c.token) }

// planBack finds what there is to go back to. Only for the sole writer.
func (p *process) planBack(ctx context.Context, name string) (c change, err error) {
	p.tidy()
	if c.held, err = p.holds(ctx, name); err != nil {
		return c, err
	}
	old, found, err := recorded(p.previous(), name)
	if err != nil {
		return c, p.backendFailure(err, c.present)
	}
	c.old = old
	switch {
	case found && old.Fingerprint != "" && p.stale(old):
		p.dropPrevious(ctx, old, c.present)
		return c, fail(exitFailed, "the token %s that account %s had before was kept until %s and is gone", oneLine(old.Hint), name, date(old.Replaced.Add(previousLife)))
	case !found:
		return c, nothingBack(name)
	}
	var others []secret.Secret
	for _, key := range []string{previousKey(name), asideKey(name)} {
		token, err := store.NewVault(p.backend).Get(ctx, old.Backend, key)
		switch {
		case errors.Is(err, store.ErrNotFound):
		case err != nil:
			return c, p.backendFailure(err, old)
		case !token.Equal(c.token):
			others = append(others, token)
		}
	}
	fingerprint := c.token.Fingerprint()
	if fingerprint == old.Fingerprint && fingerprint != c.present.Fingerprint {
		c.back = c.token
		if len(others) > 0 {
			c.keep = others[0]
		}
		return c, nil
	}
	if len(others) == 0 {
		p.dropPrevious(ctx, old, c.present)
		return c, nothingBack(name)
	}
	c.back, c.keep = others[0], c.token
	return c, nil
}

func nothingBack(name string) error {
	return fail(exitFailed, "there is no token of account %s to go back to: rotate keeps the one before for %d days", name, int(previousLife/day))
}

// goBack has the two tokens change places, the one that goes back as a says it. It
// returns both accounts as exchange does.
func (p *process) goBack(ctx context.Context, planned change, a store.Account) (kept, old store.Account, err error) {
	done, err := p.soleWriter()
	if err != nil {
		return a, old, err
	}
	defer done()
	c, err := p.planBack(ctx, a.Name)
	if err != nil {
		return a, old, err
	}
	if !c.back.Equal(planned.back) || !c.token.Equal(planned.token) {
		return a, old, errMeanwhile(a.Name)
	}
	if !c.half() {
		if err := store.NewVault(p.backend).Put(ctx, c.old.Backend, asideKey(a.Name), c.keep); err != nil {
			return a, old, p.backendFailure(err, c.old)
		}
	}
	a.Backend, a.Replaced, a.SetAside = c.present.Backend, time.Time{}, time.Time{}
	if kept, err = p.file(ctx, p.accounts(), a.Name, a, c.back); err != nil {
		return kept, old, p.backendFailure(err, c.present)
	}
	if c.keep.IsZero() {
		p.dropPrevious(ctx, c.old, kept)
	} else {
		old = recordOf(c.keep, c.present, c.old)
		old.Backend, old.Replaced = c.old.Backend, p.now()
		if old, err = p.keepPrevious(ctx, old, c.keep); err != nil {
			return kept, old, p.backendFailure(err, c.old)
		}
		p.clearAside(ctx, c.old)
	}
	p.record(wasRestored, kept.Name, "rotate --rollback", kept.Hint+" in "+kept.Backend)
	return kept, old, nil
}
