package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"

	"git-credential-bitbucket/store"
)

// records is where the machine's program keeps its accounts.
func (m *machine) records() string {
	m.Helper()
	p := &process{lookup: func(name string) (string, bool) {
		for _, line := range m.env {
			if value, ok := strings.CutPrefix(line, name+"="); ok {
				return value, true
			}
		}
		return "", false
	}}
	return p.configDir()
}

// A forget that is typed while a store is at work forgets what that stores. Neither
// may leave a token without a record, nor a record without a token.
func TestForgetWaitsForStore(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.keep(apiToken)
	dir := m.records()
	release, err := lockedfile.MutexAt(filepath.Join(dir, "accounts.lock")).Lock()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "writer.lock")); err != nil {
		t.Fatal(err)
	}
	begun := make(chan result, 2)
	go func() { begun <- m.run(accessToken.Reveal(), "store", "--token-stdin", "--account", "default") }()
	for start := time.Now(); time.Since(start) < 10*time.Second; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "writer.lock")); err == nil {
			break
		}
	}
	time.Sleep(100 * time.Millisecond) // from making the lock's file to holding it
	go func() { begun <- m.run("", "forget", "default") }()
	time.Sleep(500 * time.Millisecond)
	release()
	for range 2 {
		if r := <-begun; r.status != 0 {
			t.Errorf("%+v", r)
		}
	}
	for path, text := range m.files() {
		if filepath.Dir(path) == filepath.Join(dir, "secrets") && strings.HasSuffix(path, "default") || filepath.Base(path) == "accounts" && strings.Contains(text, "default") {
			t.Errorf("%s is left: %s", path, text)
		}
	}
}

// Who stores may wait for a person at the keyring. Others say so after a while; git is
// answered meanwhile.
func TestWritersWaitForEachOther(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.keep(apiToken)
	done, err := store.OpenAccounts(m.records()).Exclusive(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	m.wants("get", m.run(inAcme+"\n", "get"), answered(sentinel, apiToken), "", 0)
	const busy = "bitbucket: error: another git-credential-bitbucket is storing or forgetting; type the command again\n"
	results := make(chan result, 2)
	go func() { results <- m.run("", "forget", "--all") }()
	go func() { results <- m.run(apiToken.Reveal(), "store", "--token-stdin", "--no-verify") }()
	for range 2 {
		r := <-results
		m.wants("busy", r, "", busy, 1)
		if r.took < writerLimit || r.took > 2*writerLimit {
			t.Errorf("it took %v", r.took)
		}
	}
}
