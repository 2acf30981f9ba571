package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// ErrBusy: another process holds a lock.
var ErrBusy = errors.New("another process holds it")

// lock takes the lock that path stands for, across processes, and returns its unlock.
// The file is made with mode 0600 first: who can open it can hold it, for ever. So the
// waiting ends with ctx.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	type taken struct {
		unlock func()
		err    error
	}
	done := make(chan taken)
	go func() {
		unlock, err := waitForLock(path)
		select {
		case done <- taken{unlock, err}:
		case <-ctx.Done():
			if err == nil {
				unlock()
			}
		}
	}()
	select {
	case t := <-done:
		return t.unlock, t.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// waitForLock has no limit: the module knows none.
func waitForLock(path string) (unlock func(), err error) {
	f, err := openRegular(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	_ = f.Close()
	return lockedfile.MutexAt(path).Lock()
}

// lockFor is lock for who waits that long, and then gets ErrBusy.
func lockFor(limit time.Duration, path string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	unlock, err = lock(ctx, path)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("%s: %w", path, ErrBusy)
	}
	return unlock, err
}
