package store_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

func oauth(n int, seed string) secret.Secret {
	return secret.New(strings.Repeat(seed, n/len(seed)+1)[:n])
}

func TestVaultSplits(t *testing.T) {
	t.Parallel()
	// Windows' Credential Manager takes 2,560 bytes, zalando/go-keyring's
	// ErrSetDataTooBig beyond. The Fake refuses more.
	fake := &storetest.Fake{Limit: 2560}
	v := store.NewVault(fake.Open)
	for _, c := range []struct{ size, items int }{{1, 1}, {2560, 1}, {2561, 3}, {2600, 3}, {64 << 10, 27}, {100, 1}} {
		value := oauth(c.size, "0123456789")
		if err := v.Put(t.Context(), "keyring", "default", value); err != nil {
			t.Fatal(err)
		}
		got, err := v.Get(t.Context(), "keyring", "default")
		if err != nil || !got.Equal(value) {
			t.Errorf("%d bytes: %d, %v", c.size, len(got.Reveal()), err)
		}
		if keys := fake.Keys(); len(keys) != c.items {
			t.Errorf("%d bytes in %d items, want %d: %q", c.size, len(keys), c.items, keys)
		}
		part := regexp.MustCompile(`^default(#[0-9a-f]{16}#[0-9]+)?$`)
		for _, key := range fake.Keys() {
			if !part.MatchString(key) {
				t.Errorf("an item is called %q", key)
			}
		}
	}
	if err := v.Put(t.Context(), "keyring", "default", oauth(5000, "x")); err != nil {
		t.Fatal(err)
	}
	if err := v.Delete(t.Context(), "keyring", "default"); err != nil || len(fake.Keys()) > 0 {
		t.Errorf("Delete: %v, left %q", err, fake.Keys())
	}
}

// A backend that takes all that a Vault does gets each value as one item, and one that
// was split there before is read and replaced.
func TestVaultKeepsWhole(t *testing.T) {
	t.Parallel()
	fake := &storetest.Fake{Limit: 2 << 10}
	v := store.NewVault(fake.Open)
	if err := v.Put(t.Context(), "keyring", "default", oauth(5000, "old")); err != nil || len(fake.Keys()) != 4 {
		t.Fatalf("%v, %q", err, fake.Keys())
	}
	fake.Limit = 0
	if got, err := v.Get(t.Context(), "keyring", "default"); err != nil || !got.Equal(oauth(5000, "old")) {
		t.Errorf("%d bytes, %v", len(got.Reveal()), err)
	}
	for _, size := range []int{2600, 64 << 10} {
		if err := v.Put(t.Context(), "keyring", "default", oauth(size, "new")); err != nil || len(fake.Keys()) != 1 {
			t.Errorf("%d bytes: %v, %q", size, err, fake.Keys())
		}
	}
}

func TestVaultRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	fake := &storetest.Fake{}
	v := store.NewVault(fake.Open)
	for _, value := range []secret.Secret{{}, oauth(64<<10+1, "x")} {
		if err := v.Put(t.Context(), "keyring", "default", value); err == nil {
			t.Errorf("stored %d bytes", len(value.Reveal()))
		}
	}
	if calls := fake.Calls(); calls != (storetest.Calls{}) {
		t.Errorf("%+v", calls)
	}
}

// A token that reads like a head comes back as it is.
func TestVaultIsNotConfused(t *testing.T) {
	t.Parallel()
	fake := &storetest.Fake{Limit: 2 << 10}
	v := store.NewVault(fake.Open)
	if err := v.Put(t.Context(), "keyring", "default", oauth(3000, "x")); err != nil {
		t.Fatal(err)
	}
	head, err := fake.Get(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []secret.Secret{head, secret.New(strings.TrimRight(head.Reveal(), "0123456789abcdef"))} {
		if err := v.Put(t.Context(), "keyring", "other", value); err != nil {
			t.Fatal(err)
		}
		got, err := v.Get(t.Context(), "keyring", "other")
		if err != nil || !got.Equal(value) {
			t.Errorf("%d bytes, %v", len(got.Reveal()), err)
		}
	}
}

// Wherever a Put is cut off, the old value or the new one stands, whole.
func TestVaultCutOff(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new int }{{100, 5000}, {5000, 100}, {5000, 6000}} {
		for writes := 1; ; writes++ {
			fake := &storetest.Fake{Limit: 2 << 10}
			v := store.NewVault(fake.Open)
			old, value := oauth(c.old, "old"), oauth(c.new, "new")
			if err := v.Put(t.Context(), "keyring", "default", old); err != nil {
				t.Fatal(err)
			}
			fake.Writes = fake.Written() + writes
			err := v.Put(t.Context(), "keyring", "default", value)
			cutOff := fake.Written() == fake.Writes
			fake.Writes = 0
			got, getErr := v.Get(t.Context(), "keyring", "default")
			want := value
			if err != nil {
				want = old
			}
			if getErr != nil || !got.Equal(want) {
				t.Fatalf("%d to %d bytes, %d writes: %d bytes, %v (put: %v)", c.old, c.new, writes, len(got.Reveal()), getErr, err)
			}
			if err == nil && !cutOff {
				break
			}
		}
	}
}

// between runs something before the nth Get of a part.
type between struct {
	store.Backend
	n  int
	do func()
}

func (b *between) Get(ctx context.Context, key string) (secret.Secret, error) {
	if strings.Contains(key, "#") {
		if b.n--; b.n == 0 {
			b.do()
		}
	}
	return b.Backend.Get(ctx, key)
}

// A reader whose parts a writer takes away begins again with the new head.
func TestVaultReaderMeetsWriter(t *testing.T) {
	t.Parallel()
	fake := &storetest.Fake{Limit: 2 << 10}
	writer := store.NewVault(fake.Open)
	for name, value := range map[string]secret.Secret{"split": oauth(7000, "new"), "plain": oauth(70, "new")} {
		if err := writer.Put(t.Context(), "keyring", "default", oauth(6000, "old")); err != nil {
			t.Fatal(err)
		}
		met := &between{fake, 2, func() {
			if err := writer.Put(t.Context(), "keyring", "default", value); err != nil {
				t.Error(err)
			}
		}}
		reader := store.NewVault(func(string) (store.Backend, error) { return met, nil })
		got, err := reader.Get(t.Context(), "keyring", "default")
		if err != nil || !got.Equal(value) {
			t.Errorf("%s: %d bytes, %v", name, len(got.Reveal()), err)
		}
	}
}

func TestVaultDamage(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*storetest.Fake, string) error{
		"part gone":    func(f *storetest.Fake, part string) error { return f.Delete(context.Background(), part) },
		"part changed": func(f *storetest.Fake, part string) error { return f.Set(context.Background(), part, oauth(2048, "y")) },
		"head cut": func(f *storetest.Fake, _ string) error {
			head, err := f.Get(context.Background(), "default")
			return errors.Join(err, f.Set(context.Background(), "default", secret.New(head.Reveal()[:50])))
		},
	} {
		fake := &storetest.Fake{Limit: 2 << 10}
		v := store.NewVault(fake.Open)
		if err := v.Put(t.Context(), "keyring", "default", oauth(5000, "x")); err != nil {
			t.Fatal(err)
		}
		if err := harm(fake, fake.Keys()[1]); err != nil {
			t.Fatal(err)
		}
		_, err := v.Get(t.Context(), "keyring", "default")
		var named *store.BackendError
		if fmt.Sprint(kindsOf(err)) != "[damaged]" || !errors.As(err, &named) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The errors of a backend come through as they are.
func TestVaultTrouble(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		fake := &storetest.Fake{Fail: kind}
		v := store.NewVault(fake.Open)
		_, get := v.Get(t.Context(), "keyring", "default")
		for op, err := range map[string]error{
			"get": get, "put": v.Put(t.Context(), "keyring", "default", oauth(10, "x")), "delete": v.Delete(t.Context(), "keyring", "default"),
		} {
			if !errors.Is(err, kind) {
				t.Errorf("%s, %s: %v", op, name, err)
			}
		}
	}
}
