package store_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/argon2"

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
	storetest.Run(t, storetest.Size{Writers: 8, Rounds: 8, Readers: 2, Largest: 64 << 10}, func(t *testing.T) store.Backend {
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
