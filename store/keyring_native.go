//go:build darwin || windows

package store

import (
	"context"
	"errors"

	"github.com/zalando/go-keyring"

	"git-credential-bitbucket/store/secret"
)

// nativeKeyring is macOS's Keychain or Windows' Credential Manager.
type nativeKeyring struct {
	service string
	patience
}

func openKeyring(c Config) Backend {
	return &nativeKeyring{c.Service, newPatience(BackendKeyring, c)}
}

// Largest is below the 2,560 bytes of Windows (zalando/go-keyring's ErrSetDataTooBig) and
// the 2,900 or so of the line that macOS's security(1) reads.
func (k *nativeKeyring) Largest() int { return 2 << 10 }

func (k *nativeKeyring) Get(ctx context.Context, key string) (secret.Secret, error) {
	return await(ctx, k.patience, func(context.Context) (secret.Secret, error) {
		text, err := keyring.Get(k.service, key)
		return secret.New(text), nativeError(err)
	})
}

func (k *nativeKeyring) Set(ctx context.Context, key string, value secret.Secret) error {
	_, err := await(ctx, k.patience, func(context.Context) (struct{}, error) {
		return struct{}{}, nativeError(keyring.Set(k.service, key, value.Reveal()))
	})
	return err
}

func (k *nativeKeyring) Delete(ctx context.Context, key string) error {
	_, err := await(ctx, k.patience, func(context.Context) (struct{}, error) {
		return struct{}{}, nativeError(keyring.Delete(k.service, key))
	})
	return err
}

func nativeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrNotFound):
		return ErrNotFound
	}
	if kind := systemError(err); kind != nil {
		return because(kind, err)
	}
	return err
}

// probeKeyring: every session of these systems has its keyring.
func probeKeyring(context.Context, Config) error { return nil }
