package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/99designs/keyring"

	"git-credential-bitbucket/store/secret"
)

// What locks an entry stands in front of its name.
const (
	byKeyFile    = "keyfile-"    // the 32 random bytes in the file "key" beside it
	byPassphrase = "passphrase-" // a person's passphrase, through the file "argon2id" beside it
	scratch      = "writing-"    // folders in which entries are written before they are renamed
)

// errPassphrase: the entry is locked with a passphrase, and none was given.
var errPassphrase = because(ErrLocked, "it needs its passphrase")

// fileStore keeps secrets as encrypted files, one each, in a folder of its own:
// 0700, files 0600. github.com/99designs/keyring encrypts them (PBES2 and AES-GCM); it
// stretches its password with 8,192 rounds only, so that it never gets a person's
// passphrase but what argon2id made of it, or 32 random bytes.
//
// Readers take no lock: an entry changes by rename. Writers take the one on "lock".
type fileStore struct {
	dir        string
	passphrase func() (secret.Secret, error)
	patience
}

func openFile(c Config) Backend {
	return &fileStore{c.FileDir, c.Passphrase, newPatience(BackendFile, c)}
}

func fileReady(dir string) error {
	if dir == "" {
		return because(ErrAbsent, "no folder for encrypted files")
	}
	return nil
}

// FileProtection tells what locks the account's entry in the file backend: a person's
// passphrase, or else a key file that only its permissions protect. It reads no
// secret. Without such an entry it returns ErrNotFound.
func FileProtection(c Config, account string) (passphrase bool, err error) {
	name := entryName(account)
	for _, locked := range []string{byPassphrase, byKeyFile} {
		_, err = os.Stat(filepath.Join(c.FileDir, locked+name))
		if err == nil {
			return locked == byPassphrase, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return false, &BackendError{Backend: BackendFile, Err: err}
		}
	}
	return false, &BackendError{Backend: BackendFile, Err: ErrNotFound}
}

func (f *fileStore) Get(ctx context.Context, key string) (secret.Secret, error) {
	return await(ctx, f.patience, func(context.Context) (secret.Secret, error) {
		if err := fileReady(f.dir); err != nil {
			return secret.Secret{}, err
		}
		value, err := f.read(entryName(key))
		if errors.Is(err, ErrNotFound) {
			// It may have got a passphrase between the two looks of read.
			value, err = f.read(entryName(key))
		}
		return value, err
	})
}

func (f *fileStore) Set(ctx context.Context, key string, value secret.Secret) error {
	_, err := await(ctx, f.patience, func(ctx context.Context) (struct{}, error) {
		if err := fileReady(f.dir); err != nil {
			return struct{}{}, err
		}
		passphrase, err := f.given()
		if err != nil {
			return struct{}{}, err
		}
		if err := makePrivate(f.dir); err != nil {
			return struct{}{}, err
		}
		for {
			err := f.write(ctx, entryName(key), value, passphrase)
			if !errors.Is(err, errChanged) {
				return struct{}{}, err
			}
		}
	})
	return err
}

// Delete needs no passphrase.
func (f *fileStore) Delete(ctx context.Context, key string) error {
	_, err := await(ctx, f.patience, func(ctx context.Context) (struct{}, error) {
		if err := fileReady(f.dir); err != nil {
			return struct{}{}, err
		}
		if _, err := os.Stat(f.dir); errors.Is(err, fs.ErrNotExist) {
			return struct{}{}, ErrNotFound
		}
		unlock, err := f.lock(ctx)
		if err != nil {
			return struct{}{}, err
		}
		defer unlock()
		return struct{}{}, f.remove(entryName(key))
	})
	return err
}

// given is the passphrase, or the zero Secret.
func (f *fileStore) given() (secret.Secret, error) {
	if f.passphrase == nil {
		return secret.Secret{}, nil
	}
	return f.passphrase()
}

// read takes the entry with the passphrase where there are both: the other one is
// what a crash left behind when the passphrase came.
func (f *fileStore) read(name string) (secret.Secret, error) {
	if _, err := os.Lstat(filepath.Join(f.dir, byPassphrase+name)); err == nil {
		passphrase, err := f.given()
		if err != nil {
			return secret.Secret{}, err
		}
		if passphrase.IsZero() {
			return secret.Secret{}, errPassphrase
		}
		password, _, err := f.stretched(passphrase)
		if err != nil {
			return secret.Secret{}, err
		}
		return f.decrypt(byPassphrase+name, password)
	}
	if _, err := os.Lstat(filepath.Join(f.dir, byKeyFile+name)); errors.Is(err, fs.ErrNotExist) {
		return secret.Secret{}, ErrNotFound
	}
	password, err := f.keyFile()
	if errors.Is(err, fs.ErrNotExist) {
		return secret.Secret{}, because(ErrDamaged, "its key file is gone")
	}
	if err != nil {
		return secret.Secret{}, err
	}
	return f.decrypt(byKeyFile+name, password)
}

func (f *fileStore) remove(name string) error {
	found := false
	// The one that read takes goes last.
	for _, entry := range []string{byKeyFile + name, byPassphrase + name} {
		err := os.Remove(filepath.Join(f.dir, entry))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		found = found || err == nil
	}
	if !found {
		return ErrNotFound
	}
	return syncDir(f.dir)
}

func removeEntry(dir, entry string) error {
	if err := os.Remove(filepath.Join(dir, entry)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// ring is the library's view of a folder.
func ring(dir, password string) (keyring.Keyring, error) {
	return keyring.Open(keyring.Config{
		AllowedBackends:  []keyring.BackendType{keyring.FileBackend},
		FileDir:          dir,
		FilePasswordFunc: keyring.FixedStringPrompt(password),
	})
}

func (f *fileStore) decrypt(entry, password string) (secret.Secret, error) {
	r, err := ring(f.dir, password)
	if err != nil {
		return secret.Secret{}, err
	}
	item, err := r.Get(entry)
	var path *fs.PathError
	switch {
	case errors.Is(err, keyring.ErrKeyNotFound):
		return secret.Secret{}, ErrNotFound
	case errors.As(err, &path):
		return secret.Secret{}, err
	case err != nil:
		return secret.Secret{}, because(ErrDamaged, err)
	case item.Key != entry:
		return secret.Secret{}, because(ErrDamaged, "it is another account's")
	case len(item.Data) == 0:
		return secret.Secret{}, because(ErrDamaged, "empty")
	}
	return secret.New(string(item.Data)), nil
}
