package store

import (
	"errors"
	"time"

	"golang.org/x/sys/windows"
)

// nonblock is for systems whose pipes are files.
const nonblock = 0

// retry repeats f, for half a second at most, while it fails because another process
// has the file open: Windows then refuses to replace it, or to open it while it is
// being replaced (https://go.dev/issue/25965).
func retry(f func() error) error {
	const times, pause = 50, 10 * time.Millisecond
	err := f()
	for range times {
		if !errors.Is(err, windows.ERROR_ACCESS_DENIED) && !errors.Is(err, windows.ERROR_SHARING_VIOLATION) {
			break
		}
		time.Sleep(pause)
		err = f()
	}
	return err
}

// syncDir does nothing: a folder cannot be synced on Windows.
func syncDir(string) error { return nil }
