package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"git-credential-bitbucket/bitbucket"
	"git-credential-bitbucket/store"
)

// inKeyring has an account whose token is recorded to be in the system's keyring.
func (m *machine) inKeyring() {
	m.Helper()
	accounts := store.OpenAccounts(filepath.Join(m.home, ".config", store.Service))
	err := accounts.Update(func(b *store.Book) error {
		b.Put(store.Account{Name: "default", Kind: string(bitbucket.APIToken), Backend: store.BackendKeyring, Fingerprint: apiToken.Fingerprint()})
		return nil
	})
	if err != nil {
		m.Fatal(err)
	}
}

func TestChecklistKeyring(t *testing.T) {
	t.Parallel()
	t.Run("34 an absent keyring: no answer, one line, nothing erased", func(t *testing.T) {
		m := newMachine(t)
		m.inKeyring()
		before := m.files()
		m.wants("get", m.run(inAcme, "get"), "", "bitbucket: error: the system's keyring is not to be had here", int(exitUnusable))
		after := m.files()
		for path, data := range before {
			if after[path] != data {
				t.Errorf("%s changed", path)
			}
		}
		// Locked, with and without a display: keyring.txtar, and the tests of store.
	})
	t.Run("35 a keyring that never answers is given up", func(t *testing.T) {
		m := newMachine(t)
		m.inKeyring()
		socket := filepath.Join(m.home, "bus")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
			}
		}()
		m.env = append(m.without("DBUS_SESSION_BUS_ADDRESS"), "DBUS_SESSION_BUS_ADDRESS=unix:path="+socket)
		r := m.run(inAcme, "get")
		if r.stdout != "" || r.status != int(exitUnusable) || !strings.Contains(r.stderr, "did not answer within 2s") {
			t.Errorf("%+v", r)
		}
		if r.took < time.Second || r.took > 10*time.Second {
			t.Errorf("it took %s", r.took)
		}
		// Nor do git's two other calls wait for it.
		m.wants("store", m.run(inAcme+"username="+sentinel+"\npassword="+apiToken.Reveal()+"\n", "store"), "", "", 0)
		m.wants("another host", m.run("protocol=https\nhost=example.com\n", "get"), "", "", 0)
	})
}
