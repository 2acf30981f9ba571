//go:build unix

package store_test

import (
	"os/signal"
	"syscall"
)

// fillDisk lets this process write no byte to any file, as on a full disk.
func fillDisk() {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{}); err != nil {
		panic(err)
	}
}
