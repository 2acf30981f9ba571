// Package storetest holds the contract that every backend of package store passes, a
// backend in memory that passes it too, and starters of the real ones on private
// buses and folders. Test code alone imports it.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
)

// Size scales the part of the contract that takes long.
type Size struct {
	Writers, Rounds, Readers int
	Largest                  int // bytes of the largest value put through a Vault
}

// Full is 8 writers of 25 rounds and 2 readers.
var Full = Size{Writers: 8, Rounds: 25, Readers: 2, Largest: 64 << 10}

// Run tests that the backends which open returns keep the contract of store.Backend,
// alone and below a Vault. All that open returns share one place, which holds nothing
// under the names beginning with "contract".
func Run(t *testing.T, size Size, open func(t *testing.T) store.Backend) {
	for _, c := range []struct{ name, value string }{
		{"ascii", "ATATT3xFfGF0"},
		{"4 KB", strings.Repeat("0123456789abcdef", 256)},
		{"an OAuth token", "eyJ" + strings.Repeat("OAuth2-_.", 288)},
		{"unicode", "pässwörd ✓ 日本"},
		{"trailing newline", "token\n"},
		{"line ends and blanks", "  a\r\n\r\n b\t"},
		{"NUL", "a\x00b\x00"},
		{"invalid UTF-8", "\xff\xfe\x80token"},
	} {
		t.Run("round trip of "+c.name, func(t *testing.T) {
			b := open(t)
			put(t, b, "contract", c.value)
			expect(t, b, "contract", c.value)
			remove(t, b, "contract")
			expectNone(t, b, "contract")
		})
	}
	for _, key := range []string{"contract#0123456789abcdef#31", "contract.a-b_c", "../contract", "Contract:/x y%41", "contract" + strings.Repeat("é", 150)} {
		t.Run("key "+key[:min(len(key), 40)], func(t *testing.T) {
			b := open(t)
			put(t, b, key, "value")
			expect(t, b, key, "value")
			remove(t, b, key)
			expectNone(t, b, key)
		})
	}
	t.Run("overwrite", func(t *testing.T) {
		b := open(t)
		put(t, b, "contract", strings.Repeat("long", 100))
		put(t, b, "contract", "short")
		expect(t, b, "contract", "short")
		remove(t, b, "contract")
		expectNone(t, b, "contract")
	})
	t.Run("two keys apart", func(t *testing.T) {
		b := open(t)
		put(t, b, "contract", "one")
		put(t, b, "contract#0", "two")
		expect(t, b, "contract", "one")
		remove(t, b, "contract")
		expectNone(t, b, "contract")
		expect(t, b, "contract#0", "two")
		remove(t, b, "contract#0")
	})
	t.Run("not found", func(t *testing.T) {
		b := open(t)
		expectNone(t, b, "contract-none")
		if err := b.Delete(t.Context(), "contract-none"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Delete of nothing: %v, want ErrNotFound", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		b := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Set(ctx, "contract", secret.New("value")); !errors.Is(err, context.Canceled) {
			t.Errorf("Set: %v, want context.Canceled", err)
		}
		if _, err := b.Get(ctx, "contract"); !errors.Is(err, context.Canceled) {
			t.Errorf("Get: %v, want context.Canceled", err)
		}
		expectNone(t, b, "contract")
	})
	t.Run("vault", func(t *testing.T) { vault(t, size, open(t)) })
	t.Run("writers and readers", func(t *testing.T) { crowd(t, size, open) })
}

func put(t *testing.T, b store.Backend, key, value string) {
	t.Helper()
	if err := b.Set(t.Context(), key, secret.New(value)); err != nil {
		t.Fatalf("Set(%q): %v", key, err)
	}
}

func expect(t *testing.T, b store.Backend, key, value string) {
	t.Helper()
	got, err := b.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	if got.Reveal() != value {
		t.Fatalf("Get(%q) gave %d bytes that are not the %d stored", key, len(got.Reveal()), len(value))
	}
}

func expectNone(t *testing.T, b store.Backend, key string) {
	t.Helper()
	_, err := b.Get(t.Context(), key)
	var named *store.BackendError
	if !errors.Is(err, store.ErrNotFound) || !errors.As(err, &named) || named.Backend == "" {
		t.Fatalf("Get(%q): %v, want a BackendError of ErrNotFound", key, err)
	}
}

func remove(t *testing.T, b store.Backend, key string) {
	t.Helper()
	if err := b.Delete(t.Context(), key); err != nil {
		t.Fatalf("Delete(%q): %v", key, err)
	}
}

// vault puts values of all sizes through a Vault, the largest ones twice so that the
// first one's parts have to go.
func vault(t *testing.T, size Size, b store.Backend) {
	v := store.NewVault(func(string) (store.Backend, error) { return b, nil })
	for _, n := range []int{1, 2048, 2049, 2600, 6000, size.Largest, size.Largest} {
		value := secret.New(strings.Repeat("\x00x\n", n/3+1)[:n])
		if err := v.Put(t.Context(), "any", "contract", value); err != nil {
			t.Fatalf("Put of %d bytes: %v", n, err)
		}
		got, err := v.Get(t.Context(), "any", "contract")
		if err != nil || !got.Equal(value) {
			t.Fatalf("Get of %d bytes: %d bytes, %v", n, len(got.Reveal()), err)
		}
	}
	if err := v.Delete(t.Context(), "any", "contract"); err != nil {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context(), "any", "contract"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Delete of nothing: %v, want ErrNotFound", err)
	}
}

// crowd lets writers each write an own key and one key that all share, and readers
// read the shared one: no call fails, no own value is lost, and each value read is one
// that was written.
func crowd(t *testing.T, size Size, open func(t *testing.T) store.Backend) {
	const shared = "contract-shared"
	value := func(writer, round int) string {
		return fmt.Sprintf("%d %d %s", writer, round, strings.Repeat(string(rune('a'+writer)), 400+round))
	}
	put(t, open(t), shared, value(0, 0))
	var writers, readers sync.WaitGroup
	var over atomic.Bool
	own := func(writer int) string { return fmt.Sprintf("contract-%d", writer) }
	for writer := range size.Writers {
		b := open(t)
		writers.Go(func() {
			for round := range size.Rounds {
				for _, key := range []string{shared, own(writer)} {
					if err := b.Set(t.Context(), key, secret.New(value(writer, round))); err != nil {
						t.Errorf("writer %d, round %d: %v", writer, round, err)
					}
				}
			}
		})
	}
	for range size.Readers {
		b := open(t)
		readers.Go(func() {
			for !over.Load() {
				got, err := b.Get(t.Context(), shared)
				if err != nil {
					t.Errorf("reader: %v", err)
					return
				}
				var writer, round int
				if _, err := fmt.Sscan(got.Reveal(), &writer, &round); err != nil || got.Reveal() != value(writer, round) {
					t.Errorf("reader: a value that nobody wrote")
				}
			}
		})
	}
	writers.Wait()
	over.Store(true)
	readers.Wait()
	b := open(t)
	for writer := range size.Writers {
		expect(t, b, own(writer), value(writer, size.Rounds-1))
		remove(t, b, own(writer))
	}
	remove(t, b, shared)
}
