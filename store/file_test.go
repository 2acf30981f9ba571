package store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"git-credential-bitbucket/internal/require"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

func open(t *testing.T, name string, c store.Config) store.Backend {
	t.Helper()
	b, err := store.Open(name, c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func passphrase(text string) func() (secret.Secret, error) {
	return func() (secret.Secret, error) { return secret.New(text), nil }
}

func TestFileKeepsTheContract(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	storetest.Run(t, storetest.Size{Writers: 8, Rounds: 5, Readers: 2, Largest: 16 << 10}, func(t *testing.T) store.Backend {
		return open(t, store.BackendFile, store.Config{FileDir: dir, Person: true})
	})
}

// lightly makes dir know the passphrase already, stretched so little that the race
// detector can bear it.
func lightly(t *testing.T, dir, passphrase string) {
	t.Helper()
	salt := []byte("0123456789abcdef")
	both := argon2.IDKey([]byte(passphrase), salt, 1, 64, 1, 64)
	text, err := json.Marshal(map[string]any{"memory": 64, "time": 1, "lanes": 1, "salt": salt, "check": both[32:]})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "argon2id"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestFileWithPassphraseKeepsTheContract(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lightly(t, dir, "correct horse")
	size := storetest.Size{Writers: 4, Rounds: 3, Readers: 1, Largest: 8 << 10}
	storetest.Run(t, size, func(t *testing.T) store.Backend {
		return open(t, store.BackendFile, store.Config{FileDir: dir, Person: true, Passphrase: passphrase("correct horse")})
	})
}

// state is what the folder holds beside the lock.
func state(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if entry.Name() != "lock" {
			names = append(names, entry.Name())
		}
	}
	return strings.Join(names, " ")
}

func set(t *testing.T, b store.Backend, key, value string) {
	t.Helper()
	if err := b.Set(t.Context(), key, secret.New(value)); err != nil {
		t.Fatal(err)
	}
}

// wants fails unless a get of key gives the value, or an error of exactly that kind.
func wants(t *testing.T, b store.Backend, key, value string, kinds ...string) {
	t.Helper()
	got, err := b.Get(t.Context(), key)
	if value != got.Reveal() || !slices.Equal(kindsOf(err), kinds) {
		t.Errorf("get %s: %q, %v (%q), want %q, %q", key, got.Reveal(), err, kindsOf(err), value, kinds)
	}
}

func TestFilePassphrase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := store.Config{FileDir: dir, Person: true}
	plain := open(t, store.BackendFile, c)
	c.Passphrase = passphrase("correct horse")
	locked := open(t, store.BackendFile, c)
	c.Passphrase = passphrase("battery staple")
	wrong := open(t, store.BackendFile, c)
	protected := func(want bool) {
		t.Helper()
		got, err := store.FileProtection(c, "default")
		if err != nil || got != want {
			t.Errorf("FileProtection: %v, %v, want %v", got, err, want)
		}
	}

	if _, err := store.FileProtection(c, "default"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("FileProtection of nothing: %v", err)
	}
	set(t, plain, "default", "by key file")
	protected(false)
	wants(t, locked, "default", "by key file")

	// A passphrase locks the entry anew; what the key file opened is gone.
	set(t, locked, "default", "by passphrase")
	protected(true)
	if got := state(t, dir); got != "argon2id key passphrase-default" {
		t.Errorf("the folder holds %s", got)
	}
	wants(t, locked, "default", "by passphrase")
	wants(t, plain, "default", "", "locked")
	wants(t, wrong, "default", "", "refused")

	// Nothing less, and no other passphrase, stands beside it.
	for b, kind := range map[store.Backend]error{plain: store.ErrLocked, wrong: store.ErrRefused} {
		for _, key := range []string{"default", "other"} {
			if err := b.Set(t.Context(), key, secret.New("x")); !errors.Is(err, kind) {
				t.Errorf("set %s: %v, want %v", key, err, kind)
			}
		}
	}
	wants(t, locked, "default", "by passphrase")

	// A forgotten passphrase can be replaced once nothing is locked with it.
	if err := plain.Delete(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	set(t, wrong, "default", "by another")
	wants(t, wrong, "default", "by another")
	wants(t, locked, "default", "", "refused")
}

func TestFileStretching(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	set(t, open(t, store.BackendFile, store.Config{FileDir: dir, Person: true, Passphrase: passphrase("correct horse")}), "default", "x")
	text, err := os.ReadFile(filepath.Join(dir, "argon2id"))
	if err != nil {
		t.Fatal(err)
	}
	var used struct {
		Memory, Time, Lanes int
		Salt                []byte
	}
	if err := json.Unmarshal(text, &used); err != nil {
		t.Fatal(err)
	}
	// OWASP Password Storage Cheat Sheet: m=19456 (19 MiB), t=2, p=1.
	if used.Memory != 19456 || used.Time != 2 || used.Lanes != 1 || len(used.Salt) != 16 {
		t.Errorf("argon2id with %+v", used)
	}
}

// A crash after the entry with the passphrase was written and before the one without
// was removed.
func TestFileCrashWhileLockingAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lightly(t, dir, "correct horse")
	plain := open(t, store.BackendFile, store.Config{FileDir: dir, Person: true})
	locked := open(t, store.BackendFile, store.Config{FileDir: dir, Passphrase: passphrase("correct horse")})
	set(t, plain, "default", "old")
	old, err := os.ReadFile(filepath.Join(dir, "keyfile-default"))
	if err != nil {
		t.Fatal(err)
	}
	set(t, locked, "default", "new")
	if err := os.WriteFile(filepath.Join(dir, "keyfile-default"), old, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, locked, "default", "new")
	wants(t, plain, "default", "", "locked")
	if err := locked.Delete(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	wants(t, plain, "default", "", "not found")
}

func TestFileDamage(t *testing.T) {
	t.Parallel()
	entry := func(dir string) string { return filepath.Join(dir, "keyfile-default") }
	cut := func(to float64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			text, err := os.ReadFile(entry(dir))
			if err != nil {
				t.Fatal(err)
			}
			text = text[:int(float64(len(text))*to)]
			if err := os.WriteFile(entry(dir), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name string
		harm func(t *testing.T, dir string)
		kind string
	}{
		{"empty", cut(0), "damaged"},
		{"cut short", cut(0.5), "damaged"},
		{"last bytes missing", cut(0.98), "damaged"},
		{"swapped", func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, "keyfile-other"), entry(dir)); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"key gone", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "key")); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"another key", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "key"), bytes.Repeat([]byte("k"), 32), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"key cut short", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "key"), 31); err != nil {
				t.Fatal(err)
			}
		}, "damaged"},
		{"key open to others", func(t *testing.T, dir string) {
			if runtime.GOOS == "windows" {
				require.Absent(t, "no file modes on Windows")
			}
			if err := os.Chmod(filepath.Join(dir, "key"), 0o640); err != nil {
				t.Fatal(err)
			}
		}, "refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := open(t, store.BackendFile, store.Config{FileDir: dir, Person: true})
			set(t, b, "default", "one")
			set(t, b, "other", "two")
			c.harm(t, dir)
			wants(t, b, "default", "", c.kind)
		})
	}
}

func TestFileModes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		require.Absent(t, "no file modes on Windows")
	}
	dir := filepath.Join(t.TempDir(), "a", "secrets")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	set(t, open(t, store.BackendFile, store.Config{FileDir: dir, Person: true}), "default", "ATATT-plainly")
	modes := map[string]fs.FileMode{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		modes[entry.Name()] = info.Mode().Perm()
		if text, err := os.ReadFile(path); err == nil && bytes.Contains(text, []byte("plainly")) {
			t.Errorf("the token stands in %s", entry.Name())
		}
		return nil
	})
	want := map[string]fs.FileMode{"secrets": 0o700, "key": 0o600, "lock": 0o600, "keyfile-default": 0o600}
	if err != nil || !maps.Equal(modes, want) {
		t.Errorf("modes %v, %v", modes, err)
	}
}

func BenchmarkFileGet(b *testing.B) {
	for name, phrase := range map[string]func() (secret.Secret, error){"key file": nil, "passphrase": passphrase("correct horse")} {
		b.Run(name, func(b *testing.B) {
			backend, err := store.Open(store.BackendFile, store.Config{FileDir: b.TempDir(), Passphrase: phrase})
			if err != nil {
				b.Fatal(err)
			}
			if err := backend.Set(b.Context(), "default", secret.New("x")); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := backend.Get(b.Context(), "default"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
