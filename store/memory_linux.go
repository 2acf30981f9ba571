package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// memoryType is the kernel's kind of key whose payload a process can read back.
const memoryType = "user"

// writeKey makes the key in a keyring of this thread, where nobody else sees it, and
// links it to the user's when its permissions and its end are set: no process ever finds
// half a key. A link takes the place of a former key of the same name.
func writeKey(name string, payload []byte, life time.Duration) error {
	if len(payload) > keyctlLargest {
		return fmt.Errorf("the kernel keeps at most %d bytes, not %d", keyctlLargest, len(payload))
	}
	seconds := int(life / time.Second)
	if seconds <= 0 {
		return errors.New("kept for less than a second")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	key, err := unix.AddKey(memoryType, name, payload, unix.KEY_SPEC_THREAD_KEYRING)
	if err != nil {
		return keyctlError(err)
	}
	for _, step := range [][3]int{
		{unix.KEYCTL_SET_TIMEOUT, key, seconds},
		{unix.KEYCTL_SETPERM, key, keyctlPerm},
		{unix.KEYCTL_LINK, key, unix.KEY_SPEC_USER_KEYRING},
	} {
		if _, err = unix.KeyctlInt(step[0], step[1], step[2], 0, 0); err != nil {
			break
		}
	}
	_, _ = unix.KeyctlInt(unix.KEYCTL_UNLINK, key, unix.KEY_SPEC_THREAD_KEYRING, 0, 0)
	return keyctlError(err)
}

// readKey looks again when the key was replaced between its search and its reading.
func readKey(name string) ([]byte, error) {
	var err error
	for range keyctlTries {
		var key, size int
		if key, err = unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, memoryType, name, 0); err != nil {
			break
		}
		buf := make([]byte, keyctlLargest)
		if size, err = unix.KeyctlBuffer(unix.KEYCTL_READ, key, buf, 0); err == nil {
			return buf[:min(size, len(buf))], nil
		}
		if !errors.Is(err, syscall.ENOKEY) && !errors.Is(err, syscall.EKEYREVOKED) {
			break
		}
	}
	return nil, keyctlError(err)
}

func removeKey(name string) error {
	key, err := unix.KeyctlSearch(unix.KEY_SPEC_USER_KEYRING, memoryType, name, 0)
	if err != nil {
		return keyctlError(err)
	}
	// What another thread has already found must not be read any more either.
	if _, err = unix.KeyctlInt(unix.KEYCTL_INVALIDATE, key, 0, 0, 0); err != nil {
		_, err = unix.KeyctlInt(unix.KEYCTL_UNLINK, key, unix.KEY_SPEC_USER_KEYRING, 0, 0)
	}
	if errors.Is(err, unix.ENOENT) {
		return nil // another process was faster
	}
	return keyctlError(err)
}

// turnPause is how long whoever waits for a turn sleeps between two tries.
const turnPause = 10 * time.Millisecond

// takeTurn locks the file; the kernel unlocks it when the process ends, however it ends.
func takeTurn(ctx context.Context, f *os.File, limit time.Duration) (unlock func(), waited bool) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, waited
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = f.Close()
			return nil, waited
		}
		waited = true
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, waited
		case <-time.After(turnPause):
		}
	}
}
