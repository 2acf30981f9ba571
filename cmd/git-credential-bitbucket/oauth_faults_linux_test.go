package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
	"git-credential-bitbucket/store/secret"
	"git-credential-bitbucket/store/storetest"
)

// A keyring that stalls, or is locked, after the refresh token was used: git gets its token
// in time; what arrives late, or the refresh token before, renews it next.
func TestRenewalIntoKeyring(t *testing.T) {
	path := os.Getenv("PATH")
	for _, c := range []struct {
		name string
		stop func(*storetest.GnomeKeyring, int) error
		mend func(int) error
	}{
		{"stalled", func(_ *storetest.GnomeKeyring, pid int) error { return syscall.Kill(pid, syscall.SIGSTOP) }, func(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }},
		{"locked", func(g *storetest.GnomeKeyring, _ int) error { return g.Lock() }, nil},
	} {
		t.Setenv("PATH", path)
		keyring := storetest.NewGnomeKeyring(t, storetest.KeyringOptions{})
		conn, err := keyring.Dial()
		if err != nil {
			t.Fatal(err)
		}
		var pid uint32
		if err := conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, "org.freedesktop.secrets").Store(&pid); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		o := newOffice(t, "")
		lookup := o.lookup
		o.lookup = func(name string) (string, bool) {
			if name == "DBUS_SESSION_BUS_ADDRESS" {
				return keyring.Address, true
			}
			return lookup(name)
		}
		a, err := o.keepGrant(t.Context(), store.Account{Name: "work", Backend: store.BackendKeyring, Kind: string(bitbucket.OAuthToken)}, o.state(), o.grant())
		if err != nil {
			t.Fatal(err)
		}
		o.later(a.Expires.Sub(o.clock) - time.Minute)
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o.types("fault late delay=1s times=1")
			stopped := make(chan error, 1)
			go func() {
				for o.asked() == 0 {
					time.Sleep(5 * time.Millisecond)
				}
				stopped <- c.stop(keyring, int(pid))
			}()
			began := time.Now()
			_, token, err := o.renew(t.Context(), a, false)
			took := time.Since(began)
			t.Logf("ended after %s", took.Round(time.Second/10))
			if stop := <-stopped; stop != nil || err != nil || token.IsZero() || took > 17*time.Second {
				t.Errorf("%s, %v, %v", took, stop, err)
			}
			if !strings.Contains(o.said(), "the one before works until ") {
				t.Errorf("said %q", o.said())
			}
			if c.mend == nil {
				return
			}
			if err := c.mend(int(pid)); err != nil {
				t.Fatal(err)
			}
			o.later(time.Minute)
			if _, token, err := o.renew(t.Context(), a, false); err != nil || token.IsZero() || token.Equal(secret.New(o.given.Access)) {
				t.Errorf("once it is mended: %v", err)
			}
		})
	}
}
