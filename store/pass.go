package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"time"

	"github.com/99designs/keyring"
	"github.com/rogpeppe/go-internal/lockedfile"

	"git-credential-bitbucket/store/secret"
)

const (
	passProgram = "pass"
	passPause   = 10 * time.Millisecond
)

// passStore keeps secrets in pass(1), one entry each, below a folder with our name.
type passStore struct {
	service string
	dir     string
	person  bool
	patience
}

func openPass(c Config) Backend {
	return &passStore{c.Service, c.PassDir, c.Person, newPatience(BackendPass, c)}
}

// passReady returns ErrAbsent unless the program is there and the store in dir has
// been set up.
func passReady(dir string) error {
	if _, err := exec.LookPath(passProgram); err != nil {
		return because(ErrAbsent, "no program pass")
	}
	if dir == "" {
		return because(ErrAbsent, "no password store")
	}
	if _, err := os.Stat(gpgID(dir)); err != nil {
		return because(ErrAbsent, "the password store is not set up")
	}
	return nil
}

func gpgID(dir string) string { return filepath.Join(dir, ".gpg-id") }

func (p *passStore) Get(ctx context.Context, key string) (secret.Secret, error) {
	return await(ctx, p.ending(key), func(ctx context.Context) (secret.Secret, error) {
		r, err := p.ring()
		if err != nil {
			return secret.Secret{}, err
		}
		return p.read(ctx, r, entryName(key))
	})
}

func (p *passStore) Set(ctx context.Context, key string, value secret.Secret) error {
	_, err := await(ctx, p.ending(key), func(ctx context.Context) (struct{}, error) {
		r, err := p.ring()
		if err != nil {
			return struct{}{}, err
		}
		unlock, err := p.lock(ctx, os.O_RDWR)
		if err != nil {
			return struct{}{}, err
		}
		defer unlock()
		name := entryName(key)
		if err := p.keepFormer(name); err != nil {
			return struct{}{}, err
		}
		if err := r.Set(keyring.Item{Key: name, Data: []byte(value.Reveal())}); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, p.dropFormer(name)
	})
	return err
}

func (p *passStore) Delete(ctx context.Context, key string) error {
	_, err := await(ctx, p.ending(key), func(ctx context.Context) (struct{}, error) {
		r, err := p.ring()
		if err != nil {
			return struct{}{}, err
		}
		unlock, err := p.lock(ctx, os.O_RDWR)
		if err != nil {
			return struct{}{}, err
		}
		defer unlock()
		name := entryName(key)
		if err := p.dropFormer(name); err != nil {
			return struct{}{}, err
		}
		err = r.Remove(name)
		if errors.Is(err, keyring.ErrKeyNotFound) {
			return struct{}{}, ErrNotFound
		}
		return struct{}{}, err
	})
	return err
}

func (p *passStore) ring() (keyring.Keyring, error) {
	if err := passReady(p.dir); err != nil {
		return nil, err
	}
	r, err := keyring.Open(keyring.Config{
		AllowedBackends: []keyring.BackendType{keyring.PassBackend},
		PassCmd:         passProgram,
		PassDir:         p.dir,
		PassPrefix:      p.service,
	})
	if errors.Is(err, keyring.ErrNoAvailImpl) {
		return nil, because(ErrAbsent, err)
	}
	return r, err
}

// ending is the patience that ends the pass of this entry with all it started: the
// library gives it no context, and gpg would keep git's standard error open.
func (p *passStore) ending(key string) patience {
	limit := p.patience
	limit.abandon = func() { killChildren(path.Join(p.service, entryName(key))) }
	return limit
}

// lock keeps writers apart. It is on the store's .gpg-id, which is always there, so
// that no file of ours lies in what is often a git repository: os.O_RDWR for writers,
// os.O_RDONLY to wait until there is none.
func (p *passStore) lock(ctx context.Context, flag int) (unlock func(), err error) {
	file, err := lockedfile.OpenFile(gpgID(p.dir), flag, 0)
	if err != nil {
		return nil, err
	}
	unlock = func() { _ = file.Close() }
	if ctx.Err() != nil {
		unlock()
		return nil, ctx.Err()
	}
	return unlock, nil
}

func (p *passStore) file(name string) string {
	return filepath.Join(p.dir, p.service, name+".gpg")
}

// former is the name of the copy that stands in while gpg, which truncates and writes
// in place, is at work on an entry, and after a crash in the middle of that.
func former(name string) string { return "." + name + ".former" }

func (p *passStore) keepFormer(name string) error {
	content, err := os.ReadFile(p.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || damagedMessage(content) {
		return err // the copy of an earlier crash is better than this one
	}
	draft := p.file(former(name)) + ".draft"
	if err := os.WriteFile(draft, content, 0o600); err != nil {
		return err
	}
	return os.Rename(draft, p.file(former(name)))
}

func (p *passStore) dropFormer(name string) error {
	return removeEntry(filepath.Dir(p.file(name)), former(name)+".gpg")
}

// read decrypts an entry. When that fails while somebody writes it, it tries again;
// otherwise the failure is real.
func (p *passStore) read(ctx context.Context, r keyring.Keyring, name string) (secret.Secret, error) {
	for {
		before, _ := os.Stat(p.file(name))
		value, err := decodeEntry(r, name, name)
		if err == nil || errors.Is(err, ErrNotFound) {
			return value, err
		}
		if value, err := decodeEntry(r, former(name), name); err == nil {
			return value, nil
		}
		if ctx.Err() != nil {
			return secret.Secret{}, ctx.Err()
		}
		unlock, busy := p.lock(ctx, os.O_RDONLY)
		if busy != nil {
			return secret.Secret{}, busy
		}
		after, _ := os.Stat(p.file(name))
		unlock()
		if before != nil && after != nil && before.Size() == after.Size() && before.ModTime().Equal(after.ModTime()) {
			return secret.Secret{}, p.explain(name, err)
		}
		select {
		case <-ctx.Done():
			return secret.Secret{}, ctx.Err()
		case <-time.After(passPause):
		}
	}
}

// decodeEntry reads the entry at name, which must be the one that was written as key.
func decodeEntry(r keyring.Keyring, name, key string) (secret.Secret, error) {
	item, err := r.Get(name)
	var exit *exec.ExitError
	switch {
	case errors.Is(err, keyring.ErrKeyNotFound):
		return secret.Secret{}, ErrNotFound
	case errors.As(err, &exit):
		return secret.Secret{}, err
	case err != nil:
		return secret.Secret{}, because(ErrDamaged, "not written by this program")
	case item.Key != key:
		return secret.Secret{}, because(ErrDamaged, "it is another account's")
	case len(item.Data) == 0:
		return secret.Secret{}, because(ErrDamaged, "empty")
	}
	return secret.New(string(item.Data)), nil
}

// explain says why pass could not decrypt: all it tells itself is an exit status.
func (p *passStore) explain(name string, err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	content, readErr := os.ReadFile(p.file(name))
	switch {
	case readErr != nil:
		return readErr
	case damagedMessage(content):
		return because(ErrDamaged, "no OpenPGP message")
	case p.person:
		return because(ErrRefused, "gpg did not decrypt it")
	}
	return because(ErrLocked, "gpg cannot decrypt it without a person")
}

// damagedMessage reports whether content cannot be an OpenPGP message: its first
// byte has the highest bit set (RFC 9580, section 4.2), or it is armoured.
func damagedMessage(content []byte) bool {
	var first [1]byte
	if _, err := io.ReadFull(bytes.NewReader(content), first[:]); err != nil {
		return true
	}
	return first[0]&0x80 == 0 && !bytes.HasPrefix(content, []byte("-----BEGIN PGP"))
}
