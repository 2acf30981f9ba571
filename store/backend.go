package store

import (
	"context"
	"time"

	"git-credential-bitbucket/store/secret"
)

// Service is the name under which every backend files our items.
const Service = "git-credential-bitbucket"

// The backends by name.
const (
	BackendKeyring = "keyring" // Secret Service, macOS Keychain, Windows Credential Manager
	BackendFile    = "file"    // encrypted files
	BackendPass    = "pass"    // the password store, pass(1)
	BackendKeyctl  = "keyctl"  // the Linux kernel's keyring; gone at reboot
)

// A Backend keeps secrets by key. A key is an account's name or such a name
// followed by '#' and a suffix; a value is any text of 1 byte to 64 KiB.
// Errors wrap one of the package's where the cause is known.
type Backend interface {
	// Get returns the value of key, or ErrNotFound.
	Get(ctx context.Context, key string) (secret.Secret, error)
	// Set writes or replaces the value of key: whoever reads meanwhile, or after
	// a crash, sees the old value or the new one.
	Set(ctx context.Context, key string, value secret.Secret) error
	// Delete removes key, or returns ErrNotFound.
	Delete(ctx context.Context, key string) error
}

// Config tells backends what they may not look up themselves.
type Config struct {
	Service    string                                    // "" is Service; tests use names of their own
	BusAddress string                                    // the D-Bus session bus, "" for none; no bus is ever started
	PassDir    string                                    // the password store's folder
	FileDir    string                                    // the file backend's folder, made when first written
	Passphrase func() (p secret.Secret, err error)       // of the file backend; nil or a zero Secret: none given
	Person     bool                                      // a person can answer a dialog: waits 60 s instead of 2
	Waiting    func(backend string, limit time.Duration) // called once after 1 s of waiting; may be nil
}
