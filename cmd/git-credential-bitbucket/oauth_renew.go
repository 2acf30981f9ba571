package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/helper"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

const (
	// renewLimit is how long a get waits for another process that renews the account. That
	// one may take longer where Bitbucket does; a person would not wait for it.
	renewLimit = 15 * time.Second
	// reuseWindow is how long a refresh token works after its first use (Atlassian's
	// CHANGE-3052), less what clocks and the network may be off.
	reuseWindow = 9 * time.Minute
)

var (
	errNoState  = errors.New("what it is renewed with is gone")
	errPaused   = errors.New("refused by Bitbucket a moment ago")
	errReplaced = errors.New("the account was changed meanwhile")
	errGrant    = errors.New("it was made by a grant that is unknown here")
)

// renew is helper.Helper's Renew. One process at a time asks for the account; the others
// wait, and take what it got. At each instant the refresh token that works stands in the
// backend, or the one before within the time in which that still works: the new one is
// written before anything else is done with what came.
func (p *process) renew(ctx context.Context, a store.Account, forced bool) (store.Account, secret.Secret, error) {
	accounts := p.accounts()
	done, busy := accounts.Renewing(a.Name, renewLimit)
	if busy == nil {
		done = sync.OnceFunc(done)
		defer done()
	}
	present, _, err := recorded(accounts, a.Name)
	switch {
	case err != nil:
		return a, secret.Secret{}, err
	case present.Fingerprint == "":
		return a, secret.Secret{}, store.ErrNotFound
	case !present.SetAside.IsZero():
		return present, secret.Secret{}, nil
	case present.Fingerprint != a.Fingerprint:
		if busy == nil {
			done()
		}
		token, err := store.NewVault(p.backend).Get(ctx, present.Backend, present.Name)
		return present, token, err
	case busy != nil:
		return a, secret.Secret{}, &helper.RenewalError{Err: busy}
	}
	defer holdSignals()()
	grant, err := p.askAnew(ctx, present)
	if err != nil {
		return a, secret.Secret{}, err
	}
	renewed, err := p.putAccess(ctx, present, grant, forced)
	return renewed, grant.Access, err
}

// holdSignals keeps a person who interrupts git from ending us between the answer and the
// note of it. The network's time limit ends the wait.
func holdSignals() (release func()) {
	held := make(chan os.Signal, 1)
	signal.Notify(held, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return func() { signal.Stop(held) }
}

// askAnew gets another grant, and writes down the refresh token that came with it. Only
// for who has the account's lock.
func (p *process) askAnew(ctx context.Context, a store.Account) (bitbucket.Grant, error) {
	state, err := p.readState(ctx, a)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return bitbucket.Grant{}, &helper.RenewalError{Dead: true, Err: errNoState}
	case err != nil:
		return bitbucket.Grant{}, err
	}
	if until := p.pausedRenewal(a.Name); p.now().Before(until) {
		return bitbucket.Grant{}, &helper.RenewalError{Dead: true, Until: until, Err: errPaused}
	}
	client, _, err := p.client(ctx)
	if err != nil {
		return bitbucket.Grant{}, &helper.RenewalError{Err: err}
	}
	// A place that cannot be written is found out here, while the refresh token is unused.
	if !state.Refresh.IsZero() && state.Tried.IsZero() {
		state.Tried = p.now()
		if err := p.writeState(ctx, a, state); err != nil {
			return bitbucket.Grant{}, err
		}
	}
	grant, err := askGrant(ctx, client, a, state)
	if lost(err) && grant.Refresh.IsZero() {
		// The answer may have held the next refresh token; the old one still works, for
		// some minutes.
		grant, err = askGrant(ctx, client, a, state)
	}
	if bitbucket.IsDeadGrant(err) {
		if other, ok := p.anotherState(ctx, a, state); ok {
			state = other
			grant, err = askGrant(ctx, client, a, state)
		}
	}
	switch {
	case bitbucket.IsDeadGrant(err):
		return grant, p.refusedRenewal(a.Name, err)
	case err != nil && grant.Refresh.IsZero():
		return grant, &helper.RenewalError{Err: err}
	}
	if !grant.Refresh.IsZero() {
		if err := p.writeState(ctx, a, state.after(grant)); err != nil {
			return grant, err
		}
	}
	if err != nil { // no access token came, but another refresh token
		return grant, &helper.RenewalError{Err: err}
	}
	return grant, nil
}

// lost reports whether the connection broke, so that the request may have arrived whose
// answer did not.
func lost(err error) bool {
	var away *bitbucket.UnreachableError
	return errors.As(err, &away) && away.Why == bitbucket.WhyOther
}

// askGrant asks for another access token once.
func askGrant(ctx context.Context, client *bitbucket.Client, a store.Account, s oauthState) (bitbucket.Grant, error) {
	var scopes []string
	if a.Asked != "" {
		scopes = strings.Split(a.Asked, ",")
	}
	switch s.Grant {
	case store.GrantCode:
		return client.Refresh(ctx, s.Consumer, s.Refresh)
	case store.GrantClientCredentials:
		return client.ClientCredentials(ctx, s.Consumer, scopes)
	case store.GrantJWT:
		return client.AppGrant(ctx, s.App, scopes)
	}
	return bitbucket.Grant{}, errGrant
}

// anotherState is what there is to ask with where Bitbucket refused that state: what
// another machine with the same backend wrote meanwhile, or else the refresh token before
// while that works.
func (p *process) anotherState(ctx context.Context, a store.Account, refused oauthState) (other oauthState, ok bool) {
	other, err := p.readState(ctx, a)
	if err != nil {
		return other, false
	}
	before, err := refused.encode()
	if err != nil {
		return other, false
	}
	if now, err := other.encode(); err == nil && !now.Equal(before) {
		return other, true
	}
	age := p.now().Sub(other.Retired)
	if other.Former.IsZero() || age < 0 || age >= reuseWindow {
		return other, false
	}
	other.Refresh, other.Tried = other.Former, other.Retired
	return other, true
}

// pausedRenewal is until when Bitbucket is not asked for the account.
func (p *process) pausedRenewal(name string) time.Time {
	return helper.RenewalPause(p.observations().Read(renewalKey(name)).Health("", p.now()))
}

// refusedRenewal notes that Bitbucket will not renew the account, and pauses it.
func (p *process) refusedRenewal(name string, err error) error {
	// If it cannot be noted, the next get asks again.
	_ = p.observations().Append(renewalKey(name), store.Event{At: p.now(), What: store.EventRejected})
	return &helper.RenewalError{Dead: true, Until: p.pausedRenewal(name), Err: err}
}

// putAccess keeps the grant's access token as the account's, first where it is read and
// then in the records. Only for who has the account's lock.
func (p *process) putAccess(ctx context.Context, a store.Account, g bitbucket.Grant, forced bool) (store.Account, error) {
	if err := store.NewVault(p.backend).Put(ctx, a.Backend, a.Name, g.Access); err != nil {
		return a, err
	}
	former := a.Fingerprint
	renewed := granted(a, g)
	renewed.Fingerprint, renewed.Hint = g.Access.Fingerprint(), g.Access.Hint()
	p.succeed(former, renewed.Fingerprint, forced)
	err := p.accounts().Update(func(book *store.Book) error {
		present := book.Account(a.Name)
		if present == nil || present.Fingerprint != former {
			return errReplaced
		}
		present.Fingerprint, present.Hint = renewed.Fingerprint, renewed.Hint
		present.Expires, present.Certain, present.Guessed = renewed.Expires, renewed.Certain, renewed.Guessed
		present.Scopes = renewed.Scopes
		renewed = *present
		return nil
	})
	if err != nil {
		return a, &helper.RenewalError{Err: err}
	}
	seen := p.observations()
	seen.Forget(former)
	seen.Forget(renewalKey(a.Name))
	return renewed, nil
}

// granted is the account with what the grant says of its token.
func granted(a store.Account, g bitbucket.Grant) store.Account {
	a.Expires, a.Certain, a.Guessed = g.Expires, true, false
	if g.Scopes != nil {
		a.Scopes = joinScopes(g.Scopes)
	}
	return a
}

// succeed lets what is known of the former token count for its successor, which is the
// same grant: where it was seen to work. What was held against it is gone with it.
func (p *process) succeed(former, fresh string, forced bool) {
	seen := p.observations()
	for _, e := range seen.Read(former) {
		if e.What == store.EventSucceeded {
			_ = seen.Append(fresh, e)
		}
	}
	if forced {
		_ = seen.Append(fresh, store.Event{At: p.now(), What: store.EventRenewed})
	}
}
