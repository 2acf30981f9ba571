package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"git-credential-bitbucket/store/secret"
)

const (
	largest     = 64 << 10
	partsMost   = 64
	rereads     = 8
	splitMarker = "git-credential-bitbucket split 1 "
)

// A Vault keeps values of 1 byte to 64 KiB in backends whose items may be small. A
// value that the backend takes whole is stored as it is under the account's name. One
// above what a Bounded backend takes is split: the parts are ACCOUNT#GENERATION#INDEX,
// and under the account's name stands a head that tells generation, number of parts,
// length and checksum. Split values are read from every backend. The head is
// written after its parts and before the former ones are removed, so that a reader
// finds one whole value at every moment, as does one after a crash.
type Vault struct {
	open func(backend string) (Backend, error)
}

// Bounded is a Backend whose values have fewer than 64 KiB.
type Bounded interface {
	// Largest is how many bytes a value may have, 1 KiB at least.
	Largest() int
}

func largestIn(b Backend) int {
	if bounded, ok := b.(Bounded); ok {
		return min(bounded.Largest(), largest)
	}
	return largest
}

// NewVault makes a Vault of the backends that open returns by name.
func NewVault(open func(backend string) (Backend, error)) *Vault { return &Vault{open} }

// Get returns the account's secret from that backend, or ErrNotFound.
func (v *Vault) Get(ctx context.Context, backend, account string) (secret.Secret, error) {
	b, err := v.open(backend)
	if err != nil {
		return secret.Secret{}, err
	}
	value, err := b.Get(ctx, account)
	for range rereads {
		if err != nil {
			return secret.Secret{}, err
		}
		h, split, err := parseHead(value)
		if err != nil {
			return secret.Secret{}, patience{backend: backend}.failed(err, 0)
		}
		if !split {
			return value, nil
		}
		whole, err := h.gather(ctx, b, account)
		if err == nil {
			return whole, nil
		}
		if !errors.Is(err, ErrNotFound) {
			return secret.Secret{}, patience{backend: backend}.failed(err, 0)
		}
		// A writer took the parts away after its own head stood.
		again, err := b.Get(ctx, account)
		if err != nil {
			return secret.Secret{}, err
		}
		if again.Equal(value) {
			break
		}
		value = again
	}
	return secret.Secret{}, &BackendError{Backend: backend, Err: because(ErrDamaged, "a part is missing")}
}

// Put stores or replaces the account's secret. The former one stays readable until
// the new one is.
func (v *Vault) Put(ctx context.Context, backend, account string, value secret.Secret) error {
	b, err := v.open(backend)
	if err != nil {
		return err
	}
	text := value.Reveal()
	if len(text) == 0 || len(text) > largest {
		return fmt.Errorf("a secret has 1 to %d bytes, not %d", largest, len(text))
	}
	item := value
	var h head
	if size := largestIn(b); len(text) > size || strings.HasPrefix(text, splitMarker) {
		h = newHead(text, size)
		item = secret.New(h.String())
		for i := range h.parts {
			part := text[i*size : min((i+1)*size, len(text))]
			if err := b.Set(ctx, h.key(account, i), secret.New(part)); err != nil {
				h.remove(ctx, b, account)
				return err
			}
		}
	}
	// What cannot be read is replaced all the same.
	former, _ := b.Get(ctx, account)
	if err := b.Set(ctx, account, item); err != nil {
		// A write that was given up may still arrive and name these parts.
		if !errors.Is(err, ErrTimeout) && ctx.Err() == nil {
			h.remove(ctx, b, account)
		}
		return err
	}
	if old, split, err := parseHead(former); split && err == nil {
		old.remove(ctx, b, account)
	}
	return nil
}

// Delete removes the account's secret, or returns ErrNotFound.
func (v *Vault) Delete(ctx context.Context, backend, account string) error {
	b, err := v.open(backend)
	if err != nil {
		return err
	}
	former, _ := b.Get(ctx, account)
	if err := b.Delete(ctx, account); err != nil {
		return err
	}
	if old, split, err := parseHead(former); split && err == nil {
		old.remove(ctx, b, account)
	}
	return nil
}

// A head stands for a value that is kept in parts.
type head struct {
	generation string // 16 hex digits, drawn anew for each value
	parts      int
	length     int    // bytes of the whole value
	sum        string // SHA-256 of it, hex
}

func newHead(text string, size int) head {
	var generation [8]byte
	_, _ = rand.Read(generation[:]) // never fails (crypto/rand)
	sum := sha256.Sum256([]byte(text))
	return head{
		generation: hex.EncodeToString(generation[:]),
		parts:      (len(text) + size - 1) / size,
		length:     len(text),
		sum:        hex.EncodeToString(sum[:]),
	}
}

func (h head) String() string {
	return fmt.Sprintf("%s%s %d %d %s", splitMarker, h.generation, h.parts, h.length, h.sum)
}

// parseHead reports whether an item is a head, and which.
func parseHead(item secret.Secret) (h head, split bool, err error) {
	text := item.Reveal()
	rest, split := strings.CutPrefix(text, splitMarker)
	if !split {
		return head{}, false, nil
	}
	_, err = fmt.Sscanf(rest, "%s %d %d %s", &h.generation, &h.parts, &h.length, &h.sum)
	if err != nil || h.String() != text || h.parts < 1 || h.parts > partsMost {
		return head{}, true, because(ErrDamaged, "its head is not one")
	}
	return h, true, nil
}

func (h head) key(account string, index int) string {
	return fmt.Sprintf("%s#%s#%d", account, h.generation, index)
}

// gather puts the parts together, or returns ErrNotFound when one is missing.
func (h head) gather(ctx context.Context, b Backend, account string) (secret.Secret, error) {
	var whole strings.Builder
	for i := range h.parts {
		part, err := b.Get(ctx, h.key(account, i))
		if err != nil {
			return secret.Secret{}, err
		}
		whole.WriteString(part.Reveal())
	}
	sum := sha256.Sum256([]byte(whole.String()))
	if whole.Len() != h.length || hex.EncodeToString(sum[:]) != h.sum {
		return secret.Secret{}, because(ErrDamaged, "its parts do not fit together")
	}
	return secret.New(whole.String()), nil
}

// remove takes the parts away as far as it gets: by now no head names them.
func (h head) remove(ctx context.Context, b Backend, account string) {
	ctx = context.WithoutCancel(ctx)
	for i := range h.parts {
		if err := b.Delete(ctx, h.key(account, i)); err != nil && !errors.Is(err, ErrNotFound) {
			return
		}
	}
}
