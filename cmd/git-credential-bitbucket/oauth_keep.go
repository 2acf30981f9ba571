package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
)

// soleRenewer keeps gets from renewing the account while a command changes it. It is
// taken after soleWriter.
func (p *process) soleRenewer(name string) (done func(), err error) {
	done, err = p.accounts().Renewing(name, renewLimit)
	switch {
	case errors.Is(err, store.ErrBusy):
		return nil, fail(exitFailed, "a git command is renewing the token of account %s; type the command again", name)
	case err != nil:
		return nil, fail(exitUnusable, "%s", recordTrouble(err))
	}
	return done, nil
}

// keepGrant stores what a login brought as account a's, and records it. Of a it wants the
// name, who it belongs to, the scopes that were asked for, and the backend, which may be
// "" as for keep; state is what the grant is renewed with but for its refresh token. What
// the account was renewed with before is lost. Wherever it is cut off, the account has
// the token that it had or the new one, and is renewed by what was written last.
func (p *process) keepGrant(ctx context.Context, a store.Account, state oauthState, g bitbucket.Grant) (store.Account, error) {
	if p.configDir() == "" {
		return a, fmt.Errorf("there is no home directory to keep accounts in; set HOME")
	}
	done, err := p.soleWriter()
	if err != nil {
		return a, err
	}
	defer done()
	if done, err = p.soleRenewer(a.Name); err != nil {
		return a, err
	}
	defer done()
	before, replaces, err := recorded(p.accounts(), a.Name)
	if err != nil {
		return a, err
	}
	if a.Backend == "" {
		if a.Backend, err = p.chooseBackend(ctx, before.Backend); err != nil {
			return a, err
		}
	}
	a = granted(a, g, p.now())
	a.Kind, a.Grant, a.Created = string(bitbucket.OAuthToken), state.Grant, p.now()
	a.SetAside, a.Dead = time.Time{}, false
	state.Refresh, state.Tried = g.Refresh, time.Time{}
	if state.Grant != store.GrantImplicit {
		if err := p.placeState(ctx, a, before, replaces, state); err != nil {
			return a, err
		}
	}
	if a, err = p.file(ctx, p.accounts(), a.Name, a, g.Access); err != nil {
		if before.Grant == "" {
			p.dropState(ctx, a.Name, a.Backend) // nothing is renewed with it, and it holds the consumer's secret
		}
		return a, err
	}
	if state.Grant == store.GrantImplicit && before.Grant != "" {
		p.dropState(ctx, a.Name, a.Backend)
	}
	if before.Fingerprint != "" && before.Fingerprint != a.Fingerprint {
		p.observations().Forget(before.Fingerprint)
	}
	p.observations().Forget(renewalKey(a.Name))
	p.record(wasLoggedIn, a.Name, "login --grant "+a.Grant, a.Hint+" in "+a.Backend)
	return a, nil
}

// placeState writes the state where the account's token is to be. The records learn first
// that something of the account may be there. Only for the sole writer and renewer.
func (p *process) placeState(ctx context.Context, a, before store.Account, replaces bool, state oauthState) error {
	if err := announce(p.accounts(), a); err != nil {
		return fail(exitUnusable, "%s", recordTrouble(err))
	}
	err := p.writeState(ctx, a, state)
	if err != nil {
		retract(p.accounts(), a, before, replaces)
	}
	return err
}

// carryGrant is for keep, which stores a token over one that is renewed: the same one
// takes along what it is renewed with, any other ends that. Before is the account as it
// is now. Only for the sole writer and renewer.
func (p *process) carryGrant(ctx context.Context, a, before store.Account, same bool) (store.Account, error) {
	if !same {
		a.Grant, a.Asked, a.Issued = "", "", time.Time{}
		return a, nil
	}
	a.Grant, a.Asked, a.Issued = before.Grant, before.Asked, before.Issued
	if !helper.Renewable(before) {
		return a, nil
	}
	state, err := p.readState(ctx, before)
	if errors.Is(err, store.ErrNotFound) {
		return a, nil
	}
	if err != nil {
		return a, err
	}
	return a, p.placeState(ctx, a, before, true, state)
}
