//go:build unix

package leftovers

import (
	"errors"
	"io"
	"io/fs"
	"syscall"
)

// readRegular reads a regular file of at most largest bytes into buffer, which it may
// replace by a larger one. It does not wait for a FIFO's other end, and looks what it has
// opened after it has: what lay there before may be gone. The system's calls are used as
// they are, since os.File would register each file with the poller first.
func readRegular(path string, followed bool, buffer []byte) (content []byte, state fileState) {
	flags := syscall.O_RDONLY | syscall.O_NONBLOCK | syscall.O_CLOEXEC | syscall.O_NOCTTY
	if !followed {
		flags |= syscall.O_NOFOLLOW
	}
	fd, err := retried(func() (int, error) { return syscall.Open(path, flags, 0) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil, absent
	}
	if err != nil {
		return nil, unreadable
	}
	defer syscall.Close(fd)
	var info syscall.Stat_t
	if err := syscall.Fstat(fd, &info); err != nil {
		return nil, unreadable
	}
	if info.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return nil, special
	}
	return readAll(info.Size, buffer, func(into []byte) (int, error) {
		n, err := retried(func() (int, error) { return syscall.Read(fd, into) })
		if n == 0 && err == nil {
			err = io.EOF
		}
		return n, err
	})
}

func retried(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != syscall.EINTR {
			return n, err
		}
	}
}
