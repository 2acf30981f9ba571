package store

import (
	"context"
	"fmt"
	"os"
	"time"
)

const flockPause = 2 * time.Millisecond

// flock opens path with flag and waits for the lock on it until ctx ends. The
// returned function gives it back.
func flock(ctx context.Context, path string, flag int) (unlock func(), err error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		locked, err := tryFlock(f)
		if locked {
			return func() { _ = f.Close() }, nil
		}
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, ctx.Err()
		case <-time.After(flockPause):
		}
	}
}
