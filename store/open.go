package store

import (
	"fmt"

	"git-credential-bitbucket/store/internal/nobus"
)

// By now github.com/99designs/keyring has been initialised, out of the bus's reach.
func init() { nobus.Restore() }

// Open returns the backend of that name. It touches nothing: no bus, no file, no
// process before the first call of the backend; whether the place exists is told
// by that call (ErrAbsent). Every call is bounded: 2 s, or 60 s with c.Person.
func Open(name string, c Config) (Backend, error) {
	if c.Service == "" {
		c.Service = Service
	}
	switch name {
	case BackendKeyring:
		return openKeyring(c), nil
	case BackendFile:
		return openFile(c), nil
	case BackendPass:
		return openPass(c), nil
	case BackendKeyctl:
		return openKeyctl(c), nil
	}
	return nil, fmt.Errorf("no backend is called %q", name)
}
