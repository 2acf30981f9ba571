package store

import (
	"context"
	"time"
)

const probeLimit = 300 * time.Millisecond

// A Choice is the backend for an account that names none.
type Choice struct {
	Backend string
	Passed  []error // why the ones before it were passed over: *BackendError, in order
}

// Choose takes the system's keyring if a token can be stored in it now (or with the
// person's help, see Config.Person), else pass if it is set up, else file. It is for
// the first storing of an account only: what it took is written down there, and a
// backend that is named and fails is an error, never a reason to choose again. The
// error is ctx's, or ErrAbsent without a folder for files.
func Choose(ctx context.Context, c Config) (Choice, error) {
	var passed []error
	for _, candidate := range []struct {
		backend string
		usable  func(context.Context, Config) error
	}{
		{BackendKeyring, probeKeyring},
		{BackendPass, func(_ context.Context, c Config) error { return passReady(c.PassDir) }},
		{BackendFile, func(_ context.Context, c Config) error { return fileReady(c.FileDir) }},
	} {
		err := candidate.usable(ctx, c)
		if err == nil {
			return Choice{candidate.backend, passed}, nil
		}
		if ctx.Err() != nil {
			return Choice{}, ctx.Err()
		}
		passed = append(passed, newPatience(candidate.backend, c).failed(err, 0))
	}
	return Choice{Passed: passed}, passed[len(passed)-1]
}
