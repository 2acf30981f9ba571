package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// oauthKey is the key under which, in an OAuth account's backend, stands what its next
// access token is asked for with. The access token itself stands under the account's
// name, so that a get with time enough reads nothing more.
func oauthKey(name string) string { return name + "#oauth" }

// renewalKey is the key of what was observed of an account's renewals.
func renewalKey(name string) string { return "account." + name }

// oauthState is what an OAuth account's next access token is asked for with. It is kept
// as JSON, as one secret.
type oauthState struct {
	Grant    string             // store.GrantCode, …
	Consumer bitbucket.Consumer // of all but JWT
	App      bitbucket.App      // of JWT
	Refresh  secret.Secret      // of the code grant
	Tried    time.Time          // when Refresh was first sent; zero: not yet
	Former   secret.Secret      // the refresh token before
	Retired  time.Time          // when Former was first sent
	Port     int                // of the consumer's callback URL; 0: nobody needed it
	Path     string             // of the same
}

// oauthDocument is the state as it is written.
type oauthDocument struct {
	Grant        string    `json:"grant"`
	ClientID     string    `json:"client_id,omitempty"`
	ClientSecret string    `json:"client_secret,omitempty"`
	AppKey       string    `json:"app_key,omitempty"`
	ClientKey    string    `json:"client_key,omitempty"`
	SharedSecret string    `json:"shared_secret,omitempty"`
	Refresh      string    `json:"refresh,omitempty"`
	Tried        time.Time `json:"tried,omitzero"`
	Former       string    `json:"former,omitempty"`
	Retired      time.Time `json:"retired,omitzero"`
	Port         int       `json:"port,omitempty"`
	Path         string    `json:"path,omitempty"`
}

func (s oauthState) encode() (secret.Secret, error) {
	text, err := json.Marshal(oauthDocument{
		s.Grant, s.Consumer.ID, s.Consumer.Secret.Reveal(), s.App.Key, s.App.ClientKey, s.App.SharedSecret.Reveal(),
		s.Refresh.Reveal(), s.Tried.UTC(), s.Former.Reveal(), s.Retired.UTC(), s.Port, s.Path,
	})
	return secret.New(string(text)), err
}

// errState shows nothing of what it is about.
var errState = errors.New("what the account is renewed with is no such document")

func decodeState(kept secret.Secret) (oauthState, error) {
	var d oauthDocument
	if json.Unmarshal([]byte(kept.Reveal()), &d) != nil {
		return oauthState{}, errState
	}
	return oauthState{
		d.Grant, bitbucket.Consumer{ID: d.ClientID, Secret: secret.New(d.ClientSecret)},
		bitbucket.App{Key: d.AppKey, ClientKey: d.ClientKey, SharedSecret: secret.New(d.SharedSecret)},
		secret.New(d.Refresh), d.Tried, secret.New(d.Former), d.Retired, d.Port, d.Path,
	}, nil
}

// after is the state once the grant has come: a refresh token that it brings takes the
// place of the one that was sent.
func (s oauthState) after(g bitbucket.Grant) oauthState {
	if !g.Refresh.IsZero() && !g.Refresh.Equal(s.Refresh) {
		s.Former, s.Retired = s.Refresh, s.Tried
		s.Refresh = g.Refresh
	}
	s.Tried = time.Time{}
	return s
}

// readState reads the account's state; without one it is store.ErrNotFound.
func (p *process) readState(ctx context.Context, a store.Account) (oauthState, error) {
	kept, err := store.NewVault(p.backend).Get(ctx, a.Backend, oauthKey(a.Name))
	if err != nil {
		return oauthState{}, err
	}
	state, err := decodeState(kept)
	if err != nil {
		return oauthState{}, &store.BackendError{Backend: a.Backend, Err: err}
	}
	return state, nil
}

// writeState keeps the state in a.Backend.
func (p *process) writeState(ctx context.Context, a store.Account, s oauthState) error {
	document, err := s.encode()
	if err != nil {
		return err
	}
	return store.NewVault(p.backend).Put(ctx, a.Backend, oauthKey(a.Name), document)
}

// dropState removes the account's state from those backends, and returns one that still
// may have it.
func (p *process) dropState(ctx context.Context, name string, backends ...string) (left string) {
	return p.clear(ctx, store.NewVault(p.backend), oauthKey(name), backends)
}
