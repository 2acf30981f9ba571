package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/99designs/keyring"

	"git-credential-bitbucket/store/secret"
)

const (
	// keyctlPerm lets the user's processes use the key and not its possessor alone:
	// a session keyring need not link the user's (systemd#5522).
	keyctlPerm    = 0x3f3f0000
	keyctlLargest = 32767 // bytes, keyrings(7)
	keyctlTries   = 5
	keyctlPause   = 20 * time.Millisecond
)

// keyctlStore keeps secrets in the kernel, as keys of the user's keyring named
// SERVICE:KEY. They are not in a keyring of their own: of several that first uses
// make at once, only the last would stay, and the keys of the others go with theirs.
type keyctlStore struct {
	service string
	patience
}

func openKeyctl(c Config) Backend {
	return &keyctlStore{c.Service, newPatience(BackendKeyctl, c)}
}

// Largest implements Bounded.
func (k *keyctlStore) Largest() int { return keyctlLargest }

func (k *keyctlStore) Get(ctx context.Context, key string) (secret.Secret, error) {
	return await(ctx, k.patience, func(context.Context) (secret.Secret, error) {
		r, err := keyctlRing()
		if err != nil {
			return secret.Secret{}, err
		}
		item, err := k.find(r, key)
		return secret.New(string(item.Data)), keyctlError(err)
	})
}

func (k *keyctlStore) Set(ctx context.Context, key string, value secret.Secret) error {
	_, err := await(ctx, k.patience, func(context.Context) (struct{}, error) {
		if n := len(value.Reveal()); n > keyctlLargest {
			return struct{}{}, fmt.Errorf("the kernel keeps at most %d bytes, not %d", keyctlLargest, n)
		}
		r, err := keyctlRing()
		if err != nil {
			return struct{}{}, err
		}
		item := keyring.Item{Key: k.name(key), Data: []byte(value.Reveal())}
		// The library makes the key in the session's keyring, links it to the user's
		// and unlinks it. Another process of the session that is at the same sees its
		// key taken away or not yet permitted, or finds this work done.
		for range keyctlTries {
			err = r.Set(item)
			if meant(err, syscall.EDQUOT) {
				// What was removed a moment ago counts until the kernel has freed it.
				time.Sleep(keyctlPause)
			} else if !meant(err, syscall.ENOENT, syscall.ENOKEY, syscall.EKEYREVOKED, syscall.EACCES) {
				break
			}
		}
		return struct{}{}, keyctlError(err)
	})
	return err
}

func (k *keyctlStore) Delete(ctx context.Context, key string) error {
	_, err := await(ctx, k.patience, func(context.Context) (struct{}, error) {
		r, err := keyctlRing()
		if err != nil {
			return struct{}{}, err
		}
		// Remove calls every failure "not found".
		if _, err := k.find(r, key); err != nil {
			return struct{}{}, keyctlError(err)
		}
		return struct{}{}, keyctlError(r.Remove(k.name(key)))
	})
	return err
}

func (k *keyctlStore) name(key string) string { return k.service + ":" + key }

// find looks again when the key was replaced between its search and its reading.
func (k *keyctlStore) find(r keyring.Keyring, key string) (item keyring.Item, err error) {
	for range keyctlTries {
		item, err = r.Get(k.name(key))
		if !meant(err, syscall.ENOKEY, syscall.EKEYREVOKED) {
			break
		}
	}
	return item, err
}

func keyctlRing() (keyring.Keyring, error) {
	return keyring.Open(keyring.Config{
		AllowedBackends: []keyring.BackendType{keyring.KeyCtlBackend},
		KeyCtlScope:     "user",
		KeyCtlPerm:      keyctlPerm,
	})
}

func keyctlError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, keyring.ErrKeyNotFound), meant(err, syscall.ENOKEY, syscall.EKEYREVOKED, syscall.EKEYEXPIRED):
		return ErrNotFound
	case meant(err, syscall.ENOSYS, syscall.EPERM):
		return because(ErrAbsent, "the kernel's keyring is closed to this process")
	case meant(err, syscall.EACCES):
		return because(ErrRefused, err)
	case meant(err, syscall.EDQUOT):
		return fmt.Errorf("the user's quota of kernel keys is full: %w", syscall.EDQUOT)
	}
	return err
}

// meant reports whether err is one of these: the library prints most of the kernel's
// errors into its own.
func meant(err error, errnos ...syscall.Errno) bool {
	for _, errno := range errnos {
		if err != nil && (errors.Is(err, errno) || strings.HasSuffix(err.Error(), errno.Error())) {
			return true
		}
	}
	return false
}
