//go:build darwin || windows

package store

import (
	"context"
	"errors"

	"github.com/zalando/go-keyring"

	"git-credential-bitbucket/store/secret"
)

// nativeKeyring is macOS's Keychain or Windows' Credential Manager. A value may have
// about 2,900 bytes on macOS (the line that security(1) reads) and 2,560 on Windows;
// Vault's parts stay below both.
type nativeKeyring struct {
	service string
	patience
}

func openKeyring(c Config) Backend {
	return &nativeKeyring{c.Service, newPatience(BackendKeyring, c)}
}

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
