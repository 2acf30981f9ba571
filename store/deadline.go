package store

import (
	"context"
	"errors"
	"time"
)

const (
	limitAlone  = 2 * time.Second // nobody can answer a dialog
	limitPerson = time.Minute     // cli/cli#13787: 3 s were too short to unlock a keyring
	noticeAfter = time.Second
)

// A patience is how long a backend is waited for.
type patience struct {
	backend string
	limit   time.Duration
	waiting func(backend string, limit time.Duration) // may be nil
	abandon func()                                    // ends what the work left running; may be nil
}

func newPatience(backend string, c Config) patience {
	limit := limitAlone
	if c.Person {
		limit = limitPerson
	}
	return patience{backend: backend, limit: limit, waiting: c.Waiting}
}

// await runs work and returns its outcome, or ErrTimeout when it takes longer than
// the limit or ctx's own deadline. Work that heeds no context is left behind: neither
// keyring library has a timeout (zalando/go-keyring#131). Every error it returns is a
// *BackendError.
func await[T any](ctx context.Context, p patience, work func(context.Context) (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, p.failed(err, 0)
	}
	limit := p.limit
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline))
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	done := make(chan outcome, 1)
	go func() {
		value, err := work(ctx)
		done <- outcome{value, err}
	}()
	notice := time.NewTimer(noticeAfter)
	defer notice.Stop()
	for {
		select {
		case out := <-done:
			if out.err != nil && ctx.Err() != nil {
				out.err = ctx.Err() // the connection was closed when time was up
			}
			return out.value, p.failed(out.err, limit)
		case <-notice.C:
			if p.waiting != nil {
				p.waiting(p.backend, limit)
			}
		case <-ctx.Done():
			if p.abandon != nil {
				p.abandon()
			}
			return none, p.failed(ctx.Err(), limit)
		}
	}
}

// failed gives err the backend's name, and turns an expired context into ErrTimeout.
func (p patience) failed(err error, limit time.Duration) error {
	var named *BackendError
	if err == nil || errors.As(err, &named) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &BackendError{Backend: p.backend, After: limit, Err: ErrTimeout}
	}
	return &BackendError{Backend: p.backend, Err: err}
}
