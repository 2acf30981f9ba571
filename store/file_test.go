package store_test

import (
	"testing"

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
	storetest.Run(t, storetest.Full, func(t *testing.T) store.Backend {
		return open(t, store.BackendFile, store.Config{FileDir: dir})
	})
}

func TestFileWithPassphraseKeepsTheContract(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	size := storetest.Size{Writers: 4, Rounds: 3, Readers: 1, Largest: 8 << 10}
	storetest.Run(t, size, func(t *testing.T) store.Backend {
		return open(t, store.BackendFile, store.Config{FileDir: dir, Passphrase: passphrase("correct horse")})
	})
}
