package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/99designs/keyring"

	"git-credential-bitbucket/store/secret"
)

// abandoned is the age at which a scratch folder's writer is taken for dead.
const abandoned = 5 * time.Minute

// errChanged: while an entry was written another passphrase came into force.
var errChanged = errors.New("the passphrase was changed meanwhile")

// makePrivate makes the folder, or takes others' access to it away.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// lock keeps writers apart while they look at what there is and change names; what
// takes time, the making of an entry, is done without it.
func (f *fileStore) lock(ctx context.Context) (unlock func(), err error) {
	return lock(ctx, filepath.Join(f.dir, "lock"))
}

// A lockup is what an entry is to be locked with.
type lockup struct {
	prefix   string
	password string
	stretch  []byte // the content of the file "argon2id" that the password comes from
}

// write makes the entry in a scratch folder and puts it in its place by rename. The
// library truncates and writes in place, where SIGKILL or a full disk leave an empty
// file and no old value. The data is on disk before the name is: a rename may
// otherwise survive a power cut that the content does not.
func (f *fileStore) write(ctx context.Context, name string, value, passphrase secret.Secret) error {
	with, err := f.lockup(ctx, passphrase)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(f.dir, scratch)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	f.sweep(dir)
	r, err := ring(dir, with.password)
	if err != nil {
		return err
	}
	entry := with.prefix + name
	if err := r.Set(keyring.Item{Key: entry, Data: []byte(value.Reveal())}); err != nil {
		return err
	}
	written := filepath.Join(dir, entry)
	if err := syncFile(written); err != nil {
		return err
	}

	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := f.permits(with); err != nil {
		return err
	}
	if err := retry(func() error { return os.Rename(written, filepath.Join(f.dir, entry)) }); err != nil {
		return err
	}
	if with.prefix == byPassphrase {
		// What the key file opens must go, but not before its successor is there to stay.
		if err := syncDir(f.dir); err != nil {
			return err
		}
		if err := removeEntry(f.dir, byKeyFile+name); err != nil {
			return err
		}
	}
	return syncDir(f.dir)
}

// lockup is the passphrase where one is given, made the valid one where nothing is
// locked with another; else the key file, made where there is none.
func (f *fileStore) lockup(ctx context.Context, passphrase secret.Secret) (with lockup, err error) {
	with, err = f.existing(passphrase)
	if err == nil || f.holdsPassphrase() {
		return with, err
	}
	unlock, err := f.lock(ctx)
	if err != nil {
		return lockup{}, err
	}
	defer unlock()
	// Another process may have made it before we had the lock.
	with, err = f.existing(passphrase)
	switch {
	case err == nil || f.holdsPassphrase():
		return with, err
	case !passphrase.IsZero():
		return f.makeStretch(passphrase)
	case errors.Is(err, fs.ErrNotExist):
		return f.makeKeyFile()
	}
	return lockup{}, err
}

func (f *fileStore) existing(passphrase secret.Secret) (with lockup, err error) {
	if passphrase.IsZero() {
		with = lockup{prefix: byKeyFile}
		if err := f.permits(with); err != nil {
			return lockup{}, err
		}
		with.password, err = f.keyFile()
		return with, err
	}
	with = lockup{prefix: byPassphrase}
	with.password, with.stretch, err = f.stretched(passphrase)
	return with, err
}

// permits tells whether an entry may be locked so now. Beside secrets that a
// passphrase protects none is stored with less.
func (f *fileStore) permits(with lockup) error {
	if with.prefix == byKeyFile {
		if f.holdsPassphrase() {
			return errPassphrase
		}
		return nil
	}
	stretch, err := os.ReadFile(filepath.Join(f.dir, stretchName))
	if err == nil && !bytes.Equal(stretch, with.stretch) {
		return errChanged
	}
	return err
}

// holdsPassphrase reports whether any entry is locked with a passphrase.
func (f *fileStore) holdsPassphrase() bool {
	entries, _ := os.ReadDir(f.dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), byPassphrase) {
			return true
		}
	}
	return false
}

// sweep removes the scratch folders of writers that were killed. It compares with
// the newest one, so that the file system's own clock counts.
func (f *fileStore) sweep(newest string) {
	now, err := os.Stat(newest)
	if err != nil {
		return
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.IsDir() || !strings.HasPrefix(entry.Name(), scratch) {
			continue
		}
		if now.ModTime().Sub(info.ModTime()) > abandoned {
			_ = os.RemoveAll(filepath.Join(f.dir, entry.Name()))
		}
	}
}

// SweepFiles removes what writers of the file backend left that were killed, however
// young it is. No writer may be at work meanwhile: see Accounts.Exclusive.
func SweepFiles(c Config) {
	entries, err := os.ReadDir(c.FileDir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), scratch) {
			_ = os.RemoveAll(filepath.Join(c.FileDir, entry.Name()))
		}
	}
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
