//go:build unix

package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// soon fails the test where f takes longer than limit, and leaves f behind.
func soon(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		t.Errorf("it hangs")
	}
}

func pipe(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPipesAreNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	a, o, h := OpenAccounts(dir), OpenObservations(dir, nil, os.Getuid()), OpenHistory(dir)
	pipe(t, a.Path())
	pipe(t, filepath.Join(dir, tokenKey))
	pipe(t, filepath.Join(dir, claimFile("x")))
	pipe(t, h.path())
	event := Event{At: noon, What: EventServed}
	soon(t, 5*time.Second, func() {
		_, err := a.Read()
		for _, err := range []error{err, a.Update(put(Account{Name: "a"}))} {
			var record *RecordError
			if !errors.As(err, &record) || record.Path != a.Path() || !strings.HasSuffix(err.Error(), a.Path()+": not a regular file") {
				t.Errorf("accounts: %v", err)
			}
		}
		if o.Read(tokenKey) != nil || o.Known(tokenKey) || o.Append(tokenKey, event) == nil || !o.Claim("x", time.Minute, noon) {
			t.Error("a pipe is a log")
		}
		if _, err := h.Read(); err == nil || h.Append(Entry{What: "stored"}) == nil {
			t.Error("a pipe is a history")
		}
	})
	if err := errors.Join(os.Remove(a.Path()), os.Remove(a.Path()+".lock")); err != nil {
		t.Fatal(err)
	}
	pipe(t, a.Path()+".lock")
	soon(t, 5*time.Second, func() {
		if a.Update(put(Account{Name: "a"})) == nil {
			t.Error("a pipe is a lock")
		}
	})
}

// Who can open a lock's file can hold it for ever: another job of the same user, say.
func TestHeldLocksAreNotWaitedForLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, h := OpenAccounts(dir), OpenHistory(dir)
	var unlocks []func()
	for _, path := range []string{a.Path(), h.path()} {
		unlock, err := lockedfile.MutexAt(path + ".lock").Lock()
		if err != nil {
			t.Fatal(err)
		}
		unlocks = append(unlocks, unlock)
	}
	soon(t, time.Second, func() {
		if err := h.Append(Entry{What: "stored"}); !errors.Is(err, ErrBusy) {
			t.Errorf("history: %v", err)
		}
	})
	soon(t, 5*time.Second, func() {
		if err := a.Update(put(Account{Name: "a"})); !errors.Is(err, ErrBusy) || !strings.HasPrefix(err.Error(), a.Path()) {
			t.Errorf("accounts: %v", err)
		}
	})
	for _, unlock := range unlocks {
		unlock()
	}
	// Who gave up does not hold it when it comes at last.
	mustUpdate(t, a, put(Account{Name: "b"}))
	if err := h.Append(Entry{What: "stored"}); err != nil || len(mustBook(t, a).Accounts) != 1 {
		t.Errorf("%v", err)
	}
}

func TestExclusive(t *testing.T) {
	a := OpenAccounts(filepath.Join(t.TempDir(), "new"))
	unlock, err := a.Exclusive(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	mustUpdate(t, a, put(Account{Name: "a"})) // the accounts are free meanwhile
	if _, err := OpenAccounts(filepath.Dir(a.Path())).Exclusive(50 * time.Millisecond); !errors.Is(err, ErrBusy) {
		t.Errorf("twice: %v", err)
	}
	unlock()
	again, err := a.Exclusive(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	again()
	if _, err := OpenAccounts("").Exclusive(time.Second); err == nil {
		t.Error("without a folder")
	}
}

func TestUnreadableAccountsAreNamed(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		label string
		make  func(path string) error
		want  error
	}{
		{"a folder", func(path string) error { return os.Mkdir(path, 0o700) }, errNotRegular},
		{"a loop", func(path string) error { return os.Symlink(path, path) }, syscall.ELOOP},
		{"forbidden", func(path string) error { return os.WriteFile(path, nil, 0) }, os.ErrPermission},
	} {
		a := OpenAccounts(filepath.Join(dir, c.label))
		if err := errors.Join(os.Mkdir(filepath.Dir(a.Path()), 0o700), c.make(a.Path())); err != nil {
			t.Fatal(err)
		}
		_, err := a.Read()
		if c.label == "forbidden" && os.Geteuid() == 0 {
			continue // root may read it
		}
		var record *RecordError
		if !errors.As(err, &record) || record.Path != a.Path() || record.Line != 0 || !errors.Is(err, c.want) || strings.Count(err.Error(), a.Path()) != 1 {
			t.Errorf("%s: %v", c.label, err)
		}
	}
}
