package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"git-credential-bitbucket/store/secret"
)

// MemoryMost is the longest that Memory keeps anything.
const MemoryMost = time.Hour

// Memory keeps what a token command printed for a short time, in the Linux kernel's
// memory and nowhere else: as keys of the user's keyring, which all processes of the user
// share and which the kernel removes when their time is over. Elsewhere, and where the
// kernel denies it, every method returns ErrAbsent or ErrRefused.
//
// A token lies under its fingerprint, and a name leads to the fingerprint: what is
// dropped is gone for every name.
type Memory struct {
	service string
	dir     string        // of the locks; "" for none
	seen    *Observations // whose fallbacks have the locks where dir cannot
}

// OpenMemory touches nothing. Dir is for the locks of Turn, which hold nothing; where it
// cannot be written they are in the folder that has the observations then.
func OpenMemory(dir string, seen *Observations) *Memory { return &Memory{Service, dir, seen} }

// Get returns the token that name leads to, or ErrNotFound.
func (m *Memory) Get(name string) (secret.Secret, error) {
	fingerprint, err := readKey(m.named(name))
	if err != nil {
		return secret.Secret{}, err
	}
	raw, err := readKey(m.token(string(fingerprint)))
	if err != nil {
		return secret.Secret{}, err
	}
	token := secret.New(string(raw))
	if token.Fingerprint() != string(fingerprint) {
		return secret.Secret{}, ErrNotFound // not ours: Drop would not find it
	}
	return token, nil
}

// Set keeps the token for that long, in whole seconds and at most MemoryMost.
func (m *Memory) Set(name string, token secret.Secret, life time.Duration) error {
	life = min(life, MemoryMost)
	fingerprint := token.Fingerprint()
	if err := writeKey(m.token(fingerprint), []byte(token.Reveal()), life); err != nil {
		return err
	}
	return writeKey(m.named(name), []byte(fingerprint), life)
}

// Forget lets name lead nowhere.
func (m *Memory) Forget(name string) error { return removed(m.named(name)) }

// Drop removes the token, whatever name leads to it. Where it is not, that is no error.
func (m *Memory) Drop(token secret.Secret) error {
	return removed(m.token(token.Fingerprint()))
}

func removed(name string) error {
	if err := removeKey(name); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Usable returns nil if the kernel keeps keys for this process, or else ErrAbsent or
// ErrRefused with the reason. It tries by writing.
func (m *Memory) Usable() error {
	probe := m.service + ":probe"
	if err := writeKey(probe, []byte("probe"), time.Second); err != nil {
		return err
	}
	return removed(probe) // by another process, it may be
}

// Turn waits until no other process has the turn for name, for at most that long, and
// returns how to end one's own; waited tells whether another had it. Where there can be
// no lock, or the time is over, unlock is nil.
func (m *Memory) Turn(ctx context.Context, name string, limit time.Duration) (unlock func(), waited bool) {
	f, err := m.lockFile(name)
	if err != nil {
		return nil, false
	}
	return takeTurn(ctx, f, limit)
}

// lockFile opens the file for name's turns. Names that share one wait for each other, and
// the folder does not fill up.
func (m *Memory) lockFile(name string) (f *os.File, err error) {
	open := func(dir string) (err error) {
		f, err = openRegular(filepath.Join(dir, "turn="+name[:min(2, len(name))]), os.O_RDWR|os.O_CREATE, 0o600)
		return err
	}
	err = errNoFolder
	if m.dir != "" {
		if err = open(m.dir); errors.Is(err, fs.ErrNotExist) && os.MkdirAll(m.dir, 0o700) == nil {
			err = open(m.dir)
		}
	}
	if err != nil && len(m.seen.fallbacks) > 0 {
		err = m.seen.fallBack(open)
	}
	return f, err
}

func (m *Memory) named(name string) string        { return m.service + ":command:" + name }
func (m *Memory) token(fingerprint string) string { return m.service + ":token:" + fingerprint }
