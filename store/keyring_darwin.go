package store

import (
	"errors"
	"os/exec"
)

// systemError reads security(1)'s exit status, which is the low byte of an OSStatus of
// SecBase.h: -25308 errSecInteractionNotAllowed, -25294 errSecNoSuchKeychain, -25293
// errSecAuthFailed, -128 userCanceledErr.
func systemError(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return nil
	}
	return map[int]error{36: ErrLocked, 50: ErrAbsent, 51: ErrRefused, 128: ErrRefused}[exit.ExitCode()]
}
