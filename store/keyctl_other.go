//go:build !linux

package store

import (
	"context"

	"git-credential-bitbucket/store/secret"
)

// keyctlStore is the Linux kernel's: elsewhere there is none.
type keyctlStore struct{}

var errNoKeyctl = &BackendError{Backend: BackendKeyctl, Err: ErrAbsent}

func openKeyctl(Config) Backend { return keyctlStore{} }

func (keyctlStore) Get(context.Context, string) (secret.Secret, error) {
	return secret.Secret{}, errNoKeyctl
}
func (keyctlStore) Set(context.Context, string, secret.Secret) error { return errNoKeyctl }
func (keyctlStore) Delete(context.Context, string) error             { return errNoKeyctl }
