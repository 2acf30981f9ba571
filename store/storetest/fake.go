package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// ErrKilled is what the Fake's writes return once Writes are used up.
var ErrKilled = errors.New("killed in the middle of a write")

// ErrTooBig is what the Fake returns to a value above Limit.
var ErrTooBig = errors.New("value too big")

// Fake is a backend in memory that passes the contract. Its fields change how it
// behaves; set them before the calls they are for.
type Fake struct {
	Name   string // in errors; "" is "keyring"
	Fail   error  // if set every call returns it: store.ErrLocked, store.ErrAbsent, …
	Hang   bool   // every call waits 2 s, or for its context, and returns store.ErrTimeout
	Limit  int    // bytes a value may have, as 2,560 in Windows; 0: any number
	Writes int    // Set and Delete return ErrKilled once Written has reached it; 0: never

	mutex   sync.Mutex
	items   map[string]secret.Secret
	calls   Calls
	written int
}

// Calls counts what a Fake was asked.
type Calls struct{ Get, Set, Delete int }

var _ store.Backend = (*Fake)(nil)

// Largest implements store.Bounded.
func (f *Fake) Largest() int {
	if f.Limit == 0 {
		return 64 << 10
	}
	return f.Limit
}

// Get implements store.Backend.
func (f *Fake) Get(ctx context.Context, key string) (secret.Secret, error) {
	f.count(&f.calls.Get)
	if err := f.trouble(ctx); err != nil {
		return secret.Secret{}, err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	value, ok := f.items[key]
	if !ok {
		return secret.Secret{}, f.error(store.ErrNotFound)
	}
	return value, nil
}

// Set implements store.Backend.
func (f *Fake) Set(ctx context.Context, key string, value secret.Secret) error {
	f.count(&f.calls.Set)
	if err := f.trouble(ctx); err != nil {
		return err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.Limit > 0 && len(value.Reveal()) > f.Limit {
		return f.error(ErrTooBig)
	}
	if err := f.spend(); err != nil {
		return err
	}
	if f.items == nil {
		f.items = map[string]secret.Secret{}
	}
	f.items[key] = value
	return nil
}

// Delete implements store.Backend.
func (f *Fake) Delete(ctx context.Context, key string) error {
	f.count(&f.calls.Delete)
	if err := f.trouble(ctx); err != nil {
		return err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if _, ok := f.items[key]; !ok {
		return f.error(store.ErrNotFound)
	}
	if err := f.spend(); err != nil {
		return err
	}
	delete(f.items, key)
	return nil
}

// Open returns the Fake for every backend's name: store.NewVault(fake.Open).
func (f *Fake) Open(string) (store.Backend, error) { return f, nil }

// Keys lists what is stored, sorted.
func (f *Fake) Keys() []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return slices.Sorted(maps.Keys(f.items))
}

// Calls tells how often each method was called.
func (f *Fake) Calls() Calls {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.calls
}

// Written tells how often Set and Delete changed anything.
func (f *Fake) Written() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.written
}

func (f *Fake) count(calls *int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	*calls++
}

// spend uses up one of the Writes.
func (f *Fake) spend() error {
	if f.Writes > 0 && f.written >= f.Writes {
		return f.error(ErrKilled)
	}
	f.written++
	return nil
}

func (f *Fake) trouble(ctx context.Context) error {
	const limit = 2 * time.Second
	if err := ctx.Err(); err != nil {
		return f.error(err)
	}
	if f.Fail != nil {
		return f.error(f.Fail)
	}
	if !f.Hang {
		return nil
	}
	select {
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return f.error(ctx.Err())
		}
	case <-time.After(limit):
	}
	return &store.BackendError{Backend: f.name(), After: limit, Err: store.ErrTimeout}
}

func (f *Fake) error(err error) error { return &store.BackendError{Backend: f.name(), Err: err} }

func (f *Fake) name() string {
	if f.Name == "" {
		return store.BackendKeyring
	}
	return f.Name
}
