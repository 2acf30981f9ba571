package store

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// tryFlock takes the lock on f without waiting and reports whether it got it.
// Closing f, also by the end of the process, gives it back.
func tryFlock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
