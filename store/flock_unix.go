//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

// tryFlock takes the lock on f without waiting and reports whether it got it.
// Closing f, also by the end of the process, gives it back.
func tryFlock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	return err == nil, err
}
