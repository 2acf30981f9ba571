package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAwait(t *testing.T) {
	t.Parallel()
	failure := errors.New("no luck")
	heedful := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
	after := func(d time.Duration, err error) func(context.Context) (int, error) {
		return func(context.Context) (int, error) { time.Sleep(d); return 7, err }
	}
	for _, c := range []struct {
		name      string
		person    bool
		deadline  time.Duration // of the caller's context; 0: none
		cancel    time.Duration // when the caller gives up; 0: never
		work      func(context.Context) (int, error)
		err       error
		took      time.Duration
		waits     int
		abandoned int
	}{
		{name: "quick", work: after(time.Millisecond, nil), took: time.Millisecond},
		{name: "slow", work: after(1500*time.Millisecond, nil), took: 1500 * time.Millisecond, waits: 1},
		{name: "fails", work: after(0, failure), err: failure},
		{name: "hangs", work: heedful, err: ErrTimeout, took: 2 * time.Second, waits: 1, abandoned: 1},
		{name: "hangs with a person", person: true, work: heedful, err: ErrTimeout, took: time.Minute, waits: 1, abandoned: 1},
		{name: "a person answers", person: true, work: after(59*time.Second, nil), took: 59 * time.Second, waits: 1},
		{name: "the caller's deadline", deadline: 300 * time.Millisecond, work: heedful, err: ErrTimeout, took: 300 * time.Millisecond, abandoned: 1},
		{name: "the caller's later deadline", deadline: time.Hour, work: heedful, err: ErrTimeout, took: 2 * time.Second, waits: 1, abandoned: 1},
		{name: "cancelled", cancel: 100 * time.Millisecond, work: heedful, err: context.Canceled, took: 100 * time.Millisecond, abandoned: 1},
		{name: "heeds nothing", deadline: time.Second / 2, work: after(10*time.Second, nil), err: ErrTimeout, took: time.Second / 2, abandoned: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.deadline > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				if c.cancel > 0 {
					time.AfterFunc(c.cancel, cancel)
				}
				waits, abandoned, most := 0, 0, 2*time.Second
				if c.person {
					most = time.Minute
				}
				p := newPatience("pass", Config{Person: c.person, Waiting: func(backend string, limit time.Duration) {
					if waits++; backend != "pass" || limit != most {
						t.Errorf("waiting for %s up to %v", backend, limit)
					}
				}})
				p.abandon = func() { abandoned++ }
				begun := time.Now()
				value, err := await(ctx, p, c.work)
				if took := time.Since(begun); took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				var named *BackendError
				if !errors.Is(err, c.err) || err != nil && (!errors.As(err, &named) || named.Backend != "pass") {
					t.Errorf("error %v, want a BackendError of %v", err, c.err)
				}
				if errors.Is(err, ErrTimeout) && named.After != c.took {
					t.Errorf("After is %v, want %v", named.After, c.took)
				}
				if (err == nil) != (value == 7) && c.err != failure {
					t.Errorf("value %d with error %v", value, err)
				}
				if waits != c.waits || abandoned != c.abandoned {
					t.Errorf("waits %d, abandoned %d, want %d, %d", waits, abandoned, c.waits, c.abandoned)
				}
				time.Sleep(time.Minute) // until all work has ended
			})
		})
	}
}
