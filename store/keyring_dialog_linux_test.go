package store_test

import (
	"testing"
	"time"

	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

// A locked keyring before a person: the real dialog, answered on a virtual display.
func TestKeyringDialog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, op  string
		text, key string
		kinds     []string
		value     string
	}{
		{name: "get, password typed", op: "get", text: storetest.Password, key: "Return", value: "stored before"},
		{name: "get, cancelled", op: "get", key: "Escape", kinds: []string{"refused"}},
		{name: "set, password typed", op: "set", text: storetest.Password, key: "Return"},
		{name: "set, cancelled", op: "set", key: "Escape", kinds: []string{"refused"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			display := storetest.NewDisplay(t)
			g := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{Display: display.Env})
			storeAndLock(t, g)
			b := open(t, store.BackendKeyring, store.Config{BusAddress: g.Address, Person: true})
			answered := make(chan error, 1)
			go func() { answered <- display.Answer(c.text, c.key) }()

			begun := time.Now()
			var err error
			if c.op == "set" {
				err = b.Set(t.Context(), "default", secret.New("stored now"))
			} else {
				var got secret.Secret
				if got, err = b.Get(t.Context(), "default"); got.Reveal() != c.value {
					t.Errorf("got %q, want %q", got.Reveal(), c.value)
				}
			}
			check(t, c.op, err, c.kinds, begun, 30*time.Second)
			if err := <-answered; err != nil {
				t.Error(err)
			}
		})
	}
}

// Given up on, the dialog stays; answered later, it unlocks the keyring.
func TestKeyringDialogAnsweredLate(t *testing.T) {
	t.Parallel()
	display := storetest.NewDisplay(t)
	g := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{Display: display.Env})
	storeAndLock(t, g)
	b := open(t, store.BackendKeyring, store.Config{BusAddress: g.Address, Person: true})
	ctx, cancel := timeout(t, 500*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err := b.Get(ctx, "default")
	check(t, "get", err, []string{"timeout"}, begun, 2*time.Second)

	if err := display.Answer(storetest.Password, "Return"); err != nil {
		t.Fatal(err)
	}
	alone := open(t, store.BackendKeyring, store.Config{BusAddress: g.Address})
	for range 100 {
		if _, err = alone.Get(t.Context(), "default"); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the keyring stays locked: %v", err)
}
