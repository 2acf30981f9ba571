package store

import (
	"errors"
	"fmt"
	"time"
)

// What can be wrong with a secret's place. Each has its own message and remedy, so
// they are never folded into one another; compare with errors.Is.
var (
	// ErrNotFound: the place answers and holds no such secret.
	ErrNotFound = errors.New("not found")
	// ErrLocked: the place answers, and must be unlocked first.
	ErrLocked = errors.New("locked")
	// ErrAbsent: there is no such place here (no session bus, no pass, no kernel keyring).
	ErrAbsent = errors.New("not available here")
	// ErrNoKeyring: the secret service answers, and nobody made a keyring in it yet.
	// It is also ErrAbsent.
	ErrNoKeyring = fmt.Errorf("no keyring has been made yet: %w", ErrAbsent)
	// ErrRefused: the place answered no (a dialog cancelled, permission denied, a
	// wrong passphrase).
	ErrRefused = errors.New("refused")
	// ErrDamaged: the secret is there and cannot be read any more (cut short,
	// changed, swapped with another one).
	ErrDamaged = errors.New("damaged")
	// ErrTimeout: the place did not answer within its deadline.
	ErrTimeout = errors.New("did not answer in time")
)

// BackendError says which backend failed and how. Err wraps one of the errors
// above where the cause is known. It never holds a secret.
type BackendError struct {
	Backend string        // "keyring", "file", "pass", "keyctl"
	After   time.Duration // how long was waited, for ErrTimeout
	Err     error
}

func (e *BackendError) Error() string { return fmt.Sprintf("%s: %v", e.Backend, e.Err) }
func (e *BackendError) Unwrap() error { return e.Err }

// because is kind with the reason behind it, which is told and not compared.
func because(kind error, reason any) error { return fmt.Errorf("%w: %v", kind, reason) }
