package store

import (
	"errors"

	"golang.org/x/sys/windows"
)

// systemError: a logon over the network (ssh, a service) has no Credential Manager.
func systemError(err error) error {
	switch {
	case errors.Is(err, windows.ERROR_NO_SUCH_LOGON_SESSION):
		return ErrAbsent
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return ErrRefused
	}
	return nil
}
