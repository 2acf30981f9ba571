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
	errLate     = errors.New("too little time was left to ask for it")
	errReplaced = errors.New("the account was changed meanwhile")
	errGrant    = errors.New("it was made by a grant that is unknown here")
)

// renew is helper.Helper's Renew. One process at a time asks for the account; the others
// wait, and take what it got. At each instant the refresh token that works stands in the
// backend, or the one before within the time in which that still works: the new one is
// written before anything else is done with what came.
func (p *process) renew(ctx context.Context, a store.Account, forced bool) (store.Account, secret.Secret, error) {
	limits := onceItEnded
	if p.now().Before(a.Expires) {
		limits = whileItLives
	}
	asking, cancel := context.WithTimeout(ctx, limits.ask)
	defer cancel()
	// What came is kept though there is no time to ask for more.
	keeping, cancel := context.WithTimeout(context.WithoutCancel(ctx), limits.keep)
	defer cancel()
	accounts := p.accounts()
	done, busy := accounts.Renewing(a.Name, limits.lock)
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
		token, err := store.NewVault(p.backend).Get(keeping, present.Backend, present.Name)
		return present, token, err
	case errors.Is(busy, store.ErrBusy):
		return a, secret.Secret{}, &helper.RenewalError{Err: busy}
	case busy != nil:
		return a, secret.Secret{}, &helper.RenewalError{Err: &unwritableError{busy}}
	}
	defer holdSignals()()
	grant, err := p.askAnew(asking, keeping, present)
	var unkept *unkeptError
	if err != nil && !(errors.As(err, &unkept) && !grant.Access.IsZero()) {
		return a, secret.Secret{}, err
	}
	if forced {
		p.record(wasForced, a.Name, "get", "since Bitbucket refused the token "+a.Hint+" before its time")
	}
	if unkept == nil {
		var renewed store.Account
		if renewed, err = p.putAccess(keeping, present, grant, forced); err == nil {
			return renewed, grant.Access, nil
		}
		if errors.Is(err, errReplaced) {
			return a, secret.Secret{}, err
		}
	}
	p.sayUnkept(present, err)
	return renewedBy(present, grant, p.now()), grant.Access, nil
}

// unwritableError is why the records could not take another token.
type unwritableError struct{ err error }

func (e *unwritableError) Error() string { return recordTrouble(e.err) }
func (e *unwritableError) Unwrap() error { return e.err }

// holdSignals keeps a person who interrupts git from ending us between the answer and the
// note of it. The network's time limit ends the wait.
func holdSignals() (release func()) {
	held := make(chan os.Signal, 1)
	signal.Notify(held, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return func() { signal.Stop(held) }
}

// unkeptError is why the refresh token could not be written down that came in place of one
// that is dying since.
type unkeptError struct {
	err   error
	tried time.Time // when the dying one was sent
}

func (e *unkeptError) Error() string { return "the new refresh token is not kept: " + e.err.Error() }
func (e *unkeptError) Unwrap() error { return e.err }

// askAnew gets another grant, and writes down the refresh token that came with it. Beside
// an *unkeptError the grant may have come. Only for who has the account's lock.
func (p *process) askAnew(asking, keeping context.Context, a store.Account) (bitbucket.Grant, error) {
	state, err := p.readState(asking, a)
	switch {
	case errors.Is(err, store.ErrNotFound):
		_ = p.notRenewed(a.Name, errNoState) // for status
		return bitbucket.Grant{}, &helper.RenewalError{Dead: true, Err: errNoState}
	case err != nil:
		return bitbucket.Grant{}, err
	}
	key := renewalKey(a.Name)
	if pause := p.paused(key, p.now().Before(a.Expires)); pause != nil {
		return bitbucket.Grant{}, pause
	}
	client, _, err := p.client(asking)
	if err != nil {
		return bitbucket.Grant{}, &helper.RenewalError{Err: err}
	}
	// A place that cannot be written is found out here, while the refresh token is unused.
	if err := p.accounts().Writable(); err != nil {
		return bitbucket.Grant{}, &helper.RenewalError{Err: &unwritableError{err}}
	}
	if !state.Refresh.IsZero() && state.Tried.IsZero() {
		state.Tried = p.now()
		if err := p.writeState(asking, a, state); err != nil {
			return bitbucket.Grant{}, err
		}
	}
	if !inTime(asking) {
		return bitbucket.Grant{}, &helper.RenewalError{Err: errLate}
	}
	grant, err := askGrant(asking, client, a, state)
	if lost(err) && grant.Refresh.IsZero() && inTime(asking) {
		// The answer may have held the next refresh token; the old one still works, for
		// some minutes.
		grant, err = askGrant(asking, client, a, state)
	}
	if bitbucket.IsDeadGrant(err) {
		if other, ok := p.anotherState(asking, a, state); ok && inTime(asking) {
			state = other
			grant, err = askGrant(asking, client, a, state)
		}
	}
	if err != nil && !grant.Refresh.IsZero() {
		// Of the answer that is all there is to be used: it is used at once.
		used := state.Tried
		state = state.after(grant)
		state.Tried = p.now()
		if err := p.insistState(keeping, a, state); err != nil {
			return bitbucket.Grant{}, &unkeptError{err, used}
		}
		if inTime(asking) {
			grant, err = askGrant(asking, client, a, state)
		}
	}
	if !grant.Refresh.IsZero() {
		if err := p.insistState(keeping, a, state.after(grant)); err != nil {
			return grant, &unkeptError{err, state.Tried}
		}
	}
	if err != nil {
		return grant, p.notRenewed(a.Name, err)
	}
	return grant, nil
}

func (p *process) insistState(ctx context.Context, a store.Account, s oauthState) error {
	return p.insist(ctx, func(ctx context.Context) error { return p.writeState(ctx, a, s) })
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

// notRenewed notes why Bitbucket gave no other token, and pauses the account accordingly.
func (p *process) notRenewed(name string, err error) error {
	why, first := p.notePause(renewalKey(name), err)
	if first && !why.Until.IsZero() {
		p.record(wasNotRenewed, name, "get", oneLine(err.Error()))
	}
	return why
}

// putAccess keeps the grant's access token as the account's, first where it is read and
// then in the records. Only for who has the account's lock.
func (p *process) putAccess(ctx context.Context, a store.Account, g bitbucket.Grant, forced bool) (store.Account, error) {
	err := p.insist(ctx, func(ctx context.Context) error {
		return store.NewVault(p.backend).Put(ctx, a.Backend, a.Name, g.Access)
	})
	if err != nil {
		return a, err
	}
	former, renewed := a.Fingerprint, renewedBy(a, g, p.now())
	p.succeed(former, renewed.Fingerprint, forced)
	err = p.accounts().Update(func(book *store.Book) error {
		present := book.Account(a.Name)
		if present == nil || present.Fingerprint != former {
			return errReplaced
		}
		present.Fingerprint, present.Hint = renewed.Fingerprint, renewed.Hint
		present.Expires, present.Certain, present.Guessed = renewed.Expires, renewed.Certain, renewed.Guessed
		present.Issued, present.Scopes = renewed.Issued, renewed.Scopes
		renewed = *present
		return nil
	})
	switch {
	case errors.Is(err, errReplaced):
		return a, &helper.RenewalError{Err: err}
	case err != nil:
		return a, err
	}
	seen := p.observations()
	seen.Forget(former)
	seen.Forget(renewalKey(a.Name))
	return renewed, nil
}

// renewedBy is the account with the grant's access token.
func renewedBy(a store.Account, g bitbucket.Grant, now time.Time) store.Account {
	a = granted(a, g, now)
	a.Fingerprint, a.Hint = g.Access.Fingerprint(), g.Access.Hint()
	return a
}

// granted is the account with what the grant says of its token.
func granted(a store.Account, g bitbucket.Grant, now time.Time) store.Account {
	a.Expires, a.Issued, a.Certain, a.Guessed = g.Expires, now, true, false
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
