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
	// ErrRefused: the place answered no (a dialog cancelled, permission denied).
	ErrRefused = errors.New("refused")
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
