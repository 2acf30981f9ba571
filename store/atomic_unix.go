//go:build !windows

package store

import (
	"os"
	"syscall"
)

// nonblock keeps an open of a pipe from waiting.
const nonblock = syscall.O_NONBLOCK

// retry is for Windows, where an open file cannot be replaced.
func retry(f func() error) error { return f() }

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
